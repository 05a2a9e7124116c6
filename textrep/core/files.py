"""Files that are replaced whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from textrep.core.messages import shown

_SPECIAL = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def special_kind(mode: int) -> str | None:
    """What a path leads to when it is no plain file: reading it may never end.

    Parameters
    ----------
    mode : int
        The `st_mode` of what is there.

    Returns
    -------
    str or None
        ``"a pipe"``, for instance; None for a plain file.

    Examples
    --------
    >>> special_kind(os.stat(os.curdir).st_mode)
    'a folder'
    """
    if stat.S_ISREG(mode):
        return None
    return _SPECIAL.get(stat.S_IFMT(mode), "no plain file")


def checked_folder(folder: Any, *, name: str = "folder") -> Path:
    """The path of a folder, which need not be there.

    Parameters
    ----------
    folder : object
    name : str, default="folder"
        What messages call it.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If it is no path at all.

    Examples
    --------
    >>> checked_folder(None)
    Traceback (most recent call last):
    ...
    ValueError: folder must be the path of a folder, got None
    """
    # An empty name would be the folder that one is in.
    if not isinstance(folder, str | os.PathLike) or not os.fspath(folder):
        raise ValueError(f"{name} must be the path of a folder, got {shown(folder)}")
    return Path(folder)


def checksum_of(path: Path, algorithm: str = "sha256") -> str:
    """The checksum of a file.

    Parameters
    ----------
    path : Path
    algorithm : str, default="sha256"
        A name that hashlib knows.

    Returns
    -------
    str
        Hexadecimal digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its place only when all of it is on disk.

    The bytes go to a temporary file in the same folder, which is flushed, synchronised and
    renamed at the end of the block. On any error it is removed, and a file that was at
    `path` stays as it was. A symbolic link is followed.

    Parameters
    ----------
    path : str or path-like
        The file to make or replace.

    Yields
    ------
    binary file
        Open for writing.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    IsADirectoryError
        If `path` is a folder.
    OSError
        If `path` is a device or a pipe.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp(), "notes.txt")
    >>> with atomic_write(target) as file:
    ...     _ = file.write(b"whole")
    >>> target.read_bytes()
    b'whole'
    """
    target = Path(path).resolve()
    if target.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder; give the name of a file in it")
    if target.exists() and not target.is_file():
        raise OSError(f"{str(path)!r} is a device or a pipe, which a file must not replace")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"the folder {str(target.parent)!r} does not exist; make it first")
    # A long name leaves no room for the suffix under the usual limit of 255 bytes.
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    # Opened by hand for "x" together with the permissions that the user's umask grants.
    descriptor = os.open(
        temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o666
    )
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to disk: a rename survives a power cut only then.

    Parameters
    ----------
    folder : Path
        Where something was made or renamed.
    """
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        # Some network file systems cannot synchronise a folder; the file is in place.
        pass
    finally:
        os.close(descriptor)
