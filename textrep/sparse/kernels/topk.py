"""An inverted index of weighted rows, and the best documents of queries.

The index holds each column (term) in one of two ways. A term that few documents have is a list of
postings: their numbers, rising, and the weights. A term that many documents have is a dense row of
weights, one a document: it takes no more memory than its postings or little more, and is added by
vector instructions.

Queries are answered block of documents by block of documents, some queries together: the scores of
a block stay in the cache, and memory is read once for all of them. A term's postings are gone
through from block to block. Where, with the rarer terms added up, no document of a block can get
among the best whatever the frequent terms add, these are left out.
"""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.memory import inline, kernel

BLOCK = 1 << 14  # documents at a time: their scores lie in the second-level cache
RUN = 64  # scores compared at one go
TOGETHER = 64  # queries at a time


@kernel
def count_entries(indices, first, last, counts):
    """Add the number of entries of each column among those numbered ``first`` to ``last``."""
    for k in range(first, last):
        counts[indices[k]] += 1


@kernel
def place_postings(
    data, indices, indptr, first, last, position, dense_of, documents, weights, dense
):
    """Write the entries of rows ``first`` to ``last`` into the index.

    Parameters
    ----------
    data, indices, indptr : of the CSR matrix of weights
    position : int64 (n_columns,), where the next posting of each column goes; moved on
    dense_of : int32 (n_columns,), row of ``dense`` that a column has, -1 for none
    documents, weights : int32 and float (n_postings,), written
    dense : float (n_dense, n_documents) of zeros, written
    """
    for d in range(first, last):
        for k in range(indptr[d], indptr[d + 1]):
            column = indices[k]
            row = dense_of[column]
            if row >= 0:
                dense[row, d] += data[k]
            else:
                p = position[column]
                documents[p] = d
                weights[p] = data[k]
                position[column] = p + 1


@inline
def _sink(scores, documents, size):
    """Let the root of a heap, whose root is the worst of it, sink to its place. Of two equal
    scores the one of the higher document number is worse.
    """
    score, document = scores[0], documents[0]
    place = 0
    while 2 * place + 1 < size:
        child = 2 * place + 1
        other = child + 1
        if other < size and (
            scores[other] < scores[child]
            or (scores[other] == scores[child] and documents[other] > documents[child])
        ):
            child = other
        if scores[child] > score or (scores[child] == score and documents[child] < document):
            break
        scores[place], documents[place] = scores[child], documents[child]
        place = child
    scores[place], documents[place] = score, document


@inline
def _rise(scores, documents, place):
    """Let the last entry of a heap, in ``place``, rise to its place."""
    score, document = scores[place], documents[place]
    while place > 0:
        parent = (place - 1) >> 1
        if scores[parent] < score or (scores[parent] == score and documents[parent] > document):
            break
        scores[place], documents[place] = scores[parent], documents[parent]
        place = parent
    scores[place], documents[place] = score, document


@inline
def _holds_better(scores, bound):
    """Whether any score is above ``bound``; ``scores`` is a slice, which the compiler can follow
    with vector instructions, unlike indices that may count from the end.
    """
    found = np.int32(0)
    for i in range(scores.size):
        found |= np.int32(scores[i] > bound)
    return found != 0


@inline
def _offer(scores, first, size, best_scores, best):
    """Put those of a run of scores, of documents from number ``first`` on, into a heap of ``size``
    entries that belong there; gives its new size.
    """
    k = best.size
    for i in range(scores.size):
        if size < k:
            best_scores[size], best[size] = scores[i], first + i
            _rise(best_scores, best, size)
            size += 1
        elif scores[i] > best_scores[0]:
            best_scores[0], best[0] = scores[i], first + i
            _sink(best_scores, best, k)
    return size


@inline
def _offer_all(scores, first, size, best_scores, best):
    """`_offer`, run by run; those without a score that belongs into the heap are passed over."""
    for begin in range(0, scores.size, RUN):
        run = scores[begin : begin + RUN]
        if size < best.size or _holds_better(run, best_scores[0]):
            size = _offer(run, first + begin, size, best_scores, best)
    return size


@inline
def _add_rows(scores, first, rows, factors, dense):
    """Add the part of some dense rows from document ``first`` on; four at a time, in their order,
    to load and store the sums less often.
    """
    n = scores.size
    end = first + n
    r = 0
    while r + 4 <= rows.size:
        a, b = dense[rows[r], first:end], dense[rows[r + 1], first:end]
        c, d = dense[rows[r + 2], first:end], dense[rows[r + 3], first:end]
        f, g, h, j = factors[r], factors[r + 1], factors[r + 2], factors[r + 3]
        for i in range(n):
            scores[i] = (((scores[i] + f * a[i]) + g * b[i]) + h * c[i]) + j * d[i]
        r += 4
    while r < rows.size:
        a, f = dense[rows[r], first:end], factors[r]
        for i in range(n):
            scores[i] += f * a[i]
        r += 1


@inline
def _sort_best(best_scores, best):
    """Bring a heap into the order from the best to the worst."""
    for size in range(best.size - 1, 0, -1):
        score, document = best_scores[0], best[0]
        best_scores[0], best[0] = best_scores[size], best[size]
        best_scores[size], best[size] = score, document
        _sink(best_scores, best, size)


@inline
def _add_postings(
    columns, times, begin, end, cursor, indptr, documents, weights, dense_of, first, scores
):
    """Add the postings of the documents from ``first`` on that ``scores`` is for.

    The terms are the entries ``begin`` to ``end`` of ``columns``, the postings of the first of them
    begin at ``cursor[0]``, and so on; moved on.
    """
    limit = first + scores.size
    for e in range(begin, end):
        column = columns[e]
        if dense_of[column] < 0:
            factor = times[e]
            p, stop = cursor[e - begin], indptr[column + 1]
            while p < stop and documents[p] < limit:
                scores[np.uint64(documents[p] - first)] += factor * weights[p]
                p += 1
            cursor[e - begin] = p


@inline
def _split_terms(columns, times, begin, end, indptr, dense_of, cursor, rows, factors):
    """Where the postings of a query's rarer terms begin, and the rows of its frequent terms with
    their factors; gives the number of the latter.
    """
    n_rows = 0
    for e in range(begin, end):
        cursor[e - begin] = indptr[columns[e]]
        row = dense_of[columns[e]]
        if row >= 0:
            rows[n_rows], factors[n_rows] = row, times[e]
            n_rows += 1
    return n_rows


@inline
def _gain(rows, factors, dense_most, slack):
    """What the frequent terms of a query can add to a score at most, with what rounding may add,
    and a factor that makes a threshold safe from the rounding of the sums below it.
    """
    if slack < 0:
        return np.inf, 1.0
    most = 0.0
    for r in range(rows.size):
        most += factors[r] * dense_most[rows[r]]
    rounding = slack * (rows.size + 2)
    # no document of just the bound is among the best: it would come behind an equal one before it
    return most * (1.0 + rounding), 1.0 - rounding if rows.size else 1.0


@kernel
def find_best(
    bounds, columns, times, first, last, indptr, documents, weights, dense_of, dense, dense_most,
    slack, best, best_scores,
):  # fmt: skip
    """The best documents of the queries ``first`` to ``last``.

    Parameters
    ----------
    bounds : (n_queries + 1,), query q has the entries ``bounds[q]`` to ``bounds[q + 1]``
    columns, times : columns of a query's terms and how much each counts, of the dtype of
        ``weights``
    indptr, documents, weights : int64 (n_columns + 1,), int32 and float (n_postings,): the
        postings of each column
    dense_of : int32 (n_columns,), row of ``dense`` that a column has, -1 for none
    dense : float (n_dense, n_documents)
    dense_most : float64 (n_dense,), the largest weight of each row
    slack : float
        What one addition may change a sum by, relatively; negative when weights below zero forbid
        to leave documents out.
    best, best_scores : int64 and float (n_queries, k), k not above n_documents; written from the
        best to the worst, equal scores by rising document number
    """
    longest = 0
    for q in range(first, last):
        longest = max(longest, bounds[q + 1] - bounds[q])
    scores = np.empty(BLOCK, weights.dtype)
    cursor = np.empty((TOGETHER, longest), np.int64)
    rows = np.empty((TOGETHER, longest), np.int64)
    factors = np.empty((TOGETHER, longest), weights.dtype)
    n_rows = np.empty(TOGETHER, np.int64)
    most = np.empty(TOGETHER, np.float64)
    less = np.empty(TOGETHER, np.float64)
    size = np.empty(TOGETHER, np.int64)
    n_documents = dense.shape[1]
    k = best.shape[1]
    for group in range(first, last, TOGETHER):
        n_queries = min(TOGETHER, last - group)
        for i in range(n_queries):
            begin, end = bounds[group + i], bounds[group + i + 1]
            n_rows[i] = _split_terms(
                columns, times, begin, end, indptr, dense_of, cursor[i], rows[i], factors[i]
            )
            most[i], less[i] = _gain(rows[i, : n_rows[i]], factors[i], dense_most, slack)
            size[i] = 0
        for begin_block in range(0, n_documents, BLOCK):
            block = scores[: min(BLOCK, n_documents - begin_block)]
            for i in range(n_queries):
                q = group + i
                block[:] = 0
                _add_postings(
                    columns, times, bounds[q], bounds[q + 1], cursor[i], indptr, documents,
                    weights, dense_of, begin_block, block,
                )  # fmt: skip
                if size[i] == k:
                    bound = best_scores[q, 0] * less[i] - most[i]
                    if not _holds_better(block, bound):
                        continue
                n = n_rows[i]
                _add_rows(block, begin_block, rows[i, :n], factors[i], dense)
                size[i] = _offer_all(block, begin_block, size[i], best_scores[q], best[q])
        for i in range(n_queries):
            _sort_best(best_scores[group + i], best[group + i])


@kernel
def add_scores(
    bounds, columns, times, first, last, indptr, documents, weights, dense_of, dense, scores
):
    """The scores of all documents for the queries ``first`` to ``last``.

    ``scores`` is float (n_queries, n_documents) of zeros, written; the rest as for `find_best`,
    which adds in the same order.
    """
    longest = 0
    for q in range(first, last):
        longest = max(longest, bounds[q + 1] - bounds[q])
    cursor = np.empty(longest, np.int64)
    rows = np.empty(longest, np.int64)
    factors = np.empty(longest, weights.dtype)
    for q in range(first, last):
        begin, end = bounds[q], bounds[q + 1]
        n = _split_terms(columns, times, begin, end, indptr, dense_of, cursor, rows, factors)
        _add_postings(
            columns, times, begin, end, cursor, indptr, documents, weights, dense_of, 0, scores[q]
        )
        _add_rows(scores[q], 0, rows[:n], factors, dense)
