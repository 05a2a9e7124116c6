"""BM25 weights of counted rows, in place.

All five variants are one formula. With the length ratio B(d) = 1 - b + b * length(d) / average,

    weight(d, t) = factor(t) * tf / (tf + half * B(d)),

where factor is idf times a constant of the variant, and half is the frequency at which a document
of average length gets half of the most that it can get.
"""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.memory import kernel


@kernel
def weigh_rows_bm25(data, indices, indptr, first, last, factor, half, b, average_length):
    """Turn the counts of rows ``first`` to ``last`` into weights.

    Parameters
    ----------
    data : float32 or float64 (nnz,), counts, written over
    indices, indptr : of the CSR matrix
    factor : float64 (n_columns,)
    half, b, average_length : float

    A row's length is the sum of its counts. A stored count of zero stays zero.
    """
    for d in range(first, last):
        begin, end = indptr[d], indptr[d + 1]
        length = 0.0
        for k in range(begin, end):
            length += data[k]
        beyond = half * (1.0 - b + b * length / average_length)
        for k in range(begin, end):
            tf = np.float64(data[k])
            data[k] = factor[indices[k]] * tf / (tf + beyond) if tf > 0.0 else 0.0


@kernel
def count_columns(data, indices, indptr, frequencies, sums, last_row):
    """Add to ``frequencies`` in how many rows each column holds more than nothing, and to ``sums``
    how much.

    Parameters
    ----------
    data, indices, indptr : of the CSR matrix
    frequencies : int64 (n_columns,)
    sums : float64 (n_columns,)
    last_row : int64 (n_columns,) of -1, written over

    Returns
    -------
    repeated : int
        How many entries stand in a place where there is one already.
    negative : int
        How many entries are below zero.
    """
    repeated = 0
    negative = 0
    for d in range(indptr.size - 1):
        for k in range(indptr[d], indptr[d + 1]):
            column = indices[k]
            repeated += last_row[column] == d
            last_row[column] = d
            negative += data[k] < 0
            frequencies[column] += data[k] > 0
            sums[column] += data[k]
    return repeated, negative
