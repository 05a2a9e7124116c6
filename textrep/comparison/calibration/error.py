"""How far the probabilities of a classifier are from its accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textrep.comparison.calibration.probabilities import check_probabilities
from textrep.comparison.errors import ComparisonError
from textrep.core.messages import shown

# As in Guo et al. 2017, table 1.
_N_BINS = 15


@dataclass(frozen=True)
class ReliabilityBin:
    """Documents of about the same confidence.

    Attributes
    ----------
    count : int
        How many they are.
    mean_confidence : float
        Mean of the highest probability of each.
    accuracy : float
        Share of those whose likeliest class is the right one.
    """

    count: int
    mean_confidence: float
    accuracy: float


def reliability(
    truth: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[Any],
    n_bins: int = _N_BINS,
) -> list[ReliabilityBin]:
    """Confidence and accuracy of documents in bins of about equal number.

    Parameters
    ----------
    truth : array-like of shape (n_documents,)
        Right classes; one that is not among `classes` is never predicted rightly.
    probabilities : array-like of shape (n_documents, n_classes)
        Of the classes.
    classes : sequence of length n_classes
        The class of each column.
    n_bins : int, default=15
        Bounds lie at the quantiles of the confidence. Documents of equal confidence share a bin,
        so that there can be fewer.

    Returns
    -------
    list of ReliabilityBin
        Those that are not empty, the least confident first.

    Raises
    ------
    ComparisonError
        When the shapes do not fit, there are no documents, a probability is none, or `n_bins` is
        below 1.

    Examples
    --------
    >>> reliability(["a", "b"], [[0.9, 0.1], [0.6, 0.4]], ["a", "b"], n_bins=2)
    [ReliabilityBin(count=1, mean_confidence=0.6, accuracy=0.0),
     ReliabilityBin(count=1, mean_confidence=0.9, accuracy=1.0)]
    """
    right, confidence = _checked(truth, probabilities, classes, n_bins)
    bounds = np.percentile(confidence, np.linspace(0, 1, n_bins + 1) * 100)
    bins = np.searchsorted(bounds[1:-1], confidence)
    counts = np.bincount(bins)
    confident = np.bincount(bins, weights=confidence)
    hits = np.bincount(bins, weights=right)
    return [
        ReliabilityBin(int(count), float(confident[at] / count), float(hits[at] / count))
        for at, count in enumerate(counts)
        if count
    ]


def calibration_error(
    truth: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[Any],
    n_bins: int = _N_BINS,
) -> float:
    """Expected calibration error of the likeliest class, in bins of about equal number.

    The mean over the documents of the distance between confidence and accuracy of their bin
    [1]_ [2]_. Chance alone keeps it above 0: about ``0.4 * sqrt(n_bins / n_documents)`` for a
    calibrated classifier that is right half the time, less for a better one.

    Parameters
    ----------
    truth, probabilities, classes, n_bins
        See `reliability`.

    Returns
    -------
    float
        From 0, as sure as it is right, to 1.

    Raises
    ------
    ComparisonError
        See `reliability`.

    References
    ----------
    .. [1] Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017,
       equation 3.
    .. [2] Nguyen and O'Connor, "Posterior calibration and exploratory analysis for natural language
       processing models", EMNLP 2015, section 2.2, for bins of equal number.

    Examples
    --------
    >>> calibration_error(["a", "b"], [[0.75, 0.25], [0.75, 0.25]], ["a", "b"])
    0.25
    """
    bins = reliability(truth, probabilities, classes, n_bins)
    total = sum(found.count for found in bins)
    return sum(found.count * abs(found.mean_confidence - found.accuracy) for found in bins) / total


def _checked(
    truth: ArrayLike, probabilities: ArrayLike, classes: Sequence[Any], n_bins: int
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Whether the likeliest class is right, and its probability."""
    right_classes, shares = check_probabilities(truth, probabilities, classes, name="truth")
    if not shares.size:
        raise ComparisonError(
            f"probabilities has shape {shares.shape}; expected at least one document and one class"
        )
    if not isinstance(n_bins, int | np.integer) or n_bins < 1:
        raise ComparisonError(f"n_bins={shown(n_bins)}; expected a whole number from 1")
    likeliest = shares.argmax(axis=1)
    right = np.asarray(classes)[likeliest] == right_classes
    return right, shares.max(axis=1)
