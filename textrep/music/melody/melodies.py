"""Melodies: what may be given, out of scores, and as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from textrep.core.messages import shown, type_name
from textrep.embeddings.parameters import check_count
from textrep.music.score import (
    DURATION,
    PITCH,
    PITCHES,
    REST,
    START,
    TICKS,
    Notes,
    Score,
    Track,
)
from textrep.music.sequence_estimator import pieces_of

Melody: TypeAlias = list[tuple[int, int]]
"""Notes one after another: pitch, or -1 for a rest, and steps that it lasts."""

RESOLUTION = 12
"""Steps of a quarter note: triplets and sixteenths are whole numbers of them."""

END_PITCH = PITCHES + 1  # behind the pitches and the rest
N_PITCHES = PITCHES + 2  # what can come next: a pitch, the rest, the end
START_PITCH = N_PITCHES  # is read, and never comes next
OTHER = 0
"""The number of all durations that are too rare to have their own."""

_VELOCITY = 90


def melody_of(score: Score, track: int = 0, resolution: int = RESOLUTION) -> Melody:
    """The melody of a track: of notes that sound together, the highest.

    Starts and ends are moved to the nearest step. A note that starts below one that still sounds is
    left out; one that starts above it ends it. Silence between notes, and before the first, is a
    rest.

    Parameters
    ----------
    score : Score
    track : int, default=0
        Its number; negative ones count from the last.
    resolution : int, default=12
        Steps of a quarter note.

    Returns
    -------
    list of (int, int)
        Pitch, or -1 for a rest, and steps.

    Raises
    ------
    ValueError
        If there is no such track, or it has no notes.

    Examples
    --------
    >>> notes = [(0, 480, 60, 90), (0, 480, 64, 90), (720, 240, 62, 90)]
    >>> melody_of(Score([Track(notes)]))
    [(64, 12), (-1, 6), (62, 6)]
    """
    check_count("resolution", resolution, 1)
    if not -len(score.tracks) <= track < len(score.tracks):
        raise ValueError(f"there is no track {track} in a score of {len(score.tracks)} tracks")
    notes = score.tracks[track].notes
    if not len(notes):
        raise ValueError(f"track {track} has no notes")
    melody: Melody = []
    now = 0  # where what was written ends
    for start, end, pitch in _highest(notes, score.ticks, resolution):
        if start > now:
            melody.append((REST, start - now))
        melody.append((pitch, end - start))
        now = end
    return melody


def _highest(notes: Notes, ticks: int, resolution: int) -> list[tuple[int, int, int]]:
    """Start, end and pitch in steps, without overlaps."""
    # Half a step and more is rounded up.
    steps = (notes[:, [START, DURATION]].cumsum(axis=1) * 2 * resolution + ticks) // (2 * ticks)
    steps[:, 1] = np.maximum(steps[:, 1], steps[:, 0] + 1)
    order = np.lexsort((-notes[:, PITCH], steps[:, 0]))
    found: list[tuple[int, int, int]] = []
    for start, end, pitch in np.column_stack([steps, notes[:, PITCH]])[order].tolist():
        if found and start < found[-1][1]:
            first, _, below = found[-1]
            if start == first or pitch <= below:
                continue
            found[-1] = (first, start, below)
        found.append((start, end, pitch))
    return found


def score_of(melody: Melody, resolution: int = RESOLUTION, program: int = 0) -> Score:
    """The score of a melody, with one track.

    Examples
    --------
    >>> melody = [(60, 12), (-1, 6), (62, 6)]
    >>> melody_of(score_of(melody)) == melody
    True
    """
    ticks = resolution * max(1, TICKS // resolution)
    step = ticks // resolution
    notes, now = [], 0
    for pitch, duration in melody:
        if pitch != REST:
            notes.append((now * step, duration * step, pitch, _VELOCITY))
        now += duration
    table = np.array(notes, dtype=np.int64).reshape(-1, 4)
    return Score((Track(table, program=program),), ticks=ticks)


def check_melodies(
    X: Any, name: str = "X", *, track: int = 0, resolution: int = RESOLUTION
) -> list[NDArray[np.int64]]:
    """Melodies, or the melodies of scores.

    Parameters
    ----------
    X : sequence of lists of (pitch, duration), or of Score
    name : str
        What messages call it.
    track, resolution : int
        Of scores.

    Returns
    -------
    list of int64 ndarray (n_notes, 2)

    Raises
    ------
    TypeError
        If it is no collection of such.
    ValueError
        If there is none, or one has a note that is none; the message says which.

    Examples
    --------
    >>> check_melodies([[(60, 12), (-1, 3)]])[0].tolist()
    [[60, 12], [-1, 3]]
    """
    found = []
    for number, piece in enumerate(pieces_of(X, name)):
        where = f"{name}[{number}]"
        if isinstance(piece, Score):
            try:
                piece = melody_of(piece, track, resolution)
            except ValueError as error:
                raise ValueError(f"{where}: {error}") from None
        found.append(_notes(piece, where))
    return found


def _notes(piece: Any, where: str) -> NDArray[np.int64]:
    wanted = "a list of (pitch, duration) or a Score"
    if not isinstance(piece, list | tuple | np.ndarray):
        raise TypeError(f"{where} must be {wanted}, got {type_name(piece)}")
    if not len(piece):
        raise ValueError(f"{where} has no note")
    for place, note in enumerate(piece):
        if not isinstance(note, list | tuple | np.ndarray) or len(note) != 2:
            raise TypeError(f"{where} must be {wanted}; note {place} is {shown(note)}")
    array = np.asarray(piece)
    if array.dtype.kind not in "iu":
        place = next(i for i, note in enumerate(piece) if np.asarray(note).dtype.kind not in "iu")
        raise TypeError(
            f"{where} must hold whole numbers; note {place} is {shown(tuple(piece[place]))}"
        )
    pitches, durations = array[:, 0], array[:, 1]
    for wrong, what in (
        ((pitches < REST) | (pitches >= PITCHES), f"pitches from 0 to {PITCHES - 1}, or -1"),
        (durations < 1, "durations of at least 1 step"),
    ):
        if wrong.any():
            place = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"{where} has the note {tuple(array[place].tolist())} at {place}; expected {what}"
            )
    return array.astype(np.int64)


class DurationTable:
    """Durations by number: 0 for those that are rare, the others from the shortest.

    Parameters
    ----------
    durations : sequence of int
        Those with a number of their own, ascending.
    """

    def __init__(self, durations: Sequence[int] | NDArray[np.int64]) -> None:
        self.durations = np.asarray(durations, dtype=np.int64)

    @classmethod
    def of(cls, melodies: Sequence[NDArray[np.int64]], min_count: int) -> DurationTable:
        """The durations that come `min_count` times or more.

        >>> DurationTable.of([np.array([[60, 12], [62, 12], [64, 5]])], 2).numbers([5, 12]).tolist()
        [0, 1]
        """
        counts = Counter(np.concatenate(melodies)[:, 1].tolist())
        kept = sorted(duration for duration, count in counts.items() if count >= min_count)
        if not kept:
            raise ValueError(
                f"no duration comes min_count={min_count} times in X; there is nothing to learn"
            )
        return cls(kept)

    def __len__(self) -> int:
        """How many numbers there are."""
        return 1 + len(self.durations)

    def numbers(self, durations: Any) -> NDArray[np.int64]:
        """The numbers of durations."""
        durations = np.asarray(durations)
        places = np.searchsorted(self.durations, durations)
        places = np.minimum(places, len(self.durations) - 1)
        return np.where(self.durations[places] == durations, places + 1, OTHER)

    def duration(self, number: int) -> int:
        """The duration of a number other than 0."""
        return int(self.durations[number - 1])
