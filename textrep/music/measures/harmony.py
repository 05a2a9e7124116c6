"""Which pitches music uses: pitch classes, keys, and the distance of tracks in tonal space."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.music.measures.pieces import (
    BEHIND,
    FIRST,
    PITCH,
    PITCH_CLASSES,
    TRACK,
    Piece,
    pieces_of,
    spread,
)

_MAJOR = (0, 2, 4, 5, 7, 9, 11)
# Harte, Sandler and Gasser (2006): radii of the circles of fifths, minor and major thirds, and how
# far round them a semitone leads.
_RADII = np.array([1.0, 1.0, 0.5])
_ANGLES = np.array([7 * np.pi / 6, 3 * np.pi / 2, 2 * np.pi / 3])


def pitch_class_histogram(
    music: Any, *, track: int | None = None, resolution: int | None = None
) -> NDArray[np.float64]:
    """Share of the sounding time of each pitch class, from C.

    Time rather than notes, since the published sets of chorales do not tell a note that is held
    from one that is repeated. Drums are left out.

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
    float64 ndarray (12,)
        The sum is 1, or 0 where nothing sounds.

    Examples
    --------
    >>> pitch_class_histogram(np.array([[60], [60], [72], [64]], np.int16))[[0, 4]].tolist()
    [0.75, 0.25]
    """
    times = np.sum(
        [class_times(piece) for piece in pieces_of(music, track=track, resolution=resolution)],
        axis=0,
    )
    return times / max(times.sum(), 1)


def pitch_class_entropy(
    music: Any, *, track: int | None = None, resolution: int | None = None
) -> float:
    """Entropy of the pitch classes of a piece, in bits, on average over pieces.

    Parameters
    ----------
    music, track, resolution
        See `pitch_class_histogram`.

    Returns
    -------
    float
        From 0 to log2(12), 3.58; NaN where nothing sounds.

    Examples
    --------
    >>> pitch_class_entropy(np.array([[60], [62], [64], [65]], np.int16))
    2.0
    """
    entropies = []
    for shares in _histograms(music, track, resolution):
        used = shares[shares > 0]
        entropies.append(float(-(used * np.log2(used)).sum()) + 0.0)  # no -0
    return float(np.mean(entropies)) if entropies else float("nan")


def scale_consistency(
    music: Any, *, track: int | None = None, resolution: int | None = None
) -> float:
    """Share of the sounding time that lies in the best major or natural minor scale of a piece.

    Parameters
    ----------
    music, track, resolution
        See `pitch_class_histogram`.

    Returns
    -------
    float
        On average over pieces, from 7/12 to 1; NaN where nothing sounds.

    References
    ----------
    Mogren (2016), "C-RNN-GAN", section 4.3.

    Examples
    --------
    >>> scale_consistency(np.array([[60], [62], [63], [66]], np.int16))  # C, D, E flat, F sharp
    0.75
    """
    scales = np.array([[(key + step) % PITCH_CLASSES for step in _MAJOR] for key in range(12)])
    best = [shares[scales].sum(axis=1).max() for shares in _histograms(music, track, resolution)]
    return float(np.mean(best)) if best else float("nan")


def tonal_centroids(chroma: Any) -> NDArray[np.float64]:
    """Where chords lie in the tonal space of six dimensions: fifths, minor and major thirds.

    Parameters
    ----------
    chroma : array-like (n, 12)
        How much each pitch class sounds, from C.

    Returns
    -------
    float64 ndarray (n, 6)
        NaN where nothing sounds.

    References
    ----------
    Harte, Sandler and Gasser (2006), "Detecting harmonic change in musical audio", equation 1.

    Examples
    --------
    >>> tonal_centroids(np.eye(12)[:1]).tolist()
    [[0.0, 1.0, 0.0, 1.0, 0.0, 0.5]]
    """
    given = np.asarray(chroma, np.float64)
    if given.ndim != 2 or given.shape[1] != PITCH_CLASSES:
        raise ValueError(f"chroma must be (n, {PITCH_CLASSES}), got {given.shape}")
    turns = np.arange(PITCH_CLASSES)[:, None] * _ANGLES
    basis = np.stack([_RADII * np.sin(turns), _RADII * np.cos(turns)], axis=2).reshape(-1, 6)
    with np.errstate(invalid="ignore"):
        return (given / given.sum(axis=1, keepdims=True)) @ basis


def tonal_distance(
    music: Any, *, tracks: tuple[int, int] | None = None, resolution: int | None = None
) -> float:
    """How far apart the harmonies of two tracks are, on average over beats (TD).

    The distance of the `tonal_centroids` of what either sounds during a quarter note, over the
    beats in which both sound anything, and over all pairs of tracks but drums.

    Parameters
    ----------
    music : scores, rolls with tracks, or voices
        One piece or several; see `textrep.music.measures.pieces.pieces_of`.
    tracks : (int, int) or None, default=None
        The pair to look at; None takes all.
    resolution : int or None, default=None
        Steps of a quarter note: 4 for arrays, 24 for scores where nothing is said.

    Returns
    -------
    float
        At least 0; NaN where no two tracks sound in one beat.

    References
    ----------
    Dong, Hsiao, Yang and Yang (2018), "MuseGAN", section 4.5.

    Examples
    --------
    >>> tonal_distance(np.array([[72, 60]], np.int16), resolution=1)
    0.0
    """
    pieces = pieces_of(music, resolution=resolution)
    found = np.concatenate([beat_distances(piece, tracks) for piece in pieces])
    return float(found.mean()) if len(found) else float("nan")


def class_times(piece: Piece) -> NDArray[np.float64]:
    """Steps that each pitch class sounds, of all tracks but drums.

    Parameters
    ----------
    piece : Piece

    Returns
    -------
    float64 ndarray (12,)
    """
    notes = piece.melodic()
    times = np.zeros(PITCH_CLASSES)
    np.add.at(times, notes[:, PITCH] % PITCH_CLASSES, notes[:, BEHIND] - notes[:, FIRST])
    return times


def beat_distances(piece: Piece, tracks: tuple[int, int] | None = None) -> NDArray[np.float64]:
    """The tonal distance of each pair of tracks in each beat in which both sound.

    Parameters
    ----------
    piece : Piece
    tracks : (int, int) or None, default=None
        The pair to look at; None takes all.

    Returns
    -------
    float64 ndarray (n,)
    """
    melodic = [track for track, drums in enumerate(piece.drums) if not drums]
    pairs = list(itertools.combinations(melodic, 2)) if tracks is None else [tracks]
    if any(track not in melodic for pair in pairs for track in pair):
        raise ValueError(f"tracks is {tracks}; a piece has the melodic tracks {melodic}")
    chroma = _beat_chroma(piece)
    centroids = tonal_centroids(chroma.reshape(-1, PITCH_CLASSES)).reshape(*chroma.shape[:2], 6)
    found = [np.linalg.norm(centroids[a] - centroids[b], axis=1) for a, b in pairs]
    joined = np.concatenate([np.zeros(0), *found])
    return joined[~np.isnan(joined)]


def _beat_chroma(piece: Piece) -> NDArray[np.float64]:
    """How long each track sounds each pitch class in each beat: (tracks, beats, 12)."""
    n_beats = -(-piece.n_steps // piece.resolution)
    lines = np.arange(n_beats + 1) * piece.resolution
    rows, beats = spread(piece, lines)
    notes = piece.notes[rows]
    sounding = np.minimum(notes[:, BEHIND], lines[beats + 1]) - np.maximum(
        notes[:, FIRST], lines[beats]
    )
    chroma = np.zeros((len(piece.drums), n_beats, PITCH_CLASSES))
    np.add.at(chroma, (notes[:, TRACK], beats, notes[:, PITCH] % PITCH_CLASSES), sounding)
    return chroma


def _histograms(music: Any, track: int | None, resolution: int | None) -> list[NDArray[np.float64]]:
    """Of each piece in which anything sounds."""
    times = map(class_times, pieces_of(music, track=track, resolution=resolution))
    return [each / each.sum() for each in times if each.any()]
