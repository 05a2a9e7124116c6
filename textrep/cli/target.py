"""Files that a command is asked to write: looked at before the work, written after it."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from textrep.cli.output import fail

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def check_target(option: str, path: Path, source: Path | None) -> None:
    """End the program if a file cannot be written or holds the data.

    Hours of work would else end in an error about a folder, or in the loss of the data.

    Parameters
    ----------
    option : str
        How the user names the file, such as ``"--json"``.
    path : Path
        What is to be written.
    source : Path or None
        File or folder with the data; None where there is none.

    Raises
    ------
    typer.Exit
        After one line on standard error that says what is wrong.
    """
    from textrep.core.messages import printable

    problem = _fault(path) or _conflict(path, source)
    if problem:
        fail(f"{option} {printable(str(path))}: {problem}")


def check_targets(named: Mapping[str, Path | None], *sources: Path | None) -> None:
    """End the program if one of several files cannot be written, or two of them are one.

    Parameters
    ----------
    named : mapping of str to Path or None
        Files by how the user names them; None for those that are not wanted.
    *sources : Path or None
        Files and folders with data, as for `check_target`.

    Raises
    ------
    typer.Exit
    """
    taken: dict[Path, str] = {}
    for option, path in named.items():
        if path is None:
            continue
        for source in sources:
            check_target(option, path, source)
        if (other := taken.setdefault(path.resolve(), option)) != option:
            fail(f"{other} and {option} name the same file")


def _fault(path: Path) -> str | None:
    """Why a file cannot be written, in words."""
    try:
        target = path.resolve()
        if target.is_dir():
            return "this is a folder; give the name of a file in it"
        if not target.parent.is_dir():
            return f"the folder {target.parent} does not exist; make it first"
        found = target.stat() if target.exists() else None
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links in a circle
        return f"no file can be written there: {getattr(error, 'strerror', None) or error}"
    if found is not None:
        if not stat.S_ISREG(found.st_mode):
            return "this is a device or a pipe; give the name of a file"
        # The superuser may write anyway, but whoever took the permission away meant something.
        if not found.st_mode & 0o222 or not os.access(target, os.W_OK):
            return "the file is write-protected; give another name"
    try:
        # As when it is written: beside the target, whose place it takes.
        with tempfile.TemporaryFile(dir=target.parent) as trial:
            trial.write(b"\n" * 4096)
    except OSError as error:
        return f"its folder cannot be written to: {error.strerror or error}"
    return None


def _conflict(path: Path, source: Path | None) -> str | None:
    """Which data a file would replace, in words."""
    if source is None or not source.exists():
        return None
    target = path.resolve()
    if source.is_dir():
        if target.is_relative_to(source.resolve()):
            return "this is inside the folder of the data; give a place outside"
        # Only a file that exists can be one that a link in the folder leads to.
        files: Iterable[Path] = _linked(source) if target.exists() else ()
    else:
        files = (source,)
    if target.exists() and any(target.samefile(file) for file in files):
        return "this is the file of the data, which it would replace; give another name"
    return None


def _linked(folder: Path) -> Iterable[Path]:
    from textrep.data import DataError
    from textrep.data.readers.files import files_below

    try:
        yield from files_below(folder)
    except (DataError, OSError):
        return  # reading it says the same, and better
