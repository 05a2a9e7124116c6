"""Source files to learn from: those of the running interpreter's standard library, or a folder."""

from __future__ import annotations

import hashlib
import os
import sysconfig
import tokenize
from pathlib import Path
from typing import NamedTuple

NOT_READ = frozenset(
    {
        "test", "tests", "idle_test",  # tests: repeated, and of no use as examples
        "idlelib", "lib2to3", "turtledemo",  # applications, and demonstrations
        "encodings", "pydoc_data",  # tables and texts, not programs
        "site-packages", "dist-packages", "__pycache__",
    }
)  # fmt: skip
"""Folders of the standard library that are left out."""

_NOT_READ_FILES = ("_sysconfigdata",)  # beginnings of names: generated tables
_HASH_BITS = 64


class SourceFile(NamedTuple):
    """A module.

    Attributes
    ----------
    name : str
        Its path below the folder, with dots: ``"json.decoder"``.
    text : str
        With ``"\\n"`` at the ends of lines.
    """

    name: str
    text: str


class Sources(NamedTuple):
    """What was found in a folder.

    Attributes
    ----------
    files : list of SourceFile
        By name.
    skipped : list of str
        Names of files that are no text in their encoding.
    """

    files: list[SourceFile]
    skipped: list[str]


def standard_library() -> Sources:
    """The modules of the running interpreter's standard library that are written in Python.

    Returns
    -------
    Sources
        Without the folders of `NOT_READ` and tables that were generated.
    """
    return read_sources(sysconfig.get_paths()["stdlib"], leave_out=NOT_READ)


def read_sources(
    folder: str | os.PathLike[str], *, leave_out: frozenset[str] = frozenset({"__pycache__"})
) -> Sources:
    """The files ``*.py`` of a folder and those below it, or one file.

    Parameters
    ----------
    folder : path
        Or that of one file, whatever its name ends with.
    leave_out : frozenset of str
        Names of folders that are not looked into.

    Returns
    -------
    Sources

    Raises
    ------
    OSError
        If the folder cannot be read.
    ValueError
        If it holds no such file.
    """
    root = Path(folder)
    if not root.exists():
        raise NotADirectoryError(f"{root} is no folder with Python files")
    alone = not root.is_dir()
    files, skipped = [], []
    for path in [root] if alone else sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent if alone else root).with_suffix("").parts
        if leave_out.intersection(parts[:-1]) or parts[-1].startswith(_NOT_READ_FILES):
            continue
        if not path.is_file():  # a folder of such a name, or a link to nothing
            continue
        name = ".".join(parts)
        text = _read(path)
        if text is None:
            skipped.append(name)
        elif text.strip():
            files.append(SourceFile(name, text))
    if not files:
        raise ValueError(f"{root} holds no Python file that can be read")
    return Sources(files, skipped)


def _read(path: Path) -> str | None:
    """The text of a file, in the encoding that it names; None if it is none."""
    try:
        with tokenize.open(path) as lines:
            return lines.read()
    except (SyntaxError, UnicodeDecodeError):  # an unknown encoding, or not in it
        return None


def place_of(name: str) -> float:
    """Where a name lies between 0 and 1, by a hash: the same on each machine and in each version.

    A module is held out if it lies below the share to be held out, whatever other modules there
    are.

    Parameters
    ----------
    name : str

    Returns
    -------
    float
        At least 0, below 1.

    Examples
    --------
    >>> [name for name in ("abc", "ast", "json.decoder", "heapq") if place_of(name) < 0.5]
    ['json.decoder']
    """
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[: _HASH_BITS // 8], "big") / 2**_HASH_BITS
