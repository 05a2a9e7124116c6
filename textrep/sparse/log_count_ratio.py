"""`LogCountRatio` and `NBSVM`: counts weighted by how much more one class uses them."""

from __future__ import annotations

import itertools
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.svm import LinearSVC
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_is_fitted

from textrep.core.labels import check_labels
from textrep.core.partitions import is_partitioned
from textrep.core.persist import Persistent
from textrep.sparse.given import read_counts, writable
from textrep.sparse.kernels import weights
from textrep.sparse.parameters import KnownParameters
from textrep.sparse.partitioned import summed_over_blocks, transform_counts
from textrep.sparse.threads import run_parallel, worthwhile_threads

SMOOTHING = {"alpha": [Interval(Real, 0, None, closed="neither")], "binarize": ["boolean"]}


def log_count_ratio(inside: np.ndarray, outside: np.ndarray, alpha: float) -> np.ndarray:
    """ln((p / sum(p)) / (q / sum(q))) of the counts of a class and of all else, smoothed."""
    p, q = alpha + inside, alpha + outside
    return np.log(p / p.sum()) - np.log(q / q.sum())


def scale_columns(X: Any, factor: np.ndarray, binarize: bool, n_jobs: int | None) -> None:
    """Multiply the columns of a CSR matrix in place, of counts or of whether they are above 0."""
    threads = worthwhile_threads(n_jobs, X.data.nbytes)
    cuts = np.linspace(0, X.nnz, threads + 1).astype(np.int64)
    run_parallel(
        weights.scale_columns,
        [
            (X.data, X.indices, first, last, factor, binarize)
            for first, last in itertools.pairwise(cuts)
        ],
        threads,
    )


def read_classes(estimator: Any, y: Any, n_samples: int) -> tuple[np.ndarray, np.ndarray]:
    """The different labels, and the number of each sample's among them, int64 (n_samples,).

    Raises
    ------
    ValueError
        When there are no labels, or no two different ones.
    """
    name = type(estimator).__name__
    if y is None:
        raise ValueError(
            f"This {name} estimator requires y to be passed, but the target y is None."
        )
    classes, group = np.unique(check_labels(y, n_samples, name="y"), return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"{name} tells classes apart, but y holds only 1 class, {classes.tolist()[0]!r}; "
            "give samples of two"
        )
    return classes, group.astype(np.int64)


def class_sums(X: Any, group: np.ndarray, n_groups: int, binarize: bool) -> np.ndarray:
    """Sums of the rows of each class, float64 (n_groups, n_features)."""
    sums = np.zeros((n_groups, X.shape[1]), dtype=np.float64)
    weights.add_class_sums(X.data, X.indices, X.indptr, group, binarize, sums)
    return sums


def _sums_by_label(estimator: Any, X: Any, y: Any) -> dict[Any, np.ndarray]:
    """Sums of the rows with each label, float64 (n_features,), without a look at how many."""
    X, _, _ = read_counts(estimator, X, copy=False, reset=True)
    labels = check_labels(y, X.shape[0], name="y")
    classes, group = np.unique(labels, return_inverse=True)
    sums = class_sums(X, group.astype(np.int64), len(classes), bool(estimator.binarize))
    return dict(zip(classes.tolist(), sums, strict=True))


class LogCountRatio(  # type: ignore[call-arg]  # mypy does not follow scikit-learn
    KnownParameters,
    Persistent,
    OneToOneFeatureMixin,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,
):
    """Counts -> counts weighted by the log-count ratio of two classes.

    With p and q the smoothed sums of the rows of the positive class (the second of ``classes_``)
    and of the other one, column t is multiplied by ln((p(t) / sum(p)) / (q(t) / sum(q))). Before a
    linear classifier this is Wang and Manning's NB-SVM or NB logistic regression.

    Parameters
    ----------
    alpha : float, default=1.0
        Added to every sum, above 0.
    binarize : bool, default=True
        Whether a document counts a term once however often it has it.
    n_jobs : int, default=None
        Threads to use: None or -1 for all cores.

    Attributes
    ----------
    log_count_ratio_ : float64 (n_features,)
        Above 0 for terms that the positive class uses more.
    classes_ : ndarray (2,)
        The labels, sorted.
    n_features_in_ : int

    See Also
    --------
    NBSVM : The classifier, with the paper's interpolation, for any number of classes.

    References
    ----------
    S. Wang, C. D. Manning: Baselines and bigrams: simple, good sentiment and topic classification,
    ACL 2012, section 2.1.

    Examples
    --------
    >>> from textrep.sparse import LogCountRatio
    >>> counts = [[2, 0, 1], [1, 1, 0], [0, 3, 1]]
    >>> LogCountRatio().fit_transform(counts, ["good", "good", "bad"]).toarray().round(2)
    array([[ 0.76,  0.  , -0.34],
           [ 0.76, -0.34,  0.  ],
           [ 0.  , -0.34, -0.34]])

    More than two classes are taken one against the rest:

    >>> from sklearn.multiclass import OneVsRestClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import LinearSVC
    >>> classifier = OneVsRestClassifier(make_pipeline(LogCountRatio(), LinearSVC()))
    >>> classifier.fit(counts, ["good", "fair", "bad"]).predict(counts).tolist()
    ['good', 'fair', 'bad']
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = SMOOTHING

    def __init__(
        self, *, alpha: float = 1.0, binarize: bool = True, n_jobs: int | None = None
    ) -> None:
        self.alpha = alpha
        self.binarize = binarize
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any) -> LogCountRatio:
        """Learn the ratios.

        Parameters
        ----------
        X : sparse or dense matrix (n_samples, n_features) of counts
            Or a dask array with blocks of such.
        y : labels of two classes, of any type, (n_samples,)
            For a dask array a dask array, series or bag with as many parts of the same lengths.

        Returns
        -------
        self : LogCountRatio

        Raises
        ------
        ValueError
            When there are not just two classes.
        """
        if is_partitioned(X):
            sums = summed_over_blocks(self, X, y, _sums_by_label)
            self.n_features_in_ = X.shape[1]
            classes, _ = read_classes(self, list(sums), len(sums))
        else:
            X, _, _ = read_counts(self, X, copy=False, reset=True)
            classes, group = read_classes(self, y, X.shape[0])
        if len(classes) > 2:
            raise ValueError(
                f"LogCountRatio compares two classes, but y holds {len(classes)}; use "
                "sklearn.multiclass.OneVsRestClassifier(make_pipeline(LogCountRatio(), "
                "LinearSVC())) or textrep.sparse.NBSVM"
            )
        if is_partitioned(X):
            outside, inside = (sums[label] for label in classes.tolist())
        else:
            outside, inside = class_sums(X, group, 2, bool(self.binarize))
        self.log_count_ratio_ = log_count_ratio(inside, outside, float(self.alpha))
        self.classes_ = classes
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
            For a dask array one with such blocks, computed when it is asked for.
        """
        check_is_fitted(self)
        if is_partitioned(X):
            return transform_counts(self, X)
        X, _, _ = read_counts(self, X, copy=copy, reset=False)
        ratio = np.asarray(self.log_count_ratio_, dtype=np.float64)
        if ratio.shape != (X.shape[1],):  # the kernel follows the columns unchecked
            raise ValueError(
                f"log_count_ratio_ has the shape {ratio.shape}, but there are {X.shape[1]} "
                "columns; fit again"
            )
        X = writable(X)
        scale_columns(X, ratio, bool(self.binarize), self.n_jobs)
        return X

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class NBSVM(KnownParameters, Persistent, ClassifierMixin, BaseEstimator):
    """Classify counts by a linear support vector machine over log-count ratios.

    For two classes, a `LinearSVC` learns on the columns weighted as by `LogCountRatio`; its weights
    w are drawn towards naive Bayes: (1 - beta) * mean(abs(w)) + beta * w. For more classes, one
    against the rest.

    Parameters
    ----------
    beta : float, default=0.25
        0 for naive Bayes (all ratios count alike) to 1 for the support vector machine.
    C : float, default=1.0
        Inverse strength of the regularisation, above 0.
    alpha : float, default=1.0
        Added to every sum of counts, above 0.
    binarize : bool, default=True
        Whether a document counts a term once however often it has it.
    loss : {"squared_hinge", "hinge"}, default="squared_hinge"
    class_weight : dict, "balanced" or None, default=None
        What an error on each class costs, in multiples of ``C``; "balanced" for the inverse of its
        frequency.
    max_iter : int, default=1000
    tol : float, default=1e-4
    random_state : int, RandomState instance or None, default=None
        See :class:`sklearn.svm.LinearSVC`.
    n_jobs : int, default=None
        Threads to weigh with: None or -1 for all cores.

    Attributes
    ----------
    classes_ : ndarray (n_classes,)
        The labels, sorted.
    coef_ : float64 (1, n_features) for two classes, else (n_classes, n_features)
        Weights of the (binarised) counts, the ratios multiplied in.
    intercept_ : float64 (1,) or (n_classes,)
    n_iter_ : int
        Iterations that the slowest of the support vector machines took.
    n_features_in_ : int

    References
    ----------
    S. Wang, C. D. Manning: Baselines and bigrams: simple, good sentiment and topic classification,
    ACL 2012, section 2.3.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from textrep.sparse import NBSVM, CountVectorizer
    >>> texts = ["good film", "so good", "bad film", "so bad"]
    >>> classifier = make_pipeline(CountVectorizer(ngram_range=(1, 2)), NBSVM())
    >>> classifier.fit(texts, ["pos", "pos", "neg", "neg"]).predict(["a good one"]).tolist()
    ['pos']
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **SMOOTHING,
        "beta": [Interval(Real, 0, 1, closed="both")],
        "C": [Interval(Real, 0, None, closed="neither")],
        "loss": [StrOptions({"squared_hinge", "hinge"})],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        beta: float = 0.25,
        C: float = 1.0,
        alpha: float = 1.0,
        binarize: bool = True,
        loss: str = "squared_hinge",
        class_weight: Any = None,
        max_iter: int = 1000,
        tol: float = 1e-4,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.beta = beta
        self.C = C
        self.alpha = alpha
        self.binarize = binarize
        self.loss = loss
        self.class_weight = class_weight
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any) -> NBSVM:
        """Learn to tell classes apart.

        Parameters
        ----------
        X : sparse or dense matrix (n_samples, n_features) of counts
        y : labels of two or more classes, of any type, (n_samples,)

        Returns
        -------
        self : NBSVM
        """
        X, _, _ = read_counts(self, X, copy=False, reset=True)
        classes, group = read_classes(self, y, X.shape[0])
        sums = class_sums(X, group, len(classes), bool(self.binarize))
        positive = [1] if len(classes) == 2 else range(len(classes))
        costs = compute_sample_weight(self.class_weight, classes[group])
        rows = [self._fit_one(X, group == c, sums[c], sums.sum(axis=0), costs) for c in positive]
        # As sparse products read it; else it would be copied for each.
        self.coef_ = np.asfortranarray(np.stack([coef for coef, _, _ in rows]))
        self.intercept_ = np.array([intercept for _, intercept, _ in rows])
        self.n_iter_ = max(n_iter for _, _, n_iter in rows)
        self.classes_ = classes
        return self

    def _fit_one(
        self, X: Any, inside: np.ndarray, sums: np.ndarray, total: np.ndarray, costs: np.ndarray
    ) -> tuple[np.ndarray, float, int]:
        """Weights (n_features,) and intercept that tell a class from the others, and the iterations
        that it took to find them.
        """
        ratio = log_count_ratio(sums, total - sums, float(self.alpha))
        weighted = X.astype(np.float64, copy=True)  # as LinearSVC would make it
        scale_columns(weighted, ratio, bool(self.binarize), self.n_jobs)
        svm = LinearSVC(
            C=self.C,
            loss=self.loss,
            max_iter=self.max_iter,
            tol=self.tol,
            random_state=self.random_state,
        ).fit(weighted, inside, sample_weight=costs)
        w = svm.coef_[0]
        drawn = (1.0 - self.beta) * np.abs(w).mean() + self.beta * w
        return ratio * drawn, float(svm.intercept_[0]), int(svm.n_iter_)

    def decision_function(self, X: Any) -> np.ndarray:
        """How far documents are on the side of each class.

        Parameters
        ----------
        X : sparse or dense matrix (n_samples, n_features) of counts

        Returns
        -------
        ndarray
            float64 (n_samples,) for two classes, above 0 for the second; else
            (n_samples, n_classes).
        """
        check_is_fitted(self)
        X, _, _ = read_counts(self, X, copy=False, reset=False)
        if self.binarize:
            X = sp.csr_array(((X.data > 0).astype(X.dtype), X.indices, X.indptr), shape=X.shape)
        scores = X @ self.coef_.T + self.intercept_
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> np.ndarray:
        """The class of each document.

        Parameters
        ----------
        X : sparse or dense matrix (n_samples, n_features) of counts

        Returns
        -------
        ndarray (n_samples,) of the type of the labels
        """
        scores = self.decision_function(X)
        best = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[best]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        return tags
