"""Which column of a table holds the texts, which the labels, and whether it has a header."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from textrep.core.messages import shown
from textrep.data.errors import DataError
from textrep.data.readers.table import Row

# Headers under which published data sets keep the two, in the order of preference.
TEXT_NAMES = (
    *("text", "texts", "document", "review", "sentence", "content", "message", "comment", "body"),
    *("tweet", "utterance", "question", "headline", "abstract", "description", "title"),
)
LABEL_NAMES = (
    *("label", "labels", "class", "category", "target", "sentiment", "topic", "intent", "emotion"),
    *("polarity", "stars", "rating", "y"),
)

# Rows that are looked at to tell texts from labels and a header from data.
SAMPLE_ROWS = 1000

# More digits are no position in any table, and Python refuses to convert thousands of them.
_MAX_DIGITS = 9
# Headers that a message repeats.
_MAX_LISTED = 20


# How a caller names columns: header or position; False is a label that is not wanted.
TextColumn = str | int | Sequence[str | int] | None
LabelColumn = str | int | Literal[False] | None


class Columns(NamedTuple):
    """Positions of the columns, counted from 0, and the header or None.

    `label` is None where the texts have none; `more` are columns whose texts follow that of `text`.
    """

    text: int
    label: int | None
    header: tuple[str, ...] | None
    more: tuple[int, ...] = ()

    def name(self, position: int) -> str | int:
        """Header of a column, or its number counted from 1, for messages."""
        return self.header[position] if self.header else position + 1


def choose_columns(
    sample: Sequence[Row],
    path: Path,
    *,
    text: TextColumn = None,
    label: LabelColumn = None,
    header: bool | None = None,
) -> Columns:
    """Decide on the columns from the first rows of a table.

    Parameters
    ----------
    sample : sequence of Row, at least one
        The first rows, all of one width.
    path : Path
        For messages.
    text : str, int, list of them or None, default=None
        Header of the column or its position counted from 0; of several, the texts are joined. None
        looks for a usual header, such as ``text``.
    label : str, int, False or None, default=None
        Likewise; False reads no labels. None looks for a usual header, such as ``label``; in a
        table of two columns without one, the labels are in the column with fewer different values;
        in a table of one column that `text` or a usual header tells to hold texts, there are none.
    header : bool or None, default=None
        Whether the first row is a header. None takes it for one when a column is asked for by name,
        when it holds a usual header, or when its label stands in no other row while every other
        label is repeated.

    Returns
    -------
    Columns

    Raises
    ------
    DataError
        When a column is missing, or nothing tells which one is meant.

    Examples
    --------
    >>> rows = [Row(1, ["ham", "hello"]), Row(2, ["spam", "win!"]), Row(3, ["ham", "bye"])]
    >>> choose_columns(rows, Path("sms.tsv"))
    Columns(text=1, label=0, header=None, more=())
    """
    line = sample[0].line
    first = tuple(cell.strip() for cell in sample[0].cells)
    asked = _several(text)
    wanted = None if label is False else position_of(label, "label")
    lowered = [cell.lower() for cell in first]
    usual = (*TEXT_NAMES, *LABEL_NAMES)
    if header is None and (
        any(isinstance(column, str) for column in (*asked, wanted))
        or any(name in lowered for name in usual)
    ):
        header = True
    if len(first) == 1 and wanted is None and (asked or lowered[0] in TEXT_NAMES):
        label = False  # a column of texts and no other
    elif len(first) == 1 and label is not False:
        raise DataError(
            "one column only; a text and a label are needed (is the delimiter a comma in .csv and "
            "a tab in .tsv?); text=0 reads it as texts without labels",
            path=path,
            line=line,
        )

    names = first if header else None
    found = [find_column(column, "text", names, len(first), path, line) for column in asked]
    if len(set(found)) < len(found):
        raise DataError(f"text={shown(text)}: a column is named twice", path=path, line=line)
    label_at = None
    if wanted is not None:
        label_at = find_column(wanted, "label", names, len(first), path, line)
    text_at = found[0] if found else None
    if text_at is None and header:
        text_at = _usual("text", TEXT_NAMES, lowered, label_at, path, line)
    if label is False:
        text_at = _only_text(sample, first, path, text_at)
    else:
        if label_at is None and header:
            label_at = _usual("label", LABEL_NAMES, lowered, text_at, path, line)
        text_at, label_at = _complete(sample, first, path, text_at, label_at)
    more = tuple(found[1:])
    if label_at in (text_at, *more):
        raise DataError(
            f"text and label are both column {shown(first[label_at])}; name two different ones",
            path=path,
        )
    if header is None and label_at is not None and _looks_like_header(sample, label_at):
        header = True
    return Columns(text_at, label_at, first if header else None, more)


def _several(text: TextColumn) -> list[str | int]:
    """The columns of texts that were asked for; empty where that is to be found out."""
    given = text if isinstance(text, list | tuple) else [text]
    if not given:
        raise DataError("text=[]: expected at least one column")
    columns = [position_of(column, "text") for column in given]
    if None in columns and len(columns) > 1:
        raise DataError(f"text={shown(text)}: None is no column")
    return [column for column in columns if column is not None]


def position_of(column: Any, role: str) -> str | int | None:
    """Check how a caller names a column.

    Parameters
    ----------
    column : object
        Of any type.
    role : str
        What messages call the argument.

    Returns
    -------
    str, int or None
        A command line has only strings, so digits are a position too.

    Raises
    ------
    DataError
        When it is neither a header, nor a position, nor None.

    Examples
    --------
    >>> position_of("price", "text"), position_of("3", "text")
    ('price', 3)
    """
    if column is None:
        return None
    if isinstance(column, bool) or not isinstance(column, str | int):
        raise DataError(f"{role}={shown(column)}: expected the header of a column or its position")
    if column == "":
        # A header can have empty names, but nobody can tell which of them is meant.
        raise DataError(f"{role}='': empty; give the header of a column or its position from 0")
    if isinstance(column, str) and column.isdecimal() and len(column) <= _MAX_DIGITS:
        return int(column)
    return column


def find_column(
    column: str | int,
    role: str,
    names: tuple[str, ...] | None,
    width: int,
    path: Path,
    line: int | None,
) -> int:
    """Find a column of a table.

    Parameters
    ----------
    column : str or int
        As `position_of` gives it.
    role : str
        What messages call the argument.
    names : tuple of str or None
        The header.
    width : int
        Number of columns.
    path : Path
        For messages.
    line : int or None
        Of the first row, for messages.

    Returns
    -------
    int
        Counted from 0.

    Raises
    ------
    DataError
        When there is no such column, or several have that header.

    Examples
    --------
    >>> find_column("price", "columns", ("text", "price"), 2, Path("t.csv"), 1)
    1
    """
    if isinstance(column, int):
        if not 0 <= column < width:
            raise DataError(
                f"{role}={column}: the table has columns 0 to {width - 1}", path=path, line=line
            )
        return column
    if names is None or column not in names:
        have = f"has {listed(names)}" if names else "has no header; give a position"
        raise DataError(
            f"{role}={shown(column)}: no such column; the table {have}", path=path, line=line
        )
    same = [at for at, name in enumerate(names) if name == column]
    _check_alone(same, names, role, path, line)
    return same[0]


def _check_alone(
    same: Sequence[int], names: Sequence[str], role: str, path: Path, line: int | None
) -> None:
    """Refuse to pick one of several columns that have the same name."""
    if len(same) > 1:
        raise DataError(
            f"columns {', '.join(map(str, same))} have the header {shown(names[same[0]])}; say "
            f"which is meant by its position, {role}={same[0]} or {role}={same[1]} (--{role} on "
            "the command line)",
            path=path,
            line=line,
        )


def listed(names: Sequence[str]) -> str:
    """Headers as a message repeats them.

    Parameters
    ----------
    names : sequence of str
        Of a table.

    Returns
    -------
    str
        The first 20, and how many more there are.

    Examples
    --------
    >>> listed(("text", "label"))
    "'text', 'label'"
    """
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(map(shown, names[:_MAX_LISTED])) + more


def _usual(
    role: str,
    usual: Sequence[str],
    lowered: Sequence[str],
    taken: int | None,
    path: Path,
    line: int,
) -> int | None:
    for name in usual:
        same = [at for at, header in enumerate(lowered) if header == name and at != taken]
        if same:
            _check_alone(same, lowered, role, path, line)
            return same[0]
    return None


def _complete(
    sample: Sequence[Row],
    first: tuple[str, ...],
    path: Path,
    text: int | None,
    label: int | None,
) -> tuple[int, int]:
    """Fill in what is not known yet; only two columns leave no doubt."""
    if text is not None and label is not None:
        return text, label
    if len(first) == 2:
        if text is None and label is None:
            label = _column_of_labels(sample, path)
        if text is None and label is not None:
            return 1 - label, label
        if text is not None:
            return text, 1 - text
    missing = " and the ".join(
        role for role, at in (("text", text), ("label", label)) if at is None
    )
    raise DataError(
        f"nothing tells which column is the {missing}; say it with text and label (--text and "
        f"--label on the command line; label=False for texts alone); the first row holds "
        f"{listed(first)}",
        path=path,
        line=sample[0].line,
    )


def _only_text(sample: Sequence[Row], first: tuple[str, ...], path: Path, text: int | None) -> int:
    """Column of the texts where labels are not wanted."""
    if text is not None:
        return text
    if len(first) == 1:
        return 0
    if len(first) == 2:
        return 1 - _column_of_labels(sample, path)
    raise DataError(
        f"nothing tells which column is the text; say it with text (--text on the command line); "
        f"the first row holds {listed(first)}",
        path=path,
        line=sample[0].line,
    )


def _column_of_labels(sample: Sequence[Row], path: Path) -> int:
    # Fewer different values, and when neither column repeats one, the shorter ones.
    weight = [
        (len({row.cells[at] for row in sample}), sum(len(row.cells[at]) for row in sample))
        for at in (0, 1)
    ]
    if weight[0] == weight[1]:
        raise DataError(
            "nothing tells the column of texts from that of labels; say it with text and label "
            "(positions 0 and 1; --text and --label on the command line)",
            path=path,
            line=sample[0].line,
        )
    return 0 if weight[0] < weight[1] else 1


def _looks_like_header(sample: Sequence[Row], label: int) -> bool:
    body = [row.cells[label].strip() for row in sample[1:]]
    own = sample[0].cells[label].strip()
    return bool(body) and own not in body and all(body.count(value) > 1 for value in set(body))
