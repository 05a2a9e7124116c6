"""Approximate randomization: a paired test for macro-F1."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textrep.comparison.errors import ComparisonError
from textrep.comparison.statistics.f_scores import macro_f1_of_counts
from textrep.core.messages import shown
from textrep.core.random import RandomState, stream

Counts = NDArray[np.float64]

_AT_ONCE = 500
# Exceedances after which the p-value is known to a tenth of itself.
_ENOUGH = 100
# Two ways to sum the same F1 scores differ by less.
_ROUNDING = 1e-12


def approximate_randomization(
    truth: ArrayLike,
    predicted_a: ArrayLike,
    predicted_b: ArrayLike,
    *,
    n_resamples: int = 9999,
    random_state: RandomState = 0,
) -> float:
    """Test that two classifiers have the same macro-F1.

    If neither is better, it does not matter which of the two gave which of their two answers to a
    document. Answers are exchanged at random, document by document, and the p-value is the share of
    exchanges after which macro-F1 differs by at least as much as it does in truth [1]_.

    Parameters
    ----------
    truth, predicted_a, predicted_b : array-like of shape (n_documents,)
        Right classes, and those that each of the two predicts.
    n_resamples : int, default=9999
        Number of exchanges. They end sooner, and the p-value stays valid, when a hundred were at
        least as different [2]_.
    random_state : None, int, Generator or RandomState, default=0
        Decides them.

    Returns
    -------
    float
        The p-value, at least ``1 / (1 + n_resamples)``.

    Raises
    ------
    ComparisonError
        When the lengths differ, there are no documents, or `n_resamples` is below 1.

    References
    ----------
    .. [1] Yeh, "More accurate tests for the statistical significance of result differences",
       COLING 2000.
    .. [2] Besag and Clifford, "Sequential Monte Carlo p-values", Biometrika 78, 1991.

    Examples
    --------
    >>> truth = ["a", "b"] * 50
    >>> approximate_randomization(truth, truth, ["a"] * 100)
    0.0001
    >>> approximate_randomization(truth, truth, truth)
    1.0
    """
    if not isinstance(n_resamples, int | np.integer) or n_resamples < 1:
        raise ComparisonError(f"n_resamples={shown(n_resamples)}; expected a whole number from 1")
    answers = _Answers.of(truth, predicted_a, predicted_b)
    if not len(answers.counts):
        return 1.0
    rng = stream(random_state, "randomization")
    observed = answers.difference(np.zeros((1, len(answers.counts))))[0]
    exceeded = 0
    for begin in range(0, n_resamples, _AT_ONCE):
        size = min(_AT_ONCE, n_resamples - begin)
        exchanged = rng.binomial(answers.counts, 0.5, size=(size, len(answers.counts)))
        reached = answers.difference(exchanged) >= observed - _ROUNDING
        total = exceeded + np.cumsum(reached)
        if total[-1] >= _ENOUGH:
            return _ENOUGH / (begin + int(np.searchsorted(total, _ENOUGH)) + 1)
        exceeded = int(total[-1])
    return (1 + exceeded) / (1 + n_resamples)


class _Answers(NamedTuple):
    """Documents grouped by right class and the two answers, where these differ.

    Attributes
    ----------
    counts : (n_groups,) documents of each group
    actual : (n_classes,) documents of each class
    agreed : pair of (n_classes,), hits and predictions on which both agree
    hits_a, hits_b, predicted_a, predicted_b : (n_groups, n_classes), what one document adds
    """

    counts: NDArray[np.intp]
    actual: Counts
    agreed: tuple[Counts, Counts]
    hits_a: Counts
    hits_b: Counts
    predicted_a: Counts
    predicted_b: Counts

    @classmethod
    def of(cls, truth: ArrayLike, predicted_a: ArrayLike, predicted_b: ArrayLike) -> _Answers:
        columns = [np.asarray(labels) for labels in (truth, predicted_a, predicted_b)]
        shapes = [column.shape for column in columns]
        if len(set(shapes)) > 1 or columns[0].ndim != 1 or not columns[0].size:
            raise ComparisonError(
                f"truth, predicted_a and predicted_b have shapes {', '.join(map(str, shapes))}; "
                "expected one label of each for each document, and at least one document"
            )
        classes, codes = np.unique(np.concatenate(columns), return_inverse=True)
        right, first, second = codes.reshape(3, -1)
        same = first == second
        triples = np.column_stack([right, first, second])[~same]
        groups, counts = np.unique(triples, axis=0, return_counts=True)
        one_hot = np.eye(len(classes))
        actual, a, b = (one_hot[groups[:, at]] for at in range(3))
        agreed_hits = np.bincount(right[same & (right == first)], minlength=len(classes))
        agreed_predicted = np.bincount(first[same], minlength=len(classes))
        return cls(
            counts=counts,
            actual=np.bincount(right, minlength=len(classes)).astype(np.float64),
            agreed=(agreed_hits.astype(np.float64), agreed_predicted.astype(np.float64)),
            hits_a=actual * a,
            hits_b=actual * b,
            predicted_a=a,
            predicted_b=b,
        )

    def difference(self, exchanged: NDArray[np.intp] | Counts) -> Counts:
        """Distance in macro-F1 when some documents of each group are exchanged, (n_resamples,).

        `exchanged` is of shape (n_resamples, n_groups).
        """
        kept = self.counts - exchanged
        first = self._macro_f1(kept, exchanged)
        return np.abs(first - self._macro_f1(exchanged, kept))

    def _macro_f1(self, by_a: NDArray[np.intp] | Counts, by_b: NDArray[np.intp] | Counts) -> Counts:
        """Of a classifier that gives the answers of a and of b to so many documents."""
        hits = self.agreed[0] + by_a @ self.hits_a + by_b @ self.hits_b
        predicted = self.agreed[1] + by_a @ self.predicted_a + by_b @ self.predicted_b
        return macro_f1_of_counts(hits, predicted, np.broadcast_to(self.actual, hits.shape))
