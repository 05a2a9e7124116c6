"""A file that is on its way: the bytes that have come, and which version of it they belong to."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from textrep.core.files import atomic_write, checksum_of


@dataclass(frozen=True)
class Version:
    """What a server says about the file that it sends.

    Attributes
    ----------
    url : str
        Where it was asked for.
    etag : str
        Strong entity tag, or empty.
    modified : str
        Date of its last change, or empty.
    length : int or None
        Bytes of the whole file; None where the server does not say.
    """

    url: str
    etag: str = ""
    modified: str = ""
    length: int | None = None

    @property
    def validator(self) -> str:
        """What goes into ``If-Range``; empty when the server gives nothing to go by."""
        return self.etag or self.modified

    def agrees(self, other: Version) -> bool:
        """Whether nothing that both say tells them apart.

        The answer with the rest of a file need not repeat what the first one said.
        """
        mine = (self.url, self.etag, self.modified, self.length)
        theirs = (other.url, other.etag, other.modified, other.length)
        pairs = zip(mine, theirs, strict=True)
        return all(one == two or one in {"", None} or two in {"", None} for one, two in pairs)


def is_plain(text: str) -> bool:
    """Whether a text can go into a header as it is.

    Examples
    --------
    >>> is_plain('"6d0bbb6b"'), is_plain("a\\nb"), is_plain("é")
    (True, False, False)
    """
    return text.isascii() and text.isprintable()


class Partial:
    """A file that is on its way, beside the place that it will take.

    Parameters
    ----------
    target : Path
        That place. The bytes are kept in ``<name>.part`` and the version in ``<name>.part.json``.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f"{target.name}.part")
        self.note = target.with_name(f"{target.name}.part.json")

    @property
    def size(self) -> int:
        """Bytes that have come; 0 where there is nothing."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def version(self) -> Version | None:
        """Version that the bytes belong to; None when that is not known."""
        try:
            table = json.loads(self.note.read_text(encoding="utf-8"))
            version = Version(**table)
        except (FileNotFoundError, ValueError, TypeError):
            return None  # a note that was cut off, or that something else wrote
        texts = (version.url, version.etag, version.modified)
        length = version.length
        sound = all(isinstance(text, str) and is_plain(text) for text in texts) and (
            length is None or (type(length) is int and length >= 0)
        )
        return version if sound else None

    def begin(self, version: Version) -> BinaryIO:
        """Open for the first byte of a version; what was there is lost."""
        # In this order: a note must never stand beside bytes of another version.
        file = self.path.open("wb", buffering=0)
        try:
            with atomic_write(self.note) as note:
                note.write(json.dumps(asdict(version)).encode())
        except BaseException:
            file.close()
            raise
        return file

    def resume(self) -> BinaryIO:
        """Open for the byte after the last."""
        return self.path.open("ab", buffering=0)

    def discard(self) -> None:
        """Forget what has come."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def digest(self, algorithm: str) -> str:
        """Checksum of what has come, in hexadecimal digits."""
        return checksum_of(self.path, algorithm)

    def finish(self) -> None:
        """Put the file in its place, for good."""
        install(self.path, self.target)
        self.note.unlink(missing_ok=True)


def write_all(file: BinaryIO, data: bytes) -> None:
    """Write all of it to an unbuffered file, which may take less at a time.

    Parameters
    ----------
    file : binary file
        Unbuffered.
    data : bytes
        To be written.

    Raises
    ------
    OSError
        When the disk is full; what fitted is written.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def install(temporary: Path, target: Path) -> None:
    """Give a complete file its name: it is there whole, or not at all, even after a power cut.

    Parameters
    ----------
    temporary : Path
        The file, in the same folder.
    target : Path
        Its name.

    Raises
    ------
    OSError
        When the disk is full after all.
    """
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(target)
    if os.name == "posix":
        descriptor = os.open(target.parent, os.O_RDONLY)
        # Some network file systems cannot synchronise a folder; the file is in place.
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
        os.close(descriptor)
