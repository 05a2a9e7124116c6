"""One file a document, one folder a class: on disk, in a tar or in a zip archive."""

from __future__ import annotations

import codecs
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

from textrep.data.errors import DataError
from textrep.data.readers.encodings import find_codec
from textrep.data.readers.files import check_regular, check_size, files_below, find, is_hidden

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

_NUL = "a NUL byte, so not a text file; take it out of the folder"


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
        When there is no document, one is not text in that encoding or no plain file, an archive is
        damaged or encrypted, or a member has an absolute path or one that leads out of the archive.
    """
    codec = find_codec(encoding)
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
        documents.append(Document(_decode(entry, path, codec), label, part, where))
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


def _decode(entry: _Entry, path: Path, codec: codecs.CodecInfo) -> str:
    where = path / "/".join(entry.parts)
    content = entry.content.removeprefix(codecs.BOM_UTF8)
    # The other two are full of NULs.
    if b"\0" in content and not codec.name.startswith(("utf-16", "utf-32")):
        raise DataError(_NUL, path=where)
    try:
        text, _ = codec.decode(content, "strict")
    except UnicodeDecodeError as error:
        at = min(error.start, len(content) - 1)
        raise DataError(
            f"byte 0x{content[at]:02x} is not valid {codec.name}; save the file as UTF-8 or "
            "pass its encoding, such as encoding='latin-1'",
            path=where,
            line=content.count(b"\n", 0, at) + 1,
            column=at - (content.rfind(b"\n", 0, at) + 1) + 1,
        ) from None
    if "\0" in text:
        raise DataError(_NUL, path=where)
    return text


def _entries(path: Path) -> Iterator[_Entry]:
    try:
        found = find(path)
        if found is not None and stat.S_ISDIR(found.st_mode):
            for file in files_below(path):
                yield _Entry(file.relative_to(path).parts, file.read_bytes())
            return
        if found is not None:
            check_regular(path, found)
        if path.suffix.lower() == ".zip":
            yield from _zip_entries(path)
        else:
            yield from _tar_entries(path)
    except _BROKEN_ARCHIVE as error:
        raise DataError(f"not a sound archive: {error}; get it again", path=path) from error
    except OSError as error:
        where = error.filename or path
        raise DataError(f"cannot be read: {error.strerror or error}", path=where) from error
    except MemoryError as error:
        raise DataError("too large for the memory of this machine", path=path) from error


def _tar_entries(path: Path) -> Iterator[_Entry]:
    with tarfile.open(path) as archive:
        for member in archive:
            parts = _checked(member.name, path)
            if member.isdir() or is_hidden(parts):
                continue
            # A hard link is another name of a file before it in the archive.
            if not (member.isreg() or member.islnk()):
                raise _no_file(path, parts)
            check_size(path / member.name, member.size)
            try:
                file = archive.extractfile(member)
            except KeyError:
                file = None
            if file is None:
                raise _no_file(path, parts)
            yield _Entry(parts, file.read())


def _zip_entries(path: Path) -> Iterator[_Entry]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            parts = _checked(member.filename, path)
            if member.filename.endswith("/") or is_hidden(parts):
                continue
            # The upper half holds the mode where the archive was made on Unix, and else nothing.
            if stat.S_IFMT(member.external_attr >> 16) not in {0, stat.S_IFREG}:
                raise _no_file(path, parts)
            if member.flag_bits & 1:
                raise DataError("the archive is encrypted; unpack it first", path=path)
            check_size(path / member.filename, member.file_size)
            yield _Entry(parts, archive.read(member))


def _no_file(path: Path, parts: tuple[str, ...]) -> DataError:
    return DataError(
        "a link, pipe or device, which is not read from an archive; pack the file itself",
        path=path / "/".join(parts),
    )


def _checked(name: str, path: Path) -> tuple[str, ...]:
    member = PurePosixPath(name.replace("\\", "/"))
    if member.is_absolute() or ".." in member.parts or PureWindowsPath(name).drive:
        raise DataError(
            f"member {name!r} leads out of the archive; do not trust it, make it anew", path=path
        )
    return member.parts
