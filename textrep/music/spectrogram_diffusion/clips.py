"""Sounds to learn from: scores played by several instruments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.core.messages import shown
from textrep.core.random import RandomState, stream
from textrep.embeddings.parameters import check_count, check_number
from textrep.music.score import PITCHES, Score
from textrep.music.sound.waves import Wave
from textrep.music.synthesizer import synthesize


def sound_clips(
    kinds: Mapping[Any, tuple[Sequence[Score], int]],
    *,
    n: int = 100,
    seconds: float = 2.048,
    rate: int = 16000,
    random_state: RandomState = None,
) -> tuple[Wave, NDArray[Any]]:
    """Pieces of scores, as sounds with labels.

    Parameters
    ----------
    kinds : mapping of label to (sequence of Score, int)
        What each class plays, and the General MIDI program that plays it, such as
        ``{"organ": (chorales, 19), "plucked": (tunes, 24)}``; drums stay drums.
    n : int, default=100
        Sounds of each class.
    seconds : float, default=2.048
        Of each.
    rate : int, default=16000
        Samples a second.
    random_state : int, Generator, RandomState or None, default=None
        Of where the pieces lie.

    Returns
    -------
    waves : float32 ndarray (n_classes * n, seconds * rate)
        Those of one class stand together; a score that is shorter is followed by silence.
    labels : ndarray (n_classes * n,)

    Raises
    ------
    ValueError
        If a class has no scores, or no such program.

    Examples
    --------
    >>> from textrep.music import Score, Track
    >>> tune = Score([Track([(i * 240, 240, 60 + i, 90) for i in range(12)])])
    >>> waves, labels = sound_clips({"organ": ([tune], 19), "harp": ([tune], 46)}, n=2, seconds=1)
    >>> waves.shape, labels.tolist()
    ((4, 16000), ['organ', 'organ', 'harp', 'harp'])
    """
    check_count("n", n, 1)
    check_number("seconds", seconds, above=0)
    if not isinstance(kinds, Mapping) or not kinds:
        raise ValueError(f"kinds must be a mapping of labels to scores, got {shown(kinds)}")
    waves, labels = [], []
    for label, (scores, program) in kinds.items():
        if not len(scores):
            raise ValueError(f"kinds[{shown(label)}] has no scores")
        check_count(f"program of {shown(label)}", program, 0, PITCHES - 1)
        draw = stream(random_state, "clips", str(label))
        for place, score in enumerate(scores[i] for i in draw.permutation(len(scores))[:n]):
            # The first scores give one more where n is no multiple of their number.
            of_this = -(-(n - place) // min(n, len(scores)))
            waves += _pieces(_played_by(score, program), of_this, round(seconds * rate), rate, draw)
        labels += [label] * n
    return np.stack(waves), np.array(labels)


def _played_by(score: Score, program: int) -> Score:
    return score.with_tracks([replace(track, program=program) for track in score.tracks])


def _pieces(
    score: Score, n: int, length: int, rate: int, draw: np.random.Generator
) -> list[NDArray[np.float32]]:
    """So many pieces of one score, which begin where it still plays on for their length."""
    wave = synthesize(score, rate=rate)
    latest = max(0, round(score.seconds * rate) - length)
    found = []
    for start in draw.integers(latest + 1, size=n):
        piece = wave[start : start + length]
        found.append(np.pad(piece, (0, length - len(piece))))
    return found
