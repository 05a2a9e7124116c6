"""Matrices of counts as users give them -> what the kernels can follow."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from textrep.sparse.kernels import weights
from textrep.sparse.matrix import csr_container
from textrep.sparse.weighting import within_columns


def read_counts(
    estimator: Any, X: Any, *, copy: bool, reset: bool
) -> tuple[Any, np.ndarray, np.ndarray]:
    """A matrix of counts as CSR of float32 or float64 with each place stored once.

    Parameters
    ----------
    estimator : whose input it is
    X : sparse or dense matrix (n_samples, n_features)
    copy : bool
        Whether the result must not share memory with ``X``.
    reset : bool
        Whether ``n_features_in_`` is set (in `fit`) or compared with.

    Returns
    -------
    X : sparse CSR matrix (n_samples, n_features)
    df : int64 (n_features,), rows with each column
    tf : float64 (n_features,), sum of each column

    Raises
    ------
    ValueError
        When there are entries below zero, and for what scikit-learn refuses, with its messages.
    """
    floats = [np.float64, np.float32]
    X = validate_data(
        estimator,
        X,
        accept_sparse="csr",
        dtype="numeric" if reset else floats,  # as in TfidfTransformer, whose messages these are
        copy=copy,
        reset=reset,
    )
    if X.dtype not in floats:
        X = X.astype(np.float64)
    container = csr_container()
    if type(X) is not container:
        X = container(X)
    if not within_columns(X):
        raise ValueError(f"X has entries in columns beyond its {X.shape[1]}")
    df, tf, repeated, negative = count_columns(X)
    if negative:
        raise ValueError(
            f"Negative values in data passed to {type(estimator).__name__}: X has {negative} "
            "entries below zero; give it counts, such as those of CountVectorizer"
        )
    if repeated:
        X = X if copy else X.copy()
        X.sum_duplicates()
        df, tf, _, _ = count_columns(X)
    return X, df, tf


def writable(X: Any) -> Any:
    """A CSR matrix, or a copy where its memory (of a file, say) cannot be written to."""
    return X if X.data.flags.writeable else X.copy()


def count_columns(X: Any) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Of a CSR matrix with sound indices: rows with each column int64 (n_features,), the sum of
    each column float64 (n_features,), how many entries stand where there is one already, and how
    many are below zero.
    """
    df = np.zeros(X.shape[1], dtype=np.int64)
    tf = np.zeros(X.shape[1], dtype=np.float64)
    last_row = np.full(X.shape[1], -1, dtype=np.int64)
    return df, tf, *weights.count_columns(X.data, X.indices, X.indptr, df, tf, last_row)
