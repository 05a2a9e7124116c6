"""Corrected p-values of all pairs of rungs on the same documents."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.outcome import Metric
from textrep.comparison.statistics.paired import holm, mcnemar_of_counts
from textrep.comparison.statistics.randomization import approximate_randomization
from textrep.core.random import RandomState, streams


def p_values_of_pairs(
    truth: NDArray[Any],
    predictions: Sequence[NDArray[Any]],
    *,
    metric: Metric = "accuracy",
    random_state: RandomState = 0,
) -> NDArray[np.float64]:
    """p-values of all pairs of rungs, corrected for their number.

    Parameters
    ----------
    truth : ndarray of shape (n_documents,)
        Right classes.
    predictions : sequence of n_rungs ndarrays of shape (n_documents,)
        What each rung predicts.
    metric : {"accuracy", "macro_f1"}, default="accuracy"
        McNemar's exact test of the first, approximate randomization of the second.
    random_state : None, int, Generator or RandomState, default=0
        Decides the exchanges of the latter.

    Returns
    -------
    ndarray of shape (n_rungs, n_rungs)
        Symmetric, with 1 on the diagonal.

    Examples
    --------
    >>> truth = np.array([0, 1] * 10)
    >>> p_values_of_pairs(truth, [truth, truth, 1 - truth]).round(4)
    array([[1., 1., 0.],
           [1., 1., 0.],
           [0., 0., 1.]])
    """
    n_rungs = len(predictions)
    # All pairs, although only those with the best are asked for: which rung is the best is seen
    # only in the same data, and the correction must hold whichever it turns out to be.
    pairs = list(itertools.combinations(range(n_rungs), 2))
    first, second = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    if metric == "accuracy":
        only = wins(truth, predictions)
        single = mcnemar_of_counts(only[first, second], only[second, first])
    else:
        random = streams(random_state, [f"{a} and {b}" for a, b in pairs])
        single = np.array(
            [
                approximate_randomization(
                    truth, predictions[a], predictions[b], random_state=random[f"{a} and {b}"]
                )
                for a, b in pairs
            ]
        )
    corrected = np.ones((n_rungs, n_rungs))
    corrected[first, second] = corrected[second, first] = holm(single)
    return corrected


def wins(truth: NDArray[Any], predictions: Sequence[NDArray[Any]]) -> NDArray[np.intp]:
    """Number of documents on which only the first of two rungs is right.

    Parameters
    ----------
    truth : ndarray of shape (n_documents,)
        Right classes.
    predictions : sequence of n_rungs ndarrays of shape (n_documents,)
        What each rung predicts.

    Returns
    -------
    ndarray of shape (n_rungs, n_rungs)
        The first of two in rows, the second in columns.

    Examples
    --------
    >>> wins(np.array([1, 1, 1]), [np.array([1, 1, 0]), np.array([0, 0, 1])])
    array([[0, 2],
           [1, 0]])
    """
    correct = np.array([predicted == truth for predicted in predictions])
    # In floating point, where a product of matrices is fast; counts below 2^53 are exact.
    return (correct.astype(np.float64) @ (~correct).T.astype(np.float64)).astype(np.intp)
