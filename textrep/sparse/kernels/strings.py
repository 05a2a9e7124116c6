"""Reading the headers of str objects, one memory access each and several of them under way."""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.memory import kernel, load_u64, prefetch

TYPE_AT, LENGTH_AT, STATE_AT = 8, 16, 32  # in CPython's PyASCIIObject (Include/cpython)
AHEAD = 8


@kernel
def read_strings(items, n, kind, flags, header, address, nbytes, plain):
    """Fill in where the characters of n str objects lie, how many bytes they are, and whether they
    are ASCII; False when some object is not of the type at ``kind``.

    ``items`` is the address of n pointers. A str whose state has all ``flags`` is ASCII and has
    its characters ``header`` bytes behind its beginning; of the others nothing else is known.
    """
    for i in range(n):
        if i + AHEAD < n:
            prefetch(np.int64(load_u64(items + 8 * (i + AHEAD))))
        text = np.int64(load_u64(items + 8 * i))
        if load_u64(text + TYPE_AT) != kind:
            return False
        state = load_u64(text + STATE_AT)
        address[i] = text + header
        nbytes[i] = np.int64(load_u64(text + LENGTH_AT))
        plain[i] = (state & flags) == flags
    return True
