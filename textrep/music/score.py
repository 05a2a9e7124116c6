"""Notes on tracks: what MIDI, rolls, tokens and ABC are read into and written from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Notes = NDArray[np.int64]
"""(n, 4): start and duration in ticks, pitch, velocity; sorted by start, pitch, duration."""

START, DURATION, PITCH, VELOCITY = range(4)
TICKS = 480  # a quarter note's, where nothing else is asked for; 3 and 64 divide it
TEMPO = 120.0  # quarter notes a minute where a file names none, as MIDI has it
PITCHES = 128
REST = -1  # in the place of a pitch
PIANO_LOWEST, PIANO_KEYS = 21, 88  # A0 to C8


def sorted_notes(notes: Notes) -> Notes:
    """Notes by start, then pitch, then duration.

    Parameters
    ----------
    notes : int64 ndarray (n, 4)

    Returns
    -------
    int64 ndarray (n, 4)

    Examples
    --------
    >>> sorted_notes(np.array([[480, 480, 64, 90], [0, 480, 60, 90]]))[:, START].tolist()
    [0, 480]
    """
    return notes[np.lexsort((notes[:, DURATION], notes[:, PITCH], notes[:, START]))]


@dataclass(frozen=True)
class Track:
    """What one instrument plays.

    Parameters
    ----------
    notes : array-like (n, 4) of int
        Start and duration in ticks, pitch (0-127, 60 is middle C), velocity (1-127).
    program : int, default=0
        General MIDI instrument, 0-127.
    is_drum : bool, default=False
    name : str, default=""

    Raises
    ------
    ValueError
        For notes that start before 0, last less than a tick, or have no such pitch or velocity.

    Examples
    --------
    >>> Track([(480, 240, 64, 90), (0, 480, 60, 90)]).notes.tolist()
    [[0, 480, 60, 90], [480, 240, 64, 90]]
    """

    notes: Notes
    program: int = 0
    is_drum: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        given = np.asarray(self.notes)
        if given.size and given.dtype.kind not in "iu":
            raise ValueError(f"notes must be whole numbers, got {given.dtype}")
        notes = given.astype(np.int64).reshape(-1, 4)
        for column, least, most, name in (
            (START, 0, None, "start"),
            (DURATION, 1, None, "duration"),
            (PITCH, 0, PITCHES - 1, "pitch"),
            (VELOCITY, 1, PITCHES - 1, "velocity"),
        ):
            values = notes[:, column]
            wrong = (values < least) | ((values > most) if most is not None else False)
            if wrong.any():
                bounds = f"at least {least}" if most is None else f"from {least} to {most}"
                at = int(np.flatnonzero(wrong)[0])
                raise ValueError(f"note {at} has the {name} {values[at]}; expected {bounds}")
        object.__setattr__(self, "notes", sorted_notes(notes))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Track):
            return NotImplemented
        return (self.program, self.is_drum, self.name) == (
            other.program,
            other.is_drum,
            other.name,
        ) and np.array_equal(self.notes, other.notes)

    __hash__ = None  # type: ignore[assignment]

    def transposed(self, semitones: int) -> Track:
        """The track with each pitch moved; drums stay, and so do notes that would leave 0-127."""
        if self.is_drum or not semitones:
            return self
        notes = self.notes.copy()
        moved = notes[:, PITCH] + semitones
        inside = (moved >= 0) & (moved < PITCHES)
        notes[inside, PITCH] = moved[inside]
        return replace(self, notes=notes)


@dataclass(frozen=True)
class Score:
    """Tracks with their common time.

    Parameters
    ----------
    tracks : sequence of Track
    ticks : int, default=480
        Ticks of a quarter note.
    tempos : sequence of (int, float), default=()
        Tick and quarter notes a minute from there on; 120 where there are none.
    time_signatures : sequence of (int, int, int), default=()
        Tick, numerator and denominator; 4/4 where there are none.
    key_signatures : sequence of (int, int, int), default=()
        Tick, sharps (negative: flats) and 1 for minor.
    name : str, default=""

    Examples
    --------
    >>> score = Score([Track([(0, 480, 60, 90), (480, 480, 64, 90)])])
    >>> score.end, score.seconds, score.n_notes
    (960, 1.0, 2)
    """

    tracks: tuple[Track, ...]
    ticks: int = TICKS
    tempos: tuple[tuple[int, float], ...] = ()
    time_signatures: tuple[tuple[int, int, int], ...] = ()
    key_signatures: tuple[tuple[int, int, int], ...] = ()
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for name in ("tracks", "tempos", "time_signatures", "key_signatures"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.ticks < 1:
            raise ValueError(f"ticks must be at least 1, got {self.ticks}")

    __hash__ = None  # type: ignore[assignment]

    @property
    def n_notes(self) -> int:
        """Notes of all tracks."""
        return sum(len(track.notes) for track in self.tracks)

    @property
    def end(self) -> int:
        """The tick at which the last note ends."""
        ends = [
            int((track.notes[:, START] + track.notes[:, DURATION]).max())
            for track in self.tracks
            if len(track.notes)
        ]
        return max(ends, default=0)

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return float(self.seconds_at(np.array([self.end]))[0])

    def seconds_at(self, ticks: NDArray[np.int64]) -> NDArray[np.float64]:
        """Seconds from the start at which ticks are reached, by the tempos.

        Parameters
        ----------
        ticks : int64 ndarray (n,)

        Returns
        -------
        float64 ndarray (n,)
        """
        tempos = [(0, TEMPO), *sorted(self.tempos)]
        starts = np.array([tick for tick, _ in tempos])
        tick_seconds = np.array([60 / (tempo * self.ticks) for _, tempo in tempos])
        reached = np.concatenate([[0.0], np.cumsum(np.diff(starts) * tick_seconds[:-1])])
        part = np.searchsorted(starts, ticks, side="right") - 1
        return reached[part] + (ticks - starts[part]) * tick_seconds[part]

    def transposed(self, semitones: int) -> Score:
        """The score with each pitch moved; drums stay. Split data before transposing it."""
        return self.with_tracks([track.transposed(semitones) for track in self.tracks])

    def with_tracks(self, tracks: Sequence[Track]) -> Score:
        """The score with other tracks."""
        return replace(self, tracks=tuple(tracks))
