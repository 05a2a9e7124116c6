"""Weighting and normalising the stored values of CSR rows, in place."""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.memory import kernel

NONE, L1, L2 = 0, 1, 2


@kernel
def weigh_rows(data, indices, indptr, first, last, idf, norm):
    """Multiply by ``idf[column]`` (unless it is empty) and divide rows ``first`` to ``last`` by
    their norm.

    The norm is a double summed in storage order, as in scikit-learn, so that the last bit agrees.
    ``norm`` is NONE, L1 or L2. Gives the number of rows whose norm is not finite; these are not
    divided.
    """
    endless = 0
    for d in range(first, last):
        begin, end = indptr[d], indptr[d + 1]
        if idf.size:
            for k in range(begin, end):
                data[k] *= idf[indices[k]]
        if norm == NONE:
            continue
        total = 0.0
        for k in range(begin, end):
            value = data[k]
            total += np.float64(abs(value)) if norm == L1 else np.float64(value * value)
        if total == 0.0:
            continue
        if not np.isfinite(total):
            endless += 1
            continue
        if norm == L2:
            total = np.sqrt(total)
        for k in range(begin, end):
            data[k] = data[k] / total
    return endless


@kernel
def add_column_counts(indices, frequencies):
    """Add the number of stored entries of each column."""
    for k in range(indices.size):
        frequencies[indices[k]] += 1
