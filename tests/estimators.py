"""Every public estimator, with what the contract test has to know about it.

A new estimator joins by an entry here; tests/test_contract.py fails until it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import scipy.sparse
from sklearn.feature_extraction import text as sklearn_text

import textrep

TEXTS = [
    "It was the best of times, it was the worst of times,",
    "it was the age of wisdom, it was the age of foolishness,",
    "it was the epoch of belief, it was the epoch of incredulity,",
    "it was the season of Light, it was the season of Darkness,",
    "it was the spring of hope, it was the winter of despair,",
    "we had everything before us, we had nothing before us,",
    "we were all going direct to Heaven,",
    "we were all going direct the other way.",
    "Ähnlich naïve 文字 ging es weiter.",
    "",
    "In short, the period was so far like the present period,",
    "that some of its noisiest authorities insisted on its being received.",
]
"""Twelve short texts; one is empty, one is not ASCII."""

LABELS = ["a", "b"] * 6


@dataclass(frozen=True)
class Entry:
    """One estimator of the contract test.

    Attributes
    ----------
    estimator : type
        The class.
    params : mapping
        Parameters that make it fast on `TEXTS`.
    fitted : tuple of str
        Attributes that fitting sets; empty for an estimator without a fitted state.
    grid : mapping
        One parameter with two values, for GridSearchCV.
    counts_in : bool
        Whether it takes a matrix of counts; texts otherwise.
    drop_in_for : type or None
        The scikit-learn class whose messages it keeps.
    """

    estimator: type
    params: Mapping[str, Any] = field(default_factory=dict)
    fitted: tuple[str, ...] = ()
    grid: Mapping[str, list[Any]] = field(default_factory=dict)
    counts_in: bool = False
    drop_in_for: type | None = None

    def make(self) -> Any:
        return self.estimator(**self.params)

    def data(self) -> Any:
        if not self.counts_in:
            return list(TEXTS)
        return scipy.sparse.csr_matrix(sklearn_text.CountVectorizer().fit_transform(TEXTS))


PUBLIC_ESTIMATORS = [
    Entry(
        textrep.CountVectorizer,
        params={"ngram_range": (1, 2)},
        fitted=("vocabulary_", "fixed_vocabulary_"),
        grid={"binary": [False, True]},
        drop_in_for=sklearn_text.CountVectorizer,
    ),
    Entry(
        textrep.HashingVectorizer,
        params={"n_features": 2**10},
        grid={"norm": ["l2", None]},
        drop_in_for=sklearn_text.HashingVectorizer,
    ),
    Entry(
        textrep.TfidfTransformer,
        params={"sublinear_tf": True},
        fitted=("idf_",),
        grid={"norm": ["l1", "l2"]},
        counts_in=True,
        drop_in_for=sklearn_text.TfidfTransformer,
    ),
    Entry(
        textrep.TfidfVectorizer,
        params={"min_df": 2},
        fitted=("vocabulary_", "idf_"),
        grid={"use_idf": [False, True]},
        drop_in_for=sklearn_text.TfidfVectorizer,
    ),
]
