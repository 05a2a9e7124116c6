"""`BM25Vectorizer`: texts -> BM25 weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from sklearn.base import _fit_context
from sklearn.feature_extraction import text as sklearn_text
from sklearn.utils.validation import check_is_fitted

from textrep.core.partitions import is_partitioned
from textrep.sparse.bm25 import BM25Weighting
from textrep.sparse.count import WORD_PATTERN, CountVectorizer
from textrep.sparse.given import count_columns
from textrep.sparse.growing import is_stream
from textrep.sparse.seen import Seen, counted
from textrep.sparse.weighting import FLOATS, within_columns


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
            Or a dask collection, as for `CountVectorizer.fit_transform`.
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
            For a dask collection a dask array of such blocks.
        """
        if is_partitioned(raw_documents):
            return self.fit(raw_documents).transform(raw_documents)
        return self._weigh(self._learn(raw_documents))

    def transform(self, raw_documents: Iterable[Any]) -> Any:
        """Weigh documents by what was learnt.

        Parameters
        ----------
        raw_documents : as for `fit`

        Returns
        -------
        X : sparse CSR matrix (n_samples, n_features) of ``dtype``, indices sorted
            For a dask collection a dask array of such blocks.
        """
        check_is_fitted(self, "idf_", msg="The BM25 vectorizer is not fitted")
        if is_partitioned(raw_documents):
            return self._transform_parts(raw_documents, self.dtype)
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
