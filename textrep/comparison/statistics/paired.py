"""McNemar's test of two classifiers on the same documents, and Holm's correction for many tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom

from textrep.comparison.errors import ComparisonError


def mcnemar(correct_a: ArrayLike, correct_b: ArrayLike) -> float:
    """McNemar's exact test that two classifiers are equally accurate.

    Documents on which both are right or both are wrong say nothing of the difference. Of the others
    each of the two wins half, if they are equally accurate; the p-value is that of the two-sided
    binomial test of this half.

    Parameters
    ----------
    correct_a, correct_b : array-like of shape (n_documents,) of bool
        Whether each document is predicted rightly.

    Returns
    -------
    float
        The p-value: 1 where neither wins more often.

    Raises
    ------
    ComparisonError
        When the lengths differ.

    Notes
    -----
    It holds for the two fitted models: whether the methods would differ in the same way after
    training on other documents is another question [2]_.

    References
    ----------
    .. [1] McNemar, "Note on the sampling error of the difference between correlated proportions or
       percentages", Psychometrika 12, 1947.
    .. [2] Dietterich, "Approximate statistical tests for comparing supervised classification
       learning algorithms", Neural Computation 10, 1998.

    Examples
    --------
    >>> mcnemar([True] * 6 + [False], [False] * 6 + [False])
    0.03125
    """
    first, second = np.asarray(correct_a, dtype=bool), np.asarray(correct_b, dtype=bool)
    if first.shape != second.shape or first.ndim != 1:
        raise ComparisonError(
            f"correct_a has shape {first.shape} and correct_b {second.shape}; expected one bool "
            "of both for each document"
        )
    return float(mcnemar_of_counts((first & ~second).sum(), (second & ~first).sum()))


def mcnemar_of_counts(only_a: ArrayLike, only_b: ArrayLike) -> NDArray[np.float64]:
    """McNemar's exact test from the numbers of documents that only one of two predicts rightly.

    Parameters
    ----------
    only_a, only_b : array-like of int
        Of shapes that broadcast against each other.

    Returns
    -------
    ndarray of float
        p-values.

    Examples
    --------
    >>> mcnemar_of_counts([6, 3, 0], [0, 3, 0])
    array([0.03125, 1.     , 1.     ])
    """
    # Not the mid-p value: at a level of 5 % it rejects up to 5.1 % of true hypotheses (150
    # documents, nine tenths of them discordant), the exact one never more than the level.
    fewer, both = np.minimum(only_a, only_b), np.add(only_a, only_b)
    return np.minimum(1.0, 2 * binom.cdf(fewer, both, 0.5))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """p-values corrected for their number, by Holm's step-down method.

    The chance that any true hypothesis is rejected at a level is at most that level, whatever the
    dependence between the tests.

    Parameters
    ----------
    p_values : array-like of shape (..., n_tests)
        Of the single tests; the last axis is one family.

    Returns
    -------
    ndarray of shape (..., n_tests)
        To be compared with the level.

    Raises
    ------
    ComparisonError
        When a value does not lie in 0 to 1.

    References
    ----------
    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6, 1979.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    values = np.asarray(p_values, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise ComparisonError("p_values must lie in 0 to 1")
    order = values.argsort(axis=-1, kind="stable")
    ascending = np.take_along_axis(values, order, axis=-1)
    left = np.arange(values.shape[-1], 0, -1)
    # No hypothesis may be rejected before those with smaller p-values.
    stepped = np.minimum(1.0, np.maximum.accumulate(ascending * left, axis=-1))
    corrected = np.empty_like(values)
    np.put_along_axis(corrected, order, stepped, axis=-1)
    return corrected
