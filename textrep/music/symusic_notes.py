"""Scores as symusic's and back: what MIDI files and tokenizers are read and written through."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np

from textrep.music.score import DURATION, PITCH, START, VELOCITY, Notes, Score, Track

MICROSECONDS = 60_000_000  # of a minute; MIDI gives tempos in microseconds of a quarter note
MOST_TEMPO = 2**24 - 1
"""Microseconds of a quarter note: MIDI has three bytes for them."""

MOST_TIME = 2**31 - 1
"""Ticks: symusic has 32 bits for them, and MIDI 28 for those between two events."""

MOST_DIVISION = 2**15 - 1
_Event = TypeVar("_Event")
_KEYS, _NUMERATORS, _DENOMINATORS = 7, 255, tuple(2**i for i in range(8))


def library() -> Any:
    """symusic.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed; the message says how to.
    """
    try:
        import symusic
    except ModuleNotFoundError:
        raise ModuleNotFoundError("MIDI needs symusic: pip install 'textrep[music]'") from None
    return symusic


def from_symusic(found: Any, *, name: str = "") -> Score:
    """A score of symusic, in ticks, as one of ours.

    Notes of no length get one tick, tempos of none are dropped, and so are tracks without notes;
    tempos and signatures that are stated again at the same tick are kept once.

    Parameters
    ----------
    found : symusic.Score
    name : str, default=""

    Returns
    -------
    Score
    """
    tracks = tuple(
        Track(_array(track), int(track.program), bool(track.is_drum), track.name)
        for track in found.tracks
        if len(track.notes)
    )
    return Score(
        tracks,
        int(found.ticks_per_quarter),
        _once((t.time, MICROSECONDS / t.mspq) for t in found.tempos if t.mspq > 0),
        _once((t.time, t.numerator, t.denominator) for t in found.time_signatures),
        _once((k.time, k.key, k.tonality) for k in found.key_signatures if abs(k.key) <= _KEYS),
        name,
    )


def _once(events: Iterable[_Event]) -> tuple[_Event, ...]:
    """Events without the repeats of files that state each on every track."""
    return tuple(dict.fromkeys(events))


def _array(track: Any) -> Notes:
    columns = track.notes.numpy()
    notes = np.stack(
        [columns[name].astype(np.int64) for name in ("time", "duration", "pitch", "velocity")],
        axis=1,
    )
    notes[:, DURATION] = np.maximum(notes[:, DURATION], 1)
    return notes


def to_symusic(score: Score) -> Any:
    """A score of ours as one of symusic, in ticks. Tracks without notes are left out.

    Parameters
    ----------
    score : Score

    Returns
    -------
    symusic.Score

    Raises
    ------
    ValueError
        If it holds what MIDI cannot say; the message says what and where.

    Examples
    --------
    >>> to_symusic(Score([Track([(0, 480, 60, 90)])])).tracks[0].notes[0].pitch
    60
    """
    symusic = library()
    _check(score)
    made = symusic.Score(score.ticks)
    for track in score.tracks:
        if len(track.notes):
            each = symusic.Track(track.name, track.program, track.is_drum)
            columns = np.ascontiguousarray(track.notes.T)
            each.notes = symusic.Note.from_numpy(
                columns[START].astype(np.int32),
                columns[DURATION].astype(np.int32),
                columns[PITCH].astype(np.int8),
                columns[VELOCITY].astype(np.int8),
                "tick",
            )
            made.tracks.append(each)
    if not made.tracks:
        made.tracks.append(symusic.Track())  # symusic writes tempos and signatures into a track
    for tick, tempo in score.tempos:
        made.tempos.append(symusic.Tempo(tick, mspq=round(MICROSECONDS / tempo)))
    for time in score.time_signatures:
        made.time_signatures.append(symusic.TimeSignature(*time))
    for key in score.key_signatures:
        made.key_signatures.append(symusic.KeySignature(*key))
    return made


def _check(score: Score) -> None:
    if not isinstance(score, Score):
        raise TypeError(f"score must be a Score, got a {type(score).__name__}")
    if score.ticks > MOST_DIVISION:
        raise ValueError(
            f"score has {score.ticks:,} ticks in a quarter note; MIDI has room for "
            f"{MOST_DIVISION:,}"
        )
    for number, track in enumerate(score.tracks):
        if not 0 <= track.program < 128:
            raise ValueError(f"track {number} has the program {track.program}; expected 0 to 127")
    events = [*score.tempos, *score.time_signatures, *score.key_signatures]
    if max([score.end, *(event[0] for event in events)]) > MOST_TIME:
        raise ValueError(f"score goes on after tick {MOST_TIME:,}, the last that MIDI is read to")
    if min((event[0] for event in events), default=0) < 0:
        raise ValueError("score has a tempo, time signature or key signature before tick 0")
    for tick, tempo in score.tempos:
        if not (tempo > 0 and 1 <= round(MICROSECONDS / tempo) <= MOST_TEMPO):
            least = MICROSECONDS / MOST_TEMPO
            raise ValueError(
                f"the tempo at tick {tick} is {tempo:g} quarter notes a minute; "
                f"expected {least:.3f} to {MICROSECONDS:,}"
            )
    for tick, numerator, denominator in score.time_signatures:
        if not 1 <= numerator <= _NUMERATORS or denominator not in _DENOMINATORS:
            raise ValueError(
                f"the time signature at tick {tick} is {numerator}/{denominator}; expected 1 to "
                f"{_NUMERATORS} over a power of two up to {_DENOMINATORS[-1]}"
            )
    for tick, sharps, minor in score.key_signatures:
        if abs(sharps) > _KEYS or minor not in (0, 1):
            raise ValueError(
                f"the key signature at tick {tick} is {sharps} sharps, minor {minor}; expected "
                f"-{_KEYS} to {_KEYS} and 0 or 1"
            )
