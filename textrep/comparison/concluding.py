"""After the last rung: the ranking, the recommendation, its model and the labels it doubts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.health import LabelErrors, find_label_errors
from textrep.comparison.outcome import Metric, Outcome, ranked
from textrep.comparison.rungs import Rung
from textrep.comparison.statistics import Recommendation, recommend
from textrep.comparison.trials import Trials

# They look at no text, are too often sure without reason, or see too little of a text.
_POOR_JUDGES = frozenset(
    "majority bow-nb lsa-logreg lda-logreg static-logreg word2vec-logreg word2vec-sif-logreg "
    "glove-logreg fasttext-logreg".split()
)


@dataclass(frozen=True)
class Conclusion:
    """What follows from the trials.

    Attributes
    ----------
    outcomes : tuple of Outcome
        The best first.
    recommendation : Recommendation or None
        None when no rung got through.
    label_errors : LabelErrors or None
        None where that was not looked for.
    probabilities : dict of str to ndarray of shape (n_tested, n_classes)
        By rung.
    interrupted : bool
        Whether a Ctrl-C came before the end.
    notes : tuple of str
        What was decided on the way.
    """

    outcomes: tuple[Outcome, ...]
    recommendation: Recommendation | None
    label_errors: LabelErrors | None
    probabilities: dict[str, NDArray[Any]]
    interrupted: bool
    notes: tuple[str, ...]

    @property
    def best(self) -> Outcome | None:
        """The outcome at the top; None when no rung got through."""
        return self.outcomes[0] if self.outcomes[0].status == "ok" else None

    @property
    def recommended(self) -> Outcome | None:
        """The outcome that is recommended; None when no rung got through."""
        if self.recommendation is None:
            return None
        name = self.recommendation.name
        return next(outcome for outcome in self.outcomes if outcome.name == name)


def conclude(trials: Trials, metric: Metric, *, label_errors: bool) -> Conclusion:
    """Rank the rungs and recommend one; fit what is to be saved and doubt labels.

    Parameters
    ----------
    trials : Trials
        That have run.
    metric : {"accuracy", "macro_f1"}
        What the best is best at.
    label_errors : bool
        Whether to look for labels that look wrong.

    Returns
    -------
    Conclusion
    """
    outcomes = ranked(trials.outcomes, metric)
    through = [outcome for outcome in outcomes if outcome.status == "ok"]
    found = None
    if through:
        found = recommend(through, trials.predictions(), trials.task.truth, metric=metric)
    notes = _resumed(trials)
    doubted = None
    interrupted = trials.interrupted
    if found is not None and not interrupted:
        try:
            notes += _refit(trials, {through[0].name, found.name})
            if label_errors:
                doubted = _doubt(trials, through, found)
        except KeyboardInterrupt:
            trials.worker.stop()
            interrupted = True
    return Conclusion(
        outcomes,
        found,
        doubted,
        {
            name: answer.probabilities.astype(np.float64)
            for name, answer in trials.answers.items()
            if answer.probabilities is not None
        },
        interrupted,
        tuple(notes),
    )


def _resumed(trials: Trials) -> list[str]:
    if not trials.resumed:
        return []
    return [f"measured by a run before this one: {', '.join(trials.resumed)}"]


def _refit(trials: Trials, names: set[str]) -> list[str]:
    """Fit on all documents what a cross-validation fitted on parts of them."""
    if not trials.task.folds:
        return []
    notes = []
    for rung in trials.plan.rungs:
        if rung.name in names:
            trials.bar.update(0, description=f"{trials.task.name}: {rung.name} on all texts")
            answer, fault = trials.ask("refit", rung, _left(trials))
            if answer is None:
                notes.append(f"{rung.name} was not fitted on all texts: {fault or 'no time left'}")
    return notes


def _doubt(trials: Trials, through: list[Outcome], found: Recommendation) -> LabelErrors | None:
    """Labels that a rung finds wrong when it has not seen them."""
    rung = _judge(trials, [found.name, *(outcome.name for outcome in through)])
    if rung is None:
        return None
    trials.bar.update(0, description=f"{trials.task.name}: labels that look wrong")
    answer, _ = trials.ask("label errors", rung, _left(trials))
    if answer is None or answer.probabilities is None:
        return None
    task = trials.task
    return find_label_errors(task.labels, answer.probabilities, task.classes)


def _judge(trials: Trials, names: list[str]) -> Rung | None:
    """The first rung that can tell of a label that it is wrong; None where there is none."""
    rungs = {rung.name: rung for rung in trials.plan.rungs}
    able = [rungs[name] for name in names if rungs[name].warm_up and name not in _POOR_JUDGES]
    return able[0] if able else None


def _left(trials: Trials) -> float | None:
    end = trials.plan.end
    return None if end is None else max(0.0, end - time.monotonic())
