"""UTF-8 as code points and back, and the folding of text that is not ASCII."""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.memory import (
    U64,
    add,
    inline,
    kernel,
    load_u8,
    load_u64,
    multiply,
    store_u8,
    store_u64,
    trailing_zeros,
)

HIGH = U64(0x8080808080808080)
LOW7 = U64(0x7F7F7F7F7F7F7F7F)
ONES = U64(0x0101010101010101)
SHIFT_2 = U64(2)


@inline
def at_least(low7, bound):
    """High bit of every byte whose low seven bits are >= bound (1..127)."""
    return add(low7, multiply(ONES, U64(128 - bound))) & HIGH


@inline
def in_range(low7, first, last):
    """High bit of every byte whose low seven bits are in ``first..last``."""
    return at_least(low7, first) & ~at_least(low7, last + 1)


@inline
def upper_case(chunk):
    """High bit of every byte of eight that is an ASCII capital."""
    return in_range(chunk & LOW7, 0x41, 0x5A) & ~chunk & HIGH


@inline
def _encode(code, target):
    """Write a code point as UTF-8 (surrogates too) and give the number of bytes."""
    if code < 0x80:
        store_u8(target, code)
        return 1
    if code < 0x800:
        store_u8(target, 0xC0 | (code >> 6))
        store_u8(target + 1, 0x80 | (code & 0x3F))
        return 2
    if code < 0x10000:
        store_u8(target, 0xE0 | (code >> 12))
        store_u8(target + 1, 0x80 | ((code >> 6) & 0x3F))
        store_u8(target + 2, 0x80 | (code & 0x3F))
        return 3
    store_u8(target, 0xF0 | (code >> 18))
    store_u8(target + 1, 0x80 | ((code >> 12) & 0x3F))
    store_u8(target + 2, 0x80 | ((code >> 6) & 0x3F))
    store_u8(target + 3, 0x80 | (code & 0x3F))
    return 4


@inline
def decode(pointer, i):
    """Code point at ``pointer + i`` and the position behind it."""
    first = load_u8(pointer + i)
    if first < 0x80:
        return first, i + 1
    second = load_u8(pointer + i + 1) & 0x3F
    if first < 0xE0:
        return ((first & 0x1F) << 6) | second, i + 2
    third = load_u8(pointer + i + 2) & 0x3F
    if first < 0xF0:
        return ((first & 0x0F) << 12) | (second << 6) | third, i + 3
    fourth = load_u8(pointer + i + 3) & 0x3F
    return ((first & 0x07) << 18) | (second << 12) | (third << 6) | fourth, i + 4


@inline
def fold_text(pointer, n, by_space, lower, fold, sequences, classes, target):
    """Fold case and accents of one document and turn its separators past ASCII into spaces; gives
    the bytes written.

    ``fold[c]`` is a code point, or ``-1 - k`` for ``sequences[k]`` code points that follow in
    ``sequences``. ``classes[c]`` has bit 0 for word characters (re's ``\\w``) and bit 1 for white
    space. Runs of ASCII are folded eight bytes at a time; up to 7 bytes more than counted are
    written.
    """
    written = 0
    i = 0
    while i < n:
        if i + 8 <= n:
            chunk = load_u64(pointer + i)
            plain = trailing_zeros(chunk & HIGH) >> 3
            if plain > 0:
                if lower:
                    chunk |= upper_case(chunk) >> SHIFT_2
                store_u64(target + written, chunk)
                written += plain
                i += plain
                continue
        code, i = decode(pointer, i)
        folded = fold[code]
        start, count = 0, 1
        if folded < 0:
            start = -np.int64(folded)
            count = sequences[start - 1]
        for k in range(count):
            out = np.int64(folded) if folded >= 0 else np.int64(sequences[start + k])
            is_token = (classes[out] & 2) == 0 if by_space else (classes[out] & 1) != 0
            if is_token:
                written += _encode(out, target + written)
            else:
                store_u8(target + written, 0x20)
                written += 1
    return written


@kernel
def find_plain(address, nbytes):
    """1 for each buffer that holds ASCII only."""
    plain = np.empty(address.size, np.uint8)
    for d in range(address.size):
        seen = U64(0)
        n = nbytes[d]
        for i in range(0, n - 7, 8):
            seen |= load_u64(address[d] + i)
        for i in range(n - n % 8, n):
            seen |= U64(load_u8(address[d] + i))
        plain[d] = (seen & HIGH) == U64(0)
    return plain
