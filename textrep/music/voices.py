"""Voices: what each of several singers sings at each step, one note at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.core.messages import type_name
from textrep.embeddings.parameters import check_count
from textrep.music.rolls import (
    HELD,
    ONSET,
    RESOLUTION,
    VELOCITY,
    Roll,
    on_grid,
    score_of,
)
from textrep.music.score import PIANO_KEYS, PIANO_LOWEST, PITCHES, REST, Score

NAMES = ("soprano", "alto", "tenor", "bass")
CHOIR = 52
"""Program of General MIDI: choir aahs."""

Voices = NDArray[np.int16]


def check_voices(voices: Any, name: str = "voices") -> Voices:
    """Voices, or an error that says where they are none.

    Parameters
    ----------
    voices : array-like of int (steps, voices)
        Pitches from 0 to 127, or -1 for a rest.
    name : str, default="voices"
        What messages call them.

    Returns
    -------
    int16 ndarray (steps, voices)

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_voices([[60, 200]])
    Traceback (most recent call last):
    ...
    ValueError: voices has the pitch 200 at step 0, voice 1; expected 0 to 127, or -1 for a rest
    """
    given = np.asarray(voices)
    if given.dtype.kind not in "iu" or given.ndim != 2 or not given.shape[1]:
        raise ValueError(
            f"{name} must be whole numbers (steps, voices), got {given.dtype} {given.shape}"
        )
    wrong = (given < REST) | (given >= PITCHES)
    if wrong.any():
        step, voice = np.argwhere(wrong)[0]
        raise ValueError(
            f"{name} has the pitch {given[step, voice]} at step {step}, voice {voice}; expected 0 "
            "to 127, or -1 for a rest"
        )
    return given.astype(np.int16)


def voice_notes(pitches: NDArray[np.int16]) -> NDArray[np.int64]:
    """The notes of one voice: adjacent steps of one pitch are one that is held.

    Voices do not say whether a pitch is held or sung again, nor do the published sets of chorales.

    Parameters
    ----------
    pitches : int16 ndarray (steps,)

    Returns
    -------
    int64 ndarray (n, 3)
        Start and duration in steps, and pitch.

    Examples
    --------
    >>> voice_notes(np.array([60, 60, -1, 62], np.int16)).tolist()
    [[0, 2, 60], [3, 1, 62]]
    """
    changes = np.flatnonzero(np.diff(pitches, prepend=np.int16(REST - 1)))
    lengths = np.diff(changes, append=len(pitches))
    notes = np.column_stack([changes, lengths, pitches[changes].astype(np.int64)])
    return notes[notes[:, 2] != REST]


def voices_to_score(
    voices: Any,
    resolution: int = RESOLUTION,
    *,
    tempo: float | None = None,
    programs: Sequence[int] | None = None,
    velocity: int = VELOCITY,
) -> Score:
    """Make a score with a track for each voice.

    Parameters
    ----------
    voices : int ndarray (steps, voices)
        See `check_voices`. Adjacent steps of one pitch are one note that is held.
    resolution : int, default=4
        Steps of a quarter note.
    tempo : float or None, default=None
        Quarter notes a minute; None leaves it to what plays the score: 120.
    programs : sequence of int or None, default=None
        General MIDI instrument of each voice; None takes the choir.
    velocity : int, default=80

    Returns
    -------
    Score

    Examples
    --------
    >>> score = voices_to_score(np.array([[72, 67, 64, 48]] * 4))
    >>> [(track.name, track.notes[0, 2].item()) for track in score.tracks]
    [('soprano', 72), ('alto', 67), ('tenor', 64), ('bass', 48)]
    """
    given = check_voices(voices)
    n_voices = given.shape[1]
    notes = [voice_notes(given[:, voice]) for voice in range(n_voices)]
    names = NAMES if n_voices == len(NAMES) else [f"voice {i}" for i in range(1, n_voices + 1)]
    programs = [CHOIR] * n_voices if programs is None else programs
    return score_of(notes, resolution, tempo, programs, names, velocity)


def score_to_voices(score: Score, resolution: int = RESOLUTION, *, n_voices: int = 4) -> Voices:
    """Read voices off a score.

    Each track is a voice where there are as many, and sings the highest of its notes that sound.
    Otherwise the notes of all tracks are shared out: the highest to the first voice, the lowest to
    the last, those between them from above. Drums have no voice. Notes are laid on the grid as by
    `textrep.music.to_roll`.

    Parameters
    ----------
    score : Score
    resolution : int, default=4
        Steps of a quarter note.
    n_voices : int, default=4

    Returns
    -------
    int16 ndarray (steps, n_voices)
        As long as the last note.

    Raises
    ------
    ValueError
        Where more notes sound at once than there are voices; the message names the step.

    Examples
    --------
    >>> voices = np.array([[72, 67, 64, 48], [72, 67, -1, 50]], np.int16)
    >>> bool((score_to_voices(voices_to_score(voices)) == voices).all())
    True
    """
    if not isinstance(score, Score):
        raise ValueError(f"score must be a Score, got {type_name(score)}")
    check_count("n_voices", n_voices, 1)
    melodic = [track for track in score.tracks if not track.is_drum]
    spans = [on_grid(track.notes, score.ticks, resolution) for track in melodic]
    n_steps = max((int(span[:, 1].max()) for span in spans if len(span)), default=0)
    if len(spans) == n_voices:
        return np.column_stack([_highest(span, n_steps) for span in spans])
    sounding = np.zeros((n_steps, PITCHES), bool)
    for span in spans:
        for start, end, pitch in span:
            sounding[start:end, pitch] = True
    return _shared_out(sounding, n_voices)


def voices_to_roll(voices: Any) -> Roll:
    """Make a roll of all voices together.

    Parameters
    ----------
    voices : int ndarray (steps, voices)

    Returns
    -------
    uint8 ndarray (steps, 128)
        Where one voice holds what another one starts, a note starts.

    Examples
    --------
    >>> voices_to_roll([[60, 48], [60, 50]])[:, [48, 50, 60]].tolist()
    [[2, 0, 2], [0, 2, 1]]
    """
    given = check_voices(voices)
    roll = np.zeros((len(given), PITCHES), np.uint8)
    steps, singers = np.nonzero(given != REST)
    roll[steps, given[steps, singers]] = HELD
    for voice in given.T:
        notes = voice_notes(voice)
        roll[notes[:, 0], notes[:, 2]] = ONSET
    return roll


def voices_to_frames(voices: Any) -> NDArray[np.bool_]:
    """Say which keys of a piano sound at each step.

    Parameters
    ----------
    voices : int ndarray (steps, voices)

    Returns
    -------
    bool ndarray (steps, 88)
        From A0, pitch 21, to C8, pitch 108.

    Raises
    ------
    ValueError
        For a pitch that a piano does not have.

    Examples
    --------
    >>> voices_to_frames([[21, -1]]).nonzero()
    (array([0]), array([0]))
    """
    given = check_voices(voices)
    columns = given - PIANO_LOWEST
    wrong = (given != REST) & ((columns < 0) | (columns >= PIANO_KEYS))
    if wrong.any():
        step, voice = np.argwhere(wrong)[0]
        raise ValueError(
            f"voices has the pitch {given[step, voice]} at step {step}, voice {voice}; a piano has "
            f"{PIANO_LOWEST} to {PIANO_LOWEST + PIANO_KEYS - 1}"
        )
    frames = np.zeros((len(given), PIANO_KEYS), bool)
    steps, singers = np.nonzero(given != REST)
    frames[steps, columns[steps, singers]] = True
    return frames


def _highest(span: NDArray[np.int64], n_steps: int) -> NDArray[np.int16]:
    voice = np.full(n_steps, REST, np.int16)
    for start, end, pitch in span:
        voice[start:end] = np.maximum(voice[start:end], pitch)
    return voice


def _shared_out(sounding: NDArray[np.bool_], n_voices: int) -> Voices:
    voices = np.full((len(sounding), n_voices), REST, np.int16)
    for step, row in enumerate(sounding):
        pitches = np.flatnonzero(row)[::-1]  # from above
        if len(pitches) > n_voices:
            raise ValueError(f"{len(pitches)} notes sound at step {step}, more than {n_voices}")
        if len(pitches) > 1:
            voices[step, : len(pitches) - 1] = pitches[:-1]
            voices[step, -1] = pitches[-1]
        elif len(pitches):
            voices[step, 0] = pitches[0]
    return voices
