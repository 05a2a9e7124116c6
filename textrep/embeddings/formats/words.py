"""Words as files hold them: decoded, once each, and without what separates them."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable

from textrep.core.messages import shown
from textrep.embeddings.formats.errors import VectorFileError

# What ends a word in one or the other format; other white space, as U+00A0, does not.
_SEPARATOR = re.compile("[ \t\n\v\f\r\0]")


def decoded(
    word: bytes,
    errors: str,
    path: str | os.PathLike[str],
    *,
    line: int | None = None,
    byte: int | None = None,
) -> str:
    """A word of a file as str.

    Parameters
    ----------
    word : bytes
    errors : str
        What to do with bytes that are not UTF-8: see `bytes.decode`.
    path, line, byte
        Where the word is, for the message.

    Returns
    -------
    str

    Raises
    ------
    VectorFileError
        When the word is not UTF-8 and `errors` is "strict".
    """
    try:
        return word.decode("utf-8", errors)
    except UnicodeDecodeError:
        raise VectorFileError(
            f"the word {shown(word)} is not UTF-8; give errors='replace' or 'backslashreplace' to "
            "read it nevertheless",
            path=path,
            line=line,
            byte=byte,
        ) from None


def encoded(word: str, path: str | os.PathLike[str]) -> bytes:
    """A word as a file holds it.

    Parameters
    ----------
    word : str
    path : str or path-like
        Where it is to be written, for the message.

    Returns
    -------
    bytes

    Raises
    ------
    VectorFileError
        When the word is empty, has white space or NUL, or half a surrogate pair.
    """
    if not word or _SEPARATOR.search(word):
        raise VectorFileError(
            f"the word {shown(word)} cannot be written: words are separated by white space in this "
            "format; leave it out or join its parts with '_'",
            path=path,
        )
    try:
        return word.encode("utf-8")
    except UnicodeEncodeError:
        raise VectorFileError(
            f"the word {shown(word)} cannot be written in UTF-8", path=path
        ) from None


def first_ones(words: Iterable[str], path: str | os.PathLike[str]) -> list[int] | None:
    """Where each word occurs first, None where each occurs once.

    Warns of the others, whose vectors are left out as gensim leaves them out.

    Parameters
    ----------
    words : iterable of str
    path : str or path-like
        Where they were read, for the warning.

    Returns
    -------
    list of int or None

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     first_ones(["a", "b", "a"], "a.vec")
    [0, 1]
    >>> print(caught[0].message)
    a.vec: 1 word occurs again ('a' first); only its first vector is kept
    """
    known: dict[str, int] = {}
    again: list[str] = []
    for position, word in enumerate(words):
        if known.setdefault(word, position) != position:
            again.append(word)
    if not again:
        return None
    number = "1 word occurs" if len(again) == 1 else f"{len(again):,} words occur"
    whose = "its first vector is" if len(again) == 1 else "their first vectors are"
    warnings.warn(
        f"{os.fspath(path)}: {number} again ({shown(again[0])} first); only {whose} kept",
        stacklevel=4,  # the caller of read_vectors
    )
    return list(known.values())
