"""When notes start and how long they are: lengths, fragments, patterns, groove."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.embeddings.parameters import check_count, check_number
from textrep.music.measures.pieces import (
    BEATS_PER_BAR,
    BEHIND,
    FIRST,
    TRACK,
    Piece,
    pieces_of,
)

SHORTEST = 0.125
"""Quarter notes below which a note is a fragment: a 32nd, 3 of the 96 steps of a bar in Dong et
al. (2018)."""


class NoteLengths(NamedTuple):
    """How long notes are.

    Attributes
    ----------
    lengths : float64 ndarray (n,)
        Quarter notes, ascending.
    shares : float64 ndarray (n,)
        Of the notes; the sum is 1.
    """

    lengths: NDArray[np.float64]
    shares: NDArray[np.float64]


def note_lengths(
    music: Any, *, track: int | None = None, resolution: int | None = None
) -> NoteLengths:
    """The share of notes of each length. Drums are left out.

    Parameters
    ----------
    music : scores, rolls or voices
        One piece or several; see `textrep.music.measures.pieces.pieces_of`.
    track : int or None, default=None
        The only track to look at.
    resolution : int or None, default=None
        Steps of a quarter note: 4 for arrays, 24 for scores where nothing is said.

    Returns
    -------
    NoteLengths

    Examples
    --------
    >>> found = note_lengths(np.array([[60], [60], [62], [64]], np.int16), resolution=2)
    >>> found.lengths.tolist(), found.shares.round(2).tolist()
    ([0.5, 1.0], [0.67, 0.33])
    """
    pieces = pieces_of(music, track=track, resolution=resolution)
    lengths, counts = np.unique(np.concatenate(list(map(lengths_of, pieces))), return_counts=True)
    return NoteLengths(lengths, counts / max(1, counts.sum()))


def qualified_note_rate(
    music: Any,
    *,
    shortest: float = SHORTEST,
    track: int | None = None,
    resolution: int | None = None,
) -> float:
    """Share of the notes that are not shorter than a length (QN): the others are fragments.

    A note lasts from where it starts to where it ends, however many bars it crosses. Drums are
    left out. On a grid of sixteenths nothing is shorter than a 32nd: ask for a `shortest` that the
    grid can fall below.

    Parameters
    ----------
    music, track, resolution
        See `note_lengths`.
    shortest : float, default=0.125
        Quarter notes; a 32nd.

    Returns
    -------
    float
        From 0 to 1; NaN where there are no notes.

    References
    ----------
    Dong, Hsiao, Yang and Yang (2018), "MuseGAN", section 4.5.

    Examples
    --------
    >>> qualified_note_rate(np.array([[60], [60], [62], [64]], np.int16), shortest=0.5)
    0.3333333333333333
    """
    check_number("shortest", shortest, above=0)
    pieces = pieces_of(music, track=track, resolution=resolution)
    lengths = np.concatenate(list(map(lengths_of, pieces)))
    return float((lengths >= shortest).mean()) if len(lengths) else float("nan")


def drum_pattern_rate(
    music: Any, *, subdivision: int = 4, track: int | None = None, resolution: int | None = None
) -> float:
    """Share of the drums' notes that start on an even beat (DP).

    Where no track is marked as drums, as in rolls, name the one that is by `track`.

    Parameters
    ----------
    music : scores, rolls or voices
        One piece or several; see `textrep.music.measures.pieces.pieces_of`.
    subdivision : int, default=4
        Beats of a quarter note: 4 is the pattern of 16 beats, which holds that of 8.
    track, resolution
        See `note_lengths`. A grid of `subdivision` steps has no place off the beat: take a finer.

    Returns
    -------
    float
        From 0 to 1; NaN where there are no drums.

    References
    ----------
    Dong, Hsiao, Yang and Yang (2018), "MuseGAN", section 4.5.

    Examples
    --------
    >>> from textrep.music import Score, Track
    >>> hits = [(0, 60, 36, 90), (120, 60, 38, 90), (160, 60, 38, 90), (480, 60, 36, 90)]
    >>> drum_pattern_rate(Score([Track(hits, is_drum=True)]))
    0.75
    """
    check_count("subdivision", subdivision, 1)
    right = n_notes = 0
    for piece in pieces_of(music, track=track, resolution=resolution):
        drums = np.asarray(piece.drums, bool) if track is None else np.ones(1, bool)
        starts = piece.notes[drums[piece.notes[:, TRACK]], FIRST]
        right += int((starts * subdivision % piece.resolution == 0).sum())
        n_notes += len(starts)
    return right / n_notes if n_notes else float("nan")


def groove_similarity(
    music: Any,
    *,
    track: int | None = None,
    resolution: int | None = None,
    beats_per_bar: int = BEATS_PER_BAR,
) -> float:
    """How alike bars are in where notes start, on average over pairs of bars, and then pieces.

    The similarity of two bars is 1 less the share of their steps at which a note starts in one
    alone. Of bars of several lengths only those of the commonest are compared.

    Parameters
    ----------
    music, track, resolution
        See `note_lengths`. Finer grids have more steps at which nothing starts, and so figures
        nearer to 1.
    beats_per_bar : int, default=4
        Quarter notes of a bar of arrays.

    Returns
    -------
    float
        From 0 to 1; NaN where no piece has two such bars.

    References
    ----------
    Wu and Yang (2020), "The Jazz Transformer on the front line", section 4.3.

    Examples
    --------
    >>> groove_similarity(np.array([[60], [60], [62], [64]], np.int16), resolution=1,
    ...                   beats_per_bar=2)
    0.5
    """
    pieces = pieces_of(music, track=track, resolution=resolution, beats_per_bar=beats_per_bar)
    found = [value for piece in pieces if not np.isnan(value := _groove(piece))]
    return float(np.mean(found)) if found else float("nan")


def lengths_of(piece: Piece) -> NDArray[np.float64]:
    """Quarter notes that each note lasts, drums left out.

    Parameters
    ----------
    piece : Piece

    Returns
    -------
    float64 ndarray (n,)
    """
    notes = piece.melodic()
    return (notes[:, BEHIND] - notes[:, FIRST]) / piece.resolution


def _groove(piece: Piece) -> float:
    widths = np.diff(piece.bars)
    if len(widths) < 2:
        return float("nan")
    width = int(np.bincount(widths).argmax())
    alike = np.flatnonzero(widths == width)
    n = len(alike)
    if n < 2:
        return float("nan")
    onsets = np.zeros(int(piece.bars[-1]), bool)
    onsets[piece.notes[:, FIRST]] = True
    grooves = onsets[piece.bars[alike][:, None] + np.arange(width)]  # (bars, steps)
    starting = grooves.sum(axis=0)
    differing = (starting * (n - starting)).sum()  # pairs of bars and steps
    return float(1 - differing / (width * n * (n - 1) / 2))
