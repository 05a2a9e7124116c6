"""Phrases of a few bars, cut from pieces: what a generator of fixed size learns from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.core.messages import shown
from textrep.embeddings.parameters import check_count
from textrep.music.chorale.frames import check_voices
from textrep.music.score import PITCHES, REST
from textrep.music.voices import Voices

Phrases = NDArray[np.bool_]
"""(n, tracks, bars, steps, pitches): whether a pitch sounds."""

_AXES = "(tracks, bars, steps, pitches)"


def phrases(
    voices: Any,
    steps_per_bar: int = 16,
    bars: int = 2,
    lowest_pitch: int = 36,
    n_pitches: int = 48,
    hop: int | None = None,
) -> Phrases:
    """Cut pieces of several voices into phrases of some bars.

    Parameters
    ----------
    voices : list of int ndarray (steps, n_voices)
        See `textrep.music.voices`; all have as many voices.
    steps_per_bar : int, default=16
        Of 16ths in 4/4.
    bars : int, default=2
    lowest_pitch : int, default=36
        The pitch of the first row: C2, below the basses of chorales.
    n_pitches : int, default=48
        Whole octaves.
    hop : int or None, default=None
        Bars from one phrase to the next; None for `bars`, so that none overlap.

    Returns
    -------
    bool ndarray (n, n_voices, bars, steps_per_bar, n_pitches)
        What is left over at the end of a piece is left out.

    Raises
    ------
    ValueError
        If a piece has a pitch outside, or none is as long as a phrase; the message says where.

    Examples
    --------
    >>> piece = np.repeat([[72, 67, 64, 48], [71, 67, 62, 55]], 16, axis=0)
    >>> phrases([piece]).shape
    (1, 4, 2, 16, 48)
    """
    check_count("steps_per_bar", steps_per_bar, 1)
    check_count("bars", bars, 1)
    check_count("lowest_pitch", lowest_pitch, 0, PITCHES - 1)
    check_count("n_pitches", n_pitches, 1, PITCHES - lowest_pitch)
    hop = bars if hop is None else hop
    check_count("hop", hop, 1)
    length, found = bars * steps_per_bar, []
    for number, piece in enumerate(check_voices(voices, "voices")):
        _check_compass(piece, number, lowest_pitch, n_pitches)
        for start in range(0, len(piece) - length + 1, hop * steps_per_bar):
            found.append(piece[start : start + length])
    if not found:
        raise ValueError(f"voices has no piece as long as a phrase, {length} steps")
    cut = np.stack(found).transpose(0, 2, 1)  # (n, n_voices, length)
    rolls = cut[..., None] == lowest_pitch + np.arange(n_pitches)
    return rolls.reshape(*cut.shape[:2], bars, steps_per_bar, n_pitches)


def phrases_to_voices(rolls: Any, lowest_pitch: int = 36) -> list[Voices]:
    """Phrases as voices: the highest pitch where a track plays several.

    Parameters
    ----------
    rolls : bool array-like (n, tracks, bars, steps, pitches)
    lowest_pitch : int, default=36

    Returns
    -------
    list of int16 ndarray (bars * steps, tracks)

    Examples
    --------
    >>> piece = np.repeat([[72, 67, 64, -1], [71, 67, 62, 55]], 16, axis=0)
    >>> bool((phrases_to_voices(phrases([piece]))[0] == piece).all())
    True
    """
    sounding = np.asarray(rolls) != 0
    if sounding.ndim != 5:
        raise ValueError(f"rolls must be (n, tracks, bars, steps, pitches), got {sounding.shape}")
    steps = sounding.reshape(*sounding.shape[:2], -1, sounding.shape[-1])
    highest = lowest_pitch + steps.shape[-1] - 1 - steps[..., ::-1].argmax(axis=-1)
    pitches = np.where(steps.any(axis=-1), highest, REST)
    return [*pitches.transpose(0, 2, 1).astype(np.int16)]


def check_phrases(X: Any, shape: tuple[int, int, int, int], name: str = "X") -> Phrases:
    """Phrases of a shape, as one array.

    Parameters
    ----------
    X : array-like (n, tracks, bars, steps, pitches), or a list of them without n
        0 where a pitch is silent.
    shape : (int, int, int, int)
        Of one phrase.
    name : str

    Returns
    -------
    bool ndarray (n, *shape)

    Raises
    ------
    ValueError
        If it holds something else; the message says where.
    """
    found = []
    for number, phrase in enumerate(listed(X, name)):
        array = np.asarray(phrase)
        if array.dtype.kind not in "biuf" or array.shape != shape:
            raise ValueError(
                f"{name}[{number}] must be {_AXES} = {shape}, got {array.dtype} {array.shape}"
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name}[{number}] holds a number that is not finite")
        if array.dtype.kind != "b" and array.min() < 0:
            raise ValueError(
                f"{name}[{number}] holds {array.min()}; expected 0 where a pitch is silent, and "
                "more where it sounds"
            )
        found.append(array != 0)
    return np.stack(found)


def listed(X: Any, name: str) -> list[Any]:
    """Pieces or phrases as a list, or a ValueError that says what was given in place of one."""
    if X is None or isinstance(X, str | bytes | dict):
        raise ValueError(f"{name} must be a list of phrases, got {shown(X)}; put one into a list")
    try:
        items = list(X)
    except TypeError:
        raise ValueError(f"{name} must be a list of phrases, got {shown(X)}") from None
    if not items:
        raise ValueError(f"{name} is empty: there are no phrases in it")
    return items


def _check_compass(piece: Voices, number: int, lowest_pitch: int, n_pitches: int) -> None:
    wrong = (piece != REST) & ((piece < lowest_pitch) | (piece >= lowest_pitch + n_pitches))
    if wrong.any():
        step, voice = np.argwhere(wrong)[0]
        raise ValueError(
            f"voices[{number}] has the pitch {piece[step, voice]} at step {step}, voice {voice}; "
            f"lowest_pitch={lowest_pitch} and n_pitches={n_pitches} have room for {lowest_pitch} "
            f"to {lowest_pitch + n_pitches - 1}"
        )
