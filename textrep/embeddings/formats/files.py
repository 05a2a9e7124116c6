"""`read_vectors` and `write_vectors`: vectors from and to files of any format."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

from textrep.core.messages import shown, type_name
from textrep.embeddings.formats import fasttext_bin, text, word2vec_binary
from textrep.embeddings.formats.errors import VectorFileError
from textrep.embeddings.formats.header import HEADER_BYTES, is_header
from textrep.embeddings.formats.lazy import open_unpacked
from textrep.embeddings.vectors import WordVectors

READ_FORMATS = ("word2vec-text", "word2vec-binary", "glove", "fasttext-vec", "fasttext-bin")
WRITTEN_FORMATS = ("word2vec-text", "word2vec-binary", "glove", "fasttext-vec")

_SUFFIXES = {".bin": "word2vec-binary", ".vec": "fasttext-vec", ".txt": "word2vec-text"}

_LONGEST_LINE = 2**20
"""Bytes looked at to tell text from binary: the second line of any text is shorter."""

_FASTTEXT_MAGIC = struct.pack("<i", fasttext_bin.MAGIC)
_ZIP_MAGIC = b"PK\x03\x04"


def read_vectors(
    path: str | os.PathLike[str],
    format: str = "auto",
    lazy: bool = True,
    *,
    errors: str = "strict",
) -> WordVectors:
    """Read word vectors from a file of word2vec, GloVe or fastText.

    Parameters
    ----------
    path : str or path-like
        Plain or gzip. Gzip in a binary format is decompressed to a temporary file.
    format : str, default="auto"
        "auto" finds it out. "word2vec-text": ``n_words dim``, then a line for each word.
        "word2vec-binary": the same with binary values. "glove": lines without the first one.
        "fasttext-vec": as "word2vec-text". "fasttext-bin": a model of fastText, also of gensim's
        ``save_facebook_model``; its vectors answer for words it has not seen, too.
    lazy : bool, default=True
        Leave the vectors of binary formats on disk, mapped into memory: opening a file then takes
        one look at its words, and only the vectors used are read. With a model of fastText the
        vector of a word is put together from its n-grams each time it is asked for; take False to
        search for neighbours. Text is always read into memory.
    errors : str, default="strict"
        What to do with words that are not UTF-8, as word2vec makes them when it cuts long ones:
        "strict", "replace", "ignore" or "backslashreplace".

    Returns
    -------
    WordVectors
        `SubwordVectors` of a model of fastText.

    Raises
    ------
    VectorFileError
        When the file is damaged, cut short or of no known format, or a vector has NaN; the message
        has the place. Where vectors stay on disk, NaN is found when it is read.
    OSError
        When the file cannot be opened.

    Warns
    -----
    UserWarning
        When words occur more than once, with their number: first vectors are kept.

    See Also
    --------
    write_vectors : The other way.
    read_fasttext : All that a model of fastText holds.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "small.txt")
    >>> _ = path.write_text("so 0.5 1\\nmuch 0 -1\\n")
    >>> vectors = read_vectors(path)
    >>> vectors, vectors["much"]
    (<WordVectors: 2 words, 2 dimensions, float32>, array([ 0., -1.], dtype=float32))
    """
    path = _checked_path(path)
    _check_format(format, READ_FORMATS)
    _check_errors(errors)
    found = detect(path) if format == "auto" else format
    if found == "fasttext-bin":
        return _subword_vectors(path, lazy, errors)
    if found == "word2vec-binary":
        return word2vec_binary.read(path, lazy=lazy, errors=errors)
    return text.read(path, header=found != "glove", errors=errors)


def write_vectors(vectors: WordVectors, path: str | os.PathLike[str], format: str = "auto") -> Path:
    """Write word vectors to a file that word2vec's, GloVe's and fastText's tools read.

    The file is replaced in one step: a crash leaves what was there before.

    Parameters
    ----------
    vectors : WordVectors
    path : str or path-like
        The file to make or replace, compressed where its name ends in ``.gz``; its folder must
        exist.
    format : str, default="auto"
        "word2vec-text", "word2vec-binary", "glove" or "fasttext-vec", see `read_vectors`; "auto"
        goes by the end of the name before a ``.gz``: ``.bin`` for "word2vec-binary", ``.txt`` for
        "word2vec-text", ``.vec`` for "fasttext-vec". A whole model of fastText is written by
        `FastText.save_fasttext`.

    Returns
    -------
    Path
        Where the file is.

    Raises
    ------
    VectorFileError
        When a word is empty or has white space, which separates words in all these formats.
    ValueError
        When the format is unknown or cannot be told from the name.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> vectors = WordVectors(["so", "much"], np.array([[0.5, 1], [0, -1]], dtype=np.float32))
    >>> path = write_vectors(vectors, tempfile.mkdtemp() + "/small.txt")
    >>> print(path.read_text())
    2 2
    so 0.5 1
    much 0 -1
    """
    path = _checked_path(path)
    if not isinstance(vectors, WordVectors):
        raise TypeError(f"vectors must be WordVectors, got {type_name(vectors)}")
    _check_format(format, WRITTEN_FORMATS)
    chosen = _by_name(path) if format == "auto" else format
    if chosen == "word2vec-binary":
        word2vec_binary.write(vectors, path)
    else:
        text.write(vectors, path, header=chosen != "glove")
    return path


def detect(path: Path) -> str:
    """The format of a file with vectors.

    Parameters
    ----------
    path : Path
        Plain or gzip.

    Returns
    -------
    str
        One of `READ_FORMATS`; "word2vec-text" stands for "fasttext-vec", too.

    Raises
    ------
    VectorFileError
        When it is none of them.
    """
    with open_unpacked(path) as file:
        first = file.readline(_LONGEST_LINE)
        second = file.readline(_LONGEST_LINE)
    if first.startswith(_FASTTEXT_MAGIC):
        return "fasttext-bin"
    if len(first) <= HEADER_BYTES and is_header(first):
        n_words, dim = map(int, first.split())
        return "word2vec-text" if not n_words or _is_row(second, dim) else "word2vec-binary"
    if _is_row(first, first.strip().count(b" ")):
        return "glove"
    if not first:
        raise VectorFileError("the file is empty", path=path)
    hint = ""
    if first.startswith(_ZIP_MAGIC):
        hint = "; it is a zip file: unpack it, or open a model that textrep saved by textrep.load"
    raise VectorFileError(
        f"it begins with {shown(first[:HEADER_BYTES])}, as no file of word2vec, GloVe or fastText "
        f"does{hint}",
        path=path,
    )


def _is_row(line: bytes, dim: int) -> bool:
    """Whether a line is a word and `dim` numbers."""
    fields = line.rstrip(b" \t\r\n").split(b" ")
    if dim < 1 or len(fields) <= dim:
        return False
    try:
        return all(float(field) is not None for field in fields[-dim:])
    except ValueError:
        return False


def _subword_vectors(path: Path, lazy: bool, errors: str) -> WordVectors:
    from textrep.embeddings.formats.subword_rows import subword_vectors

    file = fasttext_bin.read_fasttext(path, lazy=lazy, errors=errors)
    return subword_vectors(file, lazy=lazy, path=path)


def _by_name(path: Path) -> str:
    suffix = Path(path.name.removesuffix(".gz")).suffix
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    raise ValueError(
        f"the name {shown(path.name)} does not say which format to write; end it in .txt, .vec or "
        f".bin, or give format, one of {', '.join(map(repr, WRITTEN_FORMATS))}"
    )


def _checked_path(path: Any) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"path must be a str or a path, got {shown(path)} of type {type_name(path)}"
        )
    return Path(path)


def _check_format(format_: Any, allowed: tuple[str, ...]) -> None:
    if format_ in ("auto", *allowed):
        return
    hint = "; FastText.save_fasttext writes models" if format_ == "fasttext-bin" else ""
    names = ", ".join(map(repr, ("auto", *allowed)))
    raise ValueError(f"format must be one of {names}, got {shown(format_)}{hint}")


def _check_errors(errors: Any) -> None:
    allowed = ("strict", "replace", "ignore", "backslashreplace")
    if errors not in allowed:
        names = ", ".join(map(repr, allowed))
        raise ValueError(f"errors must be one of {names}, got {shown(errors)}")
