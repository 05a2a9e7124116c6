"""How far made music is from real music, beside how far other real music is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from textrep.core.random import RandomState, stream
from textrep.embeddings.parameters import check_count, check_number
from textrep.music.measures.harmony import (
    beat_distances,
    class_times,
    pitch_class_entropy,
    scale_consistency,
    tonal_distance,
)
from textrep.music.measures.pieces import BEATS_PER_BAR, Piece, pieces_of
from textrep.music.measures.rhythm import (
    SHORTEST,
    groove_similarity,
    lengths_of,
    qualified_note_rate,
)
from textrep.music.measures.texture import (
    empty_bar_rate,
    filled_bars,
    notes_at_once,
    pitch_classes_per_bar,
    polyphony,
)

_USUAL = 0.95  # of the draws of the floor

_Figures = list[NDArray[np.float64]]  # of each piece


@dataclass(frozen=True)
class MusicDistance:
    """One distance.

    Attributes
    ----------
    name : str
        What is compared.
    made : float
        From the generated music to the reference.
    floor : float or None
        From other real music to the reference; None where there was none.
    floor_high : float or None
        What 19 of 20 draws of the floor stay below: real music comes as far by chance.
    ratio : float or None
        `made` over `floor`: 1 where both are 0, infinite where only the floor is.
    """

    name: str
    made: float
    floor: float | None
    floor_high: float | None = None

    @property
    def ratio(self) -> float | None:
        if self.floor is None:
            return None
        if self.floor == 0:
            return 1.0 if self.made == 0 else math.inf
        return self.made / self.floor


@dataclass(frozen=True)
class MusicReport:
    """What `compare_music` found.

    Attributes
    ----------
    distances : tuple of MusicDistance
        "pitch classes", "note lengths", "polyphony", "empty bars" and, where pieces have several
        tracks, "tonal distance".
    measures : dict of str to tuple of float
        Each measure of the generated music, of the reference and, where there is one, of the floor.
    n_pieces : int
        Of each side of a distance.
    n_draws : int
        That distances are means over.
    """

    distances: tuple[MusicDistance, ...]
    measures: dict[str, tuple[float, ...]]
    n_pieces: int
    n_draws: int

    def to_dict(self) -> dict[str, Any]:
        """All figures, for JSON."""
        rows = [{**asdict(row), "ratio": row.ratio} for row in self.distances]
        return {
            "distances": rows,
            "measures": {name: list(values) for name, values in self.measures.items()},
            "n_pieces": self.n_pieces,
            "n_draws": self.n_draws,
        }

    def __str__(self) -> str:
        heads = ("made", "floor", "95 %", "ratio")
        lines = [
            f"distances of {self.n_pieces:,} pieces from as many, mean of {self.n_draws} draws",
            f"{'':20}" + "".join(f"{head:>12}" for head in heads),
        ]
        for row in self.distances:
            values = (row.made, row.floor, row.floor_high, row.ratio)
            lines.append(f"{row.name:20}" + "".join(map(_cell, values)))
        lines += ["measures", f"{'':20}{'made':>12}{'reference':>12}{'floor':>12}"]
        for name, found in self.measures.items():
            lines.append(f"{name:20}" + "".join(map(_cell, found)))
        return "\n".join(lines)


def compare_music(
    generated: Any,
    reference: Any,
    *,
    floor: Any = None,
    resolution: int | None = None,
    beats_per_bar: int = BEATS_PER_BAR,
    shortest: float = SHORTEST,
    n_draws: int = 20,
    random_state: RandomState = 0,
) -> MusicReport:
    """Compare generated music with real music, beside other real music: the floor.

    Distances: of pitch classes, total variation of their shares of the sounding time; of note
    lengths (quarter notes), notes at once, shares of empty bars (a figure a piece) and tonal
    distances (a figure a beat and pair of tracks), the Wasserstein distance of the distributions.

    Few pieces are far from any others by chance, so that distances of sets of several sizes cannot
    be held against each other: of each set as many pieces are drawn, without replacement, as the
    smallest has, several times. Nor can those of pieces of other lengths: make them about as long.

    Parameters
    ----------
    generated, reference : scores, rolls or voices
        See `textrep.music.measures.pieces.pieces_of`.
    floor : scores, rolls or voices, optional
        What was learnt from, whose distance to the reference no generator is expected to beat.
    resolution : int or None, default=None
        Steps of a quarter note: 4 for arrays, 24 for scores where nothing is said.
    beats_per_bar : int, default=4
        Quarter notes of a bar of arrays.
    shortest : float, default=0.125
        Of qualified notes; see `qualified_note_rate`.
    n_draws : int, default=20
    random_state : int, Generator or RandomState, default=0
        What is drawn.

    Returns
    -------
    MusicReport

    Raises
    ------
    ValueError
        For an empty set, or one in which nothing sounds.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real = rng.integers(60, 72, (40, 32, 1)).astype(np.int16)
    >>> report = compare_music(real[:10] + 1, real[10:20], floor=real[20:])
    >>> report.distances[0].name, report.n_pieces
    ('pitch classes', 10)
    """
    check_count("n_draws", n_draws, 1)
    check_number("shortest", shortest, above=0)
    given = {"generated": generated, "reference": reference}
    if floor is not None:
        given["floor"] = floor
    sets = {
        name: pieces_of(music, resolution=resolution, beats_per_bar=beats_per_bar, name=name)
        for name, music in given.items()
    }
    for name, pieces in sets.items():
        if not any(len(piece.melodic()) for piece in pieces):
            raise ValueError(f"{name}: no note sounds in any of its {len(pieces)} pieces")
    n = min(map(len, sets.values()))
    draws = {
        name: _draws(len(pieces), n, n_draws, stream(random_state, "music", name))
        for name, pieces in sets.items()
    }
    return MusicReport(
        distances=tuple(_distances(sets, draws)),
        measures=_measures(list(sets.values()), shortest),
        n_pieces=n,
        n_draws=n_draws,
    )


def total_variation(a: _Figures, b: _Figures) -> float:
    """Half the absolute difference of the shares of summed counts.

    Parameters
    ----------
    a, b : list of float64 ndarray (k,)

    Returns
    -------
    float
        From 0 to 1; NaN where a side counts nothing.

    Examples
    --------
    >>> total_variation([np.array([1.0, 1.0])], [np.array([2.0, 0.0]), np.array([2.0, 0.0])])
    0.5
    """
    first, second = np.sum(a, axis=0), np.sum(b, axis=0)
    if not first.any() or not second.any():
        return math.nan
    return float(np.abs(first / first.sum() - second / second.sum()).sum() / 2)


def earth_movers(a: _Figures, b: _Figures) -> float:
    """Wasserstein distance of the pooled figures; NaN where a side has none.

    Parameters
    ----------
    a, b : list of float64 ndarray (n,)

    Returns
    -------
    float

    Examples
    --------
    >>> earth_movers([np.array([1.0, 2.0])], [np.array([3.0]), np.array([4.0])])
    2.0
    """
    first, second = np.concatenate(a), np.concatenate(b)
    if not len(first) or not len(second):
        return math.nan
    return float(wasserstein_distance(first, second))


def _distances(
    sets: Mapping[str, list[Piece]], draws: Mapping[str, list[NDArray[np.int64]]]
) -> list[MusicDistance]:
    found = []
    for name, (figures, distance) in _COMPARED.items():
        tables = {side: [figures(piece) for piece in pieces] for side, pieces in sets.items()}
        far = {
            side: [
                distance([tables[side][i] for i in own], [tables["reference"][i] for i in real])
                for own, real in zip(draws[side], draws["reference"], strict=True)
            ]
            for side in sets
            if side != "reference"
        }
        made, floor = float(np.mean(far["generated"])), far.get("floor")
        if math.isnan(made):
            continue
        high = (None, None) if floor is None else (np.mean(floor), np.quantile(floor, _USUAL))
        found.append(MusicDistance(name, made, *(None if x is None else float(x) for x in high)))
    return found


def _draws(size: int, n: int, n_draws: int, random: np.random.Generator) -> list[NDArray[np.int64]]:
    return [np.sort(random.choice(size, n, replace=False)) for _ in range(n_draws)]


def _empty_bars(piece: Piece) -> NDArray[np.float64]:
    filled = filled_bars(piece)
    return np.array([1 - filled.mean()]) if filled.size else np.zeros(0)


# What is compared -> figures of a piece, and the distance of those of several pieces.
_COMPARED: dict[str, tuple[Callable[[Piece], Any], Callable[[Any, Any], float]]] = {
    "pitch classes": (class_times, total_variation),
    "note lengths": (lengths_of, earth_movers),
    "polyphony": (notes_at_once, earth_movers),
    "empty bars": (_empty_bars, earth_movers),
    "tonal distance": (beat_distances, earth_movers),
}


def _measures(sets: list[list[Piece]], shortest: float) -> dict[str, tuple[float, ...]]:
    measures: dict[str, Callable[[Any], float]] = {
        "empty bar rate": empty_bar_rate,
        "pitch classes a bar": pitch_classes_per_bar,
        "qualified notes": lambda pieces: qualified_note_rate(pieces, shortest=shortest),
        "polyphony": polyphony,
        "tonal distance": tonal_distance,
        "pitch class entropy": pitch_class_entropy,
        "scale consistency": scale_consistency,
        "groove similarity": groove_similarity,
    }
    return {name: tuple(measure(pieces) for pieces in sets) for name, measure in measures.items()}


def _cell(value: float | None) -> str:
    return f"{'':>12}" if value is None else f"{value:12.4f}"
