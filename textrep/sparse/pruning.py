"""Which terms ``min_df``, ``max_df`` and ``max_features`` keep."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Protocol

import numpy as np


class Counted(Protocol):
    """Documents whose terms have been counted."""

    @property
    def n_documents(self) -> int:
        """Number of documents."""

    def documents(self) -> np.ndarray:
        """In how many documents the term of each column stands, int64 (n_terms,)."""

    def occurrences(self) -> np.ndarray:
        """How often the term of each column stands in all of them, int64 (n_terms,)."""


def prunes(vectorizer: Any, n_documents: int) -> bool:
    """Whether a vectoriser's parameters can leave out a term of so many documents.

    Raises
    ------
    ValueError
        When ``max_df`` is below ``min_df`` (scikit-learn's message).
    """
    low, high = _bounds(vectorizer, n_documents)
    return high < n_documents or low > 1 or vectorizer.max_features is not None


def _bounds(vectorizer: Any, n_documents: int) -> tuple[Any, Any]:
    low, high = vectorizer.min_df, vectorizer.max_df
    low = low if isinstance(low, Integral) else low * n_documents
    high = high if isinstance(high, Integral) else high * n_documents
    if high < low:
        raise ValueError("max_df corresponds to < documents than min_df")
    return low, high


def kept_columns(vectorizer: Any, counted: Counted) -> np.ndarray | None:
    """Which columns a vectoriser's parameters keep, bool (n_terms,); None when all.

    Raises
    ------
    ValueError
        When none is kept (scikit-learn's message).
    """
    v = vectorizer
    if not prunes(v, counted.n_documents):
        return None
    low, high = _bounds(v, counted.n_documents)
    by_column = counted.documents()
    kept = (by_column <= high) & (by_column >= low)
    if v.max_features is not None and kept.sum() > v.max_features:
        if not v.binary:
            by_column = counted.occurrences()
        # the very expression and dtype of scikit-learn, whose unstable sort decides between ties
        frequencies = by_column.astype(v.dtype)
        best = (-frequencies[kept]).argsort()[: v.max_features]
        chosen = np.zeros(len(kept), dtype=bool)
        chosen[np.flatnonzero(kept)[best]] = True
        kept = chosen
    if not kept.any():
        raise ValueError("After pruning, no terms remain. Try a lower min_df or a higher max_df.")
    return None if kept.all() else kept
