"""Piano rolls: notes on a grid of time steps, one column a pitch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.core.messages import type_name
from textrep.embeddings.parameters import check_choice, check_count
from textrep.music.score import (
    DURATION,
    PIANO_KEYS,
    PIANO_LOWEST,
    PITCH,
    PITCHES,
    START,
    TICKS,
    Notes,
    Score,
    Track,
)

SILENT, HELD, ONSET = range(3)
"""What a cell of a roll says: nothing sounds, a note goes on, a note starts."""

VELOCITY = 80
"""Of notes whose loudness is not known: mezzo-forte."""

RESOLUTION = 4
"""Steps of a quarter note where nothing else is asked for: sixteenths."""

Roll = NDArray[np.uint8]


def to_roll(score: Score, resolution: int = RESOLUTION, *, tracks: str = "together") -> Roll:
    """Lay notes on a grid.

    A note starts and ends on the step nearest to where it does (halves go up) and lasts for at
    least one. Notes of one pitch that overlap on the grid sound together for as long as one of them
    does, and each that starts begins a new note there; of two that start on one step one is left,
    which lasts as long as the longer. Velocities, tempos and instruments are not kept.

    Parameters
    ----------
    score : Score
    resolution : int, default=4
        Steps of a quarter note; 4 makes sixteenths, 12 holds triplets too.
    tracks : {"together", "each"}, default="together"
        One roll of all tracks but the drums, whose pitches are none, or one of each track.

    Returns
    -------
    uint8 ndarray (steps, 128), or (tracks, steps, 128) for "each"
        0 where nothing sounds, 2 where a note starts, 1 where it goes on; as long as the last note.

    Examples
    --------
    >>> roll = to_roll(Score([Track([(0, 480, 60, 90), (480, 240, 60, 90)])]), resolution=2)
    >>> roll[:, 60].tolist()
    [2, 1, 2]
    """
    if not isinstance(score, Score):
        raise ValueError(f"score must be a Score, got {type_name(score)}")
    check_choice("tracks", tracks, ("together", "each"))
    spans = [on_grid(track.notes, score.ticks, resolution) for track in score.tracks]
    if tracks == "together":
        melodic = [
            span for span, track in zip(spans, score.tracks, strict=True) if not track.is_drum
        ]
        joined = np.concatenate(melodic) if melodic else np.zeros((0, 3), np.int64)
        return _painted(joined, _n_steps([joined]))
    n_steps = _n_steps(spans)
    rolls = [_painted(span, n_steps) for span in spans]
    return np.stack(rolls) if rolls else np.zeros((0, 0, PITCHES), np.uint8)


def from_roll(
    roll: Any,
    resolution: int = RESOLUTION,
    *,
    tempo: float | None = None,
    programs: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    lowest_pitch: int | None = None,
    velocity: int = VELOCITY,
) -> Score:
    """Make a score of a roll.

    Where onsets are not marked, as in rolls of bool, adjacent steps of a pitch are one note.

    Parameters
    ----------
    roll : ndarray (steps, pitches) or (tracks, steps, pitches)
        Of bool, or of whole numbers: 0 where nothing sounds, 2 where a note starts, 1 where it
        goes on, or starts if nothing was before it.
    resolution : int, default=4
        Steps of a quarter note.
    tempo : float or None, default=None
        Quarter notes a minute; None leaves it to what plays the score: 120.
    programs : sequence of int or None, default=None
        General MIDI instrument of each track; None takes the piano.
    names : sequence of str or None, default=None
        Of the tracks.
    lowest_pitch : int or None, default=None
        Of the first column; None takes 21, A0, for the 88 keys of a piano and 0 for others.
    velocity : int, default=80

    Returns
    -------
    Score
        With 480 ticks in a quarter note, or the next multiple of a `resolution` that does not
        divide 480.

    Raises
    ------
    ValueError
        For other shapes, numbers or pitches.

    Examples
    --------
    >>> frames = np.zeros((4, 88), bool)
    >>> frames[:3, 60 - 21] = True
    >>> from_roll(frames, resolution=1).tracks[0].notes.tolist()
    [[0, 1440, 60, 80]]
    """
    rolls, lowest = check_roll(roll, lowest_pitch)
    notes = [roll_notes(part) for part in rolls]
    for table in notes:
        table[:, 2] += lowest
    return score_of(notes, resolution, tempo, programs, names, velocity)


def score_of(
    notes: Sequence[NDArray[np.int64]],
    resolution: int,
    tempo: float | None = None,
    programs: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    velocity: int = VELOCITY,
) -> Score:
    """A score of tables of start, duration and pitch, one a track.

    Parameters
    ----------
    notes : sequence of int64 ndarray (n, 3)
        In steps.
    resolution : int
        Steps of a quarter note.
    tempo, programs, names, velocity
        See `from_roll`.

    Returns
    -------
    Score
    """
    check_count("resolution", resolution, 1)
    check_count("velocity", velocity, 1, PITCHES - 1)
    for what, given in (("programs", programs), ("names", names)):
        if given is not None and len(given) != len(notes):
            raise ValueError(f"there are {len(given)} {what} for {len(notes)} tracks")
    step = -(-TICKS // resolution)
    tracks = tuple(
        Track(
            np.column_stack([step * table[:, :2], table[:, 2], np.full(len(table), velocity)]),
            program=0 if programs is None else programs[i],
            name="" if names is None else names[i],
        )
        for i, table in enumerate(notes)
    )
    return Score(tracks, ticks=step * resolution, tempos=() if tempo is None else ((0, tempo),))


def check_roll(roll: Any, lowest_pitch: int | None = None, name: str = "roll") -> tuple[Roll, int]:
    """A roll with an axis for tracks, and the pitch of its first column.

    Parameters
    ----------
    roll : ndarray (steps, pitches) or (tracks, steps, pitches)
    lowest_pitch : int or None
        See `from_roll`.
    name : str, default="roll"
        What messages call it.

    Returns
    -------
    uint8 ndarray (tracks, steps, pitches)
    int

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_roll(np.zeros((4, 88), bool))[1]
    21
    >>> check_roll(np.full((4, 88), 3))
    Traceback (most recent call last):
    ...
    ValueError: roll has a 3 at step 0, column 0; expected 0, 1 or 2
    """
    given = np.asarray(roll)
    if given.dtype.kind not in "biu" or given.ndim not in (2, 3):
        raise ValueError(
            f"{name} must be a bool or integer array (steps, pitches) or (tracks, steps, "
            f"pitches), got {given.dtype} {given.shape}"
        )
    n_columns = given.shape[-1]
    if lowest_pitch is None:
        lowest_pitch = PIANO_LOWEST if n_columns == PIANO_KEYS else 0
    check_count("lowest_pitch", lowest_pitch, 0, PITCHES - 1)
    if lowest_pitch + n_columns > PITCHES:
        raise ValueError(
            f"{name} has {n_columns} columns from pitch {lowest_pitch}, which end above pitch 127"
        )
    wrong = (given < SILENT) | (given > ONSET)
    if wrong.any():
        *track, step, column = np.argwhere(wrong)[0]
        where = f"track {track[0]}, " if track else ""
        value = given[(*track, step, column)]
        raise ValueError(
            f"{name} has a {value} at {where}step {step}, column {column}; expected 0, 1 or 2"
        )
    rolls = given.astype(np.uint8)
    return rolls if rolls.ndim == 3 else rolls[None], int(lowest_pitch)


def roll_notes(roll: Roll) -> NDArray[np.int64]:
    """The notes of a roll of one track.

    Parameters
    ----------
    roll : uint8 ndarray (steps, pitches)

    Returns
    -------
    int64 ndarray (n, 3)
        Start and duration in steps, and column.

    Examples
    --------
    >>> roll_notes(np.array([[2, 0], [1, 1], [2, 1]], np.uint8)).tolist()
    [[0, 2, 0], [2, 1, 0], [1, 2, 1]]
    """
    by_pitch = np.pad(roll.T, ((0, 0), (1, 1)))  # (pitches, steps + 2), silence at both ends
    before, now, after = by_pitch[:, :-2], by_pitch[:, 1:-1], by_pitch[:, 2:]
    starts = (now == ONSET) | ((now == HELD) & (before == SILENT))
    ends = (now != SILENT) & (after != HELD)
    pitches, first = np.nonzero(starts)
    last = np.nonzero(ends)[1]  # each start has its end, in the same order
    return np.column_stack([first, last + 1 - first, pitches])


def on_grid(notes: Notes, ticks: int, resolution: int) -> NDArray[np.int64]:
    """Notes whose time is counted in steps, by the rule of `to_roll`.

    Parameters
    ----------
    notes : int64 ndarray (n, 4)
    ticks, resolution : int
        Ticks and steps of a quarter note.

    Returns
    -------
    int64 ndarray (n, 3)
        First step, step behind the last one, and pitch.

    Examples
    --------
    >>> on_grid(np.array([[110, 5, 60, 90]]), 480, 4).tolist()
    [[1, 2, 60]]
    """
    check_count("resolution", resolution, 1)
    start = nearest_step(notes[:, START], ticks, resolution)
    end = nearest_step(notes[:, START] + notes[:, DURATION], ticks, resolution)
    return np.column_stack([start, np.maximum(end, start + 1), notes[:, PITCH]])


def nearest_step(at: NDArray[np.int64], ticks: int, resolution: int) -> NDArray[np.int64]:
    """The steps nearest to ticks, of two the later one.

    Parameters
    ----------
    at : int64 ndarray (n,)
        Ticks.
    ticks, resolution : int
        Ticks and steps of a quarter note.

    Returns
    -------
    int64 ndarray (n,)

    Examples
    --------
    >>> nearest_step(np.array([0, 59, 60, 180]), 480, 4).tolist()
    [0, 0, 1, 2]
    """
    return (2 * at * resolution + ticks) // (2 * ticks)


def _n_steps(spans: Sequence[NDArray[np.int64]]) -> int:
    return max((int(span[:, 1].max()) for span in spans if len(span)), default=0)


def _painted(spans: NDArray[np.int64], n_steps: int) -> Roll:
    starts, ends, pitches = spans.T
    change = np.zeros((n_steps + 1, PITCHES), np.int32)
    np.add.at(change, (starts, pitches), 1)
    np.add.at(change, (ends, pitches), -1)
    roll = (change.cumsum(axis=0)[:-1] > 0).astype(np.uint8)
    roll[starts, pitches] = ONSET
    return roll
