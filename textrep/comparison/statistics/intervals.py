"""Confidence intervals of accuracy and macro-F1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from textrep.comparison.errors import ComparisonError
from textrep.comparison.statistics.f_scores import macro_f1_of_counts
from textrep.core.messages import shown
from textrep.core.random import RandomState, stream

# Cells of resampled confusion matrices held at once: 64 MB.
_CELLS_AT_ONCE = 8_000_000


def accuracy_interval(n_correct: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of an accuracy.

    Parameters
    ----------
    n_correct : int
        Number of documents that are predicted rightly.
    n : int
        Number of documents.
    level : float, default=0.95
        Share of samples whose interval holds the true accuracy.

    Returns
    -------
    lower, upper : float

    Raises
    ------
    ComparisonError
        When the numbers are no counts or `level` does not lie between 0 and 1.

    Notes
    -----
    With p = n_correct / n and z the normal quantile of (1 + level) / 2, the interval is
    (p + z²/2n ± z sqrt(p (1 - p) / n + z²/4n²)) / (1 + z²/n). Unlike the common p ± z sqrt(p
    (1 - p) / n) it holds its level for few documents and accuracies near 1, and stays in 0 to 1.

    References
    ----------
    Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22, 1927. Compared with others in Brown, Cai and DasGupta,
    "Interval estimation for a binomial proportion", Statistical Science 16, 2001.

    Examples
    --------
    >>> lower, upper = accuracy_interval(81, 90)
    >>> f"{lower:.3f} to {upper:.3f}"
    '0.821 to 0.946'
    """
    check_level(level)
    if n < 1 or not 0 <= n_correct <= n:
        raise ComparisonError(
            f"n_correct={shown(n_correct)} of n={shown(n)}; expected counts, "
            "n_correct from 0 to n and n from 1"
        )
    z = norm.ppf((1 + level) / 2)
    share = n_correct / n
    middle = share + z**2 / (2 * n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    # Exact where rounding would leave 1e-17 or 1 - 1e-16.
    lower = 0.0 if n_correct == 0 else (middle - half) / scale
    upper = 1.0 if n_correct == n else (middle + half) / scale
    return float(lower), float(upper)


def macro_f1_interval(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    level: float = 0.95,
    n_resamples: int = 2000,
    random_state: RandomState = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of macro-F1.

    Resampling documents with replacement is the same as drawing the cells of the confusion matrix
    from a multinomial distribution, which takes time that does not grow with the documents.

    Parameters
    ----------
    truth, predicted : array-like of shape (n_documents,)
        Right and predicted classes.
    level : float, default=0.95
        Share of samples whose interval holds the true macro-F1. Where a class has fewer than about
        ten documents, it is less than that.
    n_resamples : int, default=2000
        Number of resamples.
    random_state : None, int, Generator or RandomState, default=0
        Decides them.

    Returns
    -------
    lower, upper : float
        Of the F1 score averaged over the classes that occur in `truth` or `predicted`.

    Raises
    ------
    ComparisonError
        When the lengths differ, there are no documents, or a setting is out of range.

    References
    ----------
    Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 13.

    Examples
    --------
    >>> truth = ["a"] * 50 + ["b"] * 50
    >>> predicted = ["a"] * 45 + ["b"] * 50 + ["a"] * 5
    >>> lower, upper = macro_f1_interval(truth, predicted)
    >>> lower < 0.9 < upper
    True
    """
    check_level(level)
    if not isinstance(n_resamples, int | np.integer) or n_resamples < 1:
        raise ComparisonError(f"n_resamples={shown(n_resamples)}; expected a whole number from 1")
    cells, counts = _confusion(truth, predicted)
    scores = _resampled(cells, counts, n_resamples, stream(random_state, "macro-F1 interval"))
    lower, upper = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)


def check_level(level: Any) -> None:
    """Refuse a level of confidence or significance that is none.

    Parameters
    ----------
    level : object
        The parameter of that name.

    Raises
    ------
    ComparisonError
        When it does not lie between 0 and 1.

    Examples
    --------
    >>> check_level(0.95)
    """
    if not isinstance(level, int | float | np.number) or not 0 < level < 1:
        raise ComparisonError(f"level={shown(level)}; expected a share between 0 and 1")


def _confusion(truth: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Cells that are not empty, (n_cells, 2) of right and predicted class, and their counts."""
    right, answers = np.asarray(truth), np.asarray(predicted)
    if right.shape != answers.shape or right.ndim != 1 or not len(right):
        raise ComparisonError(
            f"truth has shape {right.shape} and predicted {answers.shape}; expected one label of "
            "both for each document, and at least one document"
        )
    _, codes = np.unique(np.concatenate([right, answers]), return_inverse=True)
    pairs = codes.reshape(2, len(right)).T
    return np.unique(pairs, axis=0, return_counts=True)


def _resampled(
    cells: NDArray[np.intp], counts: NDArray[np.intp], n_resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Macro-F1 of resamples of the cells, (n_resamples,)."""
    identity = np.eye(cells.max() + 1)
    actual, predicted = identity[cells[:, 0]], identity[cells[:, 1]]  # (n_cells, n_classes)
    hits = actual * predicted
    n_documents = int(counts.sum())
    at_once = max(1, _CELLS_AT_ONCE // len(counts))
    scores = []
    for begin in range(0, n_resamples, at_once):
        size = min(at_once, n_resamples - begin)
        drawn = rng.multinomial(n_documents, counts / n_documents, size=size)
        scores.append(macro_f1_of_counts(drawn @ hits, drawn @ predicted, drawn @ actual))
    return np.concatenate(scores)
