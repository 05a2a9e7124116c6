"""Files mapped into memory, and rows of float32 that are read from them when asked for."""

from __future__ import annotations

import contextlib
import gzip
import mmap
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import numpy as np

from textrep.core.files import atomic_write, special_kind
from textrep.core.swelling import SwellingError, Unpacking
from textrep.embeddings.formats.errors import VectorFileError

GZIP_MAGIC = b"\x1f\x8b"

_COPIED_BYTES = 2**20

FLOAT = np.dtype("<f4")
"""Values as all binary formats hold them."""


def open_plain(path: Path) -> BinaryIO:
    """Open a file for reading, unless it is a pipe or a device, which may never end.

    Parameters
    ----------
    path : Path

    Returns
    -------
    binary file
    """
    kind = special_kind(path.stat().st_mode)
    if kind is not None and not path.is_dir():  # opening a folder raises an error of its own
        raise VectorFileError(f"it is {kind}, not a file", path=path)
    return path.open("rb")


@contextlib.contextmanager
def open_unpacked(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading, decompressed where it is gzip.

    Parameters
    ----------
    path : Path

    Yields
    ------
    binary file

    Raises
    ------
    VectorFileError
        Also when damage shows while the file is read inside the block, or more comes out of it than
        any words and numbers would: see `textrep.core.swelling`.
    """
    with open_plain(path) as file:
        packed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        if not packed:
            yield file
            return
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield cast(IO[bytes], Unpacking(unpacked, file))
        except SwellingError as error:
            raise VectorFileError(str(error), path=path) from None
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise VectorFileError(f"the gzip file is damaged ({error})", path=path) from error


@contextlib.contextmanager
def open_target(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes its place when all of it is written.

    Parameters
    ----------
    path : Path
        The file to make or replace, compressed where its name ends in ``.gz``.

    Yields
    ------
    binary file
    """
    with atomic_write(path) as file:
        if path.suffix != ".gz":
            yield file
            return
        # Without name and date: the same vectors give the same bytes.
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
            yield cast(IO[bytes], packed)


def mapped(path: Path) -> mmap.mmap:
    """A file's bytes, mapped into memory.

    A gzip file is decompressed to a temporary file, which is gone when it is no longer used.

    Parameters
    ----------
    path : Path

    Returns
    -------
    mmap.mmap
        Read-only.
    """
    with open_plain(path) as file:
        if file.read(2) != GZIP_MAGIC:
            return _map(file, path)
    with open_unpacked(path) as source, tempfile.TemporaryFile() as unpacked:
        shutil.copyfileobj(source, unpacked, _COPIED_BYTES)
        unpacked.flush()
        return _map(unpacked, path)


def _map(file: Any, path: Path) -> mmap.mmap:
    if os.fstat(file.fileno()).st_size == 0:
        raise VectorFileError("the file is empty", path=path)
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


class RowsOnDisk:
    """float32 rows at any places of a mapped file, read when asked for.

    Works as the `matrix` of `WordVectors`. Pickled, it becomes an array in memory.

    Parameters
    ----------
    data : mmap.mmap
        The file.
    places : int64 ndarray (n_rows,)
        Where each row begins, in bytes.
    n_columns : int
    path : Path
        For messages.

    Attributes
    ----------
    shape : (int, int)
    dtype : numpy.dtype
        float32.

    Examples
    --------
    >>> data = mmap.mmap(-1, 20)
    >>> _ = data.write(b"a " + np.array([1, 2], dtype="<f4").tobytes())
    >>> rows = RowsOnDisk(data, np.array([2]), 2, Path("a.bin"))
    >>> rows.shape, rows[[0, 0]]
    ((1, 2), array([[1., 2.], [1., 2.]], dtype=float32))
    """

    dtype = np.dtype(np.float32)
    ndim = 2

    def __init__(self, data: mmap.mmap, places: np.ndarray, n_columns: int, path: Path) -> None:
        self.shape = (len(places), n_columns)
        self._places = places
        self._path = path
        width = n_columns * FLOAT.itemsize
        bytes_ = np.frombuffer(data, dtype=np.uint8)
        # A window at each byte of the file; it costs nothing until rows are taken out of it.
        self._windows = (
            np.lib.stride_tricks.sliding_window_view(bytes_, width)
            if len(bytes_) >= width
            else np.empty((0, width), dtype=np.uint8)
        )

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        places = self._places[rows]
        values = self._windows[places].view(FLOAT).astype(np.float32, copy=False)
        bad = ~np.isfinite(values).all(axis=-1)
        if bad.any():
            place = int(np.atleast_1d(places)[np.flatnonzero(bad)[0]])
            raise VectorFileError(
                "the vector here has NaN or infinite values", path=self._path, byte=place
            )
        return values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return np.array, (self[:],)

    def __copy__(self) -> RowsOnDisk:
        return self

    def __deepcopy__(self, memo: Any) -> RowsOnDisk:
        return self  # read-only
