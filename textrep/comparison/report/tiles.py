"""The few figures at the top of the report."""

from __future__ import annotations

from dataclasses import dataclass

from textrep.comparison.outcome import Outcome
from textrep.comparison.report.roles import Roles
from textrep.comparison.report.scatter import interval_of
from textrep.comparison.report.wording import label_text, number, percent
from textrep.comparison.result import ComparisonResult


@dataclass(frozen=True)
class Tile:
    """One figure: what it is, its value, and what else there is to say."""

    title: str
    value: str
    detail: str


def tiles(result: ComparisonResult, roles: Roles) -> list[Tile]:
    """The figures that answer the first questions.

    Parameters
    ----------
    result : ComparisonResult
    roles : Roles
        Of its rungs.

    Returns
    -------
    list of Tile
        Fewer where no rung got through.
    """
    found = []
    if roles.recommended is not None:
        found.append(_accuracy("Recommended", roles.recommended))
    if roles.best is not None and roles.best != roles.recommended:
        found.append(_accuracy("Best", roles.best))
    if roles.baseline is not None and roles.baseline not in (roles.recommended, roles.best):
        found.append(_accuracy("Baseline", roles.baseline))
    if roles.subject is not None and roles.subject.documents_per_second is not None:
        speed = number(roles.subject.documents_per_second)
        found.append(Tile("Speed", f"{speed}/s", f"texts, with {label_text(roles.subject.name)}"))
    found.append(
        Tile("Texts", f"{result.n_train:,}", f"learnt from; {result.n_test:,} tested on"),
    )
    return found


def _accuracy(title: str, outcome: Outcome) -> Tile:
    detail = label_text(outcome.name)
    if outcome.accuracy_interval:
        low, high = interval_of(outcome)
        detail += f", 95 % interval {100 * low:.1f} to {100 * high:.1f}"
    return Tile(title, percent(outcome.accuracy or 0.0), detail)
