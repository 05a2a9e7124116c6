"""How much phrases differ from each other, and in what; and how much they agree."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.music.musegan.phrase_rolls import Phrases


class Variation(NamedTuple):
    """Shares of what differs between phrases, on average over their pairs: 0 to 1.

    Attributes
    ----------
    steps : float
        Of steps at which a track sounds another pitch, or none.
    names : float
        Of steps at which all tracks together sound other pitch classes: another harmony.
    rhythm : float
        Of steps at which a track changes its pitch in one phrase and not in the other.
    tracks : float64 ndarray (n_tracks,)
        As `steps`, of each track.
    bars : float64 ndarray (n_bars,)
        As `steps`, of each bar.
    """

    steps: float
    names: float
    rhythm: float
    tracks: NDArray[np.float64]
    bars: NDArray[np.float64]


def variation(rolls: Any) -> Variation:
    """How much phrases differ, as a measure of what an input of `MuseGAN` does.

    Parameters
    ----------
    rolls : bool array-like (n, tracks, bars, steps, pitches)
        At least two.

    Returns
    -------
    Variation

    Examples
    --------
    Two phrases that differ in the second bar of the first of two tracks:

    >>> rolls = np.zeros((2, 2, 2, 4, 12), bool)
    >>> rolls[..., 0] = True
    >>> rolls[1, 0, 1] = np.roll(rolls[1, 0, 1], 1, axis=-1)
    >>> found = variation(rolls)
    >>> found.steps, found.tracks.tolist(), found.bars.tolist()
    (0.25, [0.5, 0.0], [0.0, 0.5])
    """
    sounding: Phrases = np.asarray(rolls) != 0
    if sounding.ndim != 5 or len(sounding) < 2:
        raise ValueError(
            "rolls must be two or more (tracks, bars, steps, pitches), got an array "
            f"{sounding.shape}"
        )
    names = _names(sounding)
    changes = _changes(sounding)
    other, classes, rhythm = [], [], []
    for first in range(len(sounding) - 1):
        for second in range(first + 1, len(sounding)):
            other.append((sounding[first] != sounding[second]).any(axis=-1))
            classes.append((names[first] != names[second]).any(axis=-1).mean())
            rhythm.append((changes[first] != changes[second]).mean())
    share = np.mean(other, axis=0)  # (tracks, bars, steps)
    return Variation(
        float(share.mean()),
        float(np.mean(classes)),
        float(np.mean(rhythm)),
        share.mean(axis=(1, 2)),
        share.mean(axis=(0, 2)),
    )


def agreement_features(rolls: Phrases) -> NDArray[np.float32]:
    """Rows whose products, over their width, tell how much two phrases agree.

    Parameters
    ----------
    rolls : bool ndarray (n, tracks, bars, steps, pitches)

    Returns
    -------
    float32 ndarray (n, d)
        ``x @ y / d`` is the sum of three means over steps: of pitches that both sound, of pitch
        classes that both sound, and of changes of a track that both have.

    Examples
    --------
    >>> rolls = np.zeros((1, 2, 1, 4, 12), bool)
    >>> rolls[..., 0] = True  # one pitch each step and track, which is one pitch class
    >>> features = agreement_features(rolls)
    >>> round(float(features[0] @ features[0]) / features.shape[1], 3)
    2.0
    """
    parts = [
        part.reshape(len(rolls), -1).astype(np.float32) / np.sqrt(n_steps)
        for part, n_steps in (
            (rolls, np.prod(rolls.shape[1:4])),
            (_names(rolls), np.prod(rolls.shape[2:4])),
            (_changes(rolls), max(1, np.prod(rolls.shape[1:4]) - rolls.shape[1])),
        )
    ]
    found = np.concatenate(parts, axis=1)
    return found * np.sqrt(found.shape[1], dtype=np.float32)


def _names(sounding: Phrases) -> NDArray[np.bool_]:
    """Pitch classes of all tracks, (n, bars, steps, 12)."""
    found = np.zeros((*sounding.shape[:1], *sounding.shape[2:4], 12), bool)
    for pitch in range(sounding.shape[-1]):
        found[..., pitch % 12] |= sounding[..., pitch].any(axis=1)
    return found


def _changes(sounding: Phrases) -> NDArray[np.bool_]:
    """Whether a track plays otherwise than in the step before, (n, tracks, bars * steps - 1)."""
    line = sounding.reshape(*sounding.shape[:2], -1, sounding.shape[-1])
    changed: NDArray[np.bool_] = (line[:, :, 1:] != line[:, :, :-1]).any(axis=-1)
    return changed
