"""Vectors as text: a line for each word, its values behind it.

word2vec and fastText (``.vec``) put a line ``n_words dim`` before them, GloVe does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from textrep.core.messages import shown
from textrep.embeddings.formats.errors import VectorFileError
from textrep.embeddings.formats.header import HEADER_BYTES, is_header, parsed_header
from textrep.embeddings.formats.lazy import open_target, open_unpacked
from textrep.embeddings.formats.words import decoded, encoded, first_ones
from textrep.embeddings.neighbours import blocks
from textrep.embeddings.vectors import WordVectors

_VALUE = "%.9g"
"""Nine digits tell all float32 values apart (IEEE 754-2019, section 5.12.2)."""

_FIRST_VALUES = 2**16
"""Values that a matrix has room for at first; it doubles when it is full."""

_LONGEST_LINE = 2**24
"""Bytes of a line: a million values, where 4,096 are many. What is longer holds no vectors."""


def read(path: Path, *, header: bool, errors: str = "strict") -> WordVectors:
    """Read vectors from a text file.

    Parameters
    ----------
    path : Path
        Plain or gzip.
    header : bool
        Whether a line of two numbers comes first: word2vec's text and fastText's ``.vec``, not
        GloVe's.
    errors : str, default="strict"
        What to do with words that are not UTF-8: see `bytes.decode`.

    Returns
    -------
    WordVectors
        In memory.

    Raises
    ------
    VectorFileError
        When the file is damaged or of another format.
    """
    with open_unpacked(path) as file:
        claimed, dim = parsed_header(file.readline(HEADER_BYTES), path) if header else (None, None)
        lines = _lines(file, 2 if header else 1, path)
        words, matrix = _parsed(lines, dim, path, errors)
    if claimed is not None and len(words) != claimed:
        raise VectorFileError(
            f"the first line says {claimed:,} words, but {len(words):,} follow: the file is cut "
            "short, or the line is wrong",
            path=path,
        )
    first = first_ones(words, path)
    if first is not None:
        words, matrix = [words[row] for row in first], matrix[first]
    return WordVectors(words, matrix)


def write(vectors: WordVectors, path: Path, *, header: bool) -> None:
    """Write vectors to a text file, in one step that happens or does not.

    Values get the nine digits that give the same float32 again.

    Parameters
    ----------
    vectors : WordVectors
    path : Path
        The file to make or replace, compressed where its name ends in ``.gz``.
    header : bool
        Whether to begin with a line of two numbers: word2vec's text and fastText's ``.vec``, not
        GloVe's.

    Raises
    ------
    VectorFileError
        When a word is empty or has white space.
    """
    with open_target(path) as file:
        _write_lines(vectors, file, header, path)


def _write_lines(vectors: WordVectors, file: IO[bytes], header: bool, path: Path) -> None:
    if header:
        file.write(f"{len(vectors)} {vectors.dim}\n".encode())
    template = " ".join([_VALUE] * vectors.dim)
    for first, last in blocks(len(vectors), vectors.dim):
        rows = vectors.rows(range(first, last)).tolist()
        for word, row in zip(vectors.words[first:last], rows, strict=True):
            values = template % tuple(row)
            file.write(b"%b %b\n" % (encoded(word, path), values.encode()))


def _parsed(
    lines: Iterable[tuple[int, bytes]], dim: int | None, path: Path, errors: str
) -> tuple[list[str], np.ndarray]:
    """The words and their vectors; without `dim` the first line says how many values there are."""
    words: list[str] = []
    matrix = np.empty((0, 0), dtype=np.float32)
    misplaced = False
    for number, line in _without_blank_end(lines, path):
        fields = line.split(b" ")
        if dim is None:
            dim, misplaced = len(fields) - 1, is_header(line)
        elif misplaced and len(fields) > dim + 1:
            raise VectorFileError(
                "this is the first line of word2vec's text or of a .vec file: give "
                "format='word2vec-text'",
                path=path,
                line=1,
            )
        values = _values(fields, dim, path, number)
        # What a word is made of may be spaces, as in GloVe's of 840 billion tokens.
        words.append(decoded(b" ".join(fields[:-dim]), errors, path, line=number))
        if len(words) > len(matrix):
            # By what was read, never by what a header claims.
            rows = max(_FIRST_VALUES // dim, 2 * len(matrix), 1)
            matrix.resize((rows, dim), refcheck=False)
        matrix[len(words) - 1] = values
    if dim is None:
        raise VectorFileError("the file is empty", path=path)
    matrix.resize((len(words), dim), refcheck=False)
    return words, matrix


def _lines(file: IO[bytes], first: int, path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers, refused where one would fill the memory."""
    for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), start=first):
        if len(line) == _LONGEST_LINE:
            raise VectorFileError(
                f"the line has {_LONGEST_LINE:,} bytes or more, which are no word and its vector",
                path=path,
                line=number,
            )
        yield number, line


def _without_blank_end(
    lines: Iterable[tuple[int, bytes]], path: Path
) -> Iterator[tuple[int, bytes]]:
    """The lines without what ends them; blank ones may only be the last."""
    blank = None
    for number, line in lines:
        stripped = line.rstrip(b" \t\r\n")
        if not stripped:
            blank = blank or number
            continue
        if blank is not None:
            raise VectorFileError("the line is blank", path=path, line=blank)
        yield number, stripped


def _values(fields: list[bytes], dim: int, path: Path, line: int) -> np.ndarray:
    if dim < 1 or len(fields) <= dim:
        raise VectorFileError(
            f"a word and {max(dim, 1):,} numbers were expected, got {len(fields):,} fields: the "
            "file is cut short or not of this format",
            path=path,
            line=line,
        )
    try:
        with np.errstate(over="ignore"):  # becomes infinite, which is refused below
            values = np.array([float(field) for field in fields[-dim:]]).astype(np.float32)
    except ValueError:
        bad = next(field for field in fields[-dim:] if not _is_number(field))
        raise VectorFileError(
            f"{shown(bad)} is not a number; {dim:,} were expected behind the word",
            path=path,
            line=line,
        ) from None
    if not np.isfinite(values).all():
        raise VectorFileError("the vector has NaN or infinite values", path=path, line=line)
    return values


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
