"""Document vectors as files: numpy, a table of numbers, or Parquet, written as they come."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = (".npy", ".csv", ".tsv", ".parquet")

Write = Callable[["np.ndarray"], None]


class VectorOutputError(ValueError):
    """Vectors cannot be written to a file of that name; says how to put it right."""


def check_suffix(path: Path) -> None:
    """Refuse a name that does not say in which format to write, or a format that cannot be had.

    Parameters
    ----------
    path : Path
        Of the file to write.

    Raises
    ------
    VectorOutputError

    Examples
    --------
    >>> check_suffix(Path("vectors.doc"))
    Traceback (most recent call last):
    ...
    textrep.cli.vector_files.VectorOutputError: end the name in .npy, .csv, .tsv or .parquet
    """
    if path.suffix.lower() not in SUFFIXES:
        raise VectorOutputError(f"end the name in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    if path.suffix.lower() == ".parquet":
        _parquet()


@contextlib.contextmanager
def writing_vectors(path: Path, names: list[str]) -> Iterator[Write]:
    """A function that adds rows to a file, which takes its place when all are written.

    Parameters
    ----------
    path : Path
        Its suffix, one of `SUFFIXES`, says the format.
    names : list of str, dim long
        Of the columns, for tables.

    Yields
    ------
    callable
        Takes float32 (n, dim).

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    from textrep.core.files import atomic_write

    suffix = path.suffix.lower()
    kinds = {".npy": _npy_rows, ".parquet": _parquet_rows}
    rows = kinds.get(suffix, _table_rows("\t" if suffix == ".tsv" else ","))
    with atomic_write(path) as file, rows(file, names) as write:
        yield write


def table_row(values: Any, separator: str = ",") -> bytes:
    """A line of a table: the fewest digits from which the same float32 are read again.

    Parameters
    ----------
    values : float32 ndarray (dim,), or list of str
    separator : str, default=","

    Returns
    -------
    bytes

    Examples
    --------
    >>> import numpy as np
    >>> table_row(np.array([0.1, -2], dtype=np.float32))
    b'0.1,-2.0\\n'
    """
    line = io.StringIO()
    csv.writer(line, delimiter=separator, lineterminator="\n").writerow(map(str, values))
    return line.getvalue().encode()


def _table_rows(separator: str) -> Callable[..., Any]:
    @contextlib.contextmanager
    def rows(file: BinaryIO, names: list[str]) -> Iterator[Write]:
        file.write(table_row(names, separator))

        def write(vectors: np.ndarray) -> None:
            file.write(b"".join(table_row(row, separator) for row in vectors))

        yield write

    return rows


@contextlib.contextmanager
def _npy_rows(file: BinaryIO, names: list[str]) -> Iterator[Write]:
    from numpy.lib.format import write_array_header_1_0

    def header(n_rows: int) -> None:
        # numpy leaves room in it for any number of rows.
        shape = (n_rows, len(names))
        write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})

    count = 0

    def write(vectors: np.ndarray) -> None:
        nonlocal count
        file.write(vectors.astype("<f4", order="C", copy=False).tobytes())
        count += len(vectors)

    header(0)
    yield write
    file.seek(0)
    header(count)


@contextlib.contextmanager
def _parquet_rows(file: BinaryIO, names: list[str]) -> Iterator[Write]:
    pa, pq = _parquet()
    schema = pa.schema([(name, pa.float32()) for name in names])
    with pq.ParquetWriter(file, schema) as writer:

        def write(vectors: np.ndarray) -> None:
            columns = [pa.array(column) for column in vectors.T]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))

        yield write


def _parquet() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise VectorOutputError(
            "Parquet is written by pyarrow, which is not installed: pip install "
            "'textrep[parquet]'; or end the name in .npy"
        ) from None
    return pyarrow, pyarrow.parquet
