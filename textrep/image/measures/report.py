"""All measures of made pictures at once, beside what other real pictures come to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.core.random import RandomState, stream
from textrep.image.measures.frechet import frechet_distance
from textrep.image.measures.kernel import kernel_distance
from textrep.image.measures.neighbours import (
    density_coverage,
    precision_recall,
    two_sample_accuracy,
)

_FEWEST = 8  # more than k of density and coverage


@dataclass(frozen=True)
class SetScores:
    """Measures of one set against real pictures.

    Attributes
    ----------
    frechet : float
        See `frechet_distance`; smaller is better.
    kernel : float
        See `kernel_distance`; smaller is better.
    precision, recall : float
        See `precision_recall`.
    density, coverage : float
        See `density_coverage`.
    two_sample : float
        See `two_sample_accuracy`; 0.5 is best.
    """

    frechet: float
    kernel: float
    precision: float
    recall: float
    density: float
    coverage: float
    two_sample: float


@dataclass(frozen=True)
class GenerativeScores:
    """Measures of made pictures, and the same of other real ones: the floor.

    Attributes
    ----------
    made, floor : SetScores
        Against the same real pictures; no generator can be expected to come below the floor.
    n_pictures : int
        Of each set: the measures depend on it.
    """

    made: SetScores
    floor: SetScores
    n_pictures: int

    def table(self) -> list[tuple[str, float, float]]:
        """Name of each measure, what was made and the floor."""
        floor = asdict(self.floor)
        return [(name, value, floor[name]) for name, value in asdict(self.made).items()]

    def __str__(self) -> str:
        lines = [f"{'':12}{'made':>12}{'real':>12}   ({self.n_pictures:,} pictures each)"]
        lines += [f"{name:12}{made:12.4f}{floor:12.4f}" for name, made, floor in self.table()]
        return "\n".join(lines)


def measure_pictures(
    real: Any,
    fake: Any,
    *,
    features: Any = None,
    floor: Any,
    random_state: RandomState = 0,
) -> GenerativeScores:
    """Compare made pictures, and other real ones, with real pictures.

    Parameters
    ----------
    real, fake : pictures
        Or, where `features` is None, their features (n, d).
    features : estimator, optional
        Whose `transform` makes features of pictures: a `textrep.ResNetClassifier` that was trained
        on pictures of this kind.
    floor : pictures or features
        Real ones that are not in `real`. What they come to is what a perfect generator would.
    random_state : int, Generator or RandomState, default=0
        Where sets are of several sizes, of each as many are drawn as the smallest has.

    Returns
    -------
    GenerativeScores

    Raises
    ------
    ValueError
        If a set has fewer than 8 pictures, or features of several widths.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real, other, fake = rng.normal(size=(3, 200, 2))
    >>> scores = measure_pictures(real, 3 * fake, floor=other)
    >>> scores.made.frechet > 10 * scores.floor.frechet
    True
    """
    sets = {"real": real, "fake": fake, "floor": floor}
    tables = {
        name: np.asarray(given if features is None else features.transform(given))
        for name, given in sets.items()
    }
    n = min(map(len, tables.values()))
    if n < _FEWEST:
        raise ValueError(f"each set must have at least {_FEWEST} pictures, got {n}")
    drawn = {
        name: _draw(table, n, stream(random_state, "pictures", name))
        for name, table in tables.items()
    }
    return GenerativeScores(
        made=_scores(drawn["real"], drawn["fake"]),
        floor=_scores(drawn["real"], drawn["floor"]),
        n_pictures=n,
    )


def _draw(table: NDArray[Any], n: int, random: np.random.Generator) -> NDArray[Any]:
    if len(table) == n:
        return table
    return table[np.sort(random.choice(len(table), n, replace=False))]


def _scores(real: NDArray[Any], other: NDArray[Any]) -> SetScores:
    support, dense = precision_recall(real, other), density_coverage(real, other)
    return SetScores(
        frechet=frechet_distance(real, other),
        kernel=kernel_distance(real, other),
        precision=support.precision,
        recall=support.recall,
        density=dense.density,
        coverage=dense.coverage,
        two_sample=two_sample_accuracy(real, other),
    )
