"""Files of a folder, a tar or a zip archive: listed first, opened one by one, never unpacked."""

from __future__ import annotations

import bz2
import contextlib
import functools
import gzip
import lzma
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from textrep.core.swelling import SwellingError, Unpacking, check_growth
from textrep.data.errors import DataError
from textrep.data.readers import files
from textrep.data.readers.files import (
    check_regular,
    check_size,
    files_below,
    find,
    is_hidden,
    open_file,
)
from textrep.data.readers.source import Source, file_source, reading

_DRIVE = re.compile(r"[A-Za-z]:")
ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tar.xz", ".zip")

# By what they begin with, as tarfile itself goes by contents and not by names.
_TAR_COMPRESSIONS: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}


class Member(NamedTuple):
    """A file: its path inside the folder or archive, split at the slashes, and its bytes."""

    parts: tuple[str, ...]
    size: int
    source: Source

    def read(self) -> bytes:
        """All of it, if it is no larger than a document may be."""
        if self.size > files.MAX_DOCUMENT:
            check_size(self.source.where, self.size)
        with self.source.open_raw() as file:
            return file.read()


def archive_suffix(path: Path) -> str:
    """Suffix by which a file is taken for an archive; empty for any other file.

    Parameters
    ----------
    path : Path
        Only its name is looked at.

    Returns
    -------
    str

    Examples
    --------
    >>> archive_suffix(Path("pets.TAR.gz")), archive_suffix(Path("pets.csv.gz"))
    ('.tar.gz', '')
    """
    return next((end for end in ARCHIVE_SUFFIXES if path.name.lower().endswith(end)), "")


def is_tar(path: Path) -> bool:
    """Whether a path is read from its start to its end only, as a tar is.

    Parameters
    ----------
    path : Path
        Of a folder or archive.

    Returns
    -------
    bool
    """
    return path.suffix.lower() != ".zip" and not path.is_dir()


@contextlib.contextmanager
def open_members(path: Path) -> Iterator[Iterator[Member]]:
    """Open a folder or an archive.

    Parameters
    ----------
    path : Path
        Folder, tar or zip archive. It is read where it is: nothing is written.

    Yields
    ------
    iterator of Member
        Its files without the hidden ones, in the order in which they are quickest to read: those of
        folders and zip archives by path, those of a tar as they lie in it. Each can be opened until
        the archive is closed, but going back in a compressed tar means to start anew.

    Raises
    ------
    DataError
        When it is not there or no archive, is damaged or encrypted, holds what is no plain file, or
        has a member with an absolute path or one that leads out of the archive, or grows beyond all
        measure as it is decompressed.
    """
    with reading(path):
        found = find(path)
        if found is not None and stat.S_ISDIR(found.st_mode):
            yield iter(sorted(_on_disk(path), key=lambda member: member.parts))
            return
        if found is not None:
            check_regular(path, found)
        if is_tar(path):
            with _tar(path) as tar:
                yield _tarred(tar, path)
        else:
            with _zip(path) as archive:
                yield iter(sorted(_zipped(archive, path), key=lambda member: member.parts))


def _on_disk(path: Path) -> Iterator[Member]:
    for file in files_below(path):
        yield Member(file.relative_to(path).parts, file.stat().st_size, file_source(file))


@contextlib.contextmanager
def _tar(path: Path) -> Iterator[tarfile.TarFile]:
    with open_file(path) as raw:
        start = raw.read(max(map(len, _TAR_COMPRESSIONS)))
        raw.seek(0)
        opener = next((o for mark, o in _TAR_COMPRESSIONS.items() if start.startswith(mark)), None)
        with contextlib.ExitStack() as stack:
            file = raw if opener is None else stack.enter_context(opener(raw))
            # Also where nothing is compressed: what a header says of its length is not believed.
            source: Any = Unpacking(file, raw)
            with _parsing(path):
                tar = stack.enter_context(tarfile.open(fileobj=source, mode="r:"))
            yield tar


@contextlib.contextmanager
def _zip(path: Path) -> Iterator[zipfile.ZipFile]:
    with contextlib.ExitStack() as stack:
        with _parsing(path):
            archive = stack.enter_context(zipfile.ZipFile(path))
        yield archive


@contextlib.contextmanager
def _parsing(path: Path) -> Iterator[None]:
    """Turn into one error what the standard library raises for headers that make no sense."""
    try:
        yield
    except (DataError, SwellingError):
        raise
    except (ValueError, LookupError, ArithmeticError, AttributeError, TypeError) as error:
        raise DataError(
            f"not a sound archive: a header makes no sense ({error!s:.100}); get it again",
            path=path,
        ) from error


def _tarred(archive: tarfile.TarFile, path: Path) -> Iterator[Member]:
    members = iter(archive)
    while True:
        with _parsing(path):
            member = next(members, None)
        if member is None:
            return
        parts = _checked(member.name, path)
        if not parts or member.isdir() or is_hidden(parts):
            continue
        # A hard link is another name of a file before it in the archive.
        if not (member.isreg() or member.islnk()):
            raise _no_file(path, parts)
        if (pieces := cast(Any, member).sparse) is not None:  # (offset, size) of each
            check_growth(sum(size for _, size in pieces), member.size)
        opener = functools.partial(_open_tarred, archive, member, path, parts)
        yield Member(parts, member.size, Source(path, opener, parts))


def _open_tarred(
    archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path, parts: tuple[str, ...]
) -> BinaryIO:
    try:
        file = archive.extractfile(member)
    except KeyError:
        file = None
    if file is None:
        raise _no_file(path, parts)
    return cast(BinaryIO, file)


def _zipped(archive: zipfile.ZipFile, path: Path) -> Iterator[Member]:
    for member in archive.infolist():
        parts = _checked(member.filename, path)
        if not parts or member.filename.endswith("/") or is_hidden(parts):
            continue
        # The upper half holds the mode where the archive was made on Unix, and else nothing.
        if stat.S_IFMT(member.external_attr >> 16) not in {0, stat.S_IFREG}:
            raise _no_file(path, parts)
        if member.flag_bits & 1:
            raise DataError("the archive is encrypted; unpack it first", path=path)
        check_growth(member.compress_size, member.file_size)
        opener = functools.partial(_open_zipped, archive, member)
        yield Member(parts, member.file_size, Source(path, opener, parts))


def _open_zipped(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> BinaryIO:
    return cast(BinaryIO, archive.open(member))


def _no_file(path: Path, parts: tuple[str, ...]) -> DataError:
    return DataError(
        "a link, pipe or device, which is not read from an archive; pack the file itself",
        path=path / "/".join(parts),
    )


def _checked(name: str, path: Path) -> tuple[str, ...]:
    path_inside = name.replace("\\", "/")
    parts = tuple(part for part in path_inside.split("/") if part not in ("", "."))
    if path_inside.startswith("/") or ".." in parts or _DRIVE.match(name):
        raise DataError(
            f"member {name!r} leads out of the archive; do not trust it, make it anew", path=path
        )
    return parts
