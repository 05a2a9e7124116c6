"""Which columns of a table, besides texts and labels, are kept beside the documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from textrep.core.messages import shown
from textrep.data.errors import DataError
from textrep.data.readers.columns import Columns, find_column, listed, position_of

# How a caller asks for further columns: True for all there are.
FurtherColumns = Literal[True] | Sequence[str | int] | None


class Further(NamedTuple):
    """Names of further columns, each different, and their positions, counted from 0."""

    names: tuple[str, ...] = ()
    at: tuple[int, ...] = ()


def check_asked(columns: Any) -> FurtherColumns:
    """Check what a caller gives for ``columns``.

    Parameters
    ----------
    columns : object
        Of any type.

    Returns
    -------
    True, list of (str or int), or None
        None where no column is wanted.

    Raises
    ------
    DataError
        When it is nothing of the sort.

    Examples
    --------
    >>> check_asked(("price", 3)), check_asked([])
    (['price', 3], None)
    """
    if columns is None or columns is True:
        return columns
    if not isinstance(columns, list | tuple):
        raise DataError(
            f"columns={shown(columns)}: expected a list of headers or positions, True for all, or "
            "None"
        )
    return list(columns) or None


def asks_for_header(asked: FurtherColumns) -> bool:
    """Whether a column is asked for by name, which only a table with a header has.

    Parameters
    ----------
    asked : True, list of (str or int), or None
        As `check_asked` gives it.

    Returns
    -------
    bool

    Examples
    --------
    >>> asks_for_header(["price"]), asks_for_header(["3", 4]), asks_for_header(True)
    (True, False, False)
    """
    if asked is None or asked is True:
        return False
    return any(isinstance(position_of(column, "columns"), str) for column in asked)


def choose_further(
    asked: FurtherColumns, width: int, columns: Columns, path: Path, line: int | None
) -> Further:
    """Find further columns of a table.

    Parameters
    ----------
    asked : True, list of (str or int), or None
        As `check_asked` gives it.
    width : int
        Number of columns of the table.
    columns : Columns
        Which hold texts and labels, and the header.
    path : Path
        For messages.
    line : int or None
        Of the first row, for messages; None where there are no lines.

    Returns
    -------
    Further
        In the order that they were asked for in, or of the table. Where a header is missing, empty,
        a number or one of several, a column is called by its position.

    Raises
    ------
    DataError
        When there is no such column, one is named twice, or it holds the texts or the labels.

    Examples
    --------
    >>> columns = Columns(1, 2, ("price", "text", "label", ""))
    >>> choose_further(True, 4, columns, Path("t.csv"), 1)
    Further(names=('price', '3'), at=(0, 3))
    """
    if asked is None:
        return Further()
    roles = dict.fromkeys((columns.text, *columns.more), "texts")
    if columns.label is not None:
        roles[columns.label] = "labels"
    if asked is True:
        at = [position for position in range(width) if position not in roles]
    else:
        at = [_find(column, width, columns, path, line) for column in asked]
    for place, position in enumerate(at):
        if position in roles:
            raise DataError(
                f"columns: {shown(columns.name(position))} is the column of the {roles[position]}; "
                "leave it out",
                path=path,
            )
        if position in at[:place]:
            raise DataError(
                f"columns: {shown(columns.name(position))} is named twice; name it once", path=path
            )
    return Further(tuple(_name(columns.header, position) for position in at), tuple(at))


def _find(column: Any, width: int, columns: Columns, path: Path, line: int | None) -> int:
    wanted = position_of(column, "columns")
    if wanted is None:
        raise DataError("columns: None is no column; leave it out", path=path)
    same = [at for at, name in enumerate(columns.header or ()) if name == wanted]
    if len(same) > 1:
        raise DataError(
            f"columns {', '.join(map(str, same))} have the header {shown(wanted)}; say which is "
            f"meant by its position, such as columns=[{same[0]}]",
            path=path,
            line=line,
        )
    return find_column(wanted, "columns", columns.header, width, path, line)


def _name(header: tuple[str, ...] | None, position: int) -> str:
    """What a column is called: its header where that can mean no other column."""
    name = header[position] if header else ""
    # Digits are a position wherever columns are named.
    alone = name and not name.isdecimal() and header is not None and header.count(name) == 1
    return name if alone else str(position)


def no_columns(asked: FurtherColumns, what: str, path: Path | None = None) -> None:
    """Refuse columns that are asked of something that has none.

    Parameters
    ----------
    asked : True, list of (str or int), or None
        As `check_asked` gives it.
    what : str
        What it is.
    path : Path or None, default=None
        For the message.

    Raises
    ------
    DataError
        When columns are asked for by name.
    """
    if asked is not None and asked is not True:
        raise DataError(
            f"columns={shown(asked)}: {what} has no further columns; leave columns out", path=path
        )


def check_same(first: Sequence[str], names: Sequence[str], path: Path) -> None:
    """Hold the columns of a file to those of the files before it.

    Parameters
    ----------
    first, names : sequence of str
        Further columns of the first file, and of this one.
    path : Path
        Of this file.

    Raises
    ------
    DataError
        When they are not the same, in whatever order.
    """
    lacking = [name for name in first if name not in names]
    extra = [name for name in names if name not in first]
    if not lacking and not extra:
        return
    faults = [f"it lacks {listed(lacking)} of the files before it"] if lacking else []
    if extra:
        faults.append(f"the files before it lack its {listed(extra)}")
    raise DataError(
        f"columns: {' and '.join(faults)}; name the columns that all have, or read one part alone "
        "with split",
        path=path,
    )
