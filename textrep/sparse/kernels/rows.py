"""From term numbers in document order to the rows of a CSR matrix.

A row's entries stand in the order in which the collection first met their terms, as scikit-learn
leaves them, so a row is sorted by term and its runs are counted. The sort is by radix, two or three
passes over a row that lies in the cache; counting in a dense array over all terms was tried and is
slower as soon as that array outgrows the cache (1.5 million terms: 3 times). Words that stand for
many terms (character n-grams) are counted densely all the same where a batch has more occurrences
than terms, because a repeated word is then added at one go; the counted terms are put in order by a
two-level bitmap whose set bits are walked.
"""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.memory import U64, inline, kernel, trailing_zeros

ONE, ZERO = U64(1), U64(0)
FEW = 40  # below it insertion sort beats clearing a histogram
DIGIT_BITS = 9  # most bits sorted in one pass: the histogram stays in the first-level cache


@inline
def sort_keys(keys, spare, n, top, histogram):
    """Sort ``keys[:n]`` (0 <= key <= top); the result is in ``spare`` when True is returned, else
    in ``keys``.

    ``spare`` is as long as ``keys``; ``histogram`` int32 (2 ** DIGIT_BITS,).
    """
    if n <= FEW:
        for i in range(1, n):
            key = keys[i]
            j = i - 1
            while j >= 0 and keys[j] > key:
                keys[j + 1] = keys[j]
                j -= 1
            keys[j + 1] = key
        return False
    bits = 1
    while top >> bits:
        bits += 1
    passes = (bits + DIGIT_BITS - 1) // DIGIT_BITS
    digit = (bits + passes - 1) // passes
    size = 1 << digit
    for k in range(passes):
        shift = k * digit
        source, target = (spare, keys) if k & 1 else (keys, spare)
        for b in range(size):
            histogram[b] = 0
        for i in range(n):
            histogram[(source[i] >> shift) & (size - 1)] += 1
        total = 0
        for b in range(size):
            here = histogram[b]
            histogram[b] = total
            total += here
        for i in range(n):
            b = (source[i] >> shift) & (size - 1)
            target[histogram[b]] = source[i]
            histogram[b] += 1
    return passes & 1 == 1


@inline
def _write_runs(keys, n, terms, values, written):
    """Write each different key of the sorted ``keys[:n]`` with its count; gives the new end. Free
    of unforeseeable branches.
    """
    before = np.int32(-1)
    last = written - 1
    for i in range(n):
        last += keys[i] != before
        terms[last] = keys[i]
        values[last] = (values[last] if keys[i] == before else 0) + 1
        before = keys[i]
    return last + 1


@inline
def _add(term, weight, counts, bits, summary):
    # setting the bits again costs less than foreseeing whether they are set
    bits[term >> 6] |= ONE << U64(term & 63)
    summary[term >> 12] |= ONE << U64((term >> 6) & 63)
    counts[term] += weight


@inline
def _write_counted(counts, bits, summary, terms, values, written):
    """Write the counted terms in order and clear what was set; gives the new end."""
    for top in range(summary.size):
        words = summary[top]
        if words == ZERO:
            continue
        summary[top] = ZERO
        while words != ZERO:
            word = (top << 6) + trailing_zeros(words)
            words &= words - ONE
            rest = bits[word]
            bits[word] = ZERO
            while rest != ZERO:
                term = (word << 6) + trailing_zeros(rest)
                rest &= rest - ONE
                terms[written] = term
                values[written] = counts[term]
                counts[term] = 0
                written += 1
    return written


@kernel
def count_rows(ranks, smallest, term_of, offset, bounds, first, last, n_terms):
    """Rows of documents ``first`` to ``last`` whose n-grams are numbered in ``ranks``.

    Parameters
    ----------
    ranks : int32 (n_orders, n_positions), -1 for none
    smallest : the smallest order to count, counted from 0
    term_of, offset : n-gram r of order n is term ``term_of[offset[n] + r]``, -1 for none
    bounds : int64, positions ``bounds[d]`` to ``bounds[d + 1]`` belong to document d
    n_terms : terms are numbered below it

    Returns
    -------
    terms, values : int32 (nnz,), in rising order of term in each row
    indptr : int64 (last - first + 1,)
    """
    n_orders = ranks.shape[0] - smallest
    n_occurrences = (bounds[last] - bounds[first]) * n_orders
    most = np.int64(0)
    for d in range(first, last):
        most = max(most, (bounds[d + 1] - bounds[d]) * n_orders)
    # upper bounds: pages that are not written to take no memory
    terms = np.empty(n_occurrences, np.int32)
    values = np.empty(n_occurrences, np.int32)
    indptr = np.empty(last - first + 1, np.int64)
    keys = np.empty(most, np.int32)
    spare = np.empty(most, np.int32)
    histogram = np.empty(1 << DIGIT_BITS, np.int32)
    written = 0
    indptr[0] = 0
    for d in range(first, last):
        n = 0
        for order in range(smallest, ranks.shape[0]):
            base = offset[order]
            for p in range(bounds[d], bounds[d + 1]):
                rank = ranks[order, p]
                if rank >= 0:
                    term = term_of[base + rank]
                    if term >= 0:
                        keys[n] = term
                        n += 1
        moved = sort_keys(keys, spare, n, n_terms, histogram)
        written = _write_runs(spare if moved else keys, n, terms, values, written)
        indptr[d - first + 1] = written
    return terms[:written], values[:written], indptr


@kernel
def count_word_rows(words, bounds, term_bounds, term_list, first, last, n_terms):
    """Rows of documents given as words, each word a list of terms (character n-grams inside words).

    Word w stands for the terms ``term_list[term_bounds[w]:term_bounds[w + 1]]``; -1 is no word.
    Returns as `count_rows`.
    """
    n_occurrences = np.int64(0)
    most = np.int64(0)
    longest = np.int64(0)
    for d in range(first, last):
        n = np.int64(0)
        for p in range(bounds[d], bounds[d + 1]):
            if words[p] >= 0:
                n += term_bounds[words[p] + 1] - term_bounds[words[p]]
        n_occurrences += n
        most = max(most, n)
        longest = max(longest, bounds[d + 1] - bounds[d])
    dense = n_occurrences > n_terms
    terms = np.empty(n_occurrences, np.int32)
    values = np.empty(n_occurrences, np.int32)
    indptr = np.empty(last - first + 1, np.int64)
    size = longest if dense else most
    keys = np.empty(size, np.int32)
    spare = np.empty(size, np.int32)
    histogram = np.empty(1 << DIGIT_BITS, np.int32)
    counts = np.zeros(n_terms if dense else 0, np.int32)
    bits = np.zeros((n_terms >> 6) + 1 if dense else 0, np.uint64)
    summary = np.zeros((n_terms >> 12) + 1 if dense else 0, np.uint64)
    written = 0
    indptr[0] = 0
    for d in range(first, last):
        n = 0
        if dense:
            for p in range(bounds[d], bounds[d + 1]):
                if words[p] >= 0:
                    keys[n] = words[p]
                    n += 1
            moved = sort_keys(keys, spare, n, term_bounds.size, histogram)
            row = spare if moved else keys
            i = 0
            while i < n:
                j = i + 1
                while j < n and row[j] == row[i]:
                    j += 1
                for k in range(term_bounds[row[i]], term_bounds[row[i] + 1]):
                    _add(term_list[k], j - i, counts, bits, summary)
                i = j
            written = _write_counted(counts, bits, summary, terms, values, written)
        else:
            for p in range(bounds[d], bounds[d + 1]):
                if words[p] >= 0:
                    for k in range(term_bounds[words[p]], term_bounds[words[p] + 1]):
                        keys[n] = term_list[k]
                        n += 1
            moved = sort_keys(keys, spare, n, n_terms, histogram)
            written = _write_runs(spare if moved else keys, n, terms, values, written)
        indptr[d - first + 1] = written
    return terms[:written], values[:written], indptr


@kernel
def list_terms(ranks, smallest, term_of, offset, bounds):
    """The terms of each text in the order scikit-learn lists them: by n-gram order, then position.

    N-gram r of order n is term ``term_of[offset[n] + r]``, -1 for none. Below the order
    ``smallest`` (counted from 0) only a text that is no longer than the n-gram has one:
    scikit-learn's rule for short words in char_wb. Returns ``term_bounds`` and ``term_list`` as
    `count_word_rows` takes them.
    """
    n_orders = ranks.shape[0]
    term_bounds = np.empty(bounds.size, np.int64)
    term_bounds[0] = 0
    for fill in range(2):
        if fill:
            term_list = np.empty(term_bounds[bounds.size - 1], np.int32)
        else:
            term_list = np.empty(0, np.int32)
        n = 0
        for d in range(bounds.size - 1):
            for order in range(n_orders):
                if order < smallest and bounds[d + 1] - bounds[d] != order + 2:
                    continue
                for p in range(bounds[d], bounds[d + 1]):
                    rank = ranks[order, p]
                    if rank < 0:
                        continue
                    term = term_of[offset[order] + rank]
                    if term >= 0:
                        if fill:
                            term_list[n] = term
                        n += 1
            term_bounds[d + 1] = n
    return term_bounds, term_list


@kernel
def add_document_frequencies(terms, frequencies):
    """Add the number of rows in which each term stands."""
    for k in range(terms.size):
        frequencies[terms[k]] += 1


@kernel
def add_term_frequencies(terms, values, frequencies):
    """Add how often each term stands in all rows together."""
    for k in range(terms.size):
        frequencies[terms[k]] += values[k]


@kernel
def map_columns(terms, column_of, first, last):
    """Turn the entries ``first`` to ``last`` from terms into columns, in place."""
    for k in range(first, last):
        terms[k] = column_of[terms[k]]


@kernel
def keep_columns(terms, values, indptr, column_of):
    """Turn terms into columns and close the gaps that those without one (-1) leave, in place.

    Gives the number of entries kept.
    """
    written = np.int64(0)
    begin = np.int64(0)
    for d in range(indptr.size - 1):
        for k in range(begin, indptr[d + 1]):
            column = column_of[terms[k]]
            if column >= 0:
                terms[written] = column
                values[written] = values[k]
                written += 1
        begin = indptr[d + 1]
        indptr[d + 1] = written
    return written
