"""`BM25Transformer`: counts -> BM25 weights; and the weighing itself."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from textrep.core.persist import Persistent
from textrep.sparse.given import read_counts, writable
from textrep.sparse.kernels import bm25 as kernels
from textrep.sparse.parameters import KnownParameters
from textrep.sparse.threads import run_parallel, split_evenly, worthwhile_threads

VARIANTS = ("robertson", "lucene", "atire", "bm25l", "bm25+")


def bm25_idf(variant: str, df: np.ndarray, n_documents: int) -> np.ndarray:
    """Inverse document frequencies of a variant, float64 (n_features,); 0 where ``df`` is 0."""
    n, seen = float(n_documents), np.maximum(df, 1).astype(np.float64)
    if variant == "robertson":
        # a term of more than half of the documents would weigh less than nothing
        idf = np.log(np.maximum((n - seen + 0.5) / (seen + 0.5), 1.0))
    elif variant == "lucene":
        idf = np.log(1.0 + (n - seen + 0.5) / (seen + 0.5))
    elif variant == "atire":
        idf = np.log(n / seen)
    elif variant == "bm25l":
        idf = np.log((n + 1.0) / (seen + 0.5))
    else:
        idf = np.log((n + 1.0) / seen)
    return np.where(df > 0, idf, 0.0)


class BM25Weighting:
    """Mixin: what `BM25Transformer` and `BM25Vectorizer` learn, and how they weigh."""

    variant: str
    idf_variant: str | None
    k1: float
    b: float
    delta: float
    n_jobs: int | None
    idf_: np.ndarray
    average_length_: float

    _bm25_constraints: ClassVar[dict[str, Any]] = {
        "variant": [StrOptions(set(VARIANTS))],
        "idf_variant": [StrOptions(set(VARIANTS)), None],
        "k1": [Interval(Real, 0, None, closed="left")],
        "b": [Interval(Real, 0, 1, closed="both")],
        "delta": [Interval(Real, 0, None, closed="left")],
    }

    def _learn_weights(self, n_documents: int, df: np.ndarray, total: float) -> None:
        self.idf_ = bm25_idf(self.idf_variant or self.variant, df, n_documents)
        self.average_length_ = float(total) / n_documents if n_documents else 0.0

    def _shape(self) -> tuple[float, float, float]:
        """The variant's constant, half-frequency, and score of a term that is not there; the
        first and the last as multiples of idf.
        """
        k1, delta = float(self.k1), float(self.delta)
        if self.variant == "bm25l":
            # (k1 + 1) (c + delta) / (k1 + c + delta) less its value at c = 0
            half = k1 + delta
            if half == 0.0:
                return 1.0, 0.0, 0.0
            return (k1 + 1.0) * k1 / half, half, (k1 + 1.0) * delta / half
        if self.variant == "bm25+":
            return k1 + 1.0, k1, delta
        return (k1 + 1.0 if self.variant == "atire" else 1.0), k1, 0.0

    @property
    def nonoccurrence_(self) -> np.ndarray:
        """What each term adds to the score of a document that lacks it, float64 (n_features,):
        zeros but for "bm25l" and "bm25+".
        """
        check_is_fitted(self, "idf_")
        return self.idf_ * self._shape()[2]

    def _weigh(self, X: Any) -> Any:
        """Turn a CSR matrix of counts as float32 or float64 into weights, in place."""
        constant, half, _ = self._shape()
        factor = np.asarray(self.idf_, dtype=np.float64) * constant
        if factor.shape != (X.shape[1],):  # the kernel follows the columns unchecked
            raise ValueError(
                f"idf_ has the shape {factor.shape}, but there are {X.shape[1]} columns; fit again"
            )
        # a text outside the documents learnt from may have words where those had none
        average = self.average_length_ or 1.0
        threads = worthwhile_threads(self.n_jobs, X.data.nbytes)
        run_parallel(
            kernels.weigh_rows_bm25,
            [
                (X.data, X.indices, X.indptr, *rows, factor, half, float(self.b), average)
                for rows in split_evenly(X.indptr, threads)
            ],
            threads,
        )
        return X


class BM25Transformer(  # type: ignore[call-arg]  # mypy does not follow scikit-learn
    KnownParameters,
    BM25Weighting,
    Persistent,
    OneToOneFeatureMixin,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,
):
    """Counts -> BM25 weights.

    The sum of a document's weights over the terms of a query is the query's BM25 score. Scores are
    those of the package bm25s.

    Parameters
    ----------
    variant : {"robertson", "lucene", "atire", "bm25l", "bm25+"}, default="lucene"
        With K = k1 * (1 - b + b * length / average length), a weight is idf times

        - tf / (tf + K) for "robertson" and "lucene",
        - (k1 + 1) * tf / (tf + K) for "atire",
        - (k1 + 1) * tf / (tf + K) + delta for "bm25+",
        - (k1 + 1) * (c + delta) / (k1 + c + delta) with c = k1 * tf / K for "bm25l".

        The last two score also a term that a document lacks. To stay sparse, the matrix holds
        weights less that score, which is the same for all documents: it moves all scores of a
        query by the same amount. It is in ``nonoccurrence_``.
    k1 : float, default=1.5
        How slowly repetitions saturate, from 0 on.
    b : float, default=0.75
        How much long documents are marked down, 0 to 1.
    delta : float, default=0.5
        Least gain of a term that is there, from 0 on; only for "bm25l" and "bm25+".
    idf_variant : one of the variants or None, default=None
        Whose inverse document frequency is taken; None for that of ``variant``. With n documents,
        df of them with the term: ln(1 + (n - df + 0.5) / (df + 0.5)) for "lucene", the same without
        the 1, but at least 0, for "robertson", ln(n / df) for "atire", ln((n + 1) / (df + 0.5)) for
        "bm25l", ln((n + 1) / df) for "bm25+".
    n_jobs : int, default=None
        Threads to use: None or -1 for all cores.

    Attributes
    ----------
    idf_ : float64 (n_features,)
        0 for a term that no document has.
    average_length_ : float
        Average length of the documents. A length is the sum of a row of counts: what has no column
        (terms that the vocabulary lacks) does not count.
    nonoccurrence_ : float64 (n_features,)
        What a term adds to the score of a document that lacks it.
    n_features_in_ : int

    References
    ----------
    C. Kamphuis, A. de Vries, L. Boytsov, J. Lin: Which BM25 do you mean? A large-scale
    reproducibility study of scoring variants, ECIR 2020, Table 1. "robertson" and "bm25l" as in
    bm25s, which does not let idf fall below 0 and leaves out a constant, respectively.

    Examples
    --------
    >>> from textrep.sparse import BM25Transformer
    >>> BM25Transformer().fit_transform([[3, 0], [1, 1]]).toarray().round(3)
    array([[0.116, 0.   ],
           [0.08 , 0.305]])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = BM25Weighting._bm25_constraints

    def __init__(
        self,
        *,
        variant: str = "lucene",
        k1: float = 1.5,
        b: float = 0.75,
        delta: float = 0.5,
        idf_variant: str | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.variant = variant
        self.k1 = k1
        self.b = b
        self.delta = delta
        self.idf_variant = idf_variant
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> BM25Transformer:
        """Learn the inverse document frequencies and the average length.

        Parameters
        ----------
        X : sparse or dense matrix (n_samples, n_features) of counts
        y : ignored

        Returns
        -------
        self : BM25Transformer
        """
        X, df, tf = read_counts(self, X, copy=False, reset=True)
        self._learn_weights(X.shape[0], df, float(tf.sum()))
        return self

    def transform(self, X: Any, copy: bool = True) -> Any:
        """Weigh a matrix of counts.

        Parameters
        ----------
        X : sparse or dense matrix (n_samples, n_features)
        copy : bool, default=True
            False lets a CSR matrix of floats be changed in place.

        Returns
        -------
        X : sparse CSR matrix (n_samples, n_features) of float32 or float64
        """
        check_is_fitted(self)
        X, _, _ = read_counts(self, X, copy=copy, reset=False)
        return self._weigh(writable(X))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
