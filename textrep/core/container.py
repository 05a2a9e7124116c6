"""The file a model is saved in: an uncompressed zip of JSON, safetensors and skops parts.

``manifest.json``
    Format name and version, versions of the libraries, and the size and SHA-256 of every other
    member.
``model.json``
    The tree of estimators.
``arrays.safetensors``
    The arrays that the tree refers to by name; absent where there are none.
``parts/N.skops``
    scikit-learn's own estimators.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from textrep._version import __version__
from textrep.core.files import atomic_write, special_kind

FORMAT_NAME = "textrep-model"
FORMAT_VERSION = 1

_MANIFEST = "manifest.json"
_MODEL = "model.json"
_ARRAYS = "arrays.safetensors"
_PART = re.compile(r"parts/\d{1,6}\.skops")
_RECORDED_LIBRARIES = ("numpy", "scipy", "scikit-learn", "skops", "safetensors")


class PersistError(ValueError):
    """A model that cannot be saved, or a file that cannot be loaded; says what and where."""


@dataclass
class Contents:
    """What a model file holds.

    Parameters
    ----------
    model : JSON value
        The tree of estimators.
    arrays : dict of str to ndarray
        Arrays by the name that the tree uses.
    parts : dict of str to bytes
        skops files by the name that the tree uses.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "model.textrep")
    >>> write(path, Contents({"kind": "toy"}, {"a0": np.arange(3)}))
    >>> read(path)
    Contents(model={'kind': 'toy'}, arrays={'a0': array([0, 1, 2])}, parts={})
    """

    model: Any
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    parts: dict[str, bytes] = field(default_factory=dict)


def part_name(number: int) -> str:
    """Name of the member that holds a skops part."""
    return f"parts/{number}.skops"


def write(path: Path, contents: Contents) -> None:
    """Write a model file in one step that either happens or does not.

    Parameters
    ----------
    path : Path
        The file to make or replace.
    contents : Contents
        What it is to hold.
    """
    from safetensors.numpy import save

    members: dict[str, bytes] = {_MODEL: _to_json(contents.model)}
    if contents.arrays:
        members[_ARRAYS] = save(contents.arrays)
    members.update(contents.parts)
    with atomic_write(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in {_MANIFEST: _to_json(_manifest(members)), **members}.items():
            # A fixed date: the same model gives the same bytes.
            archive.writestr(zipfile.ZipInfo(name), data)


def read(path: Path) -> Contents:
    """Read a model file, every byte checked against its manifest.

    Parameters
    ----------
    path : Path
        A file that `write` made.

    Returns
    -------
    Contents

    Raises
    ------
    PersistError
        If the file is damaged, of another format, of a newer version, or a pipe or a device.
    OSError
        If it cannot be opened.
    """
    kind = special_kind(path.stat().st_mode)
    if kind is not None and not path.is_dir():  # opening a folder raises an error of its own
        refuse(path, f"it is {kind}, not a file")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if file.read(4) != b"PK\x03\x04":
            refuse(path, "it is not a model file of textrep (no zip signature)")
        try:
            with zipfile.ZipFile(file) as archive:
                return _read_archive(path, archive, size)
        except PersistError:
            raise
        except Exception as error:
            # Damaged bytes raise a dozen kinds of error in zipfile, OSError for a place before
            # the start of the file among them.
            refuse(path, f"it is damaged ({type(error).__name__}: {error})", error)


def refuse(path: Path, problem: str, cause: Exception | None = None) -> NoReturn:
    """Raise the error for a file that is not loaded."""
    raise PersistError(f"cannot load {str(path)!r}: {problem}") from cause


def _read_archive(path: Path, archive: zipfile.ZipFile, size: int) -> Contents:
    _check_directory(path, archive, size)
    manifest = _read_manifest(path, archive)
    members = {name: _read_member(path, archive, name, entry) for name, entry in manifest.items()}
    arrays = _read_arrays(path, members.get(_ARRAYS))
    parts = {name: data for name, data in members.items() if _PART.fullmatch(name)}
    return Contents(_from_json(path, _MODEL, members[_MODEL]), arrays, parts)


def _check_directory(path: Path, archive: zipfile.ZipFile, size: int) -> None:
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if _MANIFEST not in names:
        refuse(path, f"it is not a model file of textrep (no member {_MANIFEST!r})")
    if len(set(names)) != len(names):
        refuse(path, "a member occurs twice")
    for info in infos:
        name = info.filename
        if name not in {_MANIFEST, _MODEL, _ARRAYS} and not _PART.fullmatch(name):
            refuse(path, f"unexpected member {name!r}")
        # Stored members cannot swell: together they are no larger than the file.
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            refuse(path, f"member {name!r} is compressed, which textrep never writes")
        if info.flag_bits & 1:
            refuse(path, f"member {name!r} is encrypted, which textrep never writes")
    if sum(info.file_size for info in infos) > size:
        refuse(path, "its members claim more bytes than it has; it is damaged or cut short")


def _manifest(members: dict[str, bytes]) -> dict[str, Any]:
    libraries = {"python": platform.python_version()}
    for name in _RECORDED_LIBRARIES:
        libraries[name] = importlib.metadata.version(name)
    return {
        "format": FORMAT_NAME,
        "format_version": FORMAT_VERSION,
        "textrep": __version__,
        "libraries": libraries,
        "members": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in members.items()
        },
    }


def _read_manifest(path: Path, archive: zipfile.ZipFile) -> dict[str, dict[str, Any]]:
    manifest = _from_json(path, _MANIFEST, archive.read(_MANIFEST))
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT_NAME:
        refuse(path, f"{_MANIFEST} does not name the format {FORMAT_NAME!r}")
    version = manifest.get("format_version")
    if type(version) is not int or version < 1:
        refuse(path, f"{_MANIFEST}: unknown format_version {version!r}")
    if version > FORMAT_VERSION:
        refuse(
            path,
            f"it has format version {version}, written by textrep {manifest.get('textrep')!r}; "
            f"textrep {__version__} reads up to version {FORMAT_VERSION}. Upgrade textrep",
        )
    listed = manifest.get("members")
    present = {name for name in archive.namelist() if name != _MANIFEST}
    if not isinstance(listed, dict) or set(listed) != present or _MODEL not in present:
        refuse(path, f"the members are not those that {_MANIFEST} lists")
    return listed


def _read_member(path: Path, archive: zipfile.ZipFile, name: str, entry: Any) -> bytes:
    try:
        data = archive.read(name)
    except (zipfile.BadZipFile, EOFError) as error:
        refuse(path, f"member {name!r} is damaged ({error})", error)
    if not isinstance(entry, dict) or entry.get("bytes") != len(data):
        refuse(path, f"member {name!r} has another size than {_MANIFEST} says")
    if entry.get("sha256") != hashlib.sha256(data).hexdigest():
        refuse(path, f"member {name!r} has another SHA-256 than {_MANIFEST} says; it was changed")
    return data


def _read_arrays(path: Path, data: bytes | None) -> dict[str, np.ndarray]:
    if data is None:
        return {}
    from safetensors.numpy import load

    try:
        arrays = load(data)
    except Exception as error:
        # The reader raises its own error, KeyError for an unknown dtype, ValueError for a shape.
        refuse(path, f"member {_ARRAYS!r} is not valid safetensors ({error})", error)
    # The reader may hand out views of immutable bytes; a fitted attribute can be written to.
    return {name: a if a.flags.writeable else a.copy() for name, a in arrays.items()}


def _to_json(value: Any) -> bytes:
    # ASCII only, so that lone surrogates in a name of a class or column survive.
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")


def _from_json(path: Path, name: str, data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        refuse(path, f"member {name!r} is not valid JSON ({error})", error)
