"""Text files of any size as parts to tokenise, with a sentence on each line."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from textrep.data.errors import DataError
from textrep.data.readers.files import find, open_file
from textrep.data.readers.lines import MAX_LINE, read_lines, without_end
from textrep.data.readers.source import Source
from textrep.embeddings.kernels.lines import split_lines
from textrep.embeddings.numbering import Part
from textrep.sparse.analysis import Plan
from textrep.sparse.counting import tokenize_part
from textrep.sparse.documents import PART_BYTES, Batch
from textrep.sparse.lexicon import Lexicon
from textrep.sparse.unicode import SPECIAL_LOWER

MEGABYTE = 1e6
_MARKS = [mark.encode() for mark in SPECIAL_LOWER]


class TextFile:
    """A file that knows how much of it has been read.

    Parameters
    ----------
    path : Path
        UTF-8; plain, or compressed with the suffix .gz, .bz2 or .xz.

    Attributes
    ----------
    size : int
        Bytes on disk.
    """

    def __init__(self, path: Path) -> None:
        found = find(path)
        self.path = path
        self.size = 0 if found is None else found.st_size
        self._raw: Any = None
        self._read = 0

    def parts(self, plan: Plan) -> Iterator[Part]:
        """Runs of lines of about 4 MB; a line that is longer is cut at spaces."""
        with self._source().open() as file:
            for block in _blocks(file, self.path):
                yield Part(
                    partial(block.number, plan),
                    open_ended=block.open_ended,
                    share=self.share(),
                    amount=self.megabytes(),
                )

    def texts(self) -> Iterator[str]:
        """The lines without their ends."""
        return map(without_end, read_lines(self._source()))

    def share(self) -> float:
        """How much of the file has been read."""
        return min(1.0, self._position() / self.size) if self.size else 1.0

    def megabytes(self) -> float:
        """How much has been read since this was last asked."""
        before, self._read = self._read, self._position()
        return (self._read - before) / MEGABYTE

    def _position(self) -> int:
        return self.size if self._raw.closed else int(self._raw.tell())

    def _source(self) -> Source:
        return Source(self.path, self._open)

    def _open(self) -> BinaryIO:
        self._raw = open_file(self.path)
        return cast(BinaryIO, self._raw)


@dataclass(frozen=True)
class Block:
    """Lines of a file, or a piece of a long one.

    Attributes
    ----------
    data : the bytes
    open_ended : bool, the last line goes on in the next block
    path : of the file
    line : number of the first line in the file, from 1
    column : bytes of that line in blocks before
    """

    data: bytes
    open_ended: bool
    path: Path
    line: int
    column: int

    def number(self, plan: Plan, lexicon: Lexicon) -> np.ndarray:
        """The words of the lines; see `Part`."""
        batch = self.batch(plan.lower)
        return tokenize_part(plan, batch, 0, len(batch), lexicon, learn=True).tokens

    def batch(self, lower: bool) -> Batch:
        """The lines as documents.

        Raises
        ------
        DataError
            When the block is not UTF-8 or holds a NUL.
        """
        data = self.data
        n_lines = data.count(b"\n") + 1
        bounds = np.empty(n_lines + 1, dtype=np.int64)
        plain = np.empty(n_lines, dtype=np.uint8)
        buffer = np.frombuffer(data or b"\0", dtype=np.uint8)
        fault = split_lines(buffer.ctypes.data, len(data), bounds, plain)
        if fault >= 0:
            raise self._error(int(fault))
        if data.endswith(b"\n"):
            bounds, plain = bounds[:-1], plain[:-1]
        batch = Batch(buffer.ctypes.data + bounds[:-1], np.diff(bounds), plain, [buffer, data])
        if lower:
            for line in _marked_lines(data, bounds):
                # What the marks become Python knows, which looks no further than a space.
                _replace(batch, line, data[bounds[line] : bounds[line + 1]].decode().lower())
        return batch

    def _error(self, fault: int) -> DataError:
        before = self.data[:fault]
        begin = before.rfind(b"\n") + 1
        message = (
            "a NUL byte, so not a text file (or one in UTF-16: save it as UTF-8)"
            if self.data[fault] == 0
            else f"byte 0x{self.data[fault]:02x} is not valid utf-8; save the file as UTF-8"
        )
        return DataError(
            message,
            path=self.path,
            line=self.line + before.count(b"\n"),
            column=fault - begin + 1 + (self.column if begin == 0 else 0),
        )


def _marked_lines(data: bytes, bounds: np.ndarray) -> list[int]:
    """The lines that hold characters of `SPECIAL_LOWER`."""
    places = []
    for mark in _MARKS:  # by far faster than a regular expression
        at = data.find(mark)
        while at >= 0:
            places.append(at)
            at = data.find(mark, at + len(mark))
    return np.unique(np.searchsorted(bounds, places, side="right") - 1).tolist()


def _replace(batch: Batch, document: int, text: str) -> None:
    """Let a document of a batch lie in a buffer of its own."""
    buffer = np.frombuffer(text.encode(), dtype=np.uint8)
    batch.owners.append(buffer)
    batch.address[document] = buffer.ctypes.data
    batch.nbytes[document] = len(buffer)


def _blocks(file: BinaryIO, path: Path) -> Iterator[Block]:
    line, column = 1, 0
    # A block is put together of these only once an end of it is seen.
    pieces = [file.read(PART_BYTES).removeprefix(codecs.BOM_UTF8)]
    if not pieces[0]:
        raise DataError("the file is empty", path=path)
    size = len(pieces[0])
    while pieces[-1]:
        last = pieces.pop()
        cut = last.rfind(b"\n") + 1
        open_ended = not cut
        if open_ended:
            cut = max(last.rfind(b" "), last.rfind(b"\t")) + 1
        if cut:
            data = b"".join((*pieces, last[:cut]))
            yield Block(data, open_ended, path, line, column)
            column = column + len(data) if open_ended else 0
            line += data.count(b"\n")
            pieces, size = [], len(last) - cut
        elif size > MAX_LINE:
            raise DataError(
                f"more than {MAX_LINE:,} bytes without a space or a line end; that is no text",
                path=path,
                line=line,
            )
        pieces += [last[cut:], file.read(PART_BYTES)]
        size += len(pieces[-1])
    rest = b"".join(pieces)
    if rest or column:
        yield Block(rest, False, path, line, column)
