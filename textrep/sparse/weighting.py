"""`TfidfTransformer`: scikit-learn's, weighted by the kernels; and the weighing itself."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction import text as sklearn_text
from sklearn.preprocessing import normalize
from sklearn.utils.validation import check_is_fitted, validate_data

from textrep.core.partitions import is_partitioned
from textrep.core.persist import Persistent
from textrep.sparse.kernels import weights
from textrep.sparse.matrix import csr_container, in_container
from textrep.sparse.parameters import KnownParameters
from textrep.sparse.partitioned import merged_over_blocks, transform_counts
from textrep.sparse.threads import run_parallel, split_evenly, worthwhile_threads

NORMS = {None: weights.NONE, "l1": weights.L1, "l2": weights.L2}
FLOATS = (np.float32, np.float64)

_SEEN = ("_n_documents", "_in_documents")
"""What `partial_fit` keeps to go on from."""


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


def fits(idf: np.ndarray | None, X: Any) -> bool:
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
    n_features_in_: int

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
            Or a dask array with blocks of such.
        y : ignored

        Returns
        -------
        self : TfidfTransformer
        """
        self._check_tf()
        if is_partitioned(X):
            self._validate_params()
            return self._fit_parts(X)
        for name in _SEEN:
            self.__dict__.pop(name, None)
        super().fit(X, y)
        if self.use_idf and not self.plus_one:
            # scikit-learn's idf_ is 1 too much, and has lost digits in the addition
            counts = X if sp.issparse(X) and X.format in ("csr", "csc") else sp.csr_array(X)
            df = sklearn_text._document_frequency(counts).astype(self.idf_.dtype)
            self.idf_ = self._idf(df, counts.shape[0])
        return self

    def _fit_parts(self, X: Any) -> TfidfTransformer:
        learnt = merged_over_blocks(self, X)
        self._see(learnt._n_documents, learnt._in_documents, learnt._floating(np.float64))
        self.n_features_in_ = X.shape[1]
        return self

    def partial_fit(self, X: Any, y: Any = None) -> TfidfTransformer:
        """Learn from the counts of further documents; what is then known equals what `fit` learns
        from all of them. With a `HashingVectorizer` before it, nothing else has to be learnt.

        Parameters
        ----------
        X : sparse or dense matrix (n_samples, n_features) of counts
        y : ignored

        Returns
        -------
        self : TfidfTransformer

        Raises
        ------
        ValueError
            After `fit`, which keeps no counts to go on from.

        Examples
        --------
        >>> from textrep.sparse import TfidfTransformer
        >>> transformer = TfidfTransformer().partial_fit([[3, 0]]).partial_fit([[1, 1]])
        >>> transformer.idf_.round(3)
        array([1.   , 1.405])
        """
        self._validate_params()
        self._check_tf()
        begun = self._begun()
        X = validate_data(
            self, X, accept_sparse=("csr", "csc"), accept_large_sparse=True, reset=not begun
        )
        X = X if sp.issparse(X) else sp.csr_array(X)
        df = np.asarray(sklearn_text._document_frequency(X), dtype=np.int64)
        if begun:
            df += self._in_documents
        floating = X.dtype if X.dtype in FLOATS else np.dtype(np.float64)
        if begun:
            floating = np.result_type(floating, self._floating(floating))
        self._see(X.shape[0] + (self._n_documents if begun else 0), df, floating)
        return self

    def merge(self, other: TfidfTransformer) -> TfidfTransformer:
        """Learn what another transformer has learnt by `partial_fit`.

        Parameters
        ----------
        other : TfidfTransformer
            Of as many features; it is left as it is.

        Returns
        -------
        self : TfidfTransformer
            As if fitted on the documents of both, with parameters of its own.

        Raises
        ------
        ValueError
            When one of the two was not fitted by `partial_fit`, or they differ in features.
        """
        if not isinstance(other, TfidfTransformer):
            raise ValueError(
                f"a TfidfTransformer merges only with another one, not with a "
                f"{type(other).__name__}"
            )
        for transformer in (self, other):
            check_is_fitted(transformer)
            transformer._begun()
        if self.n_features_in_ != other.n_features_in_:
            raise ValueError(
                f"the two transformers have {self.n_features_in_} and {other.n_features_in_} "
                "features; only counts in the same columns can be merged"
            )
        df = self._in_documents + other._in_documents
        ours = self._floating(other._floating(np.dtype(np.float64)))
        floating = np.result_type(ours, other._floating(ours))
        self._see(self._n_documents + other._n_documents, df, floating)
        return self

    def _begun(self) -> bool:
        """Whether `partial_fit` has begun."""
        if "_n_documents" in vars(self):
            return True
        if "idf_" in vars(self) or "n_features_in_" in vars(self):
            raise ValueError(
                "fit does not keep in how many documents each term stands, so it cannot go on with "
                "more of them; begin with partial_fit"
            )
        return False

    def _floating(self, default: Any) -> Any:
        """What the weights learnt are of; ``default`` where there are none."""
        return getattr(getattr(self, "idf_", None), "dtype", default)

    def _see(self, n_documents: int, df: np.ndarray, floating: Any) -> None:
        self._n_documents, self._in_documents = n_documents, df
        if self.use_idf:
            self.idf_ = self._idf(df.astype(floating), n_documents)

    def _get_state(self) -> dict[str, Any]:
        seen = {name[1:]: vars(self)[name] for name in _SEEN if name in vars(self)}
        return super()._get_state() | seen

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        n_documents, df = state.pop("n_documents", None), state.pop("in_documents", None)
        super()._set_state(state)
        if n_documents is None:
            return
        sound = isinstance(df, np.ndarray) and df.dtype == np.int64
        if not sound or df.shape != (state.get("n_features_in_"),) or type(n_documents) is not int:
            raise ValueError("the saved counts do not fit together")
        self._n_documents, self._in_documents = n_documents, df

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
            For a dask array one with such blocks, computed when it is asked for.
        """
        check_is_fitted(self)
        if is_partitioned(X):
            return transform_counts(self, X)
        X = validate_data(
            self, X, accept_sparse="csr", dtype=[np.float64, np.float32], copy=copy, reset=False
        )
        if not sp.issparse(X):
            X = csr_container()(X, dtype=X.dtype)
        self._weigh_tf(X)
        idf = getattr(self, "idf_", None)
        suits = fits(idf, X)
        if suits and self.norm in NORMS and within_columns(X) and X.data.flags.writeable:
            weigh(X, idf, self.norm, self.n_jobs)
            return in_container(X)
        # an idf_ or a norm set by hand: numpy and scikit-learn decide what comes of it
        if idf is not None:
            X.data *= idf[X.indices]
        if self.norm is not None:
            X = normalize(X, norm=self.norm, copy=False)
        return in_container(X)

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
