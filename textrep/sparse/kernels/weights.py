"""Weighting and normalising the stored values of CSR rows, in place; sums over their columns."""

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


@kernel
def scale_columns(data, indices, first, last, factor, binarize):
    """Multiply the entries ``first`` to ``last`` by ``factor[column]``, in place; with ``binarize``
    as if every one above zero were 1.
    """
    for k in range(first, last):
        if binarize:
            data[k] = factor[indices[k]] if data[k] > 0 else 0.0
        else:
            data[k] *= factor[indices[k]]


@kernel
def add_class_sums(data, indices, indptr, group, binarize, sums):
    """Add the rows of each group.

    Parameters
    ----------
    data, indices, indptr : of the CSR matrix
    group : int64 (n_rows,), the row of ``sums`` that a row is added to
    binarize : bool, whether every entry above zero counts 1
    sums : float64 (n_groups, n_columns)
    """
    for d in range(indptr.size - 1):
        row = sums[group[d]]
        for k in range(indptr[d], indptr[d + 1]):
            row[indices[k]] += np.float64(data[k] > 0) if binarize else np.float64(data[k])
