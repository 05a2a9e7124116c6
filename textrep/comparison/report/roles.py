"""Which rung a report is about: the recommended one, else the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textrep.comparison.outcome import Outcome
from textrep.comparison.report.scatter import Kind
from textrep.comparison.result import ComparisonResult

# The rung that every other has to beat.
_BASELINE = "majority"


@dataclass(frozen=True)
class Roles:
    """The rungs that a report stresses.

    Attributes
    ----------
    recommended, best, baseline : Outcome or None
    tied : tuple of str
        Rungs that the test does not tell apart from the best.
    p_values : mapping of str to float
        Of the differences of the others from the best.
    """

    recommended: Outcome | None
    best: Outcome | None
    baseline: Outcome | None
    tied: tuple[str, ...]
    p_values: Mapping[str, float]

    @property
    def subject(self) -> Outcome | None:
        """The rung whose answers are looked at in detail."""
        return self.recommended or self.best

    def kind(self, outcome: Outcome) -> Kind:
        """How a rung is drawn."""
        if outcome == self.recommended:
            return "recommended"
        return "best" if outcome == self.best else "other"

    def marks(self, outcome: Outcome) -> tuple[str, ...]:
        """What the leaderboard says of a rung beside its name."""
        marks = []
        if outcome == self.recommended:
            marks.append("recommended")
        if outcome == self.best:
            marks.append("best")
        elif outcome.name in self.tied:
            marks.append("tied")
        if outcome.stopped_early:
            marks.append("stopped early")
        return tuple(marks)


def roles_of(result: ComparisonResult) -> Roles:
    """Find the rungs that a report stresses.

    Parameters
    ----------
    result : ComparisonResult

    Returns
    -------
    Roles
    """
    done = {o.name: o for o in result.outcomes if o.accuracy is not None}
    recommendation = result.recommendation
    return Roles(
        recommended=done.get(recommendation.name) if recommendation else None,
        best=result.best_,
        baseline=done.get(_BASELINE),
        tied=tuple(recommendation.tied) if recommendation else (),
        p_values=recommendation.p_values if recommendation else {},
    )
