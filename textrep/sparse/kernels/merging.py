"""Two sorted lists of different numbers as one."""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.memory import kernel


@kernel
def merge_sorted(a, b, place_a, place_b, merged):
    """Merge ``a`` and ``b``, int64, each rising without repeats.

    ``merged`` int64 (len(a) + len(b),) takes the numbers of both in rising order, ``place_a`` and
    ``place_b`` int32 where each stands there. Gives how many there are.
    """
    i = np.int64(0)
    j = np.int64(0)
    n = np.int64(0)
    while i < a.size or j < b.size:
        take_a = j == b.size or (i < a.size and a[i] <= b[j])
        take_b = i == a.size or (j < b.size and b[j] <= a[i])
        merged[n] = a[i] if take_a else b[j]
        if take_a:
            place_a[i] = n
            i += 1
        if take_b:
            place_b[j] = n
            j += 1
        n += 1
    return n
