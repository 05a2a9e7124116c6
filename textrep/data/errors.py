"""The one error that reading a corpus raises."""

from __future__ import annotations

from pathlib import Path

from textrep.core.messages import printable, shown


class DataError(ValueError):
    """A corpus cannot be found or read.

    Parameters
    ----------
    message : str
        What is wrong and how to put it right.
    path : str or Path, optional
        File or folder the message is about.
    line : int, optional
        Line in that file, counted from 1.
    row : int, optional
        Row of a file that has no lines, such as Parquet, counted from 1.
    column : int or str, optional
        Column, counted from 1 or by its header.

    Attributes
    ----------
    path, line, row, column
        As given.

    Examples
    --------
    >>> print(DataError("expected 2 columns, found 3", path="a.csv", line=7))
    a.csv, line 7: expected 2 columns, found 3
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        row: int | None = None,
        column: int | str | None = None,
    ) -> None:
        self.path = path
        self.line = line
        self.row = row
        self.column = column
        where = [] if path is None else [printable(str(path))]
        if line is not None:
            where.append(f"line {line}")
        if row is not None:
            where.append(f"row {row}")
        if column is not None:
            where.append(f"column {shown(column)}")
        super().__init__(f"{', '.join(where)}: {message}" if where else message)
