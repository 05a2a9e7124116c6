"""One file a document, one folder a class: on disk, in a tar or in a zip archive."""

from __future__ import annotations

import codecs
import lzma
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

from textrep.data.errors import DataError

ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tar.xz", ".zip")

_PARTS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "dev": "validation",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}
# The last four are what zipfile lets through of a header that makes no sense.
_BROKEN_ARCHIVE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError),
    *(NotImplementedError, RuntimeError, struct.error, UnicodeDecodeError),
)


class Document(NamedTuple):
    """A text, its class, its part of the split or None, and its path inside the source."""

    text: str
    label: str
    part: str | None
    where: str


class _Entry(NamedTuple):
    """Path of a file inside the source, split at the slashes, and what it holds."""

    parts: tuple[str, ...]
    content: bytes


def read_documents(
    path: Path, encoding: str = "utf-8", classes: Collection[str] | None = None
) -> list[Document]:
    """Read a folder of folders.

    Parameters
    ----------
    path : Path
        Folder, tar or zip archive; an archive is read where it is and never unpacked. In it one
        folder a class, and in that one file a document; folders such as ``train`` and ``test`` may
        stand above the classes, and a single folder around it all. Other files at the upper levels,
        such as a README, are passed over, and so are hidden ones.
    encoding : str, default="utf-8"
        Of every document.
    classes : collection of str or None, default=None
        Read only these; None reads all.

    Returns
    -------
    list of Document
        Sorted by path.

    Raises
    ------
    DataError
        When there is no document, one is not text in that encoding, an archive is damaged or
        encrypted, or a member has an absolute path or one that leads out of the archive.
    """
    entries = sorted(_entries(path))
    depth, parted = _layout([entry.parts for entry in entries])
    documents = []
    for entry in entries:
        # (wrapper, ..., [part], class, ..., file)
        level = depth + parted
        if len(entry.parts) < level + 2:
            continue
        label = entry.parts[level]
        if classes is not None and label not in classes:
            continue
        part = _part(entry.parts[depth]) if parted else None
        where = "/".join(entry.parts)
        documents.append(Document(_decode(entry, path, encoding), label, part, where))
    if not documents:
        raise DataError(
            "no documents found; expected a sub-folder for each class with a file for each "
            "document in it",
            path=path,
        )
    return documents


def _layout(paths: list[tuple[str, ...]]) -> tuple[int, bool]:
    """Folders around the whole, and whether a train/test level follows them."""
    depth = 0
    while True:
        inner = [parts[depth:] for parts in paths if len(parts) >= depth + 3]
        tops = {parts[0] for parts in inner}
        found = {_part(top) for top in tops}
        if None not in found and {"train", "test"} <= found:
            return depth, True
        shallow = {parts[depth] for parts in paths if len(parts) == depth + 2}
        # One folder around everything holds folders; a class holds files.
        if len(tops) != 1 or shallow - tops or not any(len(parts) >= 3 for parts in inner):
            return depth, False
        depth += 1


def _part(folder: str) -> str | None:
    """`train` for "train" and for "20news-bydate-train"; None for the name of a class."""
    name = folder.lower()
    return _PARTS.get(name) or _PARTS.get(name.replace("_", "-").rpartition("-")[2])


def _decode(entry: _Entry, path: Path, encoding: str) -> str:
    where = path / "/".join(entry.parts)
    content = entry.content.removeprefix(codecs.BOM_UTF8)
    if b"\0" in content:
        raise DataError("a NUL byte, so not a text file; take it out of the folder", path=where)
    try:
        return content.decode(encoding)
    except LookupError:
        raise DataError(
            f"encoding={encoding!r} is not known to Python; try 'utf-8' or 'latin-1'"
        ) from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"byte 0x{content[error.start]:02x} is not valid {encoding}; save the file as UTF-8 or "
            "pass its encoding, such as encoding='latin-1'",
            path=where,
            line=line,
            column=error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1,
        ) from None


def _entries(path: Path) -> Iterator[_Entry]:
    try:
        if path.is_dir():
            yield from _folder_entries(path)
        elif path.suffix.lower() == ".zip":
            yield from _zip_entries(path)
        else:
            yield from _tar_entries(path)
    except _BROKEN_ARCHIVE as error:
        raise DataError(f"not a sound archive: {error}; get it again", path=path) from error
    except OSError as error:
        where = error.filename or path
        raise DataError(f"cannot be read: {error.strerror or error}", path=where) from error


def _folder_entries(path: Path) -> Iterator[_Entry]:
    def refuse(error: OSError) -> None:
        raise error

    for folder, _, files in os.walk(path, onerror=refuse):
        inside = Path(folder).relative_to(path).parts
        for name in files:
            if not _hidden((*inside, name)):
                yield _Entry((*inside, name), Path(folder, name).read_bytes())


def _tar_entries(path: Path) -> Iterator[_Entry]:
    with tarfile.open(path) as archive:
        for member in archive:
            parts = _checked(member.name, path)
            file = archive.extractfile(member) if member.isreg() else None
            if file is not None and not _hidden(parts):
                yield _Entry(parts, file.read())


def _zip_entries(path: Path) -> Iterator[_Entry]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            parts = _checked(member.filename, path)
            if member.filename.endswith("/") or _hidden(parts):
                continue
            if member.flag_bits & 1:
                raise DataError("the archive is encrypted; unpack it first", path=path)
            yield _Entry(parts, archive.read(member))


def _checked(name: str, path: Path) -> tuple[str, ...]:
    member = PurePosixPath(name.replace("\\", "/"))
    if member.is_absolute() or ".." in member.parts or PureWindowsPath(name).drive:
        raise DataError(
            f"member {name!r} leads out of the archive; do not trust it, make it anew", path=path
        )
    return member.parts


def _hidden(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)
