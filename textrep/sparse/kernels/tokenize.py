"""From UTF-8 buffers to token ids in one pass.

Eight bytes are looked at together: one register is classified into token and separator bytes and
lower-cased, and the length of a token is the number of zero bits below the first separator.
"""

from __future__ import annotations

import numpy as np

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
from textrep.sparse.kernels.memory import (
    U64,
    add,
    address_of,
    inline,
    kernel,
    load_u8,
    load_u64,
    popcount,
    prefetch,
    store_u64,
    trailing_zeros,
)
from textrep.sparse.kernels.utf8 import HIGH, LOW7, SHIFT_2, fold_text, in_range, upper_case

SEPARATORS = U64(0x2020202020202020)
SHIFT_1 = U64(1)
LENGTH_BITS = 32  # of a packed place and length
LENGTH_MASK = (1 << LENGTH_BITS) - 1


@inline
def classify(chunk, by_space, lower):
    """Lower-cased bytes and the high bit of each byte that belongs to a token.

    Bytes >= 0x80 always belong to one: text that holds any has had its separators past ASCII
    replaced by spaces (`fold_text`).
    """
    low7 = chunk & LOW7
    plain = ~chunk & HIGH
    upper = upper_case(chunk)
    if by_space:
        space = (in_range(low7, 0x09, 0x0D) | in_range(low7, 0x1C, 0x20)) & plain
        token = ~space & HIGH
    else:
        folded = low7 | (upper >> SHIFT_2)
        letter = in_range(folded, 0x61, 0x7A)
        token = ((letter | in_range(low7, 0x30, 0x39) | in_range(low7, 0x5F, 0x5F)) & plain) | (
            chunk & HIGH
        )
    if lower:
        chunk = chunk | (upper >> SHIFT_2)
    return chunk, token


@inline
def load_chunk(pointer, i, n):
    """Eight bytes at ``pointer + i``; past the end ``n`` read as spaces, without touching memory
    there.
    """
    if i + 8 <= n:
        return load_u64(pointer + i)
    chunk = SEPARATORS << U64(8 * (n - i)) if n > i else SEPARATORS
    for k in range(n - i):
        chunk |= U64(load_u8(pointer + i + k)) << U64(8 * k)
    return chunk


@kernel
def scan_tokens(address, nbytes, first, last, lower):
    """Find and lower-case the word tokens of documents, and do nothing with them: the limit of
    `tokenize`.

    Gives their number (of at least two bytes) and the sum of their first bytes, so that no work
    can be left out.
    """
    found = 0
    total = U64(0)
    for d in range(first, last):
        pointer, n = address[d], nbytes[d]
        i = np.int64(0)
        while i < n:
            chunk, token = classify(load_chunk(pointer, i, n), False, lower)
            if (token & U64(0x80)) == U64(0):
                i += trailing_zeros(token) >> 3
                continue
            start = i
            run = trailing_zeros(~token & HIGH) >> 3
            while run == 8 and i + 8 < n:
                i += 8
                total = add(total, chunk)
                chunk, token = classify(load_chunk(pointer, i, n), False, lower)
                run = trailing_zeros(~token & HIGH) >> 3
            total = add(total, first_bytes(chunk, max(run, 1)))
            i += run
            found += i - start >= 2
            i += 1
    return found, total


@inline
def split_tokens(pointer, n, by_space, lower, min_chars, table, keys, places, longs):
    """Find the tokens of one document and ask for the cache lines of their slots; gives how many
    there are.

    ``keys[t]`` is token t's key and ``places[t]`` its length in bytes, with above it where its
    bytes stand in ``longs`` if it has more than 8. Looking the tokens up afterwards, in a loop of
    its own, halves the time: the look-ups then overlap.
    """
    mask = (table.size >> 1) - 1
    slots = address_of(table)
    found = 0
    stored = np.int64(0)
    i = np.int64(0)
    while i < n:
        chunk, token = classify(load_chunk(pointer, i, n), by_space, lower)
        if (token & U64(0x80)) == U64(0):
            i += trailing_zeros(token) >> 3
            continue
        run = trailing_zeros(~token & HIGH) >> 3
        start = stored
        if run < 8:
            key = first_bytes(chunk, run)
            length = run
            i += run + 1
            if length < min_chars:
                continue
            if min_chars == 2 and (key & HIGH) != U64(0):
                continuation = (key & HIGH) & ~((key << SHIFT_1) & HIGH)
                if length - popcount(continuation) < 2:
                    continue
        else:
            length = np.int64(0)
            key = U64(0)
            while run > 0:
                chunk = first_bytes(chunk, run)
                store_u64(address_of(longs) + start + length, chunk)
                key = mix(key ^ chunk)
                key ^= key >> SHIFT_32
                length += run
                i += run
                if run < 8 or i >= n:
                    break
                chunk, token = classify(load_chunk(pointer, i, n), by_space, lower)
                run = trailing_zeros(~token & HIGH) >> 3
            i += 1
            if length == 8:
                key = load_u64(address_of(longs) + start)
            else:
                stored += length
        keys[found] = key
        places[found] = (start << LENGTH_BITS) | length
        found += 1
        prefetch(slots + ((np.int64(mix(key) >> SHIFT_32) & mask) << 4))
    return found


@kernel
def tokenize(
    address, nbytes, plain, first, last, by_space, lower, min_chars, learn, n_stop,
    fold, sequences, classes, growth, table, arena, offsets, n_terms,
):  # fmt: skip
    """Token ids of documents ``first`` to ``last``.

    Parameters
    ----------
    address, nbytes : int64 (n,), where each document's UTF-8 bytes lie and how many they are
    plain : uint8 (n,), 1 for pure ASCII
    by_space : bool, tokens are runs of non-space (char_wb) instead of runs of ``\\w``
    lower : bool, min_chars : int, 1 or 2
    learn : bool, give new tokens a new id; otherwise they are -1
    n_stop : int, ids below it are stop words: left out of the result
    fold, sequences, classes, growth : tables of `textrep.sparse.unicode`
    table, arena, offsets, n_terms : lexicon, see the module

    Returns
    -------
    tokens : int32 (n_tokens,), ids less ``n_stop``; -1 for an unknown token and behind each
        document
    bounds : int64 (last - first + 1,), document ``first + i`` has ``tokens[bounds[i]:bounds[i +
        1]]``
    table, arena, offsets, n_terms : the lexicon, perhaps moved
    """
    most = 0
    total = 0
    for d in range(first, last):
        size = nbytes[d] if plain[d] else nbytes[d] * growth
        most = max(most, size)
        total += size // min_chars + 2
    # upper bounds: pages that are not written to take no memory
    tokens = np.empty(total, np.int32)
    bounds = np.empty(last - first + 1, np.int64)
    folded = np.empty(most + 16, np.uint8)
    longs = np.empty(most + 16, np.uint8)
    keys = np.empty(most // min_chars + 1, np.uint64)
    places = np.empty(most // min_chars + 1, np.int64)
    n_tokens = 0
    bounds[0] = 0
    for d in range(first, last):
        pointer, n = address[d], nbytes[d]
        if not plain[d]:
            n = fold_text(pointer, n, by_space, lower, fold, sequences, classes, address_of(folded))
            pointer = address_of(folded)
        # folding has lower-cased already, and what it took apart may be upper case again ("₨")
        fold_case = lower and plain[d] == 1
        n_found = split_tokens(
            pointer, n, by_space, fold_case, min_chars, table, keys, places, longs
        )
        for t in range(n_found):
            key = keys[t]
            length = places[t] & LENGTH_MASK
            slot = find(
                table, key, length, arena, offsets, address_of(longs) + (places[t] >> LENGTH_BITS)
            )
            meta = table[2 * slot + 1]
            if meta != U64(0):
                known = np.int64(meta & ID_BITS) - 1 - n_stop
                if known >= 0:
                    tokens[n_tokens] = known
                    n_tokens += 1
                continue
            if not learn:
                tokens[n_tokens] = -1
                n_tokens += 1
                continue
            if offsets[n_terms] + length + 8 > arena.size:
                arena = grow(arena, offsets[n_terms], offsets[n_terms] + length + 8)
            if n_terms + 2 > offsets.size:
                offsets = grow(offsets, n_terms + 1, n_terms + 2)
            target = address_of(arena) + offsets[n_terms]
            if length <= 8:
                store_u64(target, key)
            else:
                copy_bytes(address_of(longs) + (places[t] >> LENGTH_BITS), length, target)
            offsets[n_terms + 1] = offsets[n_terms] + length
            tokens[n_tokens] = n_terms - n_stop
            n_tokens += 1
            n_terms += 1
            table[2 * slot] = key
            table[2 * slot + 1] = (U64(length) << SHIFT_32) | U64(n_terms)
            if 3 * n_terms > table.size:
                table = grow_table(table)
        tokens[n_tokens] = -1
        n_tokens += 1
        bounds[d - first + 1] = n_tokens
    return tokens[:n_tokens], bounds, table, arena, offsets, n_terms
