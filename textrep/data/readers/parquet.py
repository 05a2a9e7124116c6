"""Parquet: the columns of texts and labels, batch by batch, read by pyarrow."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from textrep.data.errors import DataError
from textrep.data.readers.columns import SAMPLE_ROWS, LabelColumn, TextColumn, choose_columns
from textrep.data.readers.further import FurtherColumns, choose_further
from textrep.data.readers.reading import (
    Document,
    Reading,
    column_note,
    label_of,
    text_of,
    value_of,
)
from textrep.data.readers.source import Source
from textrep.data.readers.table import Row

# What a batch should take when it is decoded, and the rows that it has at most.
_BATCH_BYTES = 1 << 24
_BATCH_ROWS = 10_000
# A column of a row group is read through a window of this size.
_WINDOW = 1 << 20


class _Record(NamedTuple):
    """Values of the wanted columns of a row, which is counted from 1."""

    row: int
    values: tuple[Any, ...]


def open_parquet(
    source: Source,
    *,
    text: TextColumn = None,
    label: LabelColumn = None,
    columns: FurtherColumns = None,
) -> Reading:
    """Read a Parquet file.

    Parameters
    ----------
    source : Source
        Parquet. In an archive or compressed, where nothing but reading from the start is quick, a
        row group is held in memory at a time; else a batch of rows.
    text, label
        Columns; see `choose_columns`. Labels may be numbers, which become strings.
    columns : True, list of (str or int), or None, default=None
        Further columns; see `choose_further`.

    Returns
    -------
    Reading

    Raises
    ------
    DataError
        Now, or when a later row is reached: without pyarrow, for a file that is no Parquet or
        damaged, a missing column, a text that is no string, a label that is missing, and a value
        of a further column that has parts.
    """
    # Unlike lines, columns must be known before anything is read: so it is opened twice.
    names = _names(source)
    if not names:
        raise DataError("the table has no columns", path=source.where)
    if len(names) == 1 and text is None:
        text = 0
    header = Row(1, names)
    # Values are looked at only where two columns have unusual names.
    sample = [header, *_sample(source)] if len(names) == 2 else [header]
    chosen = choose_columns(sample, source.where, text=text, label=label, header=True)
    further = choose_further(columns, len(names), chosen, source.where, None)
    texts = (chosen.text, *chosen.more)
    label_at = () if chosen.label is None else (chosen.label,)
    records = _records(source, [*texts, *label_at, *further.at])
    first = next(records, None)
    if first is None:
        raise DataError("the table has no rows", path=source.where)
    documents = _documents(
        itertools.chain([first], records),
        [names[at] for at in texts],
        None if chosen.label is None else names[chosen.label],
        further.names,
        columns is not True,
        source.where,
    )
    note = column_note(chosen).removesuffix(", with a header")
    return Reading(documents, chosen.label is not None, (note,), further.names)


def _documents(
    records: Iterator[_Record],
    texts: list[str],
    label: str | None,
    further: tuple[str, ...],
    named: bool,
    path: Path,
) -> Iterator[Document]:
    start = len(texts) + (label is not None)
    for row, values in records:
        words = [
            text_of(value, path, row=row, column=name)
            for name, value in zip(texts, values, strict=False)
        ]
        text = words[0] if len(words) == 1 else "\n".join(words)
        rest = tuple(
            [
                value_of(value, path, named, row=row, column=name)
                for name, value in zip(further, values[start:], strict=True)
            ]
        )
        if label is None:
            yield text, None, rest
        else:
            yield text, label_of(values[len(texts)], path, row=row, column=label), rest


def _sample(source: Source) -> list[Row]:
    records = itertools.islice(_records(source, [0, 1]), SAMPLE_ROWS)
    return [Row(row, [str(value) for value in values]) for row, values in records]


def _names(source: Source) -> list[str]:
    with _parquet(source) as file:
        return list(map(str, file.schema_arrow.names))


def _records(source: Source, wanted: list[int]) -> Iterator[_Record]:
    row = 0
    with _parquet(source) as file:
        schema = file.schema_arrow
        names = list(dict.fromkeys(schema.names[at] for at in wanted))
        for group in range(file.num_row_groups):
            for batch in file.iter_batches(
                batch_size=_batch_rows(file.metadata.row_group(group)),
                row_groups=[group],
                columns=names,
                use_threads=False,
            ):
                columns = [
                    _values(column, source.where, row, schema.names[at])
                    for at, column in _columns(batch, schema.names, wanted)
                ]
                for values in zip(*columns, strict=True):
                    row += 1
                    yield _Record(row, values)


def _columns(batch: Any, names: list[str], wanted: list[int]) -> Iterator[tuple[int, Any]]:
    """Columns of a batch, which has those of the wanted names: two where two have one name."""
    for at in wanted:
        same = [i for i, name in enumerate(batch.schema.names) if name == names[at]]
        yield at, batch.column(same[names[:at].count(names[at])])


def _batch_rows(group: Any) -> int:
    size = max(1, group.total_byte_size // max(1, group.num_rows))
    return max(1, min(_BATCH_ROWS, _BATCH_BYTES // size))


def _values(column: Any, path: Path, row: int, name: str) -> list[Any]:
    try:
        return column.to_pylist()
    except UnicodeDecodeError:
        pass
    for at, value in enumerate(column, start=row + 1):
        try:
            value.as_py()
        except UnicodeDecodeError as error:
            raise DataError(
                f"byte 0x{error.object[error.start]:02x} is not valid utf-8",
                path=path,
                row=at,
                column=name,
            ) from None
    raise DataError("not valid utf-8", path=path, column=name)


@contextlib.contextmanager
def _parquet(source: Source) -> Iterator[Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise DataError(
            "Parquet is read by pyarrow, which is not installed: pip install pyarrow",
            path=source.where,
        ) from None
    with source.open() as file:
        try:
            # Backwards is slow or impossible where a decompressor stands between, so there a row
            # group is fetched in one go.
            near = bool(source.parts) or source.is_compressed
            with parquet.ParquetFile(
                file, pre_buffer=near, buffer_size=0 if near else _WINDOW
            ) as table:
                yield table
        except (pyarrow.ArrowException, ValueError) as error:
            if isinstance(error, DataError | UnicodeDecodeError):
                raise
            fault = str(error).partition("\n")[0]
            raise DataError(
                f"not sound Parquet: {fault}; get it again", path=source.where
            ) from error
