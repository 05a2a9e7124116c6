"""The reliability curve: how often a rung is right when it says it is sure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from textrep.comparison.calibration.error import ReliabilityBin
from textrep.comparison.report.scales import Axis, share_axis

WIDTH, HEIGHT = 400.0, 370.0
LEFT, TOP, RIGHT, BOTTOM = 62.0, 12.0, 388.0, 322.0
"""Of the room inside the axes."""

# A shorter axis would make chance look like a flaw.
_LATEST_START = 0.9


@dataclass(frozen=True)
class Spot:
    """One bin in the figure, and what it says."""

    x: float
    y: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Reliability:
    """The figure: accuracy of each bin against its mean confidence.

    Attributes
    ----------
    x, y : Axis
        Over the same values.
    spots : tuple of Spot
    """

    x: Axis
    y: Axis
    spots: tuple[Spot, ...]

    @property
    def path(self) -> str:
        """The spots as SVG writes them."""
        return " ".join(f"{spot.x:g},{spot.y:g}" for spot in self.spots)


def reliability_curve(bins: Sequence[ReliabilityBin]) -> Reliability | None:
    """Lay out the bins of a rung.

    Parameters
    ----------
    bins : sequence of ReliabilityBin
        By rising confidence.

    Returns
    -------
    Reliability or None
        None without bins.
    """
    filled = [one for one in bins if one.count]
    if not filled:
        return None
    lowest = min(min(one.mean_confidence, one.accuracy) for one in filled)
    ends = (min(_LATEST_START, math.floor(10 * lowest) / 10), 1.0)
    x, y = share_axis(ends, LEFT, RIGHT), share_axis(ends, BOTTOM, TOP)
    spots = [
        Spot(x.at(b.mean_confidence), y.at(b.accuracy), b.count, b.mean_confidence, b.accuracy)
        for b in filled
    ]
    return Reliability(x, y, tuple(spots))
