"""`LatentSemanticAnalysis`: weighted counts -> the directions in which documents differ most."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.extmath import randomized_svd, safe_sparse_dot
from sklearn.utils.validation import check_is_fitted, validate_data

from textrep.core.persist import Persistent, PersistError
from textrep.core.random import stream

_FLOATS = (np.float32, np.float64)
# What randomized_svd takes by default.
_N_OVERSAMPLES = 10


class LatentSemanticAnalysis(
    ClassNamePrefixFeaturesOutMixin, Persistent, TransformerMixin, BaseEstimator
):
    """Weighted counts -> coordinates along the strongest singular vectors.

    As scikit-learn's `TruncatedSVD`, but data with fewer documents or terms than `n_components`
    get as many dimensions as they have.

    Parameters
    ----------
    n_components : int, default=100
        Most dimensions of the result, from 1 on.
    n_iter : int, default=5
        Power iterations of the randomised decomposition, from 0 on: more are nearer to the exact
        one.
    random_state : None, int, Generator or RandomState, default=None
        Of the randomised decomposition.

    Attributes
    ----------
    components_ : ndarray of shape (n_dimensions, n_features) of float32
        Right singular vectors, the strongest first.
    singular_values_ : ndarray of shape (n_dimensions,) of float32
        How much of the data lies along each, the largest first.
    n_features_in_ : int
        Number of terms.

    References
    ----------
    S. Deerwester et al.: Indexing by latent semantic analysis, JASIS 41 (1990).

    N. Halko, P. G. Martinsson, J. A. Tropp: Finding structure with randomness, SIAM Review 53
    (2011), algorithm 4.3.

    Examples
    --------
    >>> from textrep import LatentSemanticAnalysis
    >>> weights = [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    >>> analysis = LatentSemanticAnalysis(n_components=2, random_state=0)
    >>> abs(analysis.fit_transform(weights)).round(3)
    array([[1.414, 0.   ],
           [1.414, 0.   ],
           [0.   , 1.   ]], dtype=float32)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "n_iter": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self, *, n_components: int = 100, n_iter: int = 5, random_state: Any = None
    ) -> None:
        self.n_components = n_components
        self.n_iter = n_iter
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> LatentSemanticAnalysis:
        """Find the singular vectors.

        Parameters
        ----------
        X : sparse or dense matrix (n_samples, n_features)
        y : ignored

        Returns
        -------
        self : LatentSemanticAnalysis
        """
        X = self._read(X, reset=True)
        seed = int(stream(self.random_state, "decomposition").integers(2**31))
        _, values, vectors = randomized_svd(
            X,
            min(self.n_components, *X.shape),
            n_oversamples=_N_OVERSAMPLES,
            n_iter=self.n_iter,
            random_state=seed,
        )
        # In this order scipy multiplies by the transpose as it lies; in the other it would copy all
        # of it for each document.
        self.components_ = np.asfortranarray(vectors, dtype=np.float32)
        self.singular_values_ = np.asarray(values, dtype=np.float32)
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Coordinates of documents.

        Parameters
        ----------
        X : sparse or dense matrix (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_dimensions) of float32
        """
        check_is_fitted(self)
        return safe_sparse_dot(self._read(X, reset=False), self.components_.T)

    def _read(self, X: Any, *, reset: bool) -> Any:
        dtype = "numeric" if reset else list(_FLOATS)
        X = validate_data(self, X, accept_sparse="csr", dtype=dtype, reset=reset)
        return X.astype(np.float32, copy=False)

    def _set_state(self, state: dict[str, Any]) -> None:
        components = state.get("components_")
        if state and (not isinstance(components, np.ndarray) or components.ndim != 2):
            raise PersistError("components_ of LatentSemanticAnalysis is no matrix")
        super()._set_state(state)

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
