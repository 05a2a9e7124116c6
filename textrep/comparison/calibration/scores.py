"""One score a class from any classifier, and the probabilities that scores stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from textrep.comparison.errors import ComparisonError
from textrep.core.messages import type_name

# Stands for the logarithm of a probability of 0. Naive Bayes gives less than the logarithm of the
# smallest float, -745, to long documents, and their order is to be kept.
_LOG_OF_ZERO = -10_000.0
# Of a decision value between two classes that of each: their difference is the value.
_TWO_CLASSES = np.array([-0.5, 0.5])


def scores_of(estimator: Any, X: Any) -> NDArray[np.float64]:
    """One score a class, of which the softmax is a distribution over the classes.

    Logarithms of probabilities where the classifier has them, else its decision values. One that
    can only predict scores 1 for its answer and 0 for every other class; temperature scaling then
    makes its accuracy on held-out data of it.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier with ``classes_``.
    X : array-like of length n_samples
        What it predicts from.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Columns in the order of ``classes_``. Of a decision value d between two classes, -d / 2 and
        d / 2, whose softmax is the logistic function of d.

    Raises
    ------
    ComparisonError
        When the classifier has no ``classes_``, gives another number of scores, or NaN.

    Examples
    --------
    >>> from sklearn.svm import LinearSVC
    >>> model = LinearSVC().fit([[-1.0], [1.0]], ["cold", "hot"])
    >>> scores_of(model, [[2.0]]).argmax(axis=1)
    array([1])
    """
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        raise ComparisonError(
            f"{type_name(estimator)} has no classes_, so its scores belong to no class; "
            "fit a classifier"
        )
    scores = _raw_scores(estimator, X, classes)
    if scores.shape[1:] != (len(classes),):
        raise ComparisonError(
            f"{type_name(estimator)} gives scores of shape {scores.shape}, but has {len(classes)} "
            "classes; one score a class is needed (of an SVC: decision_function_shape='ovr')"
        )
    if np.isnan(scores).any():
        row = int(np.flatnonzero(np.isnan(scores).any(axis=1))[0])
        raise ComparisonError(
            f"{type_name(estimator)} gives document {row} a score of nan; a number is needed"
        )
    return scores


def soften(scores: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Probabilities that scores stand for at a temperature.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_classes)
        See `scores_of`.
    temperature : float
        Above 0; the higher, the nearer the probabilities come to each other.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        The softmax of ``scores / temperature``.

    Examples
    --------
    >>> soften(np.log([[0.9, 0.1]]), 2.0)
    array([[0.75, 0.25]])
    """
    return softmax(scores / temperature, axis=1)


def _raw_scores(estimator: Any, X: Any, classes: NDArray[Any]) -> NDArray[np.float64]:
    for method in ("predict_log_proba", "predict_proba"):
        if hasattr(estimator, method):
            # The logarithm of 0, which is dealt with below. Filters of warnings are of all threads.
            with np.errstate(divide="ignore"):
                found = np.asarray(getattr(estimator, method)(X), dtype=np.float64)
                found = np.log(found) if method == "predict_proba" else found
            return np.maximum(found, _LOG_OF_ZERO)
    if hasattr(estimator, "decision_function"):
        decided = np.asarray(estimator.decision_function(X), dtype=np.float64)
        return np.multiply.outer(decided, _TWO_CLASSES) if decided.ndim == 1 else decided
    predicted = np.asarray(estimator.predict(X))
    return (predicted[:, None] == np.asarray(classes)[None, :]).astype(np.float64)
