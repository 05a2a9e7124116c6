"""Character n-grams of words, hashed into buckets as fastText does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

OPEN, CLOSE = "<", ">"
"""Brackets that tell the beginning and the end of a word from its middle."""

END_OF_SENTENCE = "</s>"
"""The one word of fastText's dictionaries that has no n-grams."""


class Subwords(NamedTuple):
    """The n-grams of some words.

    Attributes
    ----------
    buckets : ndarray of shape (n_ngrams,), int32
        Bucket of each n-gram, word by word, repeats included.
    bounds : ndarray of shape (n_words + 1,), int64
        Those of word ``i`` are ``buckets[bounds[i]:bounds[i + 1]]``.
    """

    buckets: np.ndarray
    bounds: np.ndarray


def pack_words(words: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """Words as bytes, one behind the other, as the kernels of hashing take them.

    Parameters
    ----------
    words : iterable of str

    Returns
    -------
    data : ndarray of shape (n_bytes,), uint8
        UTF-8; half of a surrogate pair takes three bytes.
    offsets : ndarray of shape (n_words + 1,), int64
        Word ``i`` is ``data[offsets[i]:offsets[i + 1]]``.

    Examples
    --------
    >>> data, offsets = pack_words(["to", "be"])
    >>> data.tobytes(), offsets.tolist()
    (b'tobe', [0, 2, 4])
    """
    encoded = [word.encode("utf-8", "surrogatepass") for word in words]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(word) for word in encoded], out=offsets[1:])
    return np.frombuffer(b"".join(encoded), np.uint8), offsets


def hashes_of(words: Iterable[str]) -> np.ndarray:
    """fastText's hash of each word: FNV-1a with 32 bits over signed bytes.

    Parameters
    ----------
    words : iterable of str

    Returns
    -------
    ndarray of shape (n_words,), uint32

    Examples
    --------
    >>> hashes_of(["", "a", "\\u00e4"])
    array([2166136261, 3826002220,  939155682], dtype=uint32)
    """
    from textrep.embeddings.kernels.subwords import hash_words

    return hash_words(*pack_words(words))


def subwords_of(words: Iterable[str], *, min_n: int, max_n: int, bucket: int) -> Subwords:
    """The buckets of the character n-grams of words, as fastText numbers them.

    An n-gram is `min_n` to `max_n` code points of ``<word>``; a bracket alone is none. They come
    in fastText's order: by their beginning, then by their length.

    Parameters
    ----------
    words : iterable of str
    min_n, max_n : int
        Shortest and longest n-gram, in code points; ``max_n=0`` for none at all.
    bucket : int
        Number of buckets.

    Returns
    -------
    Subwords

    References
    ----------
    Bojanowski, Grave, Joulin, Mikolov (2017). Enriching word vectors with subword information.
    TACL 5, section 3.2.

    Examples
    --------
    >>> found = subwords_of(["to", "be"], min_n=3, max_n=3, bucket=2_000_000)
    >>> found.bounds  # "<to", "to>", "<be", "be>"
    array([0, 2, 4])
    >>> found.buckets.dtype
    dtype('int32')
    """
    from textrep.embeddings.kernels.subwords import hash_ngrams

    bracketed = ["" if word == END_OF_SENTENCE else f"{OPEN}{word}{CLOSE}" for word in words]
    return Subwords(*hash_ngrams(*pack_words(bracketed), min_n, max_n, bucket))


def ngrams_of(word: str, *, min_n: int, max_n: int) -> list[str]:
    """The character n-grams of one word, in the order of `subwords_of`.

    Parameters
    ----------
    word : str
    min_n, max_n : int
        Shortest and longest n-gram, in code points.

    Returns
    -------
    list of str

    Examples
    --------
    >>> ngrams_of("to", min_n=2, max_n=3)
    ['<t', '<to', 'to', 'to>', 'o>']
    """
    if word == END_OF_SENTENCE:
        return []
    text = f"{OPEN}{word}{CLOSE}"
    return [
        text[begin:end]
        for begin in range(len(text))
        for end in range(begin + max(min_n, 1), min(begin + max_n, len(text)) + 1)
        if end - begin > 1 or 0 < begin < len(text) - 1
    ]
