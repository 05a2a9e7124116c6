"""Which n-grams continue which: a hash table of last symbols for each prefix, all in one array.

``start``  int64 (n_prefixes + 1,), prefix r has the slots ``start[r]`` to ``start[r + 1]``, a power
           of two of them or none.
``slots``  int64, ``symbol << 32 | number`` of an n-gram, or -1 for a free slot.

A prefix's table is at least half as large again as its number of n-grams, but for a single one,
which has a single slot. A frequent prefix's table so stays in the cache, and a look-up touches one
cache line, which is asked for some look-ups ahead.
"""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.lexicon import GOLDEN
from textrep.sparse.kernels.memory import U64, address_of, inline, kernel, multiply, prefetch

FREE = np.int64(-1)
NUMBER_BITS = 32
NUMBER_MASK = (1 << NUMBER_BITS) - 1
TOP = U64(32)
BLOCK = 64  # look-ups under way at once


@inline
def _slot_of(symbol, size):
    """Where the search for a symbol begins in a table of ``size`` slots."""
    return np.int64(multiply(U64(symbol), GOLDEN) >> TOP) & (size - 1)


@kernel
def hash_children(parent, symbol, n_prefixes):
    """``start`` and ``slots`` of the n-grams whose prefix is ``parent[number]`` and whose last
    symbol is ``symbol[number]``.
    """
    start = np.zeros(n_prefixes + 1, np.int64)
    for child in range(parent.size):
        start[parent[child] + 1] += 1
    for prefix in range(n_prefixes):
        children = start[prefix + 1]
        size = np.int64(1) if children else np.int64(0)
        while 2 * size < 3 * children and children > 1:
            size *= 2
        start[prefix + 1] = start[prefix] + size
    slots = np.full(start[n_prefixes], FREE)
    for child in range(parent.size):
        begin = start[parent[child]]
        size = start[parent[child] + 1] - begin
        slot = _slot_of(symbol[child], size)
        while slots[begin + slot] != FREE:
            slot = (slot + 1) & (size - 1)
        slots[begin + slot] = (np.int64(symbol[child]) << NUMBER_BITS) | child
    return start, slots


@kernel
def find_children(prefix, symbols, order, start, slots, ranks):
    """``ranks[p]`` becomes the number of the n-gram of ``order`` at p, -1 where ``start`` and
    ``slots`` have none.

    ``prefix[p]`` is the number of the n-gram before its last symbol ``symbols[p + order - 1]``,
    either of them -1 for none.
    """
    begins = np.empty(BLOCK, np.int64)
    for first in range(0, symbols.size, BLOCK):
        last = min(first + BLOCK, symbols.size)
        for p in range(first, last):
            begin = FREE
            if prefix[p] >= 0 and symbols[p + order - 1] >= 0:
                begin = start[prefix[p]]
                size = start[prefix[p] + 1] - begin
                if size:
                    slot = _slot_of(symbols[p + order - 1], size)
                    prefetch(address_of(slots) + ((begin + slot) << 3))
                else:
                    begin = FREE
            begins[p - first] = begin
        for p in range(first, last):
            ranks[p] = -1
            begin = begins[p - first]
            if begin < 0:
                continue
            symbol = np.int64(symbols[p + order - 1])
            size = start[prefix[p] + 1] - begin
            slot = _slot_of(symbol, size)
            for _ in range(size):
                entry = slots[begin + slot]
                if entry == FREE:
                    break
                if entry >> NUMBER_BITS == symbol:
                    ranks[p] = entry & NUMBER_MASK
                    break
                slot = (slot + 1) & (size - 1)
