"""Rows of a table in a text file with the line each starts on."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from textrep.data.errors import DataError
from textrep.data.readers.lines import MAX_LINE, read_lines, without_end
from textrep.data.readers.source import Source, file_source

TAB = "\t"
SPACE = " "


class Row(NamedTuple):
    """Cells of one row and the line of the file on which it starts, counted from 1."""

    line: int
    cells: list[str]


def read_rows(
    source: Path | Source,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    quoting: bool | None = None,
) -> Generator[Row, None, None]:
    r"""Read a table row by row.

    Parameters
    ----------
    source : Path or Source
        Text file.
    delimiter : str or None, default=None
        One character; a space separates only the first word of a line from the rest. None finds it
        out from the suffix and the first line.
    encoding : str, default="utf-8"
        See `read_lines`.
    quoting : bool or None, default=None
        Whether a cell in quotes may hold delimiters, line ends and quotes written twice (RFC 4180).
        Where not, every line is a row and quotes are characters like others. None is False for tabs
        and spaces and True for anything else.

    Yields
    ------
    Row
        Blank lines are passed over. All rows have as many cells as the first.

    Raises
    ------
    DataError
        For a row with more or fewer cells than the first or of more than 128 Mi characters, a quote
        that is never closed or stands inside a cell, and whatever `read_lines` refuses.
    """
    source = source if isinstance(source, Source) else file_source(source)
    lines: Iterator[str] = read_lines(source, encoding)
    if delimiter is None:
        first = next(lines)
        delimiter = find_delimiter(source, first)
        lines = itertools.chain([first], lines)
    if quoting is None:
        quoting = delimiter not in (TAB, SPACE)
    quoted = quoting and delimiter != SPACE
    rows = _csv_rows(lines, delimiter, source.where) if quoted else _plain_rows(lines, delimiter)
    width = 0
    for row in rows:
        if len(row.cells) != width:
            if width:
                raise _ragged(row, width, delimiter, quoted, source.where)
            width = len(row.cells)
        yield row
    if not width:
        raise DataError("the file holds no rows, only blank lines", path=source.where)


def find_delimiter(source: Source, first: str) -> str:
    """Tell the delimiter of a table from its suffix and first line.

    Parameters
    ----------
    source : Source
        ``.tsv`` and ``.tab`` are separated by tabs; ``.csv`` by commas, or by semicolons or tabs
        where the first line has no comma; any other suffix must have a tab in its first line.
    first : str
        The first line.

    Returns
    -------
    str
        One character.

    Raises
    ------
    DataError
        When a file with another suffix has no tab in its first line.
    """
    if source.suffix in (".tsv", ".tab"):
        return TAB
    if source.suffix == ".csv":
        outside_quotes = "".join(first.split('"')[::2])
        return next((mark for mark in ",;\t" if mark in outside_quotes), ",")
    if TAB not in first:
        raise DataError(
            "its first line has no tab; expected a .csv or .tsv file, or text and label separated "
            "by a tab",
            path=source.where,
            line=1,
        )
    return TAB


def _plain_rows(lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    cuts = 1 if delimiter == SPACE else -1
    for number, line in enumerate(lines, start=1):
        line = without_end(line)
        if (delimiter in line and delimiter != SPACE) or line.strip():
            yield Row(number, line.split(delimiter, cuts))


class _Limit:
    """Counts the characters of one row, so that a quote that is never closed cannot eat it all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start = 1
        self.size = 0

    def watch(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            self.size += len(line)
            if self.size > MAX_LINE:
                raise DataError(
                    f"the row that starts here has more than {MAX_LINE:,} characters; it may open "
                    "a quote that is never closed",
                    path=self.path,
                    line=self.start,
                )
            yield line


def _csv_rows(lines: Iterable[str], delimiter: str, path: Path) -> Iterator[Row]:
    # A limit of the whole process, so it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), 2 * MAX_LINE))
    limit = _Limit(path)
    reader = csv.reader(limit.watch(lines), delimiter=delimiter, strict=True)
    while True:
        limit.start = start = reader.line_num + 1
        limit.size = 0
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


def _ragged(row: Row, width: int, delimiter: str, quoted: bool, path: Path) -> DataError:
    if quoted:
        # Too few cells: the rest of the row is on the next line.
        inside = "a line end" if len(row.cells) < width else repr(delimiter)
        advice = f'put quotes (") around a text that holds {inside}'
    elif delimiter == SPACE:
        advice = "each line must be a label, a space and the text"
    else:
        advice = "a text must not hold tabs or line ends"
    return DataError(
        f"{len(row.cells)} column{'s' * (len(row.cells) > 1)} where the first row has {width}; "
        f"{advice}",
        path=path,
        line=row.line,
        column=min(len(row.cells), width) + 1,
    )
