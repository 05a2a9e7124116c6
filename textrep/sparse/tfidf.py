"""`TfidfVectorizer`: scikit-learn's, counted and weighed by the kernels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import _fit_context
from sklearn.feature_extraction import text as sklearn_text
from sklearn.utils.validation import check_is_fitted

from textrep.core.partitions import is_partitioned
from textrep.sparse.count import WORD_PATTERN, CountVectorizer
from textrep.sparse.growing import is_stream
from textrep.sparse.seen import counted
from textrep.sparse.weighting import (
    FLOATS,
    NORMS,
    TfidfTransformer,
    fits,
    weigh,
    within_columns,
)


def _is_countable(X: Any) -> bool:
    """Whether a matrix of counts is what the kernels weigh; one without rows is scikit-learn's to
    refuse.
    """
    return X.dtype in FLOATS and sp.issparse(X) and X.format == "csr" and X.shape[0] > 0


class TfidfVectorizer(sklearn_text.TfidfVectorizer, CountVectorizer):
    """Texts -> TF-IDF matrix; a drop-in for scikit-learn's `TfidfVectorizer`.

    A `CountVectorizer` followed by a `TfidfTransformer`. Parameters, attributes, values, column
    order, dtypes, warnings and errors are those of
    :class:`sklearn.feature_extraction.text.TfidfVectorizer`; ``plus_one`` and ``relative_tf`` come
    on top of them.

    Parameters
    ----------
    plus_one : bool, default=True
    relative_tf : bool, default=False
        See `TfidfTransformer`. ``plus_one=False, smooth_idf=False, norm=None`` makes the weights
        the textbook's tf * ln(n / df).
    stemmer : str, Stemmer, object with ``stem(word)``, callable or None, default=None
    spelling : "english", SpellingCorrector, callable or None, default=None
        As for `CountVectorizer`.
    n_jobs : int, default=None
        Threads to use: None or -1 for all cores, -2 for all but one.

    Attributes
    ----------
    vocabulary_ : dict of str to int, see `CountVectorizer`
    idf_ : ndarray (n_features,), only with ``use_idf``

    Examples
    --------
    >>> from textrep.sparse import TfidfVectorizer
    >>> texts = ["the best of times", "the worst of times"]
    >>> TfidfVectorizer().fit_transform(texts).toarray().round(2)
    array([[0.63, 0.45, 0.45, 0.45, 0.  ],
           [0.  , 0.45, 0.45, 0.45, 0.63]])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **sklearn_text.TfidfVectorizer._parameter_constraints,
        "plus_one": ["boolean"],
        "relative_tf": ["boolean"],
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
        analyzer: Any = "word",
        stop_words: Any = None,
        token_pattern: str | None = WORD_PATTERN,
        ngram_range: tuple[int, int] = (1, 1),
        max_df: float = 1.0,
        min_df: float = 1,
        max_features: int | None = None,
        vocabulary: Any = None,
        binary: bool = False,
        dtype: Any = np.float64,
        norm: str | None = "l2",
        use_idf: bool = True,
        smooth_idf: bool = True,
        sublinear_tf: bool = False,
        plus_one: bool = True,
        relative_tf: bool = False,
        stemmer: Any = None,
        spelling: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(  # type: ignore[call-arg]  # scikit-learn's class comes next
            input=input,
            encoding=encoding,
            decode_error=decode_error,
            strip_accents=strip_accents,
            lowercase=lowercase,
            preprocessor=preprocessor,
            tokenizer=tokenizer,
            analyzer=analyzer,
            stop_words=stop_words,
            token_pattern=token_pattern,
            ngram_range=ngram_range,
            max_df=max_df,
            min_df=min_df,
            max_features=max_features,
            vocabulary=vocabulary,
            binary=binary,
            dtype=dtype,
            norm=norm,
            use_idf=use_idf,
            smooth_idf=smooth_idf,
            sublinear_tf=sublinear_tf,
        )
        self.plus_one = plus_one
        self.relative_tf = relative_tf
        self.stemmer = stemmer
        self.spelling = spelling
        self.n_jobs = n_jobs

    def _new_transformer(self) -> TfidfTransformer:
        return TfidfTransformer(
            norm=self.norm,
            use_idf=self.use_idf,
            smooth_idf=self.smooth_idf,
            sublinear_tf=self.sublinear_tf,
            plus_one=self.plus_one,
            relative_tf=self.relative_tf,
            n_jobs=self.n_jobs,
        )

    @property
    def idf_(self) -> np.ndarray:
        """Inverse document frequencies, ndarray (n_features,); only with ``use_idf``."""
        self._settle()
        return sklearn_text.TfidfVectorizer.idf_.fget(self)

    @idf_.setter
    def idf_(self, value: Any) -> None:
        if self.use_idf and not hasattr(self, "_tfidf"):
            self._tfidf = self._new_transformer()
        if self.use_idf and "_trie" in self.__dict__ and self.vocabulary is None:
            # scikit-learn reads the dict here only for its length
            n_terms = len(self._trie)
            if len(value) != n_terms:
                raise ValueError(
                    f"idf length = {len(value)} must be equal to vocabulary size = {n_terms}"
                )
            self._tfidf.idf_ = value
            return
        self._settle()
        with self._remembering():
            sklearn_text.TfidfVectorizer.idf_.fset(self, value)

    def _learn(self, raw_documents: Iterable[Any]) -> Any:
        self._check_params()
        self._tfidf = self._new_transformer()
        self._tfidf._check_tf()
        X = CountVectorizer.fit_transform(self, raw_documents)
        if _is_countable(X):
            self._tfidf._validate_params()
            in_documents = self._tfidf.learn_idf(X)
        else:
            self._tfidf.fit(X)
            in_documents = np.bincount(X.indices, minlength=X.shape[1]).astype(np.int64)
        if self.use_idf and not self._leaves_out(X.shape[0]):
            self._in_documents = in_documents
        return X

    def _check_before_reading(self) -> None:
        self._check_params()
        self._new_transformer()._check_tf()
        super()._check_before_reading()

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, raw_documents: Iterable[Any], y: Any = None) -> TfidfVectorizer:
        """Learn vocabulary and idf.

        Parameters
        ----------
        raw_documents : iterable of str or bytes (or of files or file names, see ``input``),
            n_samples long
            Or a dask collection, as for `CountVectorizer.fit_transform`.
        y : ignored

        Returns
        -------
        self : TfidfVectorizer
        """
        if is_stream(raw_documents):
            return self._fit_stream(raw_documents)
        self._warn_for_unused_params()  # once more than `fit_transform`, as in scikit-learn
        self._learn(raw_documents)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, raw_documents: Iterable[Any], y: Any = None) -> Any:
        """Learn vocabulary and idf and weigh the documents.

        Parameters
        ----------
        raw_documents : as for `fit`
        y : ignored

        Returns
        -------
        X : sparse CSR matrix (n_samples, n_features) of float32 or float64
            For a dask collection a dask array of such blocks.
        """
        if is_partitioned(raw_documents):
            return self.fit(raw_documents).transform(raw_documents)
        X = self._learn(raw_documents)
        if _is_countable(X):
            return self._weighed(X)
        return self._tfidf.transform(X, copy=False)

    def transform(self, raw_documents: Iterable[Any]) -> Any:
        """Weigh documents by the vocabulary and idf learnt.

        Parameters
        ----------
        raw_documents : as for `fit`

        Returns
        -------
        X : sparse CSR matrix (n_samples, n_features) of float32 or float64
            For a dask collection a dask array of such blocks.
        """
        check_is_fitted(self, msg="The TF-IDF vectorizer is not fitted")
        if is_partitioned(raw_documents):
            dtype = np.dtype(self.dtype)
            return self._transform_parts(raw_documents, dtype if dtype in FLOATS else np.float64)
        X = CountVectorizer.transform(self, raw_documents)
        if self._can_be_weighed(X):
            return self._weighed(X)
        return self._tfidf.transform(X, copy=False)

    def _weigh_seen(self, n_documents: int, n_terms: int, df: Any, tf: Any) -> None:
        transformer = self._new_transformer()
        if self.use_idf:
            dtype = np.dtype(self.dtype)
            floating = dtype if dtype in FLOATS else np.dtype(np.float64)
            transformer.idf_ = transformer._idf(counted(df).astype(floating), n_documents)
        transformer.n_features_in_ = n_terms
        self._tfidf = transformer

    def _can_be_weighed(self, X: Any) -> bool:
        """Whether counts are known to suit the transformer, whose checks then need not run."""
        transformer = self._tfidf
        if getattr(transformer, "n_features_in_", None) != X.shape[1]:  # or it is not fitted
            return False
        if not _is_countable(X) or transformer.norm not in NORMS:
            return False
        if not fits(getattr(transformer, "idf_", None), X):
            return False
        # columns come from a dict, which may have been edited, or else from the trie
        return "_vocabulary" not in self.__dict__ or within_columns(X)

    def _weighed(self, X: Any) -> Any:
        """`TfidfTransformer.transform` in place, without its checks: the counts are our own."""
        transformer = self._tfidf
        transformer._weigh_tf(X)
        weigh(X, getattr(transformer, "idf_", None), transformer.norm, self.n_jobs)
        return X

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        if "_tfidf" in self.__dict__:
            state["tfidf"] = self._tfidf
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        super()._set_state(state)
        if "tfidf" in state:
            if not isinstance(state["tfidf"], TfidfTransformer):
                raise ValueError("the saved weights are of no TfidfTransformer")
            self._tfidf = state["tfidf"]
