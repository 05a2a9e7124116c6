"""Scores made audible, without anything installed beside numpy."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.core.messages import shown
from textrep.core.random import stream
from textrep.embeddings.parameters import check_count, check_number
from textrep.music.score import DURATION, PITCH, START, VELOCITY, Score, Track
from textrep.music.sound.waves import Wave
from textrep.music.timbres import DRUMS, Drum, Timbre, timbre_of

A4, A4_HERTZ = 69, 440.0
_HEARD = 0.45
"""Share of the rate up to which partials are made: half of it is what samples can hold."""
_LOUDEST = 127
_TAIL = 0.3  # seconds of silence behind the last note, in which releases fade
_NOTE = 0.2  # of the range of samples, for one note with the greatest velocity


def synthesize(
    score: Score,
    *,
    rate: int = 22050,
    soundfont: str | os.PathLike[str] | None = None,
    peak: float | None = 0.9,
) -> Wave:
    """The sound of a score.

    Notes are sums of sines, with envelopes and strengths of partials by the family of the track's
    General MIDI instrument: struck, plucked, bowed and blown ones, organs and bells. Drums are
    bursts of noise. It is the same each time.

    Parameters
    ----------
    score : Score
    rate : int, default=22050
        Samples a second.
    soundfont : path or None, default=None
        A .sf2 file of recorded instruments, which symusic plays in place of the sines.
    peak : float or None, default=0.9
        What the loudest sample is brought to. None leaves notes as loud as they are whatever else
        is played, at most 0.2 each; their sum may then exceed 1.

    Returns
    -------
    float32 ndarray (samples,)
        To 0.3 seconds after the last note; silence where there are none.

    Raises
    ------
    ValueError
        If `score` is none, a parameter is out of range, or the soundfont cannot be read.
    FileNotFoundError
        If there is no such soundfont.

    Examples
    --------
    >>> score = Score([Track([(0, 480, 69, 90)])])
    >>> synthesize(score, rate=8000).shape  # half a second, and the tail
    (6400,)
    """
    if not isinstance(score, Score):
        raise ValueError(f"score must be a Score, got {shown(score)}")
    check_count("rate", rate, 1000)
    if peak is not None:
        check_number("peak", peak, above=0, most=1)
    length = round((score.seconds + _TAIL) * rate)
    if soundfont is not None:
        from textrep.music.soundfont import play

        found = play(score, rate, soundfont, length)
    else:
        found = np.zeros(length)
        for track in score.tracks:
            _add_track(found, score, track, rate)
    loudest = float(np.abs(found).max(initial=0.0))
    if peak is not None and loudest:
        found = found * (peak / loudest)
    return found.astype(np.float32)


def pitch_hertz(pitch: Any) -> Any:
    """Frequency of pitches in equal temperament, A4 having 440 Hz.

    Examples
    --------
    >>> pitch_hertz(57)
    220.0
    """
    return A4_HERTZ * 2.0 ** ((pitch - A4) / 12)


def _add_track(found: NDArray[np.float64], score: Score, track: Track, rate: int) -> None:
    """Add the notes of a track to the samples so far."""
    notes = track.notes
    starts = score.seconds_at(notes[:, START])
    seconds = score.seconds_at(notes[:, START] + notes[:, DURATION]) - starts
    timbre = timbre_of(track.program)
    for note, start, lasting in zip(notes, starts, seconds, strict=True):
        if track.is_drum:
            wave = _drum(int(note[PITCH]), rate)
        else:
            wave = _note(timbre, int(note[PITCH]), float(lasting), rate)
        loudness = _NOTE * float(note[VELOCITY]) / _LOUDEST
        at = round(float(start) * rate)
        wave = wave[: len(found) - at]
        found[at : at + len(wave)] += loudness * wave


def _note(timbre: Timbre, pitch: int, seconds: float, rate: int) -> NDArray[np.float64]:
    """Samples of one note from -1 to 1, its release included."""
    n_held = max(1, round(seconds * rate))
    time = np.arange(n_held + round(timbre.release * rate)) / rate
    hertz = pitch_hertz(pitch)
    found = np.zeros(len(time))
    # sin((k + 1) x) = 2 cos(x) sin(k x) - sin((k - 1) x): one sine for all partials.
    angle = 2.0 * np.pi * hertz * time
    twice, before, now = 2.0 * np.cos(angle), np.zeros(len(time)), np.sin(angle)
    fading = np.exp(-timbre.decay * time)
    faded = fading.copy()
    for number, strength in enumerate(timbre.partials, start=1):
        if number * hertz > _HEARD * rate:
            break
        found += strength * faded * now
        now, before = twice * now - before, now
        faded = faded * fading if timbre.upper_fade_faster else faded
    return found * _envelope(timbre, time, n_held, rate)


def _envelope(
    timbre: Timbre, time: NDArray[np.float64], n_held: int, rate: int
) -> NDArray[np.float64]:
    """Attack, decay to the sustained level, and release from wherever the note has come to."""
    held = np.minimum(time / timbre.attack, 1.0)
    falling = np.clip((time - timbre.attack) / timbre.fall, 0.0, 1.0)
    level = held * (1.0 - (1.0 - timbre.sustain) * falling)
    n_released = len(time) - n_held
    level[n_held:] = level[n_held - 1] * (1.0 - np.arange(1, n_released + 1) / n_released)
    return level


def _drum(pitch: int, rate: int) -> NDArray[np.float64]:
    """A burst of noise, and for those with a skin a falling tone below it."""
    drum: Drum = DRUMS.get(pitch, DRUMS[None])
    time = np.arange(round(drum.seconds * rate)) / rate
    noise = stream(pitch, "drum").uniform(-1.0, 1.0, len(time))
    if drum.bright:  # differences of white noise are louder the higher they are
        noise = np.diff(noise, prepend=0.0) / 2.0
    glide = 2.0 * np.pi * drum.hertz * (time + 0.04 * (1.0 - np.exp(-time / 0.04)))
    fading = np.exp(-5.0 * time / drum.seconds) * (1.0 - time / drum.seconds)
    return (drum.noise * noise + (1.0 - drum.noise) * np.sin(glide)) * fading
