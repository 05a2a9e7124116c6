"""Macro-F1 of many confusion matrices at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]


def macro_f1_of_counts(hits: Counts, predicted: Counts, actual: Counts) -> NDArray[np.float64]:
    """F1 averaged over the classes that occur, as scikit-learn's f1_score with zero_division=0.

    Parameters
    ----------
    hits, predicted, actual : ndarray of shape (..., n_classes)
        For each class the documents that are rightly predicted to be of it, that are predicted to
        be, and that are.

    Returns
    -------
    ndarray of shape (...)

    Examples
    --------
    The third class does not occur.

    >>> macro_f1_of_counts(np.array([4.0, 2, 0]), np.array([5.0, 3, 0]), np.array([5.0, 3, 0]))
    np.float64(0.733...)
    """
    total = predicted + actual
    occurs = total > 0
    scores = 2 * hits / np.where(occurs, total, 1)
    return scores.sum(axis=-1) / occurs.sum(axis=-1)
