"""Weighted counts of the words that stand near each other, row by row.

A row of the matrix is gathered from the places of its word: the words around each place are added
into one dense array, of which the used numbers are then read off in order. Nothing is sorted,
hashed or merged, rows are independent of each other, and what is added up in which order does not
depend on the number of threads.
"""

from __future__ import annotations

import numpy as np

from textrep.embeddings.kernels.simd import prefetch
from textrep.sparse.kernels.memory import kernel, trailing_zeros

_AHEAD = 8  # places whose surroundings are fetched before they are needed
_ONE = np.uint64(1)
_BITS = 64


@kernel
def find_positions(ids, first, last, next_places, positions):
    """Sort the places of a text by the word that stands there.

    Parameters
    ----------
    ids : int32 (n,)
        Words of the text, -1 between sentences.
    first, last : int
        The places to sort, ``first`` to ``last - 1``.
    next_places : int64 (n_words,)
        Where the places of each word begin in ``positions``; each is moved to where they end.
    positions : int32 (n_places,)
        Out: the places of the first word in ascending order, then those of the second...
    """
    for place in range(first, last):
        word = ids[place]
        if word >= 0:
            positions[next_places[word]] = place
            next_places[word] += 1


@kernel
def count_rows(
    ids,
    positions,
    starts,
    first_row,
    last_row,
    weights,
    symmetric,
    sums,
    used,
    columns,
    values,
    ends,
):
    """Rows ``first_row`` to ``last_row - 1`` of the matrix of co-occurrences.

    Parameters
    ----------
    ids : int32 (n,)
        Words of the text, -1 between sentences and ``window`` times at both ends.
    positions : int32 (n_places,)
        From `find_positions`.
    starts : int64 (n_words + 1,)
        Where the places of each word begin in ``positions``.
    weights : float64 (window,)
        What a word at distance 1, 2, ... adds.
    symmetric : bool
        Look to both sides and keep the columns up to the row's own number, since the rest is the
        same mirrored. Otherwise look to the left and keep all columns.
    sums : float64 (n_words,)
        Zeros, and zeros again at the end.
    used : uint64 (n_words // 64 + 1,)
        Zeros, and zeros again at the end: one bit a column.
    columns : int32, values : float64 (n_found or more,)
        Out: what is found, columns in ascending order.
    ends : int64 (last_row - first_row,)
        Out: where each row ends in ``columns``.

    Returns
    -------
    int
        Cells that were found.
    """
    window = len(weights)
    n_words = len(sums)
    n_found = 0
    for row in range(first_row, last_row):
        limit = row if symmetric else n_words - 1
        for k in range(starts[row], starts[row + 1]):
            if k + _AHEAD < len(positions):
                prefetch(ids, positions[k + _AHEAD])
            place = positions[k]
            for distance in range(1, window + 1):
                column = ids[place - distance]
                if column < 0:
                    break
                if column <= limit:
                    sums[column] += weights[distance - 1]
                    used[column >> 6] |= _ONE << np.uint64(column & 63)
            if symmetric:
                for distance in range(1, window + 1):
                    column = ids[place + distance]
                    if column < 0:
                        break
                    if column <= limit:
                        sums[column] += weights[distance - 1]
                        used[column >> 6] |= _ONE << np.uint64(column & 63)
        n_found = _read_off(sums, used, limit, columns, values, n_found)
        ends[row - first_row] = n_found
    return n_found


@kernel
def merge_rows(
    columns, values, ends, n_rows, limits, sums, used, out_columns, out_values, out_ends
):
    """Add up the same rows of several matrices.

    Parameters
    ----------
    columns : int32, values : float64 (n_in,)
        The rows of the first matrix, then those of the second...
    ends : int64 (n_matrices * n_rows,)
        Where each row ends in ``columns``.
    n_rows : int
        Rows of each.
    limits : int64 (n_rows,)
        The last column that each row may have.
    sums : float64 (n_words,)
        Zeros, and zeros again at the end.
    used : uint64 (n_words // 64 + 1,)
        Zeros, and zeros again at the end.
    out_columns : int32, out_values : float64 (n_in,)
        Out: the sums, columns in ascending order.
    out_ends : int64 (n_rows,)
        Out: where each row ends in ``out_columns``.

    Returns
    -------
    int
        Cells of the sum.
    """
    n_found = 0
    for row in range(n_rows):
        for matrix in range(len(ends) // n_rows):
            place = matrix * n_rows + row
            for k in range(ends[place - 1] if place else 0, ends[place]):
                column = columns[k]
                sums[column] += values[k]
                used[column >> 6] |= _ONE << np.uint64(column & 63)
        n_found = _read_off(sums, used, limits[row], out_columns, out_values, n_found)
        out_ends[row] = n_found
    return n_found


@kernel
def _read_off(sums, used, limit, columns, values, n_found):
    """Append the used sums up to column ``limit``, and clear them."""
    for word in range(limit // _BITS + 1):
        bits = used[word]
        if bits == 0:
            continue
        while bits != 0:
            column = word * _BITS + trailing_zeros(bits)
            columns[n_found] = column
            values[n_found] = sums[column]
            sums[column] = 0.0
            n_found += 1
            bits &= bits - _ONE
        used[word] = 0
    return n_found
