"""Quality against what it costs: one point for each rung."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from textrep.comparison.outcome import Outcome
from textrep.comparison.report.labelling import Box, Label, place_labels
from textrep.comparison.report.scales import Axis, log_axis, share_axis
from textrep.comparison.report.wording import compact, label_text, percent

Kind: TypeAlias = Literal["recommended", "best", "other"]

WIDTH, HEIGHT = 460.0, 330.0
LEFT, TOP, RIGHT, BOTTOM = 62.0, 12.0, 446.0, 282.0
"""Of the room inside the axes."""

# Rungs this far below all others, as a share of the whole range and in accuracy, would press them
# together.
_GAP, _MIN_GAP = 0.5, 0.05
# Of which so many must remain for the axis to be theirs.
_MIN_SHOWN = 3
_MAX_NAME = 22  # characters of a rung's name beside its point


@dataclass(frozen=True)
class Mark:
    """One rung in the figure: a point, the ends of its interval, its name and what it is."""

    x: float
    y: float
    top: float
    bottom: float
    label: Label
    kind: Kind
    title: str


@dataclass(frozen=True)
class Scatter:
    """A figure of accuracy against a positive quantity on a logarithmic axis.

    Attributes
    ----------
    x, y : Axis
    marks : tuple of Mark
        The recommended one last, so that it is drawn over the others.
    below : tuple of str
        Rungs whose accuracy lies below the axis, with it.
    """

    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    below: tuple[str, ...]


def scatter(
    outcomes: Sequence[Outcome],
    quantity: Callable[[Outcome], float | None],
    kinds: Callable[[Outcome], Kind],
) -> Scatter | None:
    """Lay out accuracy against a quantity.

    Parameters
    ----------
    outcomes : sequence of Outcome
        The ranked ones.
    quantity : callable
        Of an outcome; what has none, or not a positive one, is left out.
    kinds : callable
        How a point is drawn.

    Returns
    -------
    Scatter or None
        None where fewer than two points are left.
    """
    drawn = [o for o in outcomes if o.accuracy is not None and (quantity(o) or 0.0) > 0.0]
    if len(drawn) < 2:
        return None
    shown = shown_together(drawn)
    y = accuracy_axis(shown, BOTTOM, TOP)
    x = log_axis([quantity(o) or 0.0 for o in shown], LEFT + 14, RIGHT - 14, inscribe=compact)
    points = [(x.at(quantity(o) or 0.0), y.at(o.accuracy or 0.0)) for o in shown]
    intervals = [interval_of(o) for o in shown]
    whiskers = [
        Box(px - 1, y.at(high), px + 1, y.at(low))
        for (px, _), (low, high) in zip(points, intervals, strict=True)
    ]
    names = [label_text(o.name, _MAX_NAME) for o in shown]
    labels = place_labels(points, names, whiskers, Box(LEFT + 2, TOP, RIGHT + 8, BOTTOM - 2))
    marks = [
        Mark(px, py, whisker.top, whisker.bottom, label, kinds(outcome), _title(outcome))
        for outcome, (px, py), whisker, label in zip(shown, points, whiskers, labels, strict=True)
    ]
    marks.sort(key=lambda mark: ("other", "best", "recommended").index(mark.kind))
    below = [
        f"{label_text(o.name)} ({percent(o.accuracy or 0.0)})" for o in drawn if o not in shown
    ]
    return Scatter(x, y, tuple(marks), tuple(below))


def shown_together(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Outcomes without those at the bottom that are far below all others.

    Examples
    --------
    >>> rungs = [Outcome(name, "", "ok", accuracy) for name, accuracy in
    ...          [("a", 0.9), ("b", 0.88), ("c", 0.86), ("majority", 0.05)]]
    >>> [outcome.name for outcome in shown_together(rungs)]
    ['a', 'b', 'c']
    """
    shown = sorted(outcomes, key=lambda o: -(o.accuracy or 0.0))
    scores = [outcome.accuracy or 0.0 for outcome in shown]
    gaps = [a - b for a, b in itertools.pairwise(scores)]
    cut = max(range(len(gaps)), key=lambda i: gaps[i], default=0) + 1
    far = gaps and gaps[cut - 1] > max(_GAP * (scores[0] - scores[-1]), _MIN_GAP)
    return shown[:cut] if far and cut >= max(_MIN_SHOWN, len(shown) - cut) else shown


def accuracy_axis(outcomes: Sequence[Outcome], start: float, end: float) -> Axis:
    """An axis over the intervals of all accuracies."""
    return share_axis([value for o in outcomes for value in interval_of(o)], start, end)


def interval_of(outcome: Outcome) -> tuple[float, float]:
    """The interval of an accuracy; the accuracy twice where there is none."""
    accuracy = outcome.accuracy or 0.0
    return outcome.accuracy_interval or (accuracy, accuracy)


def _title(outcome: Outcome) -> str:
    low, high = interval_of(outcome)
    name = label_text(outcome.name)
    return f"{name}: {percent(outcome.accuracy or 0.0)} ({percent(low)} to {percent(high)})"
