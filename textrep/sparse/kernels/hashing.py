"""Feature hashing: MurmurHash3 of every n-gram's UTF-8 bytes, then signed sums per column.

Source: Austin Appleby's MurmurHash3_x86_32, the function scikit-learn hashes with (seed 0). A key
is ``column << 1 | negative``.
"""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.memory import (
    U64,
    address_of,
    inline,
    kernel,
    load_u8,
    load_u64,
    multiply,
    store_u8,
)
from textrep.sparse.kernels.rows import DIGIT_BITS, sort_keys

LOW32 = U64(0xFFFFFFFF)
C1, C2 = U64(0xCC9E2D51), U64(0x1B873593)
MIX_1, MIX_2 = U64(0x85EBCA6B), U64(0xC2B2AE35)
FIVE, ADDEND = U64(5), U64(0xE6546B64)


@inline
def _rotate(x, count):
    return ((x << U64(count)) | (x >> U64(32 - count))) & LOW32


@inline
def _scramble(k):
    return multiply(_rotate(multiply(k, C1) & LOW32, 15), C2) & LOW32


@inline
def murmur3(pointer, n):
    """MurmurHash3_x86_32 with seed 0, as a signed number. Reads nothing past ``pointer + n``."""
    h = U64(0)
    i = 0
    while i + 4 <= n:
        k = (
            load_u64(pointer + i) & LOW32
            if i + 8 <= n
            else (
                U64(load_u8(pointer + i))
                | (U64(load_u8(pointer + i + 1)) << U64(8))
                | (U64(load_u8(pointer + i + 2)) << U64(16))
                | (U64(load_u8(pointer + i + 3)) << U64(24))
            )
        )
        h = (multiply(_rotate(h ^ _scramble(k), 13), FIVE) + ADDEND) & LOW32
        i += 4
    if i < n:
        k = U64(0)
        for b in range(n - i):
            k |= U64(load_u8(pointer + i + b)) << U64(8 * b)
        h ^= _scramble(k)
    h ^= U64(n)
    h ^= h >> U64(16)
    h = multiply(h, MIX_1) & LOW32
    h ^= h >> U64(13)
    h = multiply(h, MIX_2) & LOW32
    h ^= h >> U64(16)
    signed = np.int64(h)
    return signed - (np.int64(1) << 32) if signed >= (np.int64(1) << 31) else signed


@inline
def _key(pointer, n, n_features):
    h = murmur3(pointer, n)
    if h == -(
        np.int64(1) << 31
    ):  # scikit-learn's own rule for the one value without an absolute value
        return (((np.int64(1) << 31) - 1 - (n_features - 1)) % n_features) << 1 | 1
    return ((h if h >= 0 else -h) % n_features) << 1 | (1 if h < 0 else 0)


@kernel
def hash_texts(
    symbols, bounds, arena, offsets, separated, smallest, largest, whole_if_short, n_features
):  # fmt: skip
    """Keys of all n-grams of some texts.

    Parameters
    ----------
    symbols, bounds : text t is ``symbols[bounds[t]:bounds[t + 1]]``, the last of them -1
    arena, offsets : the bytes of each symbol
    separated : bool, a space stands between symbols
    smallest, largest : n-gram orders
    whole_if_short : bool, a text shorter than ``smallest`` symbols counts as one n-gram (char_wb)
    n_features : number of columns

    Returns
    -------
    keys : int64 (n_ngrams,); key_bounds : int64 (n_texts + 1,)
    """
    total = np.int64(0)
    most_bytes = np.int64(0)
    longest = np.int64(0)
    for t in range(bounds.size - 1):
        length = bounds[t + 1] - bounds[t] - 1
        longest = max(longest, length)
        nbytes = np.int64(0)
        for p in range(bounds[t], bounds[t + 1] - 1):
            nbytes += offsets[symbols[p] + 1] - offsets[symbols[p]] + 1
        most_bytes = max(most_bytes, nbytes)
        for n in range(smallest, min(largest, length) + 1):
            total += length - n + 1
        total += 1
    keys = np.empty(total, np.int64)
    key_bounds = np.empty(bounds.size, np.int64)
    key_bounds[0] = 0
    text = np.empty(most_bytes + 8, np.uint8)
    source = address_of(arena)
    begins = np.empty(longest, np.int64)
    ends = np.empty(longest, np.int64)
    written = 0
    for t in range(bounds.size - 1):
        pointer = address_of(text)  # here, not before the loop: see `address_of`
        length = bounds[t + 1] - bounds[t] - 1
        end = np.int64(0)
        for i in range(length):
            symbol = symbols[bounds[t] + i]
            if separated and i:
                store_u8(pointer + end, 0x20)
                end += 1
            begins[i] = end
            for b in range(offsets[symbol], offsets[symbol + 1]):
                store_u8(pointer + end, load_u8(source + b))
                end += 1
            ends[i] = end
        if whole_if_short and 0 < length < smallest:
            keys[written] = _key(pointer, end, n_features)
            written += 1
        for n in range(smallest, min(largest, length) + 1):
            for i in range(length - n + 1):
                keys[written] = _key(pointer + begins[i], ends[i + n - 1] - begins[i], n_features)
                written += 1
        key_bounds[t + 1] = written
    return keys[:written], key_bounds


@kernel
def hash_symbols(symbols, bounds, arena, offsets, n_features):
    """`hash_texts` for single symbols, each hashed once however often it stands there."""
    n = offsets.size - 1
    key_of = np.empty(n, np.int64)
    source = address_of(arena)
    for s in range(n):
        key_of[s] = _key(source + offsets[s], offsets[s + 1] - offsets[s], n_features)
    keys = np.empty(symbols.size, np.int64)
    key_bounds = np.empty(bounds.size, np.int64)
    key_bounds[0] = 0
    written = 0
    for t in range(bounds.size - 1):
        for p in range(bounds[t], bounds[t + 1] - 1):
            keys[written] = key_of[symbols[p]]
            written += 1
        key_bounds[t + 1] = written
    return keys[:written], key_bounds


@kernel
def expand_words(words, bounds, word_keys, word_bounds):
    """Keys of documents given as words with known keys; -1 is no word."""
    total = np.int64(0)
    for p in range(words.size):
        if words[p] >= 0:
            total += word_bounds[words[p] + 1] - word_bounds[words[p]]
    keys = np.empty(total, np.int64)
    key_bounds = np.empty(bounds.size, np.int64)
    key_bounds[0] = 0
    written = 0
    for d in range(bounds.size - 1):
        for p in range(bounds[d], bounds[d + 1]):
            if words[p] >= 0:
                for k in range(word_bounds[words[p]], word_bounds[words[p] + 1]):
                    keys[written] = word_keys[k]
                    written += 1
        key_bounds[d + 1] = written
    return keys, key_bounds


@kernel
def sum_rows(keys, key_bounds, n_features, alternate_sign):
    """Sort each row's keys and add up their signs; a sum of zero stays as an entry.

    Returns ``indices`` int32, ``values`` int32 and ``indptr`` int64.
    """
    longest = np.int64(0)
    for d in range(key_bounds.size - 1):
        longest = max(longest, key_bounds[d + 1] - key_bounds[d])
    spare = np.empty(longest, np.int64)
    histogram = np.empty(1 << DIGIT_BITS, np.int32)
    indices = np.empty(keys.size, np.int32)
    values = np.empty(keys.size, np.int32)
    indptr = np.empty(key_bounds.size, np.int64)
    indptr[0] = 0
    written = 0
    for d in range(key_bounds.size - 1):
        row = keys[key_bounds[d] : key_bounds[d + 1]]
        n = row.size
        if sort_keys(row, spare, n, 2 * n_features, histogram):
            row = spare
        before = np.int64(-1)
        for k in range(n):
            column = row[k] >> 1
            if column != before:
                before = column
                indices[written] = column
                values[written] = 0
                written += 1
            values[written - 1] += -1 if alternate_sign and row[k] & 1 else 1
        indptr[d + 1] = written
    return indices[:written], values[:written], indptr
