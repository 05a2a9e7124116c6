"""The folder of a sharded matrix: what it is made of, how far it has come, and who works on it."""

from __future__ import annotations

import contextlib
import json
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from textrep._version import __version__
from textrep.core.files import atomic_write
from textrep.core.messages import printable, shown
from textrep.data.fetching.locking import release, try_lock

MANIFEST = "manifest.json"
MODEL = "model.textrep"

BEGUN = "begun"
FINISHED = "finished"

_LOCK = ".lock"
_FORMAT = "textrep shards"
_VERSION = 1
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "numba")


class ShardError(ValueError):
    """A folder of shards cannot be made, gone on with or read; the message says why."""


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make a folder if it is not there, and keep other processes from writing to it.

    Parameters
    ----------
    folder : Path
        The folder above it must exist.

    Yields
    ------
    None

    Raises
    ------
    ShardError
        When another process writes to it.
    OSError
        When it cannot be made.
    """
    folder.mkdir(exist_ok=True)
    lock = try_lock(folder / _LOCK)
    if lock is None:
        raise ShardError(f"{printable(str(folder))}: another process writes to this folder")
    try:
        yield
    finally:
        release(folder / _LOCK, lock)


def begin(folder: Path, settings: Mapping[str, Any], inputs: list[dict[str, Any]]) -> bool:
    """Begin a folder, or go on with one that was begun alike.

    Parameters
    ----------
    folder : Path
        Held by this process.
    settings : mapping of str to JSON value
        Whatever changes what is written.
    inputs : list of dict
        The blocks of the files, in their order.

    Returns
    -------
    bool
        Whether it is finished already.

    Raises
    ------
    ShardError
        When the folder holds something else, or was begun with other settings or files.
    """
    if not (folder / MANIFEST).exists():
        if any(path.name != _LOCK for path in folder.iterdir()):
            raise ShardError(
                f"{printable(str(folder))} holds files and no {MANIFEST}; give a new folder, or an "
                "empty one"
            )
        write_manifest(folder, {"state": BEGUN, "settings": dict(settings), "inputs": inputs})
        return False
    found = read_manifest(folder)
    # What was written has gone through JSON, which knows no tuples.
    wanted = json.loads(json.dumps({"settings": dict(settings), "inputs": inputs}))
    _refuse_other(folder, found, wanted)
    return bool(found["state"] == FINISHED)


def _refuse_other(folder: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    before, now = found["settings"], wanted["settings"]
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            raise ShardError(
                f"{printable(str(folder))} was begun with {name}={shown(before.get(name))}, and "
                f"now {name} is {shown(now.get(name))}; give another folder, or the same settings"
            )
    if found["inputs"] == wanted["inputs"]:
        return
    others = [block["path"] for block in wanted["inputs"] if block not in found["inputs"]]
    gone = [block["path"] for block in found["inputs"] if block not in wanted["inputs"]]
    which = printable(str(next(iter([*others, *gone]), "their order")))
    raise ShardError(
        f"{printable(str(folder))} was begun with other files ({which}: new, gone or changed); "
        "give another folder, or the same files"
    )


def read_manifest(folder: Path) -> dict[str, Any]:
    """What a folder of shards says of itself.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    dict
        ``state`` is "begun" or "finished"; ``settings``, ``inputs`` and ``versions`` say what the
        shards are made of; once finished, ``schema`` says what is in them, ``shards`` lists them in
        the order of the rows, and ``rows`` and ``entries`` count all.

    Raises
    ------
    ShardError
        When it is no such folder, or of a newer version.
    OSError
        When it cannot be read.
    """
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise ShardError(f"{printable(str(path))}: no JSON: {error}") from error
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise ShardError(f"{printable(str(path))}: this is no manifest of shards")
    if found.get("version") != _VERSION:
        raise ShardError(f"{printable(str(path))}: written by a newer version of textrep")
    return found


def write_manifest(folder: Path, contents: Mapping[str, Any]) -> None:
    """Write the manifest, whole or not at all.

    Parameters
    ----------
    folder : Path
    contents : mapping
        Without format and versions, which are added.
    """
    versions = {"textrep": __version__, "python": platform.python_version()}
    versions |= {name: version(name) for name in _LIBRARIES}
    whole = {"format": _FORMAT, "version": _VERSION, **contents, "versions": versions}
    with atomic_write(folder / MANIFEST) as file:
        file.write(json.dumps(whole, indent=1).encode() + b"\n")
