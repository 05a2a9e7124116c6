"""The one error of files with vectors."""

from __future__ import annotations

import os

from textrep.core.messages import printable


class VectorFileError(ValueError):
    """A file with vectors is damaged or of another format, or vectors do not fit in one.

    Parameters
    ----------
    message : str
        What is wrong and how to put it right.
    path : str or path-like, optional
        The file that the message is about.
    line : int, optional
        Line of a text file, counted from 1.
    byte : int, optional
        Place in a binary file, counted from 0.

    Attributes
    ----------
    path, line, byte
        As given.

    Examples
    --------
    >>> print(VectorFileError("the vector has NaN", path="a.vec", line=3))
    a.vec, line 3: the vector has NaN
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | os.PathLike[str] | None = None,
        line: int | None = None,
        byte: int | None = None,
    ) -> None:
        self.path = path
        self.line = line
        self.byte = byte
        where = [] if path is None else [printable(os.fspath(path))]
        if line is not None:
            where.append(f"line {line:,}")
        if byte is not None:
            where.append(f"byte {byte:,}")
        super().__init__(f"{', '.join(where)}: {message}" if where else message)
