"""Random numbers for the kernels: a 64-bit linear congruential generator whose state is a value
that the caller holds, so that a thread's numbers depend on nothing but its seed.
"""

from __future__ import annotations

from textrep.sparse.kernels.memory import U64, add, always_inline, multiply

_FACTOR = U64(6364136223846793005)  # Knuth, MMIX
_STEP = U64(1442695040888963407)
_HALF = U64(32)


@always_inline
def advance(state):
    """The next state, uint64."""
    return add(multiply(state, _FACTOR), _STEP)


@always_inline
def high(state):
    """A number from 0 to 2**32 - 1, int64; the high bits are the random ones."""
    return int(state >> _HALF)


@always_inline
def below(state, n):
    """A number from 0 to n - 1, int64, for n up to 2**31."""
    return (high(state) * n) >> 32


@always_inline
def draw(state, threshold, alias):
    """The item that an alias table draws with the state; it is two steps long.

    threshold : int64 (n,), 0 to 2**32, how much of 2**32 an item keeps of its own place
    alias : int32 (n,), the item that has the rest of the place
    """
    place = below(state, len(threshold))
    if high(advance(state)) < threshold[place]:
        return place
    return int(alias[place])
