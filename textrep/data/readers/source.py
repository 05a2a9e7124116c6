"""A file wherever it lies: on disk, compressed, or in an archive; read from its start."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from textrep.core.swelling import SwellingError, Unpacking
from textrep.data.errors import DataError
from textrep.data.readers.files import open_file

COMPRESSIONS: dict[str, Callable[[BinaryIO], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}

BROKEN_ARCHIVE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError),
    *(NotImplementedError, RuntimeError, struct.error, UnicodeDecodeError),
)
"""What reading a broken archive or compressed file raises; the last four are what zipfile lets
through of a header that makes no sense.
"""


class Source:
    """A file that can be opened, as often as one likes.

    Parameters
    ----------
    root : Path
        Its path on disk; or that of its archive.
    open_raw : callable
        Opens it, not yet decompressed.
    parts : tuple of str, default=()
        Its path inside the archive, split at the slashes; empty for a file on disk.

    Examples
    --------
    >>> source = file_source(Path("pets.CSV.gz"))
    >>> source.name, source.suffix
    ('pets.CSV', '.csv')
    """

    # An archive may hold a million of them.
    __slots__ = ("open_raw", "parts", "root")

    def __init__(
        self, root: Path, open_raw: Callable[[], BinaryIO], parts: tuple[str, ...] = ()
    ) -> None:
        self.root = root
        self.open_raw = open_raw
        self.parts = parts

    @property
    def where(self) -> Path:
        """Path for messages: that of the archive is followed by its own in there."""
        return self.root.joinpath(*self.parts)

    @property
    def name(self) -> str:
        """File name without the suffix of a compression."""
        return uncompressed(self.where.name)

    @property
    def suffix(self) -> str:
        """What is behind the last dot of the name, in small letters, with that dot."""
        return suffix_of(self.where.name)

    @property
    def is_compressed(self) -> bool:
        """Whether it is decompressed when it is opened."""
        return self.name != self.where.name

    @contextlib.contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open it, decompressing as it is read.

        Yields
        ------
        binary file

        Raises
        ------
        DataError
            When it cannot be opened or, at any later time, read or decompressed, and when more
            comes out of it than any text would: see `textrep.core.swelling`.
        """
        with reading(self.where, "file"), self.open_raw() as raw:
            if not self.is_compressed:
                yield raw
                return
            with COMPRESSIONS[self.where.suffix.lower()](raw) as file:
                yield cast(BinaryIO, Unpacking(file, raw))


def file_source(path: Path) -> Source:
    """Source of a file on disk.

    Parameters
    ----------
    path : Path
        It is looked at only when it is opened.

    Returns
    -------
    Source
    """
    return Source(path, lambda: open_file(path))


def uncompressed(name: str) -> str:
    """File name without the suffix of a compression.

    Parameters
    ----------
    name : str
        Such as ``"pets.csv.gz"``.

    Returns
    -------
    str

    Examples
    --------
    >>> uncompressed("pets.csv.gz"), uncompressed("pets.csv")
    ('pets.csv', 'pets.csv')
    """
    suffix = _last_suffix(name)
    return name[: -len(suffix)] if suffix in COMPRESSIONS else name


def suffix_of(name: str) -> str:
    """Suffix of a file name before that of a compression, in small letters.

    Parameters
    ----------
    name : str
        Such as ``"pets.CSV.gz"``.

    Returns
    -------
    str

    Examples
    --------
    >>> suffix_of("pets.CSV.gz")
    '.csv'
    """
    suffix = _last_suffix(name)
    return _last_suffix(name[: -len(suffix)]) if suffix in COMPRESSIONS else suffix


def _last_suffix(name: str) -> str:
    # Run for each of the many files of an archive, for which pathlib is too slow.
    at = name.rfind(".")
    return name[at:].lower() if at > 0 else ""


@contextlib.contextmanager
def reading(path: Path, kind: str = "archive") -> Iterator[None]:
    """Turn what the system and the decompressors raise into one error that names the path.

    Parameters
    ----------
    path : Path
        What is being read.
    kind : str, default="archive"
        What it is, for the message.

    Raises
    ------
    DataError
        For anything that can be wrong with a file or an archive.
    """
    try:
        yield
    except DataError:
        raise
    except SwellingError as error:
        raise DataError(str(error), path=path) from None
    except BROKEN_ARCHIVE as error:
        # tarfile lists on lines of their own what it took the file for.
        fault = str(error).partition("\n")[0].rstrip(": ")
        raise DataError(f"not a sound {kind}: {fault}; get it again", path=path) from error
    except OSError as error:
        # gzip and bz2 have no error of the system behind theirs.
        if error.strerror is None:
            raise DataError(f"not a sound {kind}: {error}; get it again", path=path) from error
        where = error.filename or path
        raise DataError(f"cannot be read: {error.strerror}", path=where) from error
    except MemoryError as error:
        raise DataError("too large for the memory of this machine", path=path) from error
