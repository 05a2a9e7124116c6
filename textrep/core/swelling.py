"""Compressed files that were made to fill the memory or the disk: told by how much they grow."""

from __future__ import annotations

from typing import Any

MAX_GROWTH = 200
"""Bytes that may come out of each compressed one. Prose comes to 3 to 10, a table with columns that
never change to some 50; gzip can do 1,032 (RFC 1951: 258 bytes from 2 bits), bzip2 and xz more.
"""

FREE_BYTES = 1 << 26
"""What may come out whatever went in: no machine is harmed by that."""

_PIECE = 1 << 20  # bytes read between two looks


class SwellingError(ValueError):
    """A compressed file that grows beyond all measure as it is read."""


def check_growth(packed: int, unpacked: int) -> None:
    """Refuse what grows beyond all measure.

    Parameters
    ----------
    packed : int
        Compressed bytes.
    unpacked : int
        Bytes that have come out of them, or are said to.

    Raises
    ------
    SwellingError
        Above 64 MiB and 200 times the compressed bytes.

    Examples
    --------
    >>> check_growth(1_000, 1_000_000)
    >>> check_growth(1_000_000, 1_000_000_000)
    Traceback (most recent call last):
    ...
    textrep.core.swelling.SwellingError: 1,000,000 compressed bytes become more than 200 times as \
many; if you trust the file, unpack it first
    """
    if unpacked > FREE_BYTES and unpacked > MAX_GROWTH * packed:
        raise SwellingError(
            f"{packed:,} compressed bytes become more than {MAX_GROWTH} times as many; if you "
            "trust the file, unpack it first"
        )


class Unpacking:
    """A binary file that is decompressed as it is read, and refused when it swells.

    Whatever is not read, such as its place, is asked of the file itself.

    Parameters
    ----------
    file : binary file
        That decompresses.
    packed : binary file
        That it reads from; its place says how much went in.

    Examples
    --------
    >>> import gzip, io
    >>> packed = io.BytesIO(gzip.compress(b"so much text"))
    >>> Unpacking(gzip.GzipFile(fileobj=packed), packed).read()
    b'so much text'
    """

    def __init__(self, file: Any, packed: Any) -> None:
        self._file = file
        self._packed = packed

    def read(self, size: int | None = -1) -> bytes:
        """So many bytes, fewer at the end; all where the number is negative.

        However many are asked for, no more memory is taken than there is to read.
        """
        pieces: list[bytes] = []
        left = size
        while left is None or left:
            most = _PIECE if left is None or left < 0 else min(left, _PIECE)
            piece = self._file.read(most)
            self._look()
            if not piece:
                break
            pieces.append(piece)
            if left is not None and left > 0:
                left -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def readline(self, size: int) -> bytes:
        """A line with its end, or so many bytes of it."""
        line: bytes = self._file.readline(size)
        self._look()
        return line

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place."""
        found: int = self._file.seek(place, whence)
        self._look()
        return found

    def _look(self) -> None:
        check_growth(self._packed.tell(), self._file.tell())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
