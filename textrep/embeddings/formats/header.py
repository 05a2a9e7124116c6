"""The first line of word2vec's files: ``n_words dim``."""

from __future__ import annotations

import re
from pathlib import Path

from textrep.core.messages import shown
from textrep.embeddings.formats.errors import VectorFileError

HEADER_BYTES = 64
"""Longer than any header is."""

_HEADER = re.compile(rb"\s*([0-9]{1,18})[ \t]+([0-9]{1,18})[ \t]*\r?\n?")

_MAX_DIM = 2**31 - 1
"""Values that a vector may have: word2vec and fastText count them in 32 bits."""


def is_header(line: bytes) -> bool:
    """Whether a line may be ``n_words dim``.

    Parameters
    ----------
    line : bytes

    Returns
    -------
    bool

    Examples
    --------
    >>> is_header(b"71290 100\\n"), is_header(b"the 0.1")
    (True, False)
    """
    return _HEADER.fullmatch(line) is not None


def parsed_header(line: bytes, path: Path) -> tuple[int, int]:
    """The numbers of a header.

    Parameters
    ----------
    line : bytes
        With or without its line end.
    path : Path
        For the message.

    Returns
    -------
    n_words, dim : int

    Raises
    ------
    VectorFileError
        When the line is no header.

    Examples
    --------
    >>> parsed_header(b"71290 100", Path("text8.bin"))
    (71290, 100)
    """
    found = _HEADER.fullmatch(line)
    if found is None or not 1 <= int(found[2]) <= _MAX_DIM:
        raise VectorFileError(
            f"two numbers, of words and of dimensions, were expected, got {shown(line)}; a file of "
            "GloVe has no such line: give format='glove'",
            path=path,
            line=1,
        )
    return int(found[1]), int(found[2])
