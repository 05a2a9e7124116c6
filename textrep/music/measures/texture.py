"""How full music is: empty bars, pitch classes in a bar, notes at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.music.measures.pieces import (
    BEATS_PER_BAR,
    BEHIND,
    FIRST,
    PITCH,
    PITCH_CLASSES,
    TRACK,
    Piece,
    pieces_of,
    spread,
)


def empty_bar_rate(
    music: Any,
    *,
    track: int | None = None,
    resolution: int | None = None,
    beats_per_bar: int = BEATS_PER_BAR,
) -> float:
    """Share of the bars in which nothing sounds (EB).

    Each bar of each track of each piece counts once. A note that is held into a bar fills it; one
    that ends on its first line does not.

    Parameters
    ----------
    music : scores, rolls or voices
        One piece or several; see `textrep.music.measures.pieces.pieces_of`.
    track : int or None, default=None
        The only track to look at.
    resolution : int or None, default=None
        Steps of a quarter note: 4 for arrays, 24 for scores where nothing is said.
    beats_per_bar : int, default=4
        Quarter notes of a bar of arrays.

    Returns
    -------
    float
        From 0 to 1; NaN where there are no bars.

    References
    ----------
    Dong, Hsiao, Yang and Yang (2018), "MuseGAN", section 4.5.

    Examples
    --------
    >>> roll = np.zeros((8, 128), bool)
    >>> roll[:4, 60] = True
    >>> empty_bar_rate(roll, resolution=1)
    0.5
    """
    pieces = pieces_of(music, track=track, resolution=resolution, beats_per_bar=beats_per_bar)
    filled = [filled_bars(piece) for piece in pieces]
    n_bars = sum(table.size for table in filled)
    return 1 - sum(int(table.sum()) for table in filled) / n_bars if n_bars else float("nan")


def pitch_classes_per_bar(
    music: Any,
    *,
    track: int | None = None,
    resolution: int | None = None,
    beats_per_bar: int = BEATS_PER_BAR,
) -> float:
    """Different pitch classes that sound in a bar of a track (UPC).

    Drums are left out, and so are bars in which nothing sounds: the published figures of tracks of
    which nine bars in ten are empty are above 1.

    Parameters
    ----------
    music, track, resolution, beats_per_bar
        See `empty_bar_rate`.

    Returns
    -------
    float
        From 1 to 12; NaN where nothing sounds.

    References
    ----------
    Dong, Hsiao, Yang and Yang (2018), "MuseGAN", section 4.5.

    Examples
    --------
    >>> voices = np.array([[60], [72], [64], [64]], np.int16)  # C, C, E
    >>> pitch_classes_per_bar(voices, resolution=1)
    2.0
    """
    used = n_bars = 0
    for piece in pieces_of(music, track=track, resolution=resolution, beats_per_bar=beats_per_bar):
        melodic = piece._replace(notes=piece.melodic())
        rows, bars = spread(melodic, piece.bars)
        notes = melodic.notes[rows]
        cells = np.column_stack([notes[:, TRACK], bars, notes[:, PITCH] % PITCH_CLASSES])
        used += len(np.unique(cells, axis=0))
        n_bars += len(np.unique(cells[:, :2], axis=0))
    return used / n_bars if n_bars else float("nan")


def polyphony(music: Any, *, track: int | None = None, resolution: int | None = None) -> float:
    """Notes that sound at once, on average over the steps at which any does.

    Drums are left out. A pitch that two tracks sound counts twice, but not in a roll of both
    together, which cannot tell.

    Parameters
    ----------
    music, track, resolution
        See `empty_bar_rate`.

    Returns
    -------
    float
        At least 1; NaN where nothing sounds.

    Examples
    --------
    >>> polyphony(np.array([[60, 48], [60, -1], [-1, -1]], np.int16))
    1.5
    """
    counts = [
        notes_at_once(piece) for piece in pieces_of(music, track=track, resolution=resolution)
    ]
    sounding = np.concatenate(counts)
    return float(sounding.mean()) if len(sounding) else float("nan")


def filled_bars(piece: Piece) -> NDArray[np.bool_]:
    """In which bars tracks sound.

    Parameters
    ----------
    piece : Piece

    Returns
    -------
    bool ndarray (tracks, bars)
    """
    rows, bars = spread(piece, piece.bars)
    filled = np.zeros((len(piece.drums), piece.n_bars), bool)
    filled[piece.notes[rows, TRACK], bars] = True
    return filled


def notes_at_once(piece: Piece) -> NDArray[np.int64]:
    """How many notes sound at each step at which any does.

    Parameters
    ----------
    piece : Piece

    Returns
    -------
    int64 ndarray (n,)
    """
    notes = piece.melodic()
    change = np.zeros(piece.n_steps + 1, np.int64)
    np.add.at(change, notes[:, FIRST], 1)
    np.add.at(change, notes[:, BEHIND], -1)
    counts = change.cumsum()
    return counts[counts > 0]
