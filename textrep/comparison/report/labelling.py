"""Names beside the points of a figure, so that none covers another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# Of the wider sans-serif fonts that systems have, at the 12 units in which figures are written.
_CHARACTER_WIDTH = 7.2
_LINE_HEIGHT = 13.0
_POINT_RADIUS = 6.0
_DISTANCES = (9.0, 18.0, 30.0, 45.0, 62.0, 80.0, 100.0, 125.0)
_DIRECTIONS = tuple(math.radians(angle) for angle in range(0, 360, 15))
_PASSES = 3
# From here on a line must say which point a name belongs to.
_FAR = 12.0
# So close beside a point a name is taken for that of the point.
_NEAR = 10.0
# A name with this share of it right of the end of its line begins there.
_ASIDE = 0.7
# Against the distance: leaving the figure is worst, then covering a name or a point; a thin line
# beneath a name hardly matters.
_OUTSIDE_COST, _COVER_COST, _LINE_COST = 30.0, 10.0, 0.6
# A line to a name that runs across another point or name seems to belong to that. Stops
# are nearer to each other than names are wide.
_CROSSING_COST, _STRANGER_COST = 100.0, 25.0
_STOPS = (0.15, 0.3, 0.45, 0.6, 0.75, 0.9)


@dataclass(frozen=True)
class Box:
    """A rectangle with its sides parallel to the axes."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Box) -> float:
        """The area that two boxes share.

        Examples
        --------
        >>> Box(0, 0, 2, 2).overlap(Box(1, 1, 3, 3))
        1.0
        """
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return float(width * height) if width > 0 and height > 0 else 0.0

    def holds(self, point: tuple[float, float]) -> bool:
        """Whether a point is inside."""
        return self.left < point[0] < self.right and self.top < point[1] < self.bottom

    def distance(self, point: tuple[float, float]) -> float:
        """From a point to the nearest edge; 0 inside.

        Examples
        --------
        >>> Box(0, 0, 2, 2).distance((5, 6))
        5.0
        """
        aside = max(self.left - point[0], point[0] - self.right, 0.0)
        above = max(self.top - point[1], point[1] - self.bottom, 0.0)
        return math.hypot(aside, above)

    @property
    def area(self) -> float:
        """Width times height."""
        return (self.right - self.left) * (self.bottom - self.top)


@dataclass(frozen=True)
class Label:
    """Where a name stands.

    Attributes
    ----------
    text : str
    box : Box
        That it fills.
    anchor : {"start", "middle", "end"}
        Which part of it stays in place in a font of another width.
    leader : tuple of float or None
        End beside the name of a line from the point; None where the name is close enough.
    """

    text: str
    box: Box
    anchor: Literal["start", "middle", "end"]
    leader: tuple[float, float] | None

    @property
    def x(self) -> float:
        """Where the anchor is."""
        middle = (self.box.left + self.box.right) / 2
        return {"start": self.box.left, "middle": middle, "end": self.box.right}[self.anchor]


def place_labels(
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    lines: Sequence[Box],
    bounds: Box,
) -> list[Label]:
    """Find a place for the name of each point.

    Greedy, then each again with all others in place.

    Parameters
    ----------
    points : sequence of (float, float)
        Places of the points.
    texts : sequence of str
        Their names.
    lines : sequence of Box
        Thin ones, which names rather not cover; points and other names they never should.
    bounds : Box
        Of the figure.

    Returns
    -------
    list of Label

    Examples
    --------
    >>> labels = place_labels([(50, 50), (52, 50)], ["a", "b"], [], Box(0, 0, 100, 100))
    >>> labels[0].box.overlap(labels[1].box)
    0.0
    """
    dots = [
        Box(x - _POINT_RADIUS, y - _POINT_RADIUS, x + _POINT_RADIUS, y + _POINT_RADIUS)
        for x, y in points
    ]
    placed: dict[int, Label] = {}
    order = sorted(range(len(points)), key=lambda i: (points[i][1], points[i][0]))
    for i in order * _PASSES:
        names = [label.box for j, label in placed.items() if j != i]
        rivals = [point for j, point in enumerate(points) if j != i]
        leaders = [
            (points[j], label.leader) for j, label in placed.items() if j != i and label.leader
        ]
        scene = _Scene(dots, names, lines, rivals, leaders, bounds)
        placed[i] = _best(points[i], texts[i], scene)
    return [placed[i] for i in range(len(points))]


@dataclass(frozen=True)
class _Scene:
    """What a name has to keep clear of: points, names, thin lines, lines to names and the edge."""

    dots: Sequence[Box]
    names: Sequence[Box]
    lines: Sequence[Box]
    rivals: Sequence[tuple[float, float]]
    leaders: Sequence[tuple[tuple[float, float], tuple[float, float]]]
    bounds: Box

    def cost(self, label: Label, point: tuple[float, float], distance: float) -> float:
        """How bad a place is, in units of distance."""
        covered = sum(label.box.overlap(box) for box in (*self.dots, *self.names))
        lines = sum(label.box.overlap(line) for line in self.lines)
        outside = label.box.area - label.box.overlap(self.bounds)
        cost = distance + _COVER_COST * covered + _LINE_COST * lines + _OUTSIDE_COST * outside
        # A name is read as that of the point nearest to it.
        near = min(distance, _NEAR)
        nearer = sum(label.box.distance(rival) < near for rival in self.rivals)
        cost += _STRANGER_COST * nearer
        cost += _CROSSING_COST * sum(_runs_through(*line, label.box) for line in self.leaders)
        if label.leader is not None:
            cost += _CROSSING_COST * self._crossed(point, label.leader)
        return cost

    def _crossed(self, start: tuple[float, float], end: tuple[float, float]) -> int:
        """How many other points and names a line runs across."""
        points = sum(_distance(rival, start, end) < _POINT_RADIUS for rival in self.rivals)
        return points + sum(_runs_through(start, end, name) for name in self.names)


def _best(point: tuple[float, float], text: str, scene: _Scene) -> Label:
    best = _candidate(point, text, _DISTANCES[0], _DIRECTIONS[0])
    lowest = math.inf
    for distance in _DISTANCES:
        if distance >= lowest:  # no place costs less than its distance
            break
        for angle in _DIRECTIONS:
            label = _candidate(point, text, distance, angle)
            cost = scene.cost(label, point, distance)
            if cost < lowest:
                best, lowest = label, cost
    return best


def _runs_through(start: tuple[float, float], end: tuple[float, float], box: Box) -> bool:
    """Whether a line has a stop in a box."""
    return any(
        box.holds((start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])))
        for share in _STOPS
    )


def _distance(
    point: tuple[float, float], start: tuple[float, float], end: tuple[float, float]
) -> float:
    """From a point to a line between two others."""
    along = (end[0] - start[0], end[1] - start[1])
    aside = (point[0] - start[0], point[1] - start[1])
    length = along[0] ** 2 + along[1] ** 2
    share = (along[0] * aside[0] + along[1] * aside[1]) / length if length else 0.0
    share = min(1.0, max(0.0, share))
    return math.hypot(aside[0] - share * along[0], aside[1] - share * along[1])


def _candidate(point: tuple[float, float], text: str, distance: float, angle: float) -> Label:
    """A name in some direction of its point: the edge that faces the point is at the distance."""
    width, height = _CHARACTER_WIDTH * len(text), _LINE_HEIGHT
    end_x, end_y = point[0] + distance * math.cos(angle), point[1] + distance * math.sin(angle)
    # From 0 (all of the name left of the end) to 1 (all of it right).
    right = (1 + math.cos(angle)) / 2
    left = end_x - width * (1 - right)
    top = end_y - height * (1 - math.sin(angle)) / 2
    box = Box(left, top, left + width, top + height)
    side: Literal["start", "middle", "end"]
    side = "start" if right > _ASIDE else "end" if right < 1 - _ASIDE else "middle"
    return Label(text, box, side, (end_x, end_y) if distance > _FAR else None)
