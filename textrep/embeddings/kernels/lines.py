"""Lines of a text file as the kernels that tokenise want them."""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.memory import U64, inline, kernel, load_u8, load_u64, trailing_zeros
from textrep.sparse.kernels.utf8 import HIGH, at_least, in_range

LINE_FEED = 0x0A
_DROP_LOWEST = U64(1)


@inline
def continues(pointer, i, n, count, lowest, highest):
    """Whether ``count`` continuation bytes of UTF-8 follow at ``pointer + i``, the first of them
    from ``lowest`` to ``highest``.
    """
    if i + count > n:
        return False
    sound = lowest <= load_u8(pointer + i) <= highest
    for k in range(1, count):
        sound = sound and (load_u8(pointer + i + k) & 0xC0) == 0x80
    return sound


@inline
def sequence_length(pointer, i, n):
    """Bytes of the character past ASCII at ``pointer + i``; 0 where none of UTF-8 is (RFC 3629)."""
    first = load_u8(pointer + i)
    length = 0
    if 0xC2 <= first <= 0xDF:
        length = 2 if continues(pointer, i + 1, n, 1, 0x80, 0xBF) else 0
    elif 0xE0 <= first <= 0xEF:
        lowest = 0xA0 if first == 0xE0 else 0x80  # the shortest form only
        highest = 0x9F if first == 0xED else 0xBF  # no surrogates
        length = 3 if continues(pointer, i + 1, n, 2, lowest, highest) else 0
    elif 0xF0 <= first <= 0xF4:
        lowest = 0x90 if first == 0xF0 else 0x80
        highest = 0x8F if first == 0xF4 else 0xBF  # up to U+10FFFF
        length = 4 if continues(pointer, i + 1, n, 3, lowest, highest) else 0
    return length


@kernel
def split_lines(pointer, n, bounds, plain):
    r"""Find the lines of a text and check that it is UTF-8 without NUL.

    pointer, n : where its bytes lie, and how many they are
    bounds : int64 (n_lines + 1,), filled: line i begins at ``bounds[i]`` and ends with the ``\n``
        before ``bounds[i + 1]``; the last line lacks it
    plain : uint8 (n_lines,), filled with 1 where a line is pure ASCII

    Returns the position of the first fault, -1 if there is none. n_lines is one more than the line
    feeds.
    """
    line = 0
    bounds[0] = 0
    plain[0] = 1
    i = 0
    while i < n:
        if i + 8 <= n:
            chunk = load_u64(pointer + i)
            if (chunk & HIGH) == U64(0) and at_least(chunk, 1) == HIGH:
                ends = in_range(chunk, LINE_FEED, LINE_FEED)
                while ends != U64(0):
                    line += 1
                    bounds[line] = i + (trailing_zeros(ends) >> 3) + 1
                    plain[line] = 1
                    ends &= ends - _DROP_LOWEST
                i += 8
                continue
        byte = load_u8(pointer + i)
        if byte == 0:
            return i
        if byte < 0x80:
            i += 1
            if byte == LINE_FEED:
                line += 1
                bounds[line] = i
                plain[line] = 1
            continue
        length = sequence_length(pointer, i, n)
        if length == 0:
            return i
        plain[line] = 0
        i += length
    bounds[line + 1] = n
    return np.int64(-1)
