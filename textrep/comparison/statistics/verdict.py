"""Which rung wins, which are not told apart from it, and which of those is the cheapest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.outcome import Metric, Outcome
from textrep.comparison.statistics.pairs import p_values_of_pairs, wins
from textrep.comparison.statistics.power import detectable_difference
from textrep.comparison.statistics.prices import Price, cheapest, price
from textrep.core.random import RandomState


@dataclass(frozen=True, eq=False)
class Contender:
    """A rung with figures and what it predicted.

    Attributes
    ----------
    outcome : Outcome
        Its figures.
    predictions : ndarray of shape (n_documents,)
        What it predicts.
    turn : int, default=0
        When it was tried; of two with the same price the earlier is taken.
    """

    outcome: Outcome
    predictions: NDArray[Any]
    turn: int = 0

    @property
    def name(self) -> str:
        """Of the rung."""
        return self.outcome.name

    @property
    def price(self) -> Price:
        """What it costs."""
        return price(self.outcome, len(self.predictions))

    @property
    def is_constant(self) -> bool:
        """Whether it always gives the same answer."""
        return bool((self.predictions == self.predictions[0]).all())

    def score(self, metric: Metric) -> float:
        """Its accuracy or macro-F1."""
        found = self.outcome.accuracy if metric == "accuracy" else self.outcome.macro_f1
        return found or 0.0

    def interval(self, metric: Metric) -> tuple[float, float] | None:
        """The 95 % interval of the score, where it is known."""
        if metric == "accuracy":
            return self.outcome.accuracy_interval
        return self.outcome.macro_f1_interval


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the tests say about the contenders.

    Attributes
    ----------
    metric : {"accuracy", "macro_f1"}
        By which they are ranked.
    level : float
        Of significance.
    n_documents : int
        That were tested on.
    ranking : tuple of Contender
        All of them, the best first.
    p_values : ndarray of shape (n_contenders,)
        Of the difference between the best and each of the ranking, corrected.
    chosen : Contender
        The cheapest that is not told apart from the best.
    detectable : float or None
        Smallest difference in accuracy between the best and the chosen one, or the next best, that
        would be shown four times out of five; None where there is one contender only.
    """

    metric: Metric
    level: float
    n_documents: int
    ranking: tuple[Contender, ...]
    p_values: NDArray[np.float64]
    chosen: Contender
    detectable: float | None

    @property
    def best(self) -> Contender:
        """The one with the highest score."""
        return self.ranking[0]

    @property
    def tied(self) -> tuple[Contender, ...]:
        """Those that are not told apart from the best, without it."""
        return tuple(
            other
            for other, p_value in zip(self.ranking[1:], self.p_values[1:], strict=True)
            if p_value > self.level
        )

    @property
    def worse(self) -> tuple[Contender, ...]:
        """Those that are significantly worse than the best."""
        return tuple(other for other in self.ranking[1:] if other not in self.tied)

    @property
    def n_comparisons(self) -> int:
        """Pairs of contenders."""
        return len(self.ranking) * (len(self.ranking) - 1) // 2

    def p_value_of(self, contender: Contender) -> float:
        """Of the difference between the best and a contender."""
        return float(self.p_values[self.ranking.index(contender)])

    def is_cheaper(self, contender: Contender) -> bool:
        """Whether a contender is cheaper than the chosen one."""
        return cheapest([self.chosen.price, contender.price]) == [1]


def judge(
    contenders: Sequence[Contender],
    truth: NDArray[Any],
    *,
    metric: Metric = "accuracy",
    level: float = 0.05,
    random_state: RandomState = 0,
) -> Verdict:
    """Test the contenders against each other and take the cheapest of the best.

    Parameters
    ----------
    contenders : sequence of Contender
        At least one; the better of two with the same score first.
    truth : ndarray of shape (n_documents,)
        Right classes.
    metric : {"accuracy", "macro_f1"}, default="accuracy"
        By which they are ranked.
    level : float, default=0.05
        Of significance.
    random_state : None, int, Generator or RandomState, default=0
        Decides what is random in the tests.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> truth = np.array([0, 1] * 10)
    >>> good = Contender(Outcome("good", "", "ok", 1.0, 1.0, 9.0, 10.0), truth)
    >>> bad = Contender(Outcome("bad", "", "ok", 0.5, 0.3, 1.0, 10.0), truth * 0)
    >>> judge([bad, good], truth).chosen.name
    'good'
    """
    ranking = tuple(sorted(contenders, key=lambda contender: -contender.score(metric)))
    answers = [contender.predictions for contender in ranking]
    p_values = p_values_of_pairs(truth, answers, metric=metric, random_state=random_state)[0]
    # The best is in it: its p-value against itself is 1.
    candidates = [ranking[at] for at in np.flatnonzero(p_values > level)]
    # An answer that is always the same needs no model at all.
    candidates = [one for one in candidates if one.is_constant] or candidates
    cheap = [candidates[at] for at in cheapest([candidate.price for candidate in candidates])]
    # What costs the same is better when it is right more often, and else when it is simpler.
    chosen = min(cheap, key=lambda candidate: (-candidate.score(metric), candidate.turn))
    return Verdict(
        metric=metric,
        level=level,
        n_documents=len(truth),
        ranking=ranking,
        p_values=p_values,
        chosen=chosen,
        detectable=_detectable(ranking, chosen, truth, level),
    )


def _detectable(
    ranking: tuple[Contender, ...], chosen: Contender, truth: NDArray[Any], level: float
) -> float | None:
    """Smallest difference that would be seen between the best and the chosen or next best one."""
    if len(ranking) == 1:
        return None
    rival = ranking[1] if chosen is ranking[0] else chosen
    only = wins(truth, [ranking[0].predictions, rival.predictions])
    return detectable_difference(
        len(truth),
        float(only.sum()) / len(truth),
        level=level,
        n_comparisons=len(ranking) * (len(ranking) - 1) // 2,
    )
