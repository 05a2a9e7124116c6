"""Names beside the points of a map, as many as there is room for."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Anchor = Literal["start", "middle", "end"]

LINE_HEIGHT = 13.0
POINT_RADIUS = 5.0

# Of the wider sans-serif fonts that systems have, at the 12 units that maps are written in.
_CHARACTER_WIDTH = 7.3
_WIDE_CHARACTER_WIDTH = 12.5

_SIDES: tuple[tuple[float, float], ...] = (
    (1, 0), (-1, 0), (0, -1), (0, 1), (0.8, -0.8), (0.8, 0.8), (-0.8, -0.8), (-0.8, 0.8),
)  # fmt: skip
"""Directions from a point to its name, the best first; y grows downwards."""

_DISTANCES = (7.0, 12.0)  # farther away a name is not read as that of its point

# What a place costs, in units of distance: a name that covers a point is still read.
_COVERED_POINT = 12.0
_LATER_SIDE = 0.5


@dataclass(frozen=True)
class PlacedName:
    """Where a name stands.

    Parameters
    ----------
    x, y : float
        The anchor of the text and its base line.
    anchor : {"start", "middle", "end"}
        Which end of the text is at x.
    fits : bool
        False where it would cover another name.
    """

    x: float
    y: float
    anchor: Anchor
    fits: bool


def place_names(
    points: np.ndarray,
    names: Sequence[str],
    bounds: tuple[float, float, float, float],
    first: Sequence[int] = (),
) -> list[PlacedName]:
    """Put names beside points so that no name covers another.

    Names are placed one after the other, each where it covers the fewest points. One for which no
    place is left, as in the middle of a crowd, is marked.

    Parameters
    ----------
    points : float ndarray (n, 2)
        x to the right, y downwards.
    names : sequence of str, n long
        Those that come first get the better places.
    bounds : tuple of float
        Left, top, right and bottom of where names may stand.
    first : sequence of int, default=()
        Names that are placed before all others.

    Returns
    -------
    list of PlacedName, n long

    Examples
    --------
    >>> points = np.array([[50.0, 50.0], [50.0, 50.0]])
    >>> [placed.anchor for placed in place_names(points, ["so", "much"], (0, 0, 100, 100))]
    ['start', 'end']
    """
    order = list(dict.fromkeys([*first, *range(len(names))]))
    taken = np.empty((0, 4))
    placed: dict[int, PlacedName] = {}
    for i in order:
        boxes, costs, anchors = _candidates(points[i], _width(names[i]))
        dots = _overlapping(boxes, _dots(np.delete(points, i, axis=0))).sum(axis=1)
        outside = (boxes[:, :2] < bounds[:2]).any(axis=1) | (boxes[:, 2:] > bounds[2:]).any(axis=1)
        blocked = outside | _overlapping(boxes, taken).any(axis=1)
        costs = np.where(blocked, np.inf, costs + _COVERED_POINT * dots)
        best = int(np.argmin(costs))
        fits = bool(np.isfinite(costs[best]))
        if not fits:  # shown alone, so that only the edge matters
            best = int(np.argmin(outside))
        else:
            taken = np.vstack([taken, boxes[best]])
        left, _, right, bottom = boxes[best].tolist()
        x = {"start": left, "middle": (left + right) / 2, "end": right}[anchors[best]]
        placed[i] = PlacedName(round(x, 1), round(bottom - 3, 1), anchors[best], fits)
    return [placed[i] for i in range(len(names))]


def _width(name: str) -> float:
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in name)
    return _WIDE_CHARACTER_WIDTH * wide + _CHARACTER_WIDTH * (len(name) - wide)


def _candidates(point: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray, list[Anchor]]:
    """Boxes (k, 4) of left, top, right, bottom; what each costs (k,); and its anchor."""
    x, y = point.tolist()
    boxes, costs, anchors = [], [], list[Anchor]()
    for distance in _DISTANCES:
        for rank, (aside, down) in enumerate(_SIDES):
            near_x, near_y = x + distance * aside, y + distance * down
            left = near_x if aside > 0 else near_x - width if aside < 0 else near_x - width / 2
            top = near_y if down > 0 else near_y - LINE_HEIGHT
            if not down:
                top = near_y - LINE_HEIGHT / 2
            boxes.append((left, top, left + width, top + LINE_HEIGHT))
            costs.append(distance + _LATER_SIDE * rank)
            anchors.append("start" if aside > 0 else "end" if aside < 0 else "middle")
    return np.array(boxes), np.array(costs), anchors


def _dots(points: np.ndarray) -> np.ndarray:
    return np.hstack([points - POINT_RADIUS, points + POINT_RADIUS])


def _overlapping(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether boxes (k, 4) cover others (m, 4), bool (k, m)."""
    one, two = boxes[:, np.newaxis], others[np.newaxis]
    crossing = (one[..., :2] < two[..., 2:]) & (two[..., :2] < one[..., 2:])
    return np.asarray(crossing.all(axis=2))
