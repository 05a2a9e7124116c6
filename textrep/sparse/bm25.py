"""`BM25Transformer` and `BM25Vectorizer`: counts and texts -> BM25 weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.feature_extraction import text as sklearn_text
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from textrep.core.persist import Persistent
from textrep.sparse.count import WORD_PATTERN, CountVectorizer
from textrep.sparse.given import count_columns, read_counts, writable
from textrep.sparse.growing import is_stream
from textrep.sparse.kernels import bm25 as kernels
from textrep.sparse.parameters import KnownParameters
from textrep.sparse.seen import Seen, counted
from textrep.sparse.threads import run_parallel, split_evenly, worthwhile_threads
from textrep.sparse.weighting import FLOATS, within_columns

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


class BM25Vectorizer(BM25Weighting, CountVectorizer):
    """Texts -> BM25 matrix.

    A `CountVectorizer` followed by a `BM25Transformer`; see there for the formulas. To search
    texts, use `BM25Index`.

    Parameters
    ----------
    input, encoding, decode_error, strip_accents, lowercase, preprocessor, tokenizer, analyzer, \
stop_words, token_pattern, ngram_range, max_df, min_df, max_features, vocabulary, binary : see \
`CountVectorizer`
    stemmer : str, Stemmer, object with ``stem(word)``, callable or None, default=None
    spelling : "english", SpellingCorrector, callable or None, default=None
        As for `CountVectorizer`.
    dtype : {numpy.float32, numpy.float64}, default=numpy.float32
    variant : {"robertson", "lucene", "atire", "bm25l", "bm25+"}, default="lucene"
    k1 : float, default=1.5
    b : float, default=0.75
    delta : float, default=0.5
    idf_variant : one of the variants or None, default=None
        See `BM25Transformer`.
    n_jobs : int, default=None
        Threads to use: None or -1 for all cores, -2 for all but one.

    Attributes
    ----------
    vocabulary_ : dict of str to int, see `CountVectorizer`
    idf_ : float64 (n_features,)
    average_length_ : float
        Average number of tokens of the documents that have a column: with ``min_df``, ``max_df``,
        ``max_features`` or ``vocabulary`` the others do not count.
    nonoccurrence_ : float64 (n_features,)
        What a term adds to the score of a document that lacks it; the matrix holds weights less
        this.

    Examples
    --------
    >>> from textrep.sparse import BM25Vectorizer
    >>> texts = ["the best of times", "the worst of times"]
    >>> BM25Vectorizer().fit_transform(texts).toarray().round(2)
    array([[0.28, 0.07, 0.07, 0.07, 0.  ],
           [0.  , 0.07, 0.07, 0.07, 0.28]], dtype=float32)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **sklearn_text.CountVectorizer._parameter_constraints,
        **BM25Weighting._bm25_constraints,
    }

    def __init__(
        self,
        *,
        input: str = "content",
        encoding: str = "utf-8",
        decode_error: str = "strict",
        strip_accents: Any = None,
        lowercase: bool = True,
        preprocessor: Any = None,
        tokenizer: Any = None,
        stop_words: Any = None,
        token_pattern: str | None = WORD_PATTERN,
        ngram_range: tuple[int, int] = (1, 1),
        analyzer: Any = "word",
        max_df: float = 1.0,
        min_df: float = 1,
        max_features: int | None = None,
        vocabulary: Any = None,
        binary: bool = False,
        dtype: Any = np.float32,
        variant: str = "lucene",
        k1: float = 1.5,
        b: float = 0.75,
        delta: float = 0.5,
        idf_variant: str | None = None,
        stemmer: Any = None,
        spelling: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            input=input,
            encoding=encoding,
            decode_error=decode_error,
            strip_accents=strip_accents,
            lowercase=lowercase,
            preprocessor=preprocessor,
            tokenizer=tokenizer,
            stop_words=stop_words,
            token_pattern=token_pattern,
            ngram_range=ngram_range,
            analyzer=analyzer,
            max_df=max_df,
            min_df=min_df,
            max_features=max_features,
            vocabulary=vocabulary,
            binary=binary,
            dtype=dtype,
            stemmer=stemmer,
            spelling=spelling,
            n_jobs=n_jobs,
        )
        self.variant = variant
        self.k1 = k1
        self.b = b
        self.delta = delta
        self.idf_variant = idf_variant

    # ---- the weights, which `partial_fit` and `merge` leave to be made when they are asked for

    @property
    def idf_(self) -> np.ndarray:
        """Inverse document frequencies, float64 (n_features,)."""
        return self._learnt("_idf")

    @idf_.setter
    def idf_(self, value: np.ndarray) -> None:
        self._idf = value

    @property
    def average_length_(self) -> float:
        """Average number of tokens that have a column."""
        return self._learnt("_average_length")

    @average_length_.setter
    def average_length_(self, value: float) -> None:
        self._average_length = value

    def _learnt(self, name: str) -> Any:
        self._settle()
        if name not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute '{name[1:]}_'")
        return vars(self)[name]

    def _weigh_seen(self, n_documents: int, n_terms: int, df: Any, tf: Any) -> None:
        self._learn_weights(n_documents, counted(df), float(counted(tf).sum()))

    def _parts(self) -> list[Seen]:
        parts = super()._parts()
        if "_tower" not in vars(self) and "_in_all" in vars(self):
            parts = [replace(part, in_all=self._in_all) for part in parts]
        return parts

    def _check_before_reading(self) -> None:
        if self.dtype is None or np.dtype(self.dtype) not in FLOATS:
            raise ValueError(
                f"dtype={self.dtype!r} cannot hold BM25 weights; pass numpy.float32 or "
                "numpy.float64"
            )
        super()._check_before_reading()

    # ---- learning and weighing

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, raw_documents: Iterable[Any], y: Any = None) -> BM25Vectorizer:
        """Learn vocabulary, inverse document frequencies and average length.

        Parameters
        ----------
        raw_documents : iterable of str or bytes (or of files or file names, see ``input``),
            n_samples long
        y : ignored

        Returns
        -------
        self : BM25Vectorizer
        """
        if is_stream(raw_documents):
            return self._fit_stream(raw_documents)
        self._learn(raw_documents)
        return self

    def fit_transform(self, raw_documents: Iterable[Any], y: Any = None) -> Any:
        """Learn from the documents and weigh them.

        Parameters
        ----------
        raw_documents : as for `fit`
        y : ignored

        Returns
        -------
        X : sparse CSR matrix (n_samples, n_features) of ``dtype``
        """
        return self._weigh(self._learn(raw_documents))

    def transform(self, raw_documents: Iterable[Any]) -> Any:
        """Weigh documents by what was learnt.

        Parameters
        ----------
        raw_documents : as for `fit`

        Returns
        -------
        X : sparse CSR matrix (n_samples, n_features) of ``dtype``, indices sorted
        """
        check_is_fitted(self, "idf_", msg="The BM25 vectorizer is not fitted")
        return self._weigh(self._count(raw_documents))

    @_fit_context(prefer_skip_nested_validation=True)
    def _learn(self, raw_documents: Iterable[Any]) -> Any:
        self._check_before_reading()
        X = CountVectorizer.fit_transform(self, raw_documents)
        df, tf, _, _ = count_columns(X)
        self._learn_weights(X.shape[0], df, float(tf.sum()))
        if not self._leaves_out(X.shape[0]):
            self._in_documents, self._in_all = df, tf.astype(np.int64)
        return X

    def _count(self, raw_documents: Iterable[Any]) -> Any:
        """How often each document has each term, CSR of ``dtype``."""
        X = CountVectorizer.transform(self, raw_documents)
        if X.shape[1] != len(self.idf_) or not within_columns(X):
            raise ValueError(
                f"the vocabulary has {X.shape[1]} terms, but weights were learnt for "
                f"{len(self.idf_)}; fit again after a change of vocabulary_"
            )
        return X

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        for name in ("_idf", "_average_length"):
            if name in vars(self):
                state[name[1:]] = vars(self)[name]
        if "_tower" not in vars(self) and "_in_all" in vars(self):
            state["in_all"] = self._in_all
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        super()._set_state(state)
        if "idf" in state:
            self.idf_ = np.ascontiguousarray(state["idf"], dtype=np.float64)
            self.average_length_ = float(state["average_length"])
        if "in_all" in state:
            self._in_all = state["in_all"]
            if self._in_all.dtype != np.int64 or self._in_all.shape != self._idf.shape:
                raise ValueError("the saved counts do not fit together")
