"""One file a document, one folder a class: on disk, in a tar or in a zip archive."""

from __future__ import annotations

import codecs
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from textrep.data.errors import DataError
from textrep.data.readers.archives import Member
from textrep.data.readers.encodings import find_codec
from textrep.data.readers.parts import part_of

_NUL = "a NUL byte, so not a text file; take it out of the folder"


class Document(NamedTuple):
    """A text, its class, its part of the split or None, and its path inside the source."""

    text: str
    label: str
    part: str | None
    where: str


class Held(NamedTuple):
    """A file of the folder or archive, and its bytes where they were read already."""

    member: Member
    content: bytes | None = None


def documents(
    held: Sequence[Held],
    path: Path,
    encoding: str = "utf-8",
    classes: Collection[str] | None = None,
    part: str | None = None,
) -> Iterator[Document]:
    """Read the documents of a folder of folders, one after the other.

    Parameters
    ----------
    held : sequence of Held
        All files, whose paths tell how the folders are laid out: one folder a class, and in that
        one file a document; folders such as ``train`` and ``test`` may stand above the classes, and
        a single folder around it all. Files at the upper levels, such as a README, are passed over.
        What is not read yet is read when its turn comes.
    path : Path
        Of the folder or archive, for messages.
    encoding : str, default="utf-8"
        Of every document.
    classes : collection of str or None, default=None
        Read only these; None reads all.
    part : str or None, default=None
        Read only this part; None reads all.

    Yields
    ------
    Document
        In the order of `held`.

    Raises
    ------
    DataError
        When there is no document or no such part, or one is not text in that encoding.
    """
    codec = find_codec(encoding)
    depth, parted = layout([each.member.parts for each in held])
    found: set[str | None] = set()
    for member, content in held:
        # (wrapper, ..., [part], class, ..., file)
        level = depth + parted
        if len(member.parts) < level + 2:
            continue
        label = member.parts[level]
        if classes is not None and label not in classes:
            continue
        own = part_of(member.parts[depth]) if parted else None
        found.add(own)
        if part is not None and own != part:
            continue
        text = _decode(member.read() if content is None else content, member, path, codec)
        yield Document(text, label, own, "/".join(member.parts))
    if not found:
        raise DataError(
            "no documents found; expected a sub-folder for each class with a file for each "
            "document in it, or tables, such as train.csv and test.csv",
            path=path,
        )
    if part is not None and part not in found:
        raise no_part(part, path, found)


def no_part(part: str, path: Path | str, found: Iterable[str | None]) -> DataError:
    """The error of asking for a part that a corpus does not have.

    Parameters
    ----------
    part : str
        What was asked for.
    path : Path or str
        Where.
    found : iterable of str or None
        The parts that there are.

    Returns
    -------
    DataError
    """
    named = sorted({name for name in found if name})
    have = f"only {', '.join(named)}" if named else "no split"
    return DataError(f"split={part!r}: there is {have}; leave split out", path=path)


def layout(paths: Sequence[tuple[str, ...]]) -> tuple[int, bool]:
    """Tell how the folders of a folder of folders are nested.

    Parameters
    ----------
    paths : sequence of tuple of str
        Paths of all files, split at the slashes.

    Returns
    -------
    depth : int
        Folders around the whole.
    parted : bool
        Whether a level of ``train`` and ``test`` follows them.

    Examples
    --------
    >>> layout([("pets", "train", "cat", "1"), ("pets", "test", "cat", "2")])
    (1, True)
    """
    depth = 0
    while True:
        inner = [parts[depth:] for parts in paths if len(parts) >= depth + 3]
        tops = {parts[0] for parts in inner}
        found = {part_of(top) for top in tops}
        if None not in found and {"train", "test"} <= found:
            return depth, True
        shallow = {parts[depth] for parts in paths if len(parts) == depth + 2}
        # One folder around everything holds folders; a class holds files.
        if len(tops) != 1 or shallow - tops or not any(len(parts) >= 3 for parts in inner):
            return depth, False
        depth += 1


def _decode(content: bytes, member: Member, path: Path, codec: codecs.CodecInfo) -> str:
    content = content.removeprefix(codecs.BOM_UTF8)
    # The other two are full of NULs.
    if b"\0" in content and not codec.name.startswith(("utf-16", "utf-32")):
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            # The mark of UTF-32 starts with that of UTF-16, with two NULs behind it.
            name = "utf-32" if content.startswith(codecs.BOM_UTF32_LE) else "utf-16"
            raise DataError(
                f"the file is in {name}; pass encoding='{name}', or save it as the others are",
                path=member.source.where,
            )
        raise DataError(_NUL, path=member.source.where)
    try:
        text, _ = codec.decode(content, "strict")
    except UnicodeDecodeError as error:
        at = min(error.start, len(content) - 1)
        raise DataError(
            f"byte 0x{content[at]:02x} is not valid {codec.name}; save the file as UTF-8 or "
            "pass its encoding, such as encoding='latin-1'",
            path=member.source.where,
            line=content.count(b"\n", 0, at) + 1,
            column=at - (content.rfind(b"\n", 0, at) + 1) + 1,
        ) from None
    if "\0" in text:
        raise DataError(_NUL, path=member.source.where)
    return text
