"""`QuantileBins`: numbers -> which of a few equally full ranges each lies in."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from textrep.core.persist import Persistent, PersistError

# No feature: a value that is missing where none was when the ranges were learnt.
_NONE = -1
# A value that is there once is no range of its own, however few there are.
_MIN_ALONE = 2


class QuantileBins(Persistent, TransformerMixin, BaseEstimator):
    """Numbers -> a feature of 0 or 1 for each range between quantiles of their column.

    As scikit-learn's `KBinsDiscretizer`, but values may be missing, which is a feature of its own,
    a value that is frequent enough to fill a range has one to itself, and a column that never
    changes has one feature that is always 0. Such features serve naive Bayes as well as linear
    models, and neither the unit of a column nor an outlier changes them.

    Parameters
    ----------
    n_bins : int, default=10
        Ranges of a column where no value is frequent, from 2 on.

    Attributes
    ----------
    edges_ : list of ndarray of shape (n_edges,) of float64
        One for each column, ascending. The lowest range ends below the first edge, and each edge
        begins a range.
    has_missing_ : ndarray of shape (n_features,) of bool
        Whether some but not all values of each column were missing.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    J. Dougherty, R. Kohavi, M. Sahami: Supervised and unsupervised discretization of continuous
    features, ICML (1995).

    Examples
    --------
    >>> from textrep import QuantileBins
    >>> bins = QuantileBins(n_bins=2).fit([[1.0], [2.0], [3.0], [400.0]])
    >>> bins.transform([[-5.0], [2.5], [3.0]]).toarray()
    array([[1., 0.],
           [1., 0.],
           [0., 1.]])
    >>> bins.get_feature_names_out(["price"]).tolist()
    ['price<3', 'price>=3']
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_bins": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(self, *, n_bins: int = 10) -> None:
        self.n_bins = n_bins

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> QuantileBins:
        """Find the ranges.

        Parameters
        ----------
        X : matrix (n_samples, n_features)
            Numbers, or Python objects that are; NaN where a value is missing.
        y : ignored

        Returns
        -------
        self : QuantileBins
        """
        columns = list(_columns(self._read(X, reset=True)))
        missing = [np.isnan(values) for values in columns]
        self.edges_ = [
            _edges(values[~lacks], self.n_bins)
            for values, lacks in zip(columns, missing, strict=True)
        ]
        self.has_missing_ = np.array([lacks.any() and not lacks.all() for lacks in missing])
        return self

    def transform(self, X: Any) -> sp.csr_matrix:
        """Tell the range of each value.

        Parameters
        ----------
        X : matrix (n_samples, n_features)
            As for `fit`. Values beyond those that were seen are in the outermost ranges.

        Returns
        -------
        sparse matrix of shape (n_samples, n_features_out) of float64
            In the order of the columns; each has its ranges and then, where values were missing,
            whether this one is.
        """
        check_is_fitted(self)
        X = self._read(X, reset=False)
        codes = np.empty(X.shape, dtype=np.int64)
        start = 0
        for at, values in enumerate(_columns(X)):
            edges = self.edges_[at]
            n_ranges = len(edges) + 1 if len(edges) else 0
            own = np.searchsorted(edges, values, side="right") + start
            own[np.isnan(values)] = start + n_ranges if self.has_missing_[at] else _NONE
            if not n_ranges:
                own[~np.isnan(values)] = _NONE
            codes[:, at] = own
            start += self._width(at)
        present = codes != _NONE
        indptr = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
        indices = codes[present]
        return sp.csr_matrix((np.ones(len(indices)), indices, indptr), shape=(len(codes), start))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the features.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns; None calls them ``x0``, ``x1`` and so on.

        Returns
        -------
        ndarray of shape (n_features_out,) of object
            Such as ``"price<3"``, ``"3<=price<7.5"``, ``"price>=7.5"``, ``"price missing"``, or
            ``"price constant"``.
        """
        check_is_fitted(self)
        names: list[str] = []
        for at, column in enumerate(_check_feature_names_in(self, input_features)):
            shown = _shown(self.edges_[at])
            if shown:
                names.append(f"{column}<{shown[0]}")
                names.extend(f"{low}<={column}<{high}" for low, high in itertools.pairwise(shown))
                names.append(f"{column}>={shown[-1]}")
            if self.has_missing_[at]:
                names.append(f"{column} missing")
            elif not shown:
                names.append(f"{column} constant")
        return np.array(names, dtype=object)

    def _width(self, at: int) -> int:
        """Number of features of a column, at least one: scikit-learn takes no empty matrix."""
        n_edges = len(self.edges_[at])
        return max(1, n_edges + (n_edges > 0) + int(self.has_missing_[at]))

    def _read(self, X: Any, *, reset: bool) -> Any:
        return validate_data(
            self,
            X,
            accept_sparse="csc",
            dtype="numeric" if reset else np.float64,
            ensure_all_finite="allow-nan",
            reset=reset,
        )

    def _set_state(self, state: dict[str, Any]) -> None:
        if state:
            edges, missing = state.get("edges_"), state.get("has_missing_")
            sound = (
                isinstance(edges, list)
                and all(map(_ascending, edges))
                and isinstance(missing, np.ndarray)
                and missing.dtype == bool
                and missing.shape == (len(edges),)
                and state.get("n_features_in_") == len(edges)
            )
            if not sound:
                raise PersistError("edges_ and has_missing_ of QuantileBins do not fit together")
        super()._set_state(state)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64"]
        return tags


def _columns(X: Any) -> Iterator[NDArray[np.float64]]:
    """Each column of a matrix, dense."""
    for at in range(X.shape[1]):
        values = X[:, [at]].toarray().ravel() if sp.issparse(X) else X[:, at]
        yield values.astype(np.float64, copy=False)


def _edges(values: NDArray[np.float64], n_bins: int) -> NDArray[np.float64]:
    """Where the ranges above the lowest begin: values that were seen, none the least of them."""
    if not len(values):
        return np.empty(0)
    different, counts = np.unique(values, return_counts=True)
    full = np.flatnonzero(counts >= max(_MIN_ALONE, len(values) / n_bins))
    after = different[full[full < len(different) - 1] + 1]
    shares = np.arange(1, n_bins) / n_bins
    quantiles = np.quantile(values, shares, method="higher")
    found = np.unique(np.concatenate([quantiles, different[full], after]))
    return found[found > different[0]]


def _ascending(edges: Any) -> bool:
    return (
        isinstance(edges, np.ndarray)
        and edges.dtype == np.float64
        and edges.ndim == 1
        and bool(np.isfinite(edges).all() and (np.diff(edges) > 0).all())
    )


def _shown(edges: NDArray[np.float64]) -> list[str]:
    """Edges in few digits, or in all of them where some would look the same."""
    short = [f"{edge:g}" for edge in edges]
    return short if len(set(short)) == len(short) else [repr(float(edge)) for edge in edges]
