"""From UTF-8 buffers to token ids in one pass.

Eight bytes are looked at together: one register is classified into token and separator bytes and
lower-cased, and
the length of a token is the number of zero bits below the first separator. A token of at most eight
bytes is its own hash key, so that most look-ups compare one register and touch one cache line.

Arrays that describe a set of distinct tokens (a *lexicon*), all of them grown on demand:

``table``    uint64, two entries a slot: key (the bytes, or a hash past 8 bytes), then ``length <<
32 | id + 1``; zero when free.
``arena``    uint8, the tokens' bytes one after another, in the order of their ids, with 8 bytes of
slack.
``offsets``  int64, token ``i`` is ``arena[offsets[i]:offsets[i + 1]]``.
"""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.memory import (
    U64,
    add,
    address_of,
    inline,
    kernel,
    load_u8,
    load_u64,
    multiply,
    popcount,
    prefetch,
    store_u8,
    store_u64,
    trailing_zeros,
)

SEPARATORS = U64(0x2020202020202020)
HIGH = U64(0x8080808080808080)
LOW7 = U64(0x7F7F7F7F7F7F7F7F)
ONES = U64(0x0101010101010101)
ALL = U64(0xFFFFFFFFFFFFFFFF)
GOLDEN = U64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: Fibonacci hashing (Knuth, TAOCP 3, 6.4)
ID_BITS = U64(0xFFFFFFFF)
LENGTH_BITS = 32  # of a packed place and length
LENGTH_MASK = (1 << LENGTH_BITS) - 1
SHIFT_29, SHIFT_32, SHIFT_1, SHIFT_2 = U64(29), U64(32), U64(1), U64(2)


@inline
def _at_least(low7, bound):
    """High bit of every byte whose low seven bits are >= bound (1..127)."""
    return add(low7, multiply(ONES, U64(128 - bound))) & HIGH


@inline
def _range(low7, first, last):
    return _at_least(low7, first) & ~_at_least(low7, last + 1)


@inline
def classify(chunk, by_space, lower):
    """Lower-cased bytes and the high bit of each byte that belongs to a token.

    Bytes >= 0x80 always belong to one: text that holds any has had its separators replaced by
    spaces (`fold_text`).
    """
    low7 = chunk & LOW7
    plain = ~chunk & HIGH
    upper = _range(low7, 0x41, 0x5A) & plain
    if by_space:
        space = (_range(low7, 0x09, 0x0D) | _range(low7, 0x1C, 0x20)) & plain
        token = ~space & HIGH
    else:
        folded = low7 | (upper >> SHIFT_2)
        letter = _range(folded, 0x61, 0x7A)
        if not lower:
            letter |= upper
        token = ((letter | _range(low7, 0x30, 0x39) | _range(low7, 0x5F, 0x5F)) & plain) | (
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
def fold_text(pointer, n, by_space, fold, sequences, classes, target):
    """Fold case and accents of one document and turn its separators into spaces; gives the bytes
    written.

    ``fold[c]`` is a code point, or ``-1 - k`` for ``sequences[k]`` code points that follow in
    ``sequences``.
    ``classes[c]`` has bit 0 for word characters (re's ``\\w``) and bit 1 for white space.
    """
    written = 0
    i = 0
    while i < n:
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
    bytes stand in ``longs`` if it has
    more than 8. Looking the tokens up afterwards, in a loop of its own, halves the time: the
    look-ups then overlap.
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
            n = fold_text(pointer, n, by_space, fold, sequences, classes, address_of(folded))
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
    """Packed strings in another order: string i becomes the old ``order[i]``. Keeps 8 bytes of
    slack.
    """
    n = order.size
    moved = np.zeros(offsets[n] - offsets[0] + 8, np.uint8)
    bounds = np.empty(n + 1, np.int64)
    bounds[0] = 0
    for i in range(n):
        begin, end = offsets[order[i]], offsets[order[i] + 1]
        bounds[i + 1] = bounds[i] + end - begin
        for k in range(end - begin):
            moved[bounds[i] + k] = arena[begin + k]
    return moved, bounds
