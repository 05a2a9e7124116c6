"""Strings that are tokens already -> their numbers."""

from __future__ import annotations

import numpy as np

from textrep.embeddings.kernels.corpus import END
from textrep.sparse.kernels.lexicon import (
    ID_BITS,
    SHIFT_32,
    copy_bytes,
    find,
    first_bytes,
    grow,
    grow_table,
    mix,
)
from textrep.sparse.kernels.memory import U64, address_of, inline, kernel, prefetch, store_u64
from textrep.sparse.kernels.tokenize import load_chunk

GROUP = 256
"""Tokens whose slots are asked for before the first of them is looked up."""

AHEAD = 8


@inline
def key_of(pointer, length):
    """Key of a token, as `textrep.sparse.kernels.lexicon.hash_key`; reads nothing behind it."""
    key = U64(0)
    if length <= 8:
        return first_bytes(load_chunk(pointer, 0, length), length) if length > 0 else key
    k = 0
    while k < length:
        key = mix(key ^ first_bytes(load_chunk(pointer, k, length), min(8, length - k)))
        key ^= key >> SHIFT_32
        k += 8
    return key


@kernel
def number_strings(address, nbytes, lengths, table, arena, offsets, n_terms):
    """Numbers of the tokens of some sentences in a lexicon; new ones are added.

    address, nbytes : int64 (n,), where each token's bytes lie and how many they are
    lengths : int64 (n_sentences,), tokens in each sentence
    table, arena, offsets, n_terms : lexicon, see `textrep.sparse.kernels.lexicon`

    Returns int32 (n + n_sentences,), -1 behind each sentence, and the lexicon, perhaps moved.
    """
    n = address.size
    longest = np.int64(0)
    for t in range(n):
        longest = max(longest, nbytes[t])
    copy = np.empty(longest + 16, np.uint8)
    keys = np.empty(GROUP, np.uint64)
    numbers = np.empty(n, np.int32)
    for first in range(0, n, GROUP):
        last = min(first + GROUP, n)
        mask = (table.size >> 1) - 1
        for t in range(first, last):
            if t + AHEAD < n:
                prefetch(address[t + AHEAD])
            key = key_of(address[t], nbytes[t])
            keys[t - first] = key
            prefetch(address_of(table) + ((np.int64(mix(key) >> SHIFT_32) & mask) << 4))
        for t in range(first, last):
            key = keys[t - first]
            length = nbytes[t]
            if length > 8:  # to where bytes behind it may be read
                for k in range(0, length, 8):
                    store_u64(address_of(copy) + k, load_chunk(address[t], k, length))
            slot = find(table, key, length, arena, offsets, address_of(copy))
            meta = table[2 * slot + 1]
            if meta != U64(0):
                numbers[t] = np.int64(meta & ID_BITS) - 1
                continue
            if offsets[n_terms] + length + 8 > arena.size:
                arena = grow(arena, offsets[n_terms], offsets[n_terms] + length + 8)
            if n_terms + 2 > offsets.size:
                offsets = grow(offsets, n_terms + 1, n_terms + 2)
            target = address_of(arena) + offsets[n_terms]
            if length <= 8:
                store_u64(target, key)
            else:
                copy_bytes(address_of(copy), length, target)
            offsets[n_terms + 1] = offsets[n_terms] + length
            numbers[t] = n_terms
            n_terms += 1
            table[2 * slot] = key
            table[2 * slot + 1] = (U64(length) << SHIFT_32) | U64(n_terms)
            if 3 * n_terms > table.size:
                table = grow_table(table)
    return with_ends(numbers, lengths), table, arena, offsets, n_terms


@inline
def with_ends(numbers, lengths):
    """The tokens of sentences, one sentence after another, with -1 behind each."""
    ids = np.empty(numbers.size + lengths.size, np.int32)
    at = 0
    for s in range(lengths.size):
        for k in range(lengths[s]):
            ids[at + s + k] = numbers[at + k]
        at += lengths[s]
        ids[at + s] = END
    return ids
