"""Texts and labels of a text file: a table of columns, or a text on each line."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator
from typing import Literal, NamedTuple

from textrep.core.messages import shown
from textrep.data.errors import DataError
from textrep.data.readers.columns import (
    SAMPLE_ROWS,
    Columns,
    LabelColumn,
    TextColumn,
    choose_columns,
)
from textrep.data.readers.further import FurtherColumns, asks_for_header, choose_further
from textrep.data.readers.lines import read_line_texts, read_lines, without_end
from textrep.data.readers.reading import Document, Reading, column_note, missing_label
from textrep.data.readers.source import Source
from textrep.data.readers.table import SPACE, TAB, Row, read_rows

_DELIMITERS = {"tab": TAB, "comma": ",", "semicolon": ";", "space": SPACE}

# From so many rows on, labels repeat.
_ENOUGH_ROWS = 20


def open_table(
    source: Source,
    *,
    encoding: str = "utf-8",
    text: TextColumn = None,
    label: LabelColumn = None,
    columns: FurtherColumns = None,
    delimiter: str | None = None,
    quoting: bool | None = None,
    header: bool | None = None,
) -> Reading:
    """Read a table with a text and a label in each row.

    Parameters
    ----------
    source : Source
        Text file.
    encoding : str, default="utf-8"
        See `read_lines`.
    text, label, header
        See `choose_columns`.
    columns : True, list of (str or int), or None, default=None
        Further columns; see `choose_further`.
    delimiter : {"tab", "comma", "semicolon", "space"} or None, default=None
        None finds it out.
    quoting : bool or None, default=None
        See `read_rows`.

    Returns
    -------
    Reading

    Raises
    ------
    DataError
        Now, or when a later row is reached: whatever `read_rows`, `choose_columns` and
        `choose_further` refuse, a header without rows, and a row without a label.
    """
    if delimiter is not None and delimiter not in _DELIMITERS:
        raise DataError(f"delimiter={shown(delimiter)}: expected one of {sorted(_DELIMITERS)}")
    mark = None if delimiter is None else _DELIMITERS[delimiter]
    rows = read_rows(source, mark, encoding, quoting)
    sample = list(itertools.islice(rows, SAMPLE_ROWS))
    if header is None and asks_for_header(columns):
        header = True
    chosen = choose_columns(sample, source.where, text=text, label=label, header=header)
    if chosen.header and len(sample) == 1:
        raise DataError(
            "the file holds a header but no rows", path=source.where, line=sample[0].line
        )
    first = sample[0]
    further = choose_further(columns, len(first.cells), chosen, source.where, first.line)
    body = itertools.chain(sample[1:] if chosen.header else sample, rows)
    documents = _documents(body, chosen, further.at, source)
    note = column_note(chosen)
    return Reading(documents, chosen.label is not None, (note,), further.names)


def open_lines(source: Source, *, encoding: str = "utf-8", blank: str = "skip") -> Reading:
    """Read a file with a text on each line.

    Parameters
    ----------
    source : Source
        Text file.
    encoding, blank
        See `read_line_texts`.

    Returns
    -------
    Reading
        Unlabelled.

    Raises
    ------
    DataError
        Now, or when a later line is reached: whatever `read_line_texts` refuses.
    """
    texts = read_line_texts(source, encoding, blank)
    first = next(texts)
    documents = ((text, None, ()) for text in itertools.chain([first], texts))
    return Reading(documents, False)


def open_aligned(source: Source, labels: Source, *, encoding: str = "utf-8") -> Reading:
    """Read two files, one with a text and one with a label on each line.

    Parameters
    ----------
    source, labels : Source
        Text files with equally many lines.
    encoding : str, default="utf-8"
        Of both; see `read_lines`.

    Returns
    -------
    Reading

    Raises
    ------
    DataError
        Now, or when a later line is reached: whatever `read_line_texts` refuses, a blank label, and
        files that have not equally many lines.
    """
    texts = read_line_texts(source, encoding, "keep")
    pairs = _pairs(texts, read_line_texts(labels, encoding, "keep"), source, labels)
    first = next(pairs)
    return Reading(itertools.chain([first], pairs), True)


def open_text(
    source: Source,
    *,
    encoding: str = "utf-8",
    text: TextColumn = None,
    label: LabelColumn = None,
    columns: FurtherColumns = None,
) -> Reading:
    """Read a text file whose name does not tell whether it is a table.

    Parameters
    ----------
    source : Source
        It is a table where `text`, `label` or further columns are named, and where each of its
        first lines has a tab and either more than two columns or, in one of the two, what looks
        like labels: values that are not nearly all different. Else each line is a text.
    encoding, text, label, columns
        See `open_table`.

    Returns
    -------
    Reading
        Its notes say how it was read, and why.

    Raises
    ------
    DataError
        As `open_table` and `open_lines`.
    """
    named = columns is not None and columns is not True
    # Compared by identity: the column 0 is equal to False.
    if named or text is not None or (label is not None and label is not False):
        return open_table(source, encoding=encoding, text=text, label=label, columns=columns)
    if label is False:
        return open_lines(source, encoding=encoding)
    why = _why_no_table(source, encoding)
    if why is None:
        return open_table(source, encoding=encoding, columns=columns, delimiter="tab")
    reading = open_lines(source, encoding=encoding)
    note = f"each line is a text, without labels, since {why}"
    return reading._replace(notes=(note,))


def _why_no_table(source: Source, encoding: str) -> str | None:
    """Why a text file is read by line, or None where it is a table."""
    lines = read_lines(source, encoding)
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    sample = list(itertools.islice(numbered, SAMPLE_ROWS))
    lines.close()
    if not sample:
        return "it is blank"
    for number, line in sample:
        if TAB not in line:
            return f"line {number} has no tab"
    rows = [without_end(line).split(TAB) for _, line in sample]
    if any(len(row) != 2 for row in rows) or len(rows) < _ENOUGH_ROWS:
        return None
    different = min(len({row[at].strip() for row in rows}) for at in (0, 1))
    if different * 2 > len(rows):
        return "neither side of the tab repeats as labels do (name text and label to read a table)"
    return None


def _documents(
    rows: Iterator[Row], columns: Columns, further: tuple[int, ...], source: Source
) -> Generator[Document, None, None]:
    text, label, more = columns.text, columns.label, columns.more
    name = None if label is None else columns.name(label)
    values: tuple[str, ...] = ()
    for line, cells in rows:
        words = cells[text]
        if more:
            words = "\n".join((words, *(cells[at] for at in more)))
        if further:
            values = tuple([cells[at] for at in further])
        if label is None:
            yield words, None, values
        elif kind := cells[label].strip():
            yield words, kind, values
        else:
            raise missing_label(source.where, line=line, column=name)


class _End(NamedTuple):
    """What stands for the lines that one of two files lacks."""

    kind: Literal["end"] = "end"


def _pairs(
    texts: Iterator[str], labels: Iterator[str], source: Source, other: Source
) -> Iterator[Document]:
    pairs = itertools.zip_longest(texts, labels, fillvalue=_End())
    for number, (text, label) in enumerate(pairs, start=1):
        if isinstance(text, _End) or isinstance(label, _End):
            short, long = (source, other) if isinstance(text, _End) else (other, source)
            raise DataError(
                f"{number - 1:,} lines, fewer than {long.where.name}, which belongs to it line by "
                "line; get both again",
                path=short.where,
                line=number,
            )
        kind = label.strip()
        if not kind:
            raise missing_label(other.where, line=number)
        yield text, kind, ()
