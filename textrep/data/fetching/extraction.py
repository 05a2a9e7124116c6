"""Single files out of an archive, each to the place that its card names and to no other."""

from __future__ import annotations

import contextlib
import lzma
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from textrep.data.fetching.faults import Refused, amount, is_full
from textrep.data.fetching.partial import install, write_all
from textrep.data.readers.source import BROKEN_ARCHIVE

# No file of any card comes near; an archive made to fill the disk does.
MAX_MEMBER = 8 << 30
_CHUNK = 1 << 18
_BROKEN = (*BROKEN_ARCHIVE, ValueError)


def extract(archive: Path, wanted: Mapping[str, Path]) -> None:
    """Take files out of a zip or tar archive.

    Parameters
    ----------
    archive : Path
        Of any compression that the standard library knows.
    wanted : mapping of str to Path
        Where each member goes. A file that is there is replaced, whole or not at all; the names in
        the archive never become paths.

    Raises
    ------
    Refused
        When the archive is damaged, encrypted, holds no such file, or one that is too large for the
        disk.
    OSError
        When a file cannot be written.
    """
    missing = dict(wanted)
    try:
        for name, size, content in _members(archive, wanted):
            with content:
                _put(content, size, missing.pop(name), name)
            if not missing:
                return
    except _BROKEN as error:
        raise Refused(f"what came is not a sound archive ({error})") from error
    if missing:
        raise Refused(f"the archive holds no file {min(missing)!r}")


def check_sound(path: Path, name: str) -> None:
    """Read a compressed file or an archive to its end, for its own checksums.

    Where the publisher gives no checksum this still tells a file that was cut off.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        What it is called; the end tells its kind. Other kinds are passed over.

    Raises
    ------
    Refused
        When it is damaged.
    """
    import bz2
    import gzip

    openers: dict[str, Callable[..., Any]] = {
        ".gz": gzip.GzipFile,
        ".tgz": gzip.GzipFile,
        ".bz2": bz2.BZ2File,
        ".xz": lzma.LZMAFile,
    }
    end = Path(name).suffix.lower()
    try:
        if end == ".zip":
            with zipfile.ZipFile(path) as archive:
                broken = archive.testzip()
            if broken is not None:
                raise Refused(f"what came is a damaged archive (at {broken!r})")
        elif end in openers:
            with openers[end](path, "rb") as file:
                while file.read(_CHUNK):
                    pass
    except _BROKEN as error:
        raise Refused(f"what came is not a sound {end} file ({error})") from error
    except OSError as error:
        # gzip and bz2 say so with an OSError that has no number.
        if error.errno is not None:
            raise
        raise Refused(f"what came is not a sound {end} file ({error})") from error


def has_own_check(name: str) -> bool:
    """Whether `check_sound` can tell a file of this name that was cut off.

    Parameters
    ----------
    name : str
        Of the file.

    Returns
    -------
    bool

    Examples
    --------
    >>> has_own_check("text8.zip"), has_own_check("big.txt")
    (True, False)
    """
    return Path(name).suffix.lower() in {".gz", ".tgz", ".bz2", ".xz", ".zip"}


def _members(archive: Path, wanted: Mapping[str, Path]) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Name, size and content of each wanted file."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            for name in wanted:
                with contextlib.suppress(KeyError):
                    member = zipped.getinfo(name)
                    mode = stat.S_IFMT(member.external_attr >> 16)
                    if member.flag_bits & 1:
                        raise Refused("the archive is encrypted")
                    # The mode is nothing where the archive was not made on Unix.
                    if mode in {0, stat.S_IFREG} and not member.is_dir():
                        yield name, member.file_size, zipped.open(member)
        return
    found = set()
    with tarfile.open(archive) as tarred:
        for entry in tarred:
            name = entry.name.removeprefix("./")
            if name in wanted and name not in found and entry.isreg():
                found.add(name)
                content = tarred.extractfile(entry)
                if content is not None:
                    yield name, entry.size, content


def _put(content: IO[bytes], size: int, target: Path, name: str) -> None:
    if size > MAX_MEMBER:
        raise Refused(f"{name!r} in the archive has {amount(size)}, more than any corpus")
    target.parent.mkdir(parents=True, exist_ok=True)
    if size > shutil.disk_usage(target.parent).free:
        raise full(target.parent, size)
    temporary = target.with_name(f"{target.name}.part")
    written = 0
    try:
        with temporary.open("wb", buffering=0) as file:
            while chunk := content.read(_CHUNK):
                written += len(chunk)
                if written > size:
                    raise Refused(f"{name!r} in the archive is longer than the archive says")
                try:
                    write_all(file, chunk)
                except OSError as error:
                    raise (full(target.parent, size) if is_full(error) else error) from None
        if written < size:
            raise Refused(f"{name!r} in the archive is shorter than the archive says")
        install(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def full(folder: Path, needed: float | None) -> Refused:
    """The error for a file that does not fit.

    Parameters
    ----------
    folder : Path
        Where it was to go.
    needed : float or None
        Bytes that are still to be written; None where that is not known.

    Returns
    -------
    Refused
    """
    need = "" if needed is None else f"{amount(needed)} needed, "
    free = shutil.disk_usage(folder).free
    limited = needed is not None and needed <= free
    why = ", so a quota or a limit on the size of files is reached" if limited else ""
    return Refused(
        f"the disk is full: {need}{amount(free)} free in {folder}{why}",
        "make room, or set TEXTREP_CACHE to a folder on another disk, and call again: what has "
        "come is kept",
    )
