"""Hashes of words and of their character n-grams, as fastText makes them.

Source: Bojanowski et al. 2017, "Enriching word vectors with subword information", and
``Dictionary::hash`` and ``Dictionary::computeSubwords`` of fastText 0.9.2 (src/dictionary.cc). The
words lie behind each other as UTF-8 in ``data`` uint8 (n_bytes,); word w is
``data[offsets[w]:offsets[w + 1]]``, ``offsets`` int64 (n_words + 1,).
"""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.memory import inline, kernel

BASIS = 2166136261  # FNV-1a with 32 bits (draft-eastlake-fnv)
PRIME = 16777619
LOW32 = 0xFFFFFFFF
CONTINUES, CONTINUATION = 0xC0, 0x80  # bytes behind the first one of a code point in UTF-8


@inline
def step(h, byte):
    """The hash of a text and one byte more; ``h`` int64 below 2**32.

    fastText's bytes are signed: those from 128 on flip the upper 24 bits too.
    """
    byte = np.int64(byte)
    signed = byte - 256 if byte >= 128 else byte
    return ((h ^ (signed & LOW32)) * PRIME) & LOW32


@kernel
def hash_words(data, offsets):
    """FNV-1a of each word with fastText's signed bytes, uint32 (n_words,)."""
    hashes = np.empty(offsets.size - 1, np.uint32)
    for w in range(offsets.size - 1):
        h = np.int64(BASIS)
        for p in range(offsets[w], offsets[w + 1]):
            h = step(h, data[p])
        hashes[w] = h
    return hashes


@inline
def _continues(byte):
    return (byte & CONTINUES) == CONTINUATION


@inline
def _ngrams(data, first, last, shortest, longest, bucket, found, n):
    """Append the buckets of one word's n-grams to ``found`` from place ``n`` on, or count them
    only where ``found`` is empty; gives the place behind them.
    """
    for begin in range(first, last):
        if _continues(data[begin]):
            continue
        h = np.int64(BASIS)
        end = begin
        length = 1
        while end < last and length <= longest:
            h = step(h, data[end])
            end += 1
            while end < last and _continues(data[end]):
                h = step(h, data[end])
                end += 1
            bracket = length == 1 and (begin == first or end == last)
            if length >= shortest and not bracket:
                if found.size:
                    found[n] = h % bucket
                n += 1
            length += 1
    return n


@kernel
def hash_ngrams(data, offsets, shortest, longest, bucket):
    """Buckets of all n-grams of each word, in fastText's order, repeats included.

    The words carry their brackets already: ``<word>``. N-grams have ``shortest`` to ``longest``
    code points; a bracket alone is none. Invalid UTF-8 is taken as fastText takes it.

    Returns
    -------
    buckets : int32 (n_ngrams,), each below ``bucket``
    bounds : int64 (n_words + 1,); those of word w are ``buckets[bounds[w]:bounds[w + 1]]``
    """
    bounds = np.empty(offsets.size, np.int64)
    nothing = np.empty(0, np.int32)
    bounds[0] = 0
    for w in range(offsets.size - 1):
        bounds[w + 1] = _ngrams(
            data, offsets[w], offsets[w + 1], shortest, longest, bucket, nothing, bounds[w]
        )
    buckets = np.empty(bounds[offsets.size - 1], np.int32)
    if buckets.size:
        for w in range(offsets.size - 1):
            _ngrams(data, offsets[w], offsets[w + 1], shortest, longest, bucket, buckets, bounds[w])
    return buckets, bounds
