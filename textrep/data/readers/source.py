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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from textrep.data.errors import DataError
from textrep.data.readers.files import open_file

COMPRESSIONS: dict[str, Callable[[BinaryIO], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}

# The last four are what zipfile lets through of a header that makes no sense.
_BROKEN_ARCHIVE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError),
    *(NotImplementedError, RuntimeError, struct.error, UnicodeDecodeError),
)


@dataclass(frozen=True)
class Source:
    """A file that can be opened, as often as one likes.

    Parameters
    ----------
    where : Path
        For messages: its path, or that of its archive followed by its own in there.
    open_raw : callable
        Opens it, not yet decompressed.
    path : Path or None, default=None
        Where it lies on disk; None inside an archive.

    Examples
    --------
    >>> source = file_source(Path("pets.CSV.gz"))
    >>> source.name, source.suffix
    ('pets.CSV', '.csv')
    """

    where: Path
    open_raw: Callable[[], BinaryIO]
    path: Path | None = None

    @property
    def name(self) -> str:
        """File name without the suffix of a compression."""
        return uncompressed(self.where.name)

    @property
    def suffix(self) -> str:
        """What is behind the last dot of the name, in small letters, with that dot."""
        return Path(self.name).suffix.lower()

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
            When it cannot be opened or, at any later time, read or decompressed.
        """
        with reading(self.where, "file"), self.open_raw() as raw:
            if not self.is_compressed:
                yield raw
                return
            with COMPRESSIONS[self.where.suffix.lower()](raw) as file:
                yield cast(BinaryIO, file)


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
    return Source(path, lambda: open_file(path), path)


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
    stem = name[: -len(Path(name).suffix)] if Path(name).suffix.lower() in COMPRESSIONS else name
    return stem or name


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
    except _BROKEN_ARCHIVE as error:
        raise DataError(f"not a sound {kind}: {error}; get it again", path=path) from error
    except OSError as error:
        # gzip and bz2 have no error of the system behind theirs.
        if error.strerror is None:
            raise DataError(f"not a sound {kind}: {error}; get it again", path=path) from error
        where = error.filename or path
        raise DataError(f"cannot be read: {error.strerror}", path=where) from error
    except MemoryError as error:
        raise DataError("too large for the memory of this machine", path=path) from error
