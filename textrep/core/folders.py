"""Folders that are replaced whole or not at all."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from textrep.core.files import sync_folder

# From <fcntl.h> and <linux/fs.h>; the exchange of two names in one step is not in Python's os.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Fill a folder that takes its place only when all of it is on disk.

    The files go to a temporary folder beside it, which is synchronised and renamed at the end of
    the block. On any error it is removed, and a folder that was at `path` stays as it was. Linux
    exchanges the old folder and the new one in one step; where a system or a file system cannot, a
    process that is killed between two renames leaves the old folder under a hidden name beside it.

    Parameters
    ----------
    path : str or path-like
        The folder to make or replace; what is in an old one is deleted, so the caller has to know
        that it may be. A symbolic link is followed.

    Yields
    ------
    Path
        An empty folder to write into.

    Raises
    ------
    FileNotFoundError
        If the folder above does not exist.
    NotADirectoryError
        If `path` is a file.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp(), "notes")
    >>> with atomic_folder(target) as folder:
    ...     _ = (folder / "first.txt").write_text("whole")
    >>> [file.name for file in target.iterdir()]
    ['first.txt']
    """
    target = Path(path).resolve()
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(f"{str(path)!r} is a file; give the name of a folder")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"the folder {str(target.parent)!r} does not exist; make it first")
    temporary = _beside(target)
    temporary.mkdir()
    try:
        yield temporary
        _sync_tree(temporary)
        _take_place(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(target.parent)


def _beside(target: Path) -> Path:
    # A long name leaves no room for the suffix under the usual limit of 255 bytes.
    return target.with_name(f".{secrets.token_hex(8)}.tmp")


def _sync_tree(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            sync_folder(path)
            continue
        # Windows synchronises only what is open for writing.
        with path.open("r+b") as file:
            os.fsync(file.fileno())
    sync_folder(folder)


def _take_place(new: Path, target: Path) -> None:
    """Put a folder where another one may be, which is then deleted."""
    if not target.exists():
        new.rename(target)
        return
    shutil.copymode(target, new)
    if _exchange(new, target):
        old = new
    else:
        old = _beside(target)
        target.rename(old)
        try:
            new.rename(target)
        except BaseException:
            old.rename(target)
            raise
    # The new folder is in place: what cannot be deleted of the old one is no failure.
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where that cannot be done."""
    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):  # not Linux, or a C library without it
        return False
    names = [os.fsencode(path) for path in (one, other)]
    return rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0
