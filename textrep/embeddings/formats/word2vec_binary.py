"""The binary format of word2vec.

``n_words dim\\n`` as text, then for each word its UTF-8 bytes, a space and `dim` float32 values,
little-endian; word2vec ends each with a line end, gensim does not.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from textrep.core.messages import shown
from textrep.embeddings.formats.errors import VectorFileError
from textrep.embeddings.formats.header import HEADER_BYTES, parsed_header
from textrep.embeddings.formats.lazy import FLOAT, RowsOnDisk, mapped, open_target
from textrep.embeddings.formats.words import decoded, encoded, first_ones
from textrep.embeddings.neighbours import blocks
from textrep.embeddings.vectors import WordVectors

if TYPE_CHECKING:
    from collections.abc import Iterator


def read(path: Path, *, lazy: bool = True, errors: str = "strict") -> WordVectors:
    """Read vectors in the binary format of word2vec.

    One pass over the file finds the words; vectors are read when asked for, or all at once.

    Parameters
    ----------
    path : Path
        Plain or gzip; the latter is decompressed to a temporary file.
    lazy : bool, default=True
        Leave the vectors on disk.
    errors : str, default="strict"
        What to do with words that are not UTF-8: see `bytes.decode`.

    Returns
    -------
    WordVectors

    Raises
    ------
    VectorFileError
        When the file is damaged or of another format.
    """
    data = mapped(path)
    n_words, dim, start = _start(data, path)
    words = []
    places = np.empty(n_words, dtype=np.int64)
    for row, (word, begin, place) in enumerate(_entries(data, n_words, dim, start, path)):
        words.append(decoded(word, errors, path, byte=begin))
        places[row] = place
    first = first_ones(words, path)
    if first is not None:
        words, places = [words[row] for row in first], places[first]
    rows = RowsOnDisk(data, places, dim, path)
    return WordVectors(words, rows if lazy else rows[:])


def write(vectors: WordVectors, path: Path) -> None:
    """Write vectors in the binary format of word2vec, in one step that happens or does not.

    Parameters
    ----------
    vectors : WordVectors
    path : Path
        The file to make or replace, compressed where its name ends in ``.gz``.

    Raises
    ------
    VectorFileError
        When a word is empty or has white space.
    """
    with open_target(path) as file:
        file.write(f"{len(vectors)} {vectors.dim}\n".encode())
        for first, last in blocks(len(vectors), vectors.dim):
            rows = vectors.rows(range(first, last)).astype(FLOAT, copy=False)
            parts = []
            for word, row in zip(vectors.words[first:last], rows, strict=True):
                parts += [encoded(word, path), b" ", row.tobytes(), b"\n"]
            file.write(b"".join(parts))


def _start(data: mmap.mmap, path: Path) -> tuple[int, int, int]:
    """Number of words, of values a vector has, and where the first word begins."""
    end = data.find(b"\n", 0, HEADER_BYTES) + 1
    n_words, dim = parsed_header(data[: end or HEADER_BYTES], path)
    # Nothing is allocated by what a header claims: each word takes a space and its values at least.
    least, have = n_words * (1 + dim * FLOAT.itemsize), len(data) - end
    if least > have:
        raise VectorFileError(
            f"the first line says {n_words:,} words of {dim:,} dimensions, which take at least "
            f"{least:,} bytes, but only {have:,} follow: the file is cut short or not of this "
            "format",
            path=path,
        )
    return n_words, dim, end


def _entries(
    data: mmap.mmap, n_words: int, dim: int, start: int, path: Path
) -> Iterator[tuple[bytes, int, int]]:
    """Each word, where it begins and where its vector begins."""
    width = dim * FLOAT.itemsize
    for number in range(1, n_words + 1):
        space = data.find(b" ", start)
        if space < 0 or space + 1 + width > len(data):
            raise VectorFileError(
                f"the file ends in word {number:,} of {n_words:,}: it is cut short, or its first "
                f"line is wrong ({dim:,} dimensions)",
                path=path,
                byte=start,
            )
        yield data[start:space].lstrip(b"\n"), start, space + 1
        start = space + 1 + width
    if rest := data[start : start + HEADER_BYTES].strip(b"\r\n"):
        raise VectorFileError(
            f"{shown(rest)} follows the last of {n_words:,} words: the first line is wrong or the "
            "file is not of this format",
            path=path,
            byte=start,
        )
