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
