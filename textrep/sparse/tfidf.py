"""`TfidfTransformer` and `TfidfVectorizer`: scikit-learn's, weighted by the kernels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import _fit_context
from sklearn.feature_extraction import text as sklearn_text
from sklearn.preprocessing import normalize
from sklearn.utils.validation import check_is_fitted, validate_data

from textrep.core.persist import Persistent
from textrep.sparse.count import WORD_PATTERN, CountVectorizer
from textrep.sparse.growing import is_stream
from textrep.sparse.kernels import weights
from textrep.sparse.matrix import csr_container
from textrep.sparse.parameters import KnownParameters
from textrep.sparse.seen import counted
from textrep.sparse.threads import run_parallel, split_evenly, worthwhile_threads

NORMS = {None: weights.NONE, "l1": weights.L1, "l2": weights.L2}
FLOATS = (np.float32, np.float64)


def weigh(X: Any, idf: np.ndarray | None, norm: str | None, n_jobs: int | None) -> None:
    """Multiply a CSR matrix of float32 or float64 by ``idf`` and normalise its rows, in place.

    Raises
    ------
    ValueError
        When a row to be normalised holds infinity or NaN (scikit-learn's message).
    """
    weight = np.empty(0, dtype=X.dtype) if idf is None else idf
    endless = run_parallel(
        weights.weigh_rows,
        [
            (X.data, X.indices, X.indptr, *rows, weight, NORMS[norm])
            for rows in split_evenly(X.indptr, worthwhile_threads(n_jobs, X.data.nbytes))
        ],
        worthwhile_threads(n_jobs, X.data.nbytes),
    )
    if any(endless):
        normalize(X, norm=norm, copy=False)


def idf_from(
    df: np.ndarray, n_documents: int, *, smooth: bool = True, plus_one: bool = True
) -> np.ndarray:
    """Inverse document frequencies, step by step as in scikit-learn, so that the last bit agrees.

    Parameters
    ----------
    df : float32 or float64 (n_features,), written over
    n_documents : int

    Returns
    -------
    idf : ndarray (n_features,) of the dtype of ``df``
    """
    df += float(smooth)
    idf = np.full_like(df, fill_value=n_documents + int(smooth))
    idf /= df
    np.log(idf, out=idf)
    if plus_one:
        idf += 1.0
    return idf


def _is_countable(X: Any) -> bool:
    """Whether a matrix of counts is what the kernels weigh; one without rows is scikit-learn's to
    refuse.
    """
    return X.dtype in FLOATS and sp.issparse(X) and X.format == "csr" and X.shape[0] > 0


def _fits(idf: np.ndarray | None, X: Any) -> bool:
    """Whether the kernels can multiply by ``idf``: one float for each column."""
    if idf is None:
        return True
    return isinstance(idf, np.ndarray) and idf.dtype in FLOATS and idf.shape == (X.shape[1],)


def within_columns(X: Any) -> bool:
    """Whether the indices of a CSR matrix are those of columns that it has."""
    return X.nnz == 0 or (int(X.indices.min()) >= 0 and int(X.indices.max()) < X.shape[1])


class TfidfTransformer(  # type: ignore[call-arg]  # mypy does not follow scikit-learn
    KnownParameters, Persistent, sklearn_text.TfidfTransformer, auto_wrap_output_keys=None
):
    """Counts -> TF-IDF weights; a drop-in for scikit-learn's `TfidfTransformer`.

    idf(t) = ln((1 + n) / (1 + df(t))) + 1, or ln(n / df(t)) + 1 with ``smooth_idf=False``.
    Parameters, attributes, values and errors are those of
    :class:`sklearn.feature_extraction.text.TfidfTransformer`; ``plus_one`` and ``relative_tf`` come
    on top of them.

    Parameters
    ----------
    norm : {"l1", "l2"} or None, default="l2"
    use_idf, smooth_idf : bool, default=True
    sublinear_tf : bool, default=False
        Use 1 + ln(tf) in place of tf.
    plus_one : bool, default=True
        Whether 1 is added to the logarithm. With ``plus_one=False, smooth_idf=False, norm=None``
        the weights are the textbook's tf * ln(n / df): a term that stands in every document
        weighs nothing.
    relative_tf : bool, default=False
        Use count / (sum of the document's counts) in place of the count. Only columns count: what
        the vocabulary lacks does not make a document longer.
    n_jobs : int, default=None
        Threads to use: None or -1 for all cores.

    Attributes
    ----------
    idf_ : ndarray (n_features,), only with ``use_idf``

    Examples
    --------
    >>> from textrep.sparse import TfidfTransformer
    >>> TfidfTransformer(norm=None).fit_transform([[3, 0], [1, 1]]).toarray().round(3)
    array([[3.   , 0.   ],
           [1.   , 1.405]])

    The textbook's weights of three documents over "new", "york", "times": tf * ln(3 / df).

    >>> textbook = TfidfTransformer(norm=None, smooth_idf=False, plus_one=False)
    >>> counts = [[2, 1, 0], [1, 0, 1], [1, 0, 0]]
    >>> textbook.fit_transform(counts).toarray().round(3)
    array([[0.   , 1.099, 0.   ],
           [0.   , 0.   , 1.099],
           [0.   , 0.   , 0.   ]])
    >>> textbook.set_params(relative_tf=True).fit_transform(counts).toarray().round(3)
    array([[0.   , 0.366, 0.   ],
           [0.   , 0.   , 0.549],
           [0.   , 0.   , 0.   ]])
    """

    idf_: np.ndarray

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **sklearn_text.TfidfTransformer._parameter_constraints,
        "plus_one": ["boolean"],
        "relative_tf": ["boolean"],
    }

    def __init__(
        self,
        *,
        norm: str | None = "l2",
        use_idf: bool = True,
        smooth_idf: bool = True,
        sublinear_tf: bool = False,
        plus_one: bool = True,
        relative_tf: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            norm=norm, use_idf=use_idf, smooth_idf=smooth_idf, sublinear_tf=sublinear_tf
        )
        self.plus_one = plus_one
        self.relative_tf = relative_tf
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> TfidfTransformer:
        """Learn the inverse document frequencies.

        Parameters
        ----------
        X : sparse or dense matrix (n_samples, n_features) of counts
        y : ignored

        Returns
        -------
        self : TfidfTransformer
        """
        self._check_tf()
        super().fit(X, y)
        if self.use_idf and not self.plus_one:
            # scikit-learn's idf_ is 1 too much, and has lost digits in the addition
            counts = X if sp.issparse(X) and X.format in ("csr", "csc") else sp.csr_array(X)
            df = sklearn_text._document_frequency(counts).astype(self.idf_.dtype)
            self.idf_ = self._idf(df, counts.shape[0])
        return self

    def _idf(self, df: np.ndarray, n_documents: int) -> np.ndarray:
        return idf_from(df, n_documents, smooth=bool(self.smooth_idf), plus_one=bool(self.plus_one))

    def _check_tf(self) -> None:
        if self.sublinear_tf and self.relative_tf:
            raise ValueError(
                "sublinear_tf=True takes the logarithm of a count and relative_tf=True divides it "
                "by the document's length; set one of them to False"
            )

    def _weigh_tf(self, X: Any) -> None:
        """Turn counts into term frequencies, in place."""
        if self.sublinear_tf:
            np.log(X.data, X.data)
            X.data += 1.0
        elif self.relative_tf:
            weigh(X, None, "l1", self.n_jobs)

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
        X = validate_data(
            self, X, accept_sparse="csr", dtype=[np.float64, np.float32], copy=copy, reset=False
        )
        if not sp.issparse(X):
            X = sp.csr_array(X, dtype=X.dtype)
        self._weigh_tf(X)
        container = csr_container()
        idf = getattr(self, "idf_", None)
        fits = _fits(idf, X)
        if fits and self.norm in NORMS and within_columns(X) and X.data.flags.writeable:
            weigh(X, idf, self.norm, self.n_jobs)
            return X if type(X) is container else container(X)
        # an idf_ or a norm set by hand: numpy and scikit-learn decide what comes of it
        if idf is not None:
            X.data *= idf[X.indices]
        if self.norm is not None:
            X = normalize(X, norm=self.norm, copy=False)
        return X if type(X) is container else container(X)

    def learn_idf(self, X: Any) -> np.ndarray:
        """`fit` for a CSR matrix of floats known to be sound: skips the checks of its entries.

        Gives the stored entries of each column, int64 (n_features,); zeros without ``use_idf``.
        """
        frequencies = np.zeros(X.shape[1], dtype=np.int64)
        if self.use_idf:
            weights.add_column_counts(X.indices, frequencies)
            self.idf_ = self._idf(frequencies.astype(X.dtype), X.shape[0])
        self.n_features_in_ = X.shape[1]
        return frequencies


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
        """
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
        """
        check_is_fitted(self, msg="The TF-IDF vectorizer is not fitted")
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
        if not _fits(getattr(transformer, "idf_", None), X):
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
            self._tfidf = state["tfidf"]
