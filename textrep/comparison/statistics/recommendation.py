"""`recommend`: the cheapest rung that is not significantly worse than the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textrep.comparison.errors import ComparisonError
from textrep.comparison.outcome import Metric, Outcome
from textrep.comparison.statistics.intervals import check_level
from textrep.comparison.statistics.sentence import sentence
from textrep.comparison.statistics.verdict import Contender, judge
from textrep.core.messages import shown
from textrep.core.random import RandomState

# A difference that cannot be seen is said to be so where it may be larger than this: two points
# tell the better methods from the worse on most of the usual corpora.
_MUCH = 0.02


@dataclass(frozen=True)
class Recommendation:
    """Which rung to take, and how sure that is.

    Attributes
    ----------
    name : str
        The rung to take.
    best : str
        The rung with the highest figure.
    sentence : str
        The recommendation in words, with its numbers.
    p_value : float or None
        Of the difference between the two, corrected; None when they are the same.
    p_values : mapping of str to float
        Of the difference between the best and each other rung, corrected.
    tied : tuple of str
        Rungs that are not told apart from the best, the better ones first.
    n_documents : int
        That were tested on.
    n_comparisons : int
        Pairs of rungs, for which the p-values are corrected.
    detectable : float or None
        Smallest difference in accuracy that would be shown four times out of five; None where
        there is one rung only.
    level : float
        Of significance.
    uncertain : bool
        Whether rungs are tied although they may differ by more than two points.
    """

    name: str
    best: str
    sentence: str
    p_value: float | None
    p_values: Mapping[str, float]
    tied: tuple[str, ...]
    n_documents: int
    n_comparisons: int
    detectable: float | None
    level: float
    uncertain: bool


def recommend(
    outcomes: Sequence[Outcome],
    predictions: Mapping[str, ArrayLike],
    truth: ArrayLike,
    *,
    metric: Metric = "accuracy",
    level: float = 0.05,
    random_state: RandomState = 0,
) -> Recommendation | None:
    """Recommend the cheapest rung that is not significantly worse than the best.

    All pairs of rungs are tested on the same documents, McNemar's exact test for accuracy or
    approximate randomization for macro-F1, with Holm's correction for their number. Of those that
    are not told apart from the best, the one with the lowest price is taken, see `price`. Always
    giving the same answer is cheaper than any method.

    Parameters
    ----------
    outcomes : sequence of Outcome
        The best first, as in a `ComparisonResult`; those without figures are passed over.
    predictions : mapping of str to array-like of shape (n_documents,)
        Name of each rung with figures -> what it predicts, in the order in which rungs of the same
        price are preferred: that in which they were tried, the simplest first.
    truth : array-like of shape (n_documents,)
        Right classes.
    metric : {"accuracy", "macro_f1"}, default="accuracy"
        By which the best is the best.
    level : float, default=0.05
        Chance that any of several equally good rungs is called different from another.
    random_state : None, int, Generator or RandomState, default=0
        Decides the exchanges of approximate randomization.

    Returns
    -------
    Recommendation or None
        None when no rung has figures.

    Raises
    ------
    ComparisonError
        When predictions are missing or of another length than `truth`, or a setting is unknown.

    Notes
    -----
    The tests are conditional on the fitted models. Predictions of a cross-validation can be pooled,
    each document predicted by the model that has not seen it; they then speak of the models of the
    folds, and chance in the training parts is no more accounted for than with one part [1]_.

    References
    ----------
    .. [1] Dietterich, "Approximate statistical tests for comparing supervised classification
       learning algorithms", Neural Computation 10, 1998.

    Examples
    --------
    >>> truth = np.array(["ham"] * 90 + ["spam"] * 10)
    >>> slow = Outcome("slow", "", "ok", 1.0, 1.0, 60.0, 1000.0, model_bytes=9000)
    >>> fast = Outcome("fast", "", "ok", 0.99, 0.97, 1.0, 9000.0, model_bytes=3000)
    >>> predictions = {"fast": np.where(np.arange(100) == 99, "ham", truth), "slow": truth}
    >>> print(recommend([slow, fast], predictions, truth).sentence)
    Take fast: 99.0 % of 100 test texts right, not told apart from the best, slow
    (100.0 %, p = 1), at 1/59 of its time (1.0 s against 60 s) and at 1/3 of its size;
    with only 100 test texts a difference of less than 7.7 points would not show, so treat this as a
    first guess.
    """
    if metric not in get_args(Metric):
        raise ComparisonError(f"metric={shown(metric)}; choose from {', '.join(get_args(Metric))}")
    check_level(level)
    right = np.asarray(truth)
    contenders = _contenders(outcomes, predictions, right)
    if not contenders:
        return None
    verdict = judge(contenders, right, metric=metric, level=level, random_state=random_state)
    uncertain = bool(verdict.tied) and (verdict.detectable or 0.0) > _MUCH
    others = zip(verdict.ranking[1:], verdict.p_values[1:].tolist(), strict=True)
    return Recommendation(
        name=verdict.chosen.name,
        best=verdict.best.name,
        sentence=sentence(verdict, uncertain=uncertain),
        p_value=None if verdict.chosen is verdict.best else verdict.p_value_of(verdict.chosen),
        p_values={other.name: p_value for other, p_value in others},
        tied=tuple(other.name for other in verdict.tied),
        n_documents=verdict.n_documents,
        n_comparisons=verdict.n_comparisons,
        detectable=verdict.detectable,
        level=level,
        uncertain=uncertain,
    )


def _contenders(
    outcomes: Sequence[Outcome], predictions: Mapping[str, ArrayLike], truth: NDArray[Any]
) -> list[Contender]:
    """The rungs with figures, in the order of the outcomes."""
    turns = {name: turn for turn, name in enumerate(predictions)}
    figures = [outcome for outcome in outcomes if outcome.status == "ok"]
    if missing := [outcome.name for outcome in figures if outcome.name not in turns]:
        raise ComparisonError(f"predictions of {', '.join(missing)} are missing")
    contenders = [
        Contender(outcome, np.asarray(predictions[outcome.name]), turns[outcome.name])
        for outcome in figures
    ]
    for contender in contenders:
        if contender.predictions.shape != truth.shape or not truth.size:
            raise ComparisonError(
                f"predictions of {contender.name} have shape {contender.predictions.shape} and "
                f"truth {truth.shape}; expected one label of both for each of at least one document"
            )
    return contenders
