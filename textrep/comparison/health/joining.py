"""Which sets are alike: a similarity join by prefixes, as a kernel.

Two sets of which a share t of the union is common must meet among the first (1 - t) of their items
in any fixed order; with the rarest first, hardly any others do (Bayardo et al. 2007; Xiao et al.
2008). No pair is missed, as it can be with MinHash, unless a set has more candidates than are
looked at.

``keys``    int64, items of all sets one after another, rising within a set: how often the item's
            bucket occurs in its upper, the item in its lower bits.
``indptr``  int64 (n_sets + 1,), set s has the keys ``indptr[s]`` to ``indptr[s + 1]``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from textrep.sparse.kernels.memory import kernel

ITEM_BITS = 30
"""Bits of an item; what is above them in a key is how often it occurs."""
_ITEM_MASK = (1 << ITEM_BITS) - 1

# Counters of 4 bytes: 64 MiB at most. Items that share one only look more frequent than they are.
_MOST_BUCKETS = 1 << 24
# Heads of the lists of sets; items that share one only add candidates.
_MOST_HEADS = 1 << 20


@kernel
def power_above(number: int, most: int) -> int:
    """The power of two that is at least ``number``, but ``most`` at most."""
    power = 1
    while power < number and power < most:
        power *= 2
    return power


@kernel
def rarest_first(items: NDArray[np.int32], indptr: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keys of sets whose items are numbers below ``2**ITEM_BITS``."""
    mask = power_above(2 * items.size, _MOST_BUCKETS) - 1
    counts = np.zeros(mask + 1, np.uint32)
    for k in range(items.size):
        counts[items[k] & mask] += np.uint32(1)
    keys = np.empty(items.size, np.int64)
    for s in range(indptr.size - 1):
        begin, end = indptr[s], indptr[s + 1]
        for k in range(begin, end):
            count = np.int64(counts[items[k] & mask])
            keys[k] = (count << ITEM_BITS) | np.int64(items[k])
        keys[begin:end] = np.sort(keys[begin:end])
    return keys


@kernel
def overlap_reaches(
    keys: NDArray[np.int64], a: int, a_end: int, b: int, b_end: int, wanted: int
) -> bool:
    """Whether two sets have at least ``wanted`` keys in common."""
    common = 0
    while a < a_end and b < b_end:
        if common + min(a_end - a, b_end - b) < wanted:
            return False
        if keys[a] == keys[b]:
            common += 1
            a += 1
            b += 1
        elif keys[a] < keys[b]:
            a += 1
        else:
            b += 1
    return common >= wanted


@kernel
def join_sets(
    keys: NDArray[np.int64],
    indptr: NDArray[np.int64],
    order: NDArray[np.int64],
    group: NDArray[np.int64],
    part: NDArray[np.int64],
    threshold: float,
    max_candidates: int,
    max_steps: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each set one like it in another part, and one in its own part that is kept.

    Parameters
    ----------
    keys, indptr : as above
    order : int64 (n_sets,), the sets by rising size
    group : int64 (n_sets,), sets of one group are not compared
    part : int64 (n_sets,)
    threshold : share of the union that is common, above 0
    max_candidates, max_steps : sets compared with one, and list entries walked for one, at most

    Returns
    -------
    across, within : int64 (n_sets,), -1 for none
        A set has a `within` when one before it in `order`, of its own part and without a `within`,
        is like it: those without one are the copies to keep.
    """
    n = indptr.size - 1
    across = np.full(n, -1, np.int64)
    within = np.full(n, -1, np.int64)
    mask = power_above(keys.size, _MOST_HEADS) - 1
    heads = np.full(mask + 1, -1, np.int64)
    capacity = math.ceil((1 - 2 * threshold / (1 + threshold)) * keys.size) + 2 * n
    following = np.empty(capacity, np.int64)
    owner = np.empty(capacity, np.int64)
    n_entries = 0
    seen = np.full(n, -1, np.int64)
    for s in order:
        begin, end = indptr[s], indptr[s + 1]
        size = end - begin
        smallest = math.ceil(threshold * size - 1e-9)
        candidates = 0
        steps = 0
        for k in range(begin, end - smallest + 1 if size else begin):
            if keys[k] >> ITEM_BITS == 1:  # in no other set
                continue
            entry = heads[keys[k] & _ITEM_MASK & mask]
            while entry >= 0 and candidates < max_candidates and steps < max_steps:
                steps += 1
                other = owner[entry]
                entry = following[entry]
                other_size = indptr[other + 1] - indptr[other]
                if other_size < smallest:  # and so are all before it
                    break
                if seen[other] == s or group[other] == group[s]:
                    continue
                seen[other] = s
                candidates += 1
                wanted = math.ceil(threshold / (1 + threshold) * (size + other_size) - 1e-9)
                if not overlap_reaches(keys, begin, end, indptr[other], indptr[other + 1], wanted):
                    continue
                if part[other] != part[s]:
                    across[s] = other
                    across[other] = s
                elif within[other] < 0:
                    within[s] = other
        # Later sets are no smaller, so that they must meet this one in a shorter prefix.
        indexed = size - math.ceil(2 * threshold / (1 + threshold) * size - 1e-9) + 1
        for k in range(begin, begin + indexed if size else begin):
            if keys[k] >> ITEM_BITS == 1:
                continue
            head = keys[k] & _ITEM_MASK & mask
            owner[n_entries] = s
            following[n_entries] = heads[head]
            heads[head] = n_entries
            n_entries += 1
    return across, within
