"""Rows of a comma- or tab-separated file with the line each starts on."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from textrep.data.errors import DataError
from textrep.data.readers.lines import read_lines

TAB = "\t"
# csv refuses longer cells than 128 KiB unless told otherwise; whole books are fair documents.
_MAX_CELL = 1 << 30


class Row(NamedTuple):
    """Cells of one row and the line of the file on which it starts, counted from 1."""

    line: int
    cells: list[str]


def read_rows(path: Path, delimiter: str | None = None, encoding: str = "utf-8") -> Iterator[Row]:
    r"""Read a table row by row.

    Parameters
    ----------
    path : Path
        Text file. Commas, semicolons: with the quoting of RFC 4180, so that a quoted cell may hold
        line ends. Tabs: without quoting, every line is a row.
    delimiter : str or None, default=None
        None finds it out from the suffix and the first line.
    encoding : str, default="utf-8"
        See `read_lines`.

    Yields
    ------
    Row
        Blank lines are passed over. All rows have as many cells as the first.

    Raises
    ------
    DataError
        For a row with more or fewer cells than the first, a quote that is never closed or stands
        inside a cell, and whatever `read_lines` refuses.
    """
    delimiter = delimiter or find_delimiter(path, encoding)
    lines = read_lines(path, encoding)
    rows = _tab_rows(lines) if delimiter == TAB else _csv_rows(lines, delimiter, path)
    width = 0
    for row in rows:
        width = width or len(row.cells)
        if len(row.cells) != width:
            raise DataError(
                f"{len(row.cells)} columns where the first row has {width}"
                + _ragged_advice(delimiter),
                path=path,
                line=row.line,
                column=min(len(row.cells), width) + 1,
            )
        yield row
    if not width:
        raise DataError("the file holds no rows, only blank lines", path=path)


def find_delimiter(path: Path, encoding: str = "utf-8") -> str:
    """Tell the delimiter of a table from its suffix and first line.

    Parameters
    ----------
    path : Path
        ``.tsv`` is separated by tabs; ``.csv`` by commas, or by semicolons or tabs where the first
        line has no comma; any other suffix must have a tab in its first line.
    encoding : str, default="utf-8"
        See `read_lines`.

    Returns
    -------
    str
        One character.

    Raises
    ------
    DataError
        When a file with another suffix has no tab in its first line.
    """
    suffix = path.suffix.lower()
    if suffix == ".tsv":
        return TAB
    with contextlib.closing(read_lines(path, encoding)) as lines:
        first = next(lines)
    if suffix == ".csv":
        outside_quotes = "".join(first.split('"')[::2])
        return next((mark for mark in ",;\t" if mark in outside_quotes), ",")
    if TAB not in first:
        raise DataError(
            "its first line has no tab; expected a .csv or .tsv file, or text and label separated "
            "by a tab",
            path=path,
            line=1,
        )
    return TAB


def _tab_rows(lines: Iterator[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        line = line.removesuffix("\n").removesuffix("\r")
        if TAB in line or line.strip():
            yield Row(number, line.split(TAB))


def _csv_rows(lines: Iterator[str], delimiter: str, path: Path) -> Iterator[Row]:
    # A limit of the whole process, so it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_CELL))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(_csv_fault(error), path=path, line=start) from error
        if len(cells) > 1 or "".join(cells).strip():
            yield Row(start, cells)


def _csv_fault(error: csv.Error) -> str:
    fault = str(error)
    if "unexpected end of data" in fault:
        return "the row that starts here opens a quote that is never closed"
    if "expected after" in fault:
        return 'a quote inside a quoted cell; write it twice ("")'
    if "new-line character" in fault:
        return "a carriage return inside a row; save the file with \\n or \\r\\n line ends"
    return fault


def _ragged_advice(delimiter: str) -> str:
    if delimiter == TAB:
        return "; a text must not hold tabs or line ends"
    return f'; put quotes (") around a text that holds {delimiter!r}'
