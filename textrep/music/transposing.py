"""Music in other keys, to learn more from the same pieces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.core.messages import shown, type_name
from textrep.music.score import PIANO_KEYS, PIANO_LOWEST, PITCH, PITCHES, REST, Score

_EVERY = range(-5, 7)  # all twelve keys, each as near as can be


def augmented(
    pieces: Sequence[Any],
    semitones: Iterable[int] = _EVERY,
    *,
    low: int = 0,
    high: int = PITCHES - 1,
) -> list[Any]:
    """Pieces moved by each of some intervals, as far as they stay within a range.

    It is for the part that is learnt from: split first, or a piece stands in one part and the same
    in another key in the other.

    Parameters
    ----------
    pieces : sequence of Score, of frames or of voices
        Frames are bool arrays (steps, 88), voices integer arrays (steps, 4) with -1 for a rest.
    semitones : iterable of int, default=range(-5, 7)
        Each piece comes once for each of them.
    low, high : int, default=0 and 127
        The lowest and the highest pitch that there may be; a piece that would leave the range at an
        interval is left out at that one. It is left out nowhere at 0. Drums are not moved.

    Returns
    -------
    list
        Of the same kind: all intervals of the first piece, then of the second.

    Raises
    ------
    ValueError
        If something is no such piece, or the range is empty.

    Examples
    --------
    >>> voices = np.array([[67, 64, 60, 48], [67, 65, -1, 50]], np.int16)
    >>> [piece[1].tolist() for piece in augmented([voices], (-2, 0, 61))]
    [[65, 63, -1, 48], [67, 65, -1, 50]]
    """
    if not 0 <= low <= high < PITCHES:
        raise ValueError(
            f"low is {low} and high {high}; expected 0 <= low <= high <= {PITCHES - 1}"
        )
    steps = [_whole(step) for step in semitones]
    if isinstance(pieces, Score | str | bytes) or not isinstance(pieces, Iterable):
        raise ValueError(f"pieces must be a list of pieces, got a {type_name(pieces)}")
    made: list[Any] = []
    for position, piece in enumerate(pieces):
        pitches = _pitches_of(piece, position)
        # Frames have no room beside the keys.
        floor, ceiling = (low, high)
        if isinstance(piece, np.ndarray) and piece.dtype == bool:
            floor, ceiling = max(low, PIANO_LOWEST), min(high, PIANO_LOWEST + PIANO_KEYS - 1)
        lowest, highest = pitches.min(initial=PITCHES), pitches.max(initial=-PITCHES)
        made += [
            transposed(piece, step)
            for step in steps
            if step == 0 or (lowest + step >= floor and highest + step <= ceiling)
        ]
    return made


def transposed(piece: Any, semitones: int) -> Any:
    """A piece moved by an interval that it has room for.

    Parameters
    ----------
    piece : Score, frames or voices
    semitones : int

    Returns
    -------
    Score or ndarray
        A new one, unless the interval is 0.
    """
    if not semitones:
        return piece
    if isinstance(piece, Score):
        return piece.transposed(semitones)
    if piece.dtype == bool:
        return np.roll(piece, semitones, axis=1)  # what would come in at the other end is silent
    return np.where(piece == REST, REST, piece + semitones).astype(piece.dtype)


def _pitches_of(piece: Any, position: int) -> NDArray[Any]:
    """All pitches of a piece that can be moved."""
    if isinstance(piece, Score):
        tracks = [track.notes[:, PITCH] for track in piece.tracks if not track.is_drum]
        return np.concatenate([*tracks, np.empty(0, np.int64)])
    if isinstance(piece, np.ndarray) and piece.ndim == 2:
        if piece.dtype == bool and piece.shape[1] == PIANO_KEYS:
            return np.flatnonzero(piece.any(axis=0)) + PIANO_LOWEST
        if piece.dtype.kind == "i":
            return piece[piece != REST]
    raise ValueError(
        f"pieces[{position}] must be a Score, a bool array (steps, {PIANO_KEYS}) or an integer "
        f"array (steps, voices), got {_named(piece)}"
    )


def _whole(step: Any) -> int:
    if not isinstance(step, int | np.integer) or isinstance(step, bool):
        raise ValueError(f"semitones must be integers, got {shown(step)}")
    return int(step)


def _named(piece: Any) -> str:
    if isinstance(piece, np.ndarray):
        return f"a {piece.dtype} array {piece.shape}"
    return f"a {type_name(piece)}"
