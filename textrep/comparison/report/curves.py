"""Learning curves: accuracy against the number of training texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textrep.comparison.outcome import Outcome
from textrep.comparison.report.scales import Axis, log_axis, share_axis
from textrep.comparison.report.scatter import shown_together
from textrep.comparison.report.wording import compact, label_text, percent

WIDTH, HEIGHT = 760.0, 360.0
LEFT, TOP, RIGHT, BOTTOM = 62.0, 12.0, 580.0, 312.0
"""Of the room inside the axes; the names stand right of it."""

_LINE = 15.0  # units between two names
_N_COLOURS = 8  # of the palette in style.css; after them the lines are dashed
_MAX_NAME = 22


@dataclass(frozen=True)
class Curve:
    """The curve of one rung.

    Attributes
    ----------
    name : str
    places : tuple of (float, float)
        In the figure, from few texts to many.
    titles : tuple of str
        What each point says.
    colour : int
        Number in the palette.
    dashed : bool
    recommended : bool
    name_y : float
        Height of the name right of the curve.
    """

    name: str
    places: tuple[tuple[float, float], ...]
    titles: tuple[str, ...]
    colour: int
    dashed: bool
    recommended: bool
    name_y: float

    @property
    def path(self) -> str:
        """The places as SVG writes them."""
        return " ".join(f"{x:g},{y:g}" for x, y in self.places)

    @property
    def points(self) -> list[tuple[tuple[float, float], str]]:
        """Each place with what it says."""
        return list(zip(self.places, self.titles, strict=True))


@dataclass(frozen=True)
class Curves:
    """The figure of all learning curves.

    Attributes
    ----------
    x, y : Axis
    curves : tuple of Curve
        The recommended one last, so that it is drawn over the others.
    sizes : tuple of int
        Numbers of training texts, rising.
    table : tuple of (str, tuple of str)
        Name and accuracies of each rung at these numbers.
    below : tuple of str
        Rungs that are left out of the figure, since they are far below it.
    """

    x: Axis
    y: Axis
    curves: tuple[Curve, ...]
    sizes: tuple[int, ...]
    table: tuple[tuple[str, tuple[str, ...]], ...]
    below: tuple[str, ...]


def learning_curves(outcomes: Sequence[Outcome], recommended: str | None) -> Curves | None:
    """Lay out the learning curves of all rungs that have one.

    Parameters
    ----------
    outcomes : sequence of Outcome
    recommended : str or None
        Name of the rung to stress.

    Returns
    -------
    Curves or None
        None where no rung was measured at two sizes.
    """
    measured = [outcome for outcome in outcomes if len(outcome.learning_curve) > 1]
    if not measured:
        return None
    shown = shown_together(measured)
    drawn = [(outcome, sorted(outcome.learning_curve)) for outcome in shown]
    sizes = [size for _, curve in drawn for size, _ in curve]
    scores = [score for _, curve in drawn for _, score in curve]
    x = log_axis(sizes, LEFT + 8, RIGHT - 8, inscribe=compact)
    y = share_axis(scores, BOTTOM, TOP)
    names = spread([y.at(curve[-1][1]) for _, curve in drawn], _LINE, TOP, BOTTOM)
    # The recommended one has a colour of its own.
    others = [outcome for outcome, _ in drawn if outcome.name != recommended]
    colours = {outcome.name: i for i, outcome in enumerate(others)}
    curves = [
        Curve(
            name=label_text(outcome.name, _MAX_NAME),
            places=tuple((x.at(size), y.at(score)) for size, score in curve),
            titles=tuple(
                f"{label_text(outcome.name)}: {percent(score)} of {size:,} texts"
                for size, score in curve
            ),
            colour=colours.get(outcome.name, 0) % _N_COLOURS,
            dashed=colours.get(outcome.name, 0) >= _N_COLOURS,
            recommended=outcome.name == recommended,
            name_y=name_y,
        )
        for (outcome, curve), name_y in zip(drawn, names, strict=True)
    ]
    curves.sort(key=lambda curve: curve.recommended)
    columns = tuple(sorted({size for outcome in measured for size, _ in outcome.learning_curve}))
    table = tuple(_table_row(outcome, columns) for outcome in measured)
    below = tuple(label_text(outcome.name) for outcome in measured if outcome not in shown)
    return Curves(x, y, tuple(curves), columns, table, below)


def _table_row(outcome: Outcome, sizes: Sequence[int]) -> tuple[str, tuple[str, ...]]:
    scores = dict(outcome.learning_curve)
    cells = tuple(percent(scores[size]) if size in scores else "" for size in sizes)
    return label_text(outcome.name), cells


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Heights near the wanted ones, in their order, at least a gap apart.

    Examples
    --------
    >>> spread([10.0, 11.0, 40.0], 5.0, 0.0, 100.0)
    [8.0, 13.0, 40.0]
    """
    gap = min(gap, (high - low) / max(1, len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    # Names that would touch form a block, which is centred on what its members want.
    blocks: list[list[int]] = []
    tops: list[float] = []
    for i in order:
        blocks.append([i])
        tops.append(_block_top([wanted[i]], gap, low, high))
        while len(blocks) > 1 and tops[-2] + gap * len(blocks[-2]) > tops[-1]:
            blocks[-2:] = [blocks[-2] + blocks[-1]]
            tops[-2:] = [_block_top([wanted[j] for j in blocks[-1]], gap, low, high)]
    heights = [0.0] * len(wanted)
    for block, top in zip(blocks, tops, strict=True):
        for k, i in enumerate(block):
            heights[i] = round(top + k * gap, 2)
    return heights


def _block_top(wanted: Sequence[float], gap: float, low: float, high: float) -> float:
    extent = gap * (len(wanted) - 1)
    return max(low, min(sum(wanted) / len(wanted) - extent / 2, high - extent))
