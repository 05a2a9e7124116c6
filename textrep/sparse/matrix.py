"""Counted rows -> scipy CSR matrices laid out as scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn import get_config

from textrep.sparse.kernels import rows as row_kernels
from textrep.sparse.rows import Gathered
from textrep.sparse.threads import run_parallel, split_evenly, worthwhile_threads

KERNEL_DTYPES = (np.dtype(np.int64), np.dtype(np.float64), np.dtype(np.float32))


LARGEST_INDEX = np.iinfo(np.int32).max
"""Matrices with more stored entries get 64-bit indices, as scikit-learn's do."""


def build_csr(rows: Gathered, column_of: np.ndarray | None, n_columns: int, threads: int) -> Any:
    """The matrix of gathered rows, whose memory it takes over.

    Parameters
    ----------
    rows : of all documents
    column_of : int64 (n_terms,), column of each term, -1 to leave it out; None when terms are
        columns
    n_columns : int
    threads : int
    """
    if column_of is not None:
        columns = column_of.astype(np.int32)
        if len(columns) and int(columns.min()) < 0:
            rows.cut(row_kernels.keep_columns(rows.terms, rows.values, rows.indptr, columns))
        else:
            threads = worthwhile_threads(threads, rows.terms.nbytes)
            pieces = split_evenly(rows.indptr, threads)
            run_parallel(
                row_kernels.map_columns,
                [(rows.terms, columns, rows.indptr[a], rows.indptr[b]) for a, b in pieces],
                threads,
            )
    index_dtype = np.int64 if len(rows.terms) > LARGEST_INDEX else np.int32
    indices = rows.terms.astype(index_dtype, copy=False)
    indptr = rows.indptr.astype(index_dtype)
    return csr_container()((rows.values, indices, indptr), shape=(len(rows), n_columns))


def csr_container() -> type:
    """The class scikit-learn's configuration asks for (``sparse_interface``, from 1.9 on;
    csr_matrix before).
    """
    if get_config().get("sparse_interface", "spmatrix") == "sparray":
        return sp.csr_array
    return sp.csr_matrix


def in_container(X: Any) -> Any:
    """A CSR array or matrix as scikit-learn would give it: before 1.9 as what it came."""
    if "sparse_interface" not in get_config():
        return X
    container = csr_container()
    return X if type(X) is container else container(X)
