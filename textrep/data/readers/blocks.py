"""Files cut into blocks that can be read one without the other, side by side."""

from __future__ import annotations

import hashlib
import io
import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from textrep.data.errors import DataError
from textrep.data.readers.files import open_file
from textrep.data.readers.labelled import open_lines
from textrep.data.readers.lines import MAX_LINE
from textrep.data.readers.paths import Asked, open_rows
from textrep.data.readers.reading import Document, Reading
from textrep.data.readers.source import Source, file_source, reading

_LINES = (".txt", ".text")
_OBJECTS = (".jsonl", ".ndjson")

# A rest that is shorter than half a block goes to the block before it.
_LARGEST_REST = 1.5


@dataclass(frozen=True)
class Block:
    """Bytes of a file that begin and end with its lines; or all of it.

    Attributes
    ----------
    path : Path
    begin, end : int
        Positions in the file, compressed as it is.
    size : int
        Of the whole file.
    asked : Asked
        Columns and encoding; the same for all blocks of a file.
    """

    path: Path
    begin: int
    end: int
    size: int
    asked: Asked

    @property
    def n_bytes(self) -> int:
        """Bytes that are read."""
        return self.end - self.begin

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the file."""
        return self.n_bytes == self.size


def cut_files(paths: Iterable[Path], asked: Asked, n_bytes: int) -> list[Block]:
    """Cut files into blocks.

    Parameters
    ----------
    paths : iterable of Path
        Files with a text on each line (.txt), tables (.csv, .tsv, .jsonl, .parquet), each plain or
        compressed.
    asked : Asked
        What is wanted of each.
    n_bytes : int
        Size of a block, about. Only text by line and JSON Lines are cut, and only where they are
        not compressed; every other file is one block.

    Returns
    -------
    list of Block
        In the order of the files.

    Raises
    ------
    DataError
        When a file cannot be read, or is empty.
    """
    return [block for path in paths for block in _cut_file(path, asked, n_bytes)]


def _cut_file(path: Path, asked: Asked, n_bytes: int) -> Iterator[Block]:
    source = file_source(path)
    with reading(path, "file"), open_file(path) as file:
        size = file.seek(0, os.SEEK_END)
        if not size:
            raise DataError("the file is empty", path=path)
        cuts = [0, size]
        if size > _LARGEST_REST * n_bytes and _can_be_cut(source, asked):
            cuts = _line_ends(file, size, n_bytes)
    if len(cuts) > 2 and source.suffix in _OBJECTS:
        # The texts of all blocks are under the keys that the file as a whole tells.
        asked = replace(asked, text=list(open_rows(source, asked).keys))
    for begin, end in itertools.pairwise(cuts):
        yield Block(path, begin, end, size, asked)


def _can_be_cut(source: Source, asked: Asked) -> bool:
    if source.is_compressed:
        return False
    # Labels that are looked for may be found under another key in another block.
    return _is_by_line(source, asked) or (source.suffix in _OBJECTS and asked.label is not None)


def _is_by_line(source: Source, asked: Asked) -> bool:
    """Whether each line is a text, not a row of a table."""
    return source.suffix in _LINES and asked.text is None and asked.label in (None, False)


def _line_ends(file: BinaryIO, size: int, n_bytes: int) -> list[int]:
    cuts = [0]
    while size - cuts[-1] > _LARGEST_REST * n_bytes:
        # From the byte before, so that a line that ends just there is not joined by the next.
        file.seek(cuts[-1] + n_bytes - 1)
        file.readline(MAX_LINE)
        if file.tell() >= size:
            break
        cuts.append(file.tell())
    return [*cuts, size]


def open_block(block: Block) -> Reading:
    """Read a block.

    Parameters
    ----------
    block : Block

    Returns
    -------
    Reading
        Of text by line every line is a document, blank ones too.

    Raises
    ------
    DataError
        Now, or as the documents are read.
    """
    source = file_source(block.path)
    if not block.is_whole:
        source = Source(block.path, lambda: io.BufferedReader(_Range(block)))
    try:
        if _is_by_line(source, block.asked):
            encoding = block.asked.encoding or "utf-8"
            found = open_lines(source, encoding=encoding, blank="keep")
        else:
            found = open_rows(source, block.asked)
    except DataError as error:
        if not block.begin:
            raise
        raise _placed(error, block) from error
    return found._replace(documents=_documents(found.documents, block))


def digest(block: Block) -> str:
    """SHA-256 of the bytes of a block.

    Parameters
    ----------
    block : Block

    Returns
    -------
    str
        Hexadecimal.

    Raises
    ------
    DataError
        When the file cannot be read.
    """
    with reading(block.path, "file"), io.BufferedReader(_Range(block)) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _documents(documents: Iterator[Document], block: Block) -> Iterator[Document]:
    try:
        yield from documents
    except DataError as error:
        if not block.begin:
            raise
        raise _placed(error, block) from error


def _placed(error: DataError, block: Block) -> DataError:
    """An error that says from where its line is counted."""
    return DataError(f"{error} (counted from byte {block.begin:,} of the file)")


class _Range(io.RawIOBase):
    """The bytes of a block as a file of their own."""

    def __init__(self, block: Block) -> None:
        self._file: Any = open_file(block.path)
        self._file.seek(block.begin)
        self._left = block.n_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = self._file.readinto(buffer[: self._left])
        self._left -= count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()
