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
_WORD_BITS = 64
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
    observed = answers.difference(np.zeros((1, len(answers.counts)), dtype=np.float32))[0]
    exceeded = 0
    for begin in range(0, n_resamples, _AT_ONCE):
        size = min(_AT_ONCE, n_resamples - begin)
        reached = answers.difference(_toss(answers.counts, size, rng)) >= observed - _ROUNDING
        total = exceeded + np.cumsum(reached)
        if total[-1] >= _ENOUGH:
            return _ENOUGH / (begin + int(np.searchsorted(total, _ENOUGH)) + 1)
        exceeded = int(total[-1])
    return (1 + exceeded) / (1 + n_resamples)


def _toss(counts: NDArray[np.intp], size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """How many of so many coins fall on one side, `size` times, (size, n_counts)."""
    heads = np.empty((size, len(counts)), dtype=np.float32)
    few = counts <= _WORD_BITS
    # Most groups have few documents: the bits of a random word are tossed coins, and to count them
    # takes a tenth of the time of a binomial draw.
    words = rng.integers(2**_WORD_BITS, size=(size, int(few.sum())), dtype=np.uint64)
    unused = (_WORD_BITS - counts[few]).astype(np.uint64)
    heads[:, few] = np.bitwise_count(words >> unused)
    heads[:, ~few] = rng.binomial(counts[~few], 0.5, size=(size, int((~few).sum())))
    return heads


class _Answers(NamedTuple):
    """Documents grouped by right class and the two answers, where these differ.

    Attributes
    ----------
    counts : (n_groups,) documents of each group
    moves : (n_groups, 2 n_classes), hits and predictions that an exchange of one document takes
        from a and gives to b
    a, b : (2 n_classes,), hits and predictions of each before any exchange
    actual : (n_classes,) documents of each class
    """

    counts: NDArray[np.intp]
    moves: NDArray[np.float32]
    a: Counts
    b: Counts
    actual: Counts

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
        differ = first != second
        triples = np.column_stack([right, first, second])[differ]
        groups, counts = np.unique(triples, axis=0, return_counts=True)
        one_hot = np.eye(len(classes), dtype=np.float32)
        actual, a, b = (one_hot[groups[:, at]] for at in range(3))
        return cls(
            counts=counts,
            moves=np.hstack([actual * (a - b), a - b]),
            a=_hits_and_predictions(right, first, len(classes)),
            b=_hits_and_predictions(right, second, len(classes)),
            actual=np.bincount(right, minlength=len(classes)).astype(np.float64),
        )

    def difference(self, exchanged: NDArray[np.float32]) -> Counts:
        """Distance in macro-F1 when so many documents of each group are exchanged, (n_resamples,).

        `exchanged` is of shape (n_resamples, n_groups).
        """
        # In single precision, which is exact for counts below 2^24.
        moved = (exchanged @ self.moves).astype(np.float64)
        return np.abs(self._macro_f1(self.a - moved) - self._macro_f1(self.b + moved))

    def _macro_f1(self, counts: Counts) -> Counts:
        hits, predicted = np.split(counts, 2, axis=-1)
        return macro_f1_of_counts(hits, predicted, np.broadcast_to(self.actual, hits.shape))


def _hits_and_predictions(
    right: NDArray[np.intp], predicted: NDArray[np.intp], n_classes: int
) -> Counts:
    """Of each class, (2 n_classes,)."""
    hits = np.bincount(right[right == predicted], minlength=n_classes)
    return np.concatenate([hits, np.bincount(predicted, minlength=n_classes)]).astype(np.float64)
