"""Scores of documents by a linear model, straight from the numbers of their n-grams: no row of a
matrix is written, and each n-gram's weights are read once a document.

``weights``  float64 (n_numbers, 1 + n_scores): in front what an occurrence of the n-gram adds to
             the norm, then to each score, both before they are divided by the norm.

An n-gram is counted before it is weighed, since a norm of squares or a logarithm needs its count.
Numbers of a few n-grams are counted in a dense array, which is cleared by walking the document
again; those of many in a hash table no larger than the document, since the dense array outgrows
the cache (IMDb, words: 5 against 8 ns a token with 75,000 of them, 14 against 9 ns a term with 1.5
million words and pairs). Adding the weights without counting first was tried where the norm would
allow it and is no faster.
"""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.lexicon import GOLDEN
from textrep.sparse.kernels.memory import U64, address_of, inline, kernel, multiply, prefetch
from textrep.sparse.kernels.weights import L1, L2, NONE

MAX = 3  # a norm only scikit-learn's Normalizer has, beside those of `weights`

COUNT, ONE, LOGARITHM, POSITIVE = 0, 1, 2, 3  # what a count becomes before it is weighed

FREE = np.int64(-1)
PLACE_BITS = 32
PLACE_MASK = (1 << PLACE_BITS) - 1
LEAST_BITS = 4  # of a hash table

LOGARITHMS = np.concatenate([np.zeros(1), 1.0 + np.log(np.arange(1.0, 256.0))])
"""1 + ln(count) of the counts that nearly all n-grams have."""


@inline
def _value(count, kind):
    if kind == COUNT:
        return np.float64(count)
    if kind == ONE:
        return 1.0
    if kind == POSITIVE:
        return 1.0 if count > 0 else 0.0
    if 0 < count < LOGARITHMS.size:
        return LOGARITHMS[count]
    return 1.0 + np.log(np.float64(count))


@inline
def _weigh(numbers, counts, n, weights, kind, norm, scores):
    """Write the scores of a document with ``n`` different n-grams."""
    total = 0.0
    for j in range(scores.size):
        scores[j] = 0.0
    for i in range(n):
        number = numbers[i]
        value = _value(counts[i], kind)
        if norm != NONE:
            size = abs(value * weights[number, 0])
            if norm == L2:
                total += size * size
            elif norm == L1:
                total += size
            else:
                total = max(total, size)
        for j in range(scores.size):
            scores[j] += value * weights[number, 1 + j]
    if norm == L2:
        total = np.sqrt(total)
    if total > 0.0:
        for j in range(scores.size):
            scores[j] /= total


@inline
def _count_densely(numbers, n, dense, counts):
    """Leave the different ones of ``numbers[:n]`` at its front, with their counts; gives how many.

    ``dense`` is zero before and after.
    """
    for i in range(n):
        dense[numbers[i]] += 1
    found = 0
    for i in range(n):  # free of unforeseeable branches: a number met again counts 0
        number = numbers[i]
        count = dense[number]
        dense[number] = 0
        numbers[found] = number
        counts[found] = count
        found += count > 0
    return found


@inline
def _count_by_table(numbers, n, table, counts, weights):
    """As `_count_densely`, with a hash table of ``number << 32 | place``, all `FREE` before and
    after; asks for the weights' cache lines.
    """
    bits = LEAST_BITS
    while (1 << bits) < 2 * n:
        bits += 1
    mask = (1 << bits) - 1
    shift = U64(64 - bits)
    rows = address_of(weights)
    width = 8 * weights.shape[1]
    found = 0
    for i in range(n):
        number = np.int64(numbers[i])
        slot = np.int64(multiply(U64(number), GOLDEN) >> shift)
        while True:
            entry = table[slot]
            if entry == FREE:
                prefetch(rows + number * width)
                table[slot] = (number << PLACE_BITS) | found
                numbers[found] = number
                counts[found] = 1
                found += 1
                break
            if entry >> PLACE_BITS == number:
                counts[entry & PLACE_MASK] += 1
                break
            slot = (slot + 1) & mask
    for slot in range(mask + 1):
        table[slot] = FREE
    return found


@kernel
def score_ngrams(ranks, smallest, offset, bounds, weights, kind, norm, dense_size):
    """Scores of documents whose n-grams are numbered in ``ranks``.

    Parameters
    ----------
    ranks : int32 (n_orders, n_positions), -1 for none
    smallest : the smallest order that counts, counted from 0
    offset : n-gram r of order n has row ``offset[n] + r`` of ``weights``
    bounds : int64 (n_documents + 1,), document d has the positions ``bounds[d]`` to ``bounds[d +
        1]``
    weights : see the module
    kind : COUNT, ONE, LOGARITHM or POSITIVE
    norm : NONE, L1, L2 or MAX
    dense_size : rows of ``weights`` to count in a dense array, or 0 for a hash table

    Returns
    -------
    scores : float64 (n_documents, n_scores)
    """
    n_documents = bounds.size - 1
    longest = np.int64(0)
    for d in range(n_documents):
        longest = max(longest, bounds[d + 1] - bounds[d])
    longest *= ranks.shape[0] - smallest
    numbers = np.empty(longest, np.int32)
    counts = np.empty(longest, np.int32)
    dense = np.zeros(dense_size, np.int32)
    size = np.int64(1 << LEAST_BITS)
    while size < 2 * longest and not dense_size:
        size *= 2
    table = np.full(size, FREE)
    scores = np.empty((n_documents, weights.shape[1] - 1))
    for d in range(n_documents):
        n = 0
        for order in range(smallest, ranks.shape[0]):
            base = offset[order]
            for p in range(bounds[d], bounds[d + 1]):
                rank = ranks[order, p]
                if rank >= 0:
                    numbers[n] = base + rank
                    n += 1
        if dense_size:
            found = _count_densely(numbers, n, dense, counts)
        else:
            found = _count_by_table(numbers, n, table, counts, weights)
        _weigh(numbers, counts, found, weights, kind, norm, scores[d])
    return scores


@kernel
def score_rows(columns, values, indptr, weights, kind, norm):
    """Scores of documents that are counted already.

    Parameters
    ----------
    columns, values : int32 (n_entries,), of the documents one after another
    indptr : int64 (n_documents + 1,), where each begins
    weights, kind, norm : as for `score_ngrams`; column c has row c

    Returns
    -------
    scores : float64 (n_documents, n_scores)
    """
    scores = np.empty((indptr.size - 1, weights.shape[1] - 1))
    for d in range(indptr.size - 1):
        begin, end = indptr[d], indptr[d + 1]
        _weigh(columns[begin:end], values[begin:end], end - begin, weights, kind, norm, scores[d])
    return scores
