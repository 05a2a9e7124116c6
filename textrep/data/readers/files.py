"""Paths that lead to plain files: what would hang or never end is refused before it is opened."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from textrep.core.files import special_kind
from textrep.core.messages import printable
from textrep.data.errors import DataError

# Whole books are fair documents; more than this is no text, but an archive made to fill the memory.
MAX_DOCUMENT = 1 << 30


def find(path: Path) -> os.stat_result | None:
    """Look what is at a path, without opening it.

    Parameters
    ----------
    path : Path
        Links are followed.

    Returns
    -------
    os.stat_result or None
        None where there is nothing.

    Raises
    ------
    DataError
        When no file can be called so, or the system does not let one look.

    Examples
    --------
    >>> find(Path("no", "such", "file")) is None
    True
    """
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise DataError(
                "the name is too long for a file; give the path of a file, not a text", path=path
            ) from None
        raise DataError(f"cannot be read: {error.strerror or error}", path=path) from error
    except ValueError as error:
        # A NUL, or half of a surrogate pair.
        raise DataError(f"no file can be called so: {error}", path=path) from None


def check_regular(path: Path, found: os.stat_result) -> None:
    """Refuse what is not a plain file: reading a pipe or a device may never end.

    Parameters
    ----------
    path : Path
        For the message.
    found : os.stat_result
        What is there.

    Raises
    ------
    DataError
        For a pipe, a socket, a device or a folder.
    """
    kind = special_kind(found.st_mode)
    if kind is None:
        return
    fix = "save what comes out of it to a file" if kind in {"a pipe", "a device"} else "take it out"
    raise DataError(f"{kind}, not a file; {fix}", path=path)


def check_size(path: Path, size: int) -> None:
    """Refuse a document that would fill the memory.

    Parameters
    ----------
    path : Path
        For the message.
    size : int
        Bytes.

    Raises
    ------
    DataError
        Above 1 GiB.
    """
    if size > MAX_DOCUMENT:
        raise DataError(
            f"{size:,} bytes, more than a document may have ({MAX_DOCUMENT:,}); take it out",
            path=path,
        )


def open_file(path: Path) -> BinaryIO:
    """Open a plain file for reading.

    Parameters
    ----------
    path : Path
        Links are followed.

    Returns
    -------
    binary file

    Raises
    ------
    DataError
        When there is none, or it is a pipe, a socket, a device or a folder.
    OSError
        When it cannot be opened.
    """
    found = find(path)
    if found is None:
        raise DataError(f"cannot be read: {os.strerror(errno.ENOENT)}", path=path)
    check_regular(path, found)
    return path.open("rb")


def files_below(path: Path) -> Iterator[Path]:
    """Documents of a folder on disk, without opening any.

    Parameters
    ----------
    path : Path
        The folder. Links are followed.

    Yields
    ------
    Path
        A plain file; hidden ones and those in hidden folders are passed over.

    Raises
    ------
    DataError
        For a pipe, a socket or a device, and a link to a folder that is read already: it would be
        read twice, or for ever.
    OSError
        When a folder cannot be listed, or a link leads nowhere.
    """
    read: dict[tuple[int, int], Path] = {}
    # A list and no recursion, which a deep folder would exhaust.
    waiting = [path]
    while waiting:
        folder = waiting.pop()
        found = folder.stat()
        if (twin := read.setdefault((found.st_dev, found.st_ino), folder)) != folder:
            raise DataError(
                f"a link to a folder that is read already, as {printable(str(twin))}; remove it",
                path=folder,
            )
        for entry in sorted(folder.iterdir()):
            if is_hidden((entry.name,)):
                continue
            found = entry.stat()
            if stat.S_ISDIR(found.st_mode):
                waiting.append(entry)
            else:
                check_regular(entry, found)
                yield entry


def is_hidden(parts: Iterable[str]) -> bool:
    """Whether a path leads to what the user never sees, such as ``.git`` or ``.DS_Store``.

    Parameters
    ----------
    parts : iterable of str
        Names along the path.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_hidden(("cat", "1.txt")), is_hidden(("cat", ".DS_Store"))
    (False, True)
    """
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)
