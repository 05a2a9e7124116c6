"""Numbering of n-grams by sorting, one order after another.

The n-grams of order n are pairs (n-gram of order n - 1, next symbol). Two counting sorts, by symbol
and then by prefix, bring equal pairs together in alphabetical order, so that numbering, sorting of
the vocabulary and counting fall out of one linear pass: no strings and no hash table of n-grams.

``ranks``  int32 (n_orders, n_positions): row n - 1 holds for each position the alphabetical number
of the n-gram that
starts there, or -1 where its text ends before. Row 0 holds the symbols, with a -1 behind each
text, so that
an n-gram is whole where both its halves (without the last and without the first symbol) are.
A packed entry is ``number << 36 | position``: up to 2**27 different prefixes and 2**36 positions.
"""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.lexicon import copy_bytes
from textrep.sparse.kernels.memory import address_of, inline, kernel

POSITION_BITS = 36
POSITION_MASK = (1 << POSITION_BITS) - 1
SPACE, LINE_BREAK = 0x20, 0x0A


@inline
def _whole(prefix, p):
    return prefix[p] >= 0 and prefix[p + 1] >= 0


@kernel
def count_symbols(prefix, symbols, order, first, last, histogram):
    """Add to ``histogram[s]`` how many n-grams of ``order`` at ``first <= position < last`` end in
    symbol s.

    ``prefix`` is row ``order - 2`` of ranks, ``symbols`` row 0.
    """
    for p in range(first, min(last, symbols.size - order + 1)):
        if _whole(prefix, p):
            histogram[symbols[p + order - 1]] += 1


@kernel
def scatter_by_symbol(prefix, symbols, order, first, last, place, packed):
    """Stable counting sort by last symbol: ``packed[place[s]++] = prefix << 36 | position``."""
    for p in range(first, min(last, symbols.size - order + 1)):
        if _whole(prefix, p):
            s = symbols[p + order - 1]
            packed[place[s]] = (np.int64(prefix[p]) << POSITION_BITS) | p
            place[s] += 1


@kernel
def count_prefixes(packed, first, last, histogram):
    """Add to ``histogram[prefix]`` the packed entries ``first`` to ``last``."""
    for k in range(first, last):
        histogram[packed[k] >> POSITION_BITS] += 1


@kernel
def scatter_by_prefix(packed, symbol_start, first, last, place, target):
    """Second counting sort: ``target[place[prefix]++] = symbol << 36 | position``.

    Entries of symbol s are ``packed[symbol_start[s]:symbol_start[s + 1]]``.
    """
    s = np.searchsorted(symbol_start, first, side="right") - 1
    for k in range(first, last):
        while symbol_start[s + 1] <= k:
            s += 1
        prefix = packed[k] >> POSITION_BITS
        target[place[prefix]] = (np.int64(s) << POSITION_BITS) | (packed[k] & POSITION_MASK)
        place[prefix] += 1


@kernel
def count_pairs(packed, prefix_start, first, last):
    """Number of different pairs among the prefixes ``first <= prefix < last``."""
    n = 0
    for prefix in range(first, last):
        before = np.int64(-1)
        for k in range(prefix_start[prefix], prefix_start[prefix + 1]):
            s = packed[k] >> POSITION_BITS
            n += s != before
            before = s
    return n


@kernel
def number_pairs(packed, prefix_start, first, last, number, ranks, parent, symbol, position):
    """Number the sorted pairs of the prefixes ``first <= prefix < last`` from ``number`` on.

    Fills ``ranks`` at every position and, per pair, its prefix, its last symbol and its first
    position.
    """
    number -= 1
    for prefix in range(first, last):
        before = np.int64(-1)
        for k in range(prefix_start[prefix], prefix_start[prefix + 1]):
            s = packed[k] >> POSITION_BITS
            p = packed[k] & POSITION_MASK
            if s != before:
                before = s
                number += 1
                parent[number] = prefix
                symbol[number] = s
                position[number] = p
            ranks[p] = number


@kernel
def add_subtrees(parent, size, parent_size):
    """Add the size of every n-gram's subtree to its prefix's."""
    for child in range(parent.size):
        parent_size[parent[child]] += size[child]


@kernel
def place_children(parent, size, parent_place, parent_included, place):
    """Place of each n-gram in the sorted vocabulary: behind its prefix and the subtrees of its
    elder siblings.
    """
    before = np.int64(-1)
    following = np.int64(0)
    for child in range(parent.size):
        if parent[child] != before:
            before = parent[child]
            following = parent_place[before] + parent_included[before]
        place[child] = following
        following += size[child]


@kernel
def mark_first(position, included, mark):
    """``mark[p] = number + 1`` where an included n-gram is met first."""
    for number in range(position.size):
        if included[number]:
            mark[position[number]] = number + 1


@kernel
def count_first(mark, bounds, counts):
    """Number of n-grams met first in each text."""
    for d in range(bounds.size - 1):
        n = 0
        for p in range(bounds[d], bounds[d + 1]):
            n += mark[p] > 0
        counts[d] = n


@kernel
def order_first(mark, bounds, start, seen):
    """``seen[number]`` becomes the order in which the n-gram is met; those of text d begin at
    ``start[d]``.
    """
    for d in range(bounds.size - 1):
        n = start[d]
        for p in range(bounds[d], bounds[d + 1]):
            if mark[p] > 0:
                seen[mark[p] - 1] = n
                n += 1


@kernel
def measure_terms(nodes, parent, symbol, offsets, gap, sizes, first, last):
    """``sizes[i]`` becomes the bytes of term ``first <= i < last`` and a line break behind it.

    Term i is n-gram ``nodes[i]``: its last symbol is ``symbol[nodes[i]]`` and the n-gram before
    that ``parent[nodes[i]]``, -1 for none. ``gap`` bytes stand between two symbols.
    """
    for i in range(first, last):
        node = np.int64(nodes[i])
        length = np.int64(1)
        while node >= 0:
            s = symbol[node]
            length += offsets[s + 1] - offsets[s]
            node = np.int64(parent[node])
            if node >= 0:
                length += gap
        sizes[i] = length


@kernel
def write_terms(nodes, parent, symbol, depth, arena, offsets, gap, ends, target, first, last):
    """Write the terms ``first <= i < last`` with spaces between their symbols and a line break
    behind, so that term i ends at ``ends[i]``. See `measure_terms`.

    ``depth`` is the most symbols of a term. Eight bytes are copied at a time, as far as what that
    writes past a symbol is overwritten by what follows from the same thread.
    """
    path = np.empty(depth, np.int64)
    safe = (ends[last - 1] if last else np.int64(0)) - 8
    for i in range(first, last):
        node = np.int64(nodes[i])
        n = 0
        while node >= 0:
            path[n] = symbol[node]
            n += 1
            node = np.int64(parent[node])
        written = ends[i - 1] if i else np.int64(0)
        for k in range(n - 1, -1, -1):
            begin = offsets[path[k]]
            length = offsets[path[k] + 1] - begin
            if written + length <= safe:
                copy_bytes(address_of(arena) + begin, length, address_of(target) + written)
            else:
                for b in range(length):
                    target[written + b] = arena[begin + b]
            written += length
            if k and gap:
                target[written] = SPACE
                written += 1
        target[written] = LINE_BREAK
