"""Counted rows -> scipy CSR matrices laid out as scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn import get_config

from textrep.sparse import counting
from textrep.sparse.counting import Rows
from textrep.sparse.kernels import rows as row_kernels
from textrep.sparse.threads import run_parallel

KERNEL_DTYPES = (np.dtype(np.int64), np.dtype(np.float64), np.dtype(np.float32))


def build_csr(
    parts: list[Rows], column_of: np.ndarray | None, n_columns: int, dtype: Any, threads: int
) -> Any:
    """The matrix of all parts.

    Parameters
    ----------
    parts : rows of consecutive documents
    column_of : int64 (n_terms,), column of each term, -1 to leave it out; None when terms are
        columns
    n_columns : int
    dtype : of the stored values, one of KERNEL_DTYPES
    threads : int
    """
    prunes = column_of is not None and len(column_of) > 0 and int(column_of.min()) < 0
    if prunes:
        bounds = run_parallel(
            row_kernels.count_kept,
            [(part.terms, part.indptr, column_of) for part in parts],
            threads,
        )
    else:
        bounds = [part.indptr for part in parts]
    starts = np.cumsum([0, *(int(b[-1]) for b in bounds)])
    nnz = int(starts[-1])
    index_dtype = np.int64 if nnz > counting.LARGEST_INDEX else np.int32
    indptr = np.zeros(sum(len(b) - 1 for b in bounds) + 1, dtype=index_dtype)
    filled = 1
    for begin, b in zip(starts, bounds, strict=False):
        indptr[filled : filled + len(b) - 1] = b[1:] + begin
        filled += len(b) - 1
    if column_of is None and len(parts) == 1 and index_dtype == np.int32:
        indices, data = parts[0].terms, parts[0].values.astype(dtype)
    else:
        indices = np.empty(nnz, dtype=index_dtype)
        data = np.empty(nnz, dtype=dtype)
        ranges = zip(parts, starts[:-1].tolist(), starts[1:].tolist(), strict=True)
        if column_of is None:
            run_parallel(
                _copy_entries, [(part, indices[a:b], data[a:b]) for part, a, b in ranges], threads
            )
        else:
            columns = column_of.astype(np.int32)
            run_parallel(
                row_kernels.place_entries,
                [(part.terms, part.values, columns, a, indices, data) for part, a, _ in ranges],
                threads,
            )
    return csr_container()((data, indices, indptr), shape=(len(indptr) - 1, n_columns))


def _copy_entries(part: Rows, indices: np.ndarray, data: np.ndarray) -> None:
    indices[:] = part.terms
    data[:] = part.values


def csr_container() -> type:
    """The class scikit-learn's configuration asks for (``sparse_interface``, from 1.9 on;
    csr_matrix before).
    """
    if get_config().get("sparse_interface", "spmatrix") == "sparray":
        return sp.csr_array
    return sp.csr_matrix
