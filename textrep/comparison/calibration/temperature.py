"""Temperature scaling: the one number that makes a classifier as sure as it is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from textrep.comparison.calibration.scores import scores_of
from textrep.comparison.errors import ComparisonError
from textrep.comparison.split import Split, split_texts
from textrep.core.labels import check_labels
from textrep.core.messages import printable, shown
from textrep.core.random import RandomState, stream
from textrep.core.text import TextInputError, check_texts

# Scores span from decision values far below 1 to log probabilities of thousands.
_LOWEST, _HIGHEST = 1e-4, 1e6
# Of the logarithm: a temperature that is off by a thousandth changes no figure that is shown.
_TOLERANCE = 1e-3
# One number is found, so ten labels already say more about it than leaving it at 1 does.
_MIN_HELD_OUT = 10


class Temperature(NamedTuple):
    """A temperature, and why it is 1 where it could not be measured.

    Attributes
    ----------
    value : float
        By which scores are divided.
    note : str
        Empty where the temperature was measured.
    """

    value: float
    note: str = ""


def find_temperature(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    holdout: float = 0.2,
    groups: Sequence[str] | None = None,
    random_state: RandomState = None,
) -> Temperature:
    """Fit a clone on a part of the data and find the temperature that suits the rest.

    Parameters
    ----------
    estimator : estimator
        A classifier; it is cloned, and itself neither fitted nor changed.
    X : iterable of str, or array-like of n_samples rows
        What it learns from. Equal texts stay on one side, also where the texts are the first column
        of a table.
    y : array-like of shape (n_samples,)
        Classes.
    holdout : float, default=0.2
        Share of the data that the clone does not see.
    groups : sequence of str of length n_samples, optional
        Equal ones stay on one side, such as the texts that `X` was made of; None are the texts in
        `X`, if there are any.
    random_state : None, int, Generator or RandomState, default=None
        Decides which.

    Returns
    -------
    Temperature
        1 with a note where the data are too few.

    Raises
    ------
    ComparisonError
        When `holdout` does not lie between 0 and 1.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> found = find_temperature(DummyClassifier(), [[1], [2], [3]], ["sun", "sun", "rain"])
    >>> found.value, found.note
    (1.0, "class 'rain' has 1 different text of its own; ...")
    """
    check_holdout(holdout)
    n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
    labels = check_labels(y, n_samples, name="y")
    try:
        split = split_texts(_groups(X, n_samples), labels, holdout, stream(random_state, "holdout"))
    except ComparisonError as error:
        return Temperature(1.0, str(error))
    if len(split.test) < _MIN_HELD_OUT:
        return Temperature(
            1.0, f"only {len(split.test)} samples to measure it on; {_MIN_HELD_OUT} are needed"
        )
    return _measured(estimator, X, labels, split)


def check_holdout(holdout: Any) -> None:
    """Refuse a share that is none.

    Parameters
    ----------
    holdout : object
        The parameter of `find_temperature`.

    Raises
    ------
    ComparisonError
        When it does not lie between 0 and 1.

    Examples
    --------
    >>> check_holdout(0.2)
    """
    if not isinstance(holdout, int | float | np.number) or not 0 < holdout < 1:
        raise ComparisonError(
            f"holdout={shown(holdout)}: the share to measure the temperature on must lie between "
            "0 and 1, such as 0.2"
        )


def best_temperature(scores: NDArray[np.float64], positions: NDArray[np.intp]) -> float:
    """The temperature under which the labels are likeliest.

    It minimises the negative log-likelihood [1]_. As in Platt's scaling [2]_ the labels are
    smoothed, by the weight of one document of unknown class, so that a classifier that made no
    mistake on a few documents is not called infallible.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_classes)
        See `scores_of`.
    positions : ndarray of shape (n_samples,)
        Column of the right class of each.

    Returns
    -------
    float
        From 0.0001 to 1,000,000.

    Notes
    -----
    Where some documents are far surer than others whether right or wrong, as with naive Bayes on
    texts of very different lengths, the likelihood is ruled by the few sure mistakes. The
    temperature that lowers it then leaves most other documents less sure than they are right.

    References
    ----------
    .. [1] Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017,
       equation 9.
    .. [2] Platt, "Probabilistic outputs for support vector machines", 1999, section 2.2.

    Examples
    --------
    Nine of ten are right: the temperature turns scores of 1 and 0 into 0.86 and 0.14, not
    0.9 and 0.1, because of the document of unknown class.

    >>> scores = np.array([[1.0, 0.0]] * 10)
    >>> temperature = best_temperature(scores, np.array([0] * 9 + [1]))
    >>> round(1 / (1 + np.exp(-1 / temperature)), 2)
    np.float64(0.86)
    """
    n_samples = len(scores)
    rows = np.arange(n_samples)
    smoothing = 1 / (n_samples + 1)

    def loss(log_temperature: float) -> float:
        logs = log_softmax(scores / np.exp(log_temperature), axis=1)
        return -float((1 - smoothing) * logs[rows, positions].mean() + smoothing * logs.mean())

    # The loss is convex in 1 / temperature, so it has one minimum in its logarithm as well.
    bounds = (np.log(_LOWEST), np.log(_HIGHEST))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": _TOLERANCE})
    return float(np.exp(found.x))


def _measured(estimator: Any, X: Any, labels: NDArray[Any], split: Split) -> Temperature:
    try:
        fitted = clone(estimator).fit(_safe_indexing(X, split.train), labels[split.train])
        scores = scores_of(fitted, _safe_indexing(X, split.test))
    except ComparisonError:
        raise
    except ValueError as error:
        # What can be fitted on all of the data may find a part of them too small.
        return Temperature(1.0, printable(f"it cannot be fitted on a part of the data: {error}"))
    column = {label: at for at, label in enumerate(np.asarray(fitted.classes_).tolist())}
    positions = np.array([column[label] for label in labels[split.test].tolist()])
    return Temperature(best_temperature(scores, positions))


def _groups(X: Any, n_samples: int) -> Sequence[str]:
    """A text for each sample; samples of equal texts must not be parted."""
    if isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype == object:
        X = X[:, 0]
    try:
        return check_texts(X)
    except TextInputError:
        return [str(position) for position in range(n_samples)]
