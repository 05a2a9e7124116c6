"""From text to rows of symbols: the code points of documents or of words, each text followed by
-1.
"""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.memory import address_of, inline, kernel, load_u8
from textrep.sparse.kernels.utf8 import decode

SPACE = 0x20


@inline
def _push_space(symbols, written, run, first_space):
    """scikit-learn's ``\\s\\s+`` -> " ": a single white space stays as it is, two or more become
    one space.
    """
    if run:
        symbols[written] = first_space if run == 1 else SPACE
        return written + 1
    return written


@kernel
def document_symbols(address, nbytes, plain, first, last, fold, sequences, classes, lower, growth):
    """Folded code points of documents ``first`` to ``last`` with runs of white space made one
    space.

    Tables as in `textrep.sparse.kernels.tokenize.tokenize`. Returns ``symbols`` int32 and
    ``bounds`` int64.
    """
    total = np.int64(0)
    for d in range(first, last):
        total += nbytes[d] * (1 if plain[d] else growth) + 1
    symbols = np.empty(total, np.int32)
    bounds = np.empty(last - first + 1, np.int64)
    bounds[0] = 0
    written = np.int64(0)
    for d in range(first, last):
        pointer, n = address[d], nbytes[d]
        i = np.int64(0)
        run = 0
        first_space = SPACE
        while i < n:
            code = load_u8(pointer + i)
            if code < 0x80:
                i += 1
                if lower and 0x41 <= code <= 0x5A:
                    code += 0x20
                start, count = -1, 1
            else:
                code, i = decode(pointer, i)
                folded = np.int64(fold[code])
                start, count = -1, 1
                if folded < 0:
                    start = -folded
                    count = np.int64(sequences[start - 1])
                else:
                    code = folded
            for k in range(count):
                out = code if start < 0 else np.int64(sequences[start + k])
                if classes[out] & 2:
                    run += 1
                    if run == 1:
                        first_space = out
                else:
                    written = _push_space(symbols, written, run, first_space)
                    run = 0
                    symbols[written] = out
                    written += 1
        written = _push_space(symbols, written, run, first_space)
        symbols[written] = -1
        written += 1
        bounds[d - first + 1] = written
    return symbols[:written], bounds


@kernel
def word_symbols(arena, offsets):
    """Code points of packed words, each between two spaces."""
    n_words = offsets.size - 1
    symbols = np.empty(offsets[n_words] - offsets[0] + 3 * n_words, np.int32)
    bounds = np.empty(n_words + 1, np.int64)
    bounds[0] = 0
    pointer = address_of(arena)
    written = np.int64(0)
    for w in range(n_words):
        symbols[written] = SPACE
        written += 1
        i = offsets[w]
        while i < offsets[w + 1]:
            code, i = decode(pointer, i)
            symbols[written] = code
            written += 1
        symbols[written] = SPACE
        symbols[written + 1] = -1
        written += 2
        bounds[w + 1] = written
    return symbols[:written], bounds


@kernel
def mark_symbols(symbols, seen):
    """``seen[s] = 1`` for every symbol that occurs."""
    for p in range(symbols.size):
        if symbols[p] >= 0:
            seen[symbols[p]] = 1


@kernel
def renumber(source, number_of, target):
    """``target[p] = number_of[source[p]]``, -1 where ``source`` is negative or past the table."""
    for p in range(source.size):
        s = source[p]
        target[p] = number_of[s] if 0 <= s < number_of.size else -1


@kernel
def first_positions(symbols, position):
    """``position[s]`` becomes the first place where symbol s stands; it must hold -1 before."""
    for p in range(symbols.size):
        s = symbols[p]
        if s >= 0 and position[s] < 0:
            position[s] = p


@kernel
def rewrite_tokens(tokens, bounds, number_of):
    """Tokens -> ``number_of[token]`` in place, without those whose number is -2.

    Parameters
    ----------
    tokens : int32 (n_tokens,), -1 behind each document and for an unknown token
    bounds : int64 (n_documents + 1,), see `textrep.sparse.kernels.tokenize.tokenize`
    number_of : int32, -1 for an unknown token

    Returns
    -------
    size : int, number of tokens that are left, at the front of ``tokens``
    bounds : int64 (n_documents + 1,)
    """
    moved = np.empty(bounds.size, np.int64)
    moved[0] = 0
    written = np.int64(0)
    for d in range(bounds.size - 1):
        for p in range(bounds[d], bounds[d + 1]):
            token = tokens[p]
            number = number_of[token] if token >= 0 else np.int32(-1)
            if number == -2:
                continue
            tokens[written] = number
            written += 1
        moved[d + 1] = written
    return written, moved
