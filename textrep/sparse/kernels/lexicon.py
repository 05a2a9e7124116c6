"""Sets of distinct tokens, numbered in the order they were added.

The arrays of such a *lexicon*, all of them grown on demand:

``table``    uint64, two entries a slot: the key (the bytes themselves, or a hash past 8 of them),
             then ``length << 32 | id + 1``; both zero where the slot is free.
``arena``    uint8, the tokens' bytes one after another in the order of their ids, and 8 more bytes.
``offsets``  int64, token ``i`` is ``arena[offsets[i]:offsets[i + 1]]``.

A token of at most eight bytes is its own key, so that most look-ups compare one register and touch
one cache line.
"""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.memory import (
    U64,
    address_of,
    inline,
    kernel,
    load_u64,
    multiply,
    store_u64,
)

ALL = U64(0xFFFFFFFFFFFFFFFF)
GOLDEN = U64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: Fibonacci hashing (Knuth, TAOCP 3, 6.4)
ID_BITS = U64(0xFFFFFFFF)
SHIFT_29, SHIFT_32 = U64(29), U64(32)


@inline
def mix(key):
    return multiply(key ^ (key >> SHIFT_29), GOLDEN)


@inline
def first_bytes(chunk, count):
    """The lowest ``count`` (1..8) bytes, the others zero."""
    return chunk & (ALL >> U64(64 - 8 * count))


@inline
def same_bytes(a, b, length):
    """Whether ``length`` bytes at two addresses are equal; both may be read 8 bytes past their
    end.
    """
    k = 0
    while k + 8 <= length:
        if load_u64(a + k) != load_u64(b + k):
            return False
        k += 8
    return k == length or first_bytes(load_u64(a + k) ^ load_u64(b + k), length - k) == U64(0)


@inline
def find(table, key, length, arena, offsets, token):
    """Slot of a token, or of the free place where it belongs. ``token`` is the address of its
    bytes.
    """
    mask = (table.size >> 1) - 1
    slot = np.int64(mix(key) >> SHIFT_32) & mask
    while True:
        meta = table[2 * slot + 1]
        if meta == U64(0):
            return slot
        if table[2 * slot] == key and np.int64(meta >> SHIFT_32) == length:
            if length <= 8:
                return slot
            known = np.int64(meta & ID_BITS) - 1
            if same_bytes(address_of(arena) + offsets[known], token, length):
                return slot
        slot = (slot + 1) & mask


@inline
def grow_table(table):
    bigger = np.zeros(2 * table.size, np.uint64)
    mask = (bigger.size >> 1) - 1
    for old in range(table.size >> 1):
        if table[2 * old + 1] != U64(0):
            slot = np.int64(mix(table[2 * old]) >> SHIFT_32) & mask
            while bigger[2 * slot + 1] != U64(0):
                slot = (slot + 1) & mask
            bigger[2 * slot] = table[2 * old]
            bigger[2 * slot + 1] = table[2 * old + 1]
    return bigger


@inline
def grow(array, used, size):
    """A larger array of the same kind with the first ``used`` elements kept."""
    bigger = np.empty(max(size, 2 * array.size), array.dtype)
    bigger[:used] = array[:used]
    return bigger


@inline
def copy_bytes(source, length, target):
    """Copy bytes eight at a time; up to 7 more are read and written behind their end."""
    for k in range(0, length, 8):
        store_u64(target + k, load_u64(source + k))


@inline
def hash_key(token, length):
    """Key of a token whose bytes lie at an address that may be read up to 8 bytes past its end."""
    if length <= 8:
        return first_bytes(load_u64(token), length) if length > 0 else U64(0)
    key = U64(0)
    k = 0
    while k < length:
        take = min(8, length - k)
        key = mix(key ^ first_bytes(load_u64(token + k), take))
        key ^= key >> SHIFT_32
        k += take
    return key


@kernel
def insert_tokens(source, bounds, table, arena, offsets, n_terms, ids):
    """Add the tokens ``source[bounds[i]:bounds[i + 1]]`` to a lexicon; ``ids[i]`` becomes the id
    of each.

    ``source`` needs 8 bytes of slack. Returns the lexicon, perhaps moved.
    """
    for i in range(bounds.size - 1):
        token = address_of(source) + bounds[i]
        length = bounds[i + 1] - bounds[i]
        key = hash_key(token, length)
        slot = find(table, key, length, arena, offsets, token)
        meta = table[2 * slot + 1]
        if meta != U64(0):
            ids[i] = np.int64(meta & ID_BITS) - 1
            continue
        if offsets[n_terms] + length + 8 > arena.size:
            arena = grow(arena, offsets[n_terms], offsets[n_terms] + length + 8)
        if n_terms + 2 > offsets.size:
            offsets = grow(offsets, n_terms + 1, n_terms + 2)
        copy_bytes(token, length, address_of(arena) + offsets[n_terms])
        offsets[n_terms + 1] = offsets[n_terms] + length
        table[2 * slot] = key
        ids[i] = n_terms
        n_terms += 1
        table[2 * slot + 1] = (U64(length) << SHIFT_32) | U64(n_terms)
        if 3 * n_terms > table.size:
            table = grow_table(table)
    return table, arena, offsets, n_terms


@kernel
def sort_keys_at(arena, offsets, which, depth):
    """Bytes ``depth`` to ``depth + 8`` of some tokens as numbers that sort like them; zeros behind
    their end.
    """
    keys = np.empty(which.size, np.uint64)
    for i in range(which.size):
        key = U64(0)
        begin = offsets[which[i]] + depth
        end = min(offsets[which[i] + 1], begin + 8)
        for k in range(begin, end):
            key |= U64(arena[k]) << U64(8 * (7 - (k - begin)))
        keys[i] = key
    return keys


@kernel
def reorder_packed(arena, offsets, order):
    """Packed strings in another order, or some of them: string i becomes the old ``order[i]``.
    Keeps 8 bytes of slack.
    """
    n = order.size
    bounds = np.empty(n + 1, np.int64)
    bounds[0] = 0
    for i in range(n):
        bounds[i + 1] = bounds[i] + offsets[order[i] + 1] - offsets[order[i]]
    moved = np.zeros(bounds[n] + 8, np.uint8)
    for i in range(n):
        begin, end = offsets[order[i]], offsets[order[i] + 1]
        for k in range(end - begin):
            moved[bounds[i] + k] = arena[begin + k]
    return moved, bounds
