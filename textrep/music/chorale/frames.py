"""Pieces as frames: what may be given, and the one form that the network reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.core.messages import type_name
from textrep.music.score import PIANO_KEYS, PIANO_LOWEST, PITCHES, REST
from textrep.music.sequence_estimator import pieces_of

MARGIN = 6
"""Semitones beyond the pitches of `fit` that a model knows: as far as it may have to transpose."""

_WIDTHS = {PIANO_KEYS: PIANO_LOWEST, PITCHES: 0}  # columns of a roll -> pitch of the first
_MOST_STATE = 2  # a roll has 0, 1 (sounding) and 2 (begins to sound)


class Compass(NamedTuple):
    """The pitches that a model knows.

    Attributes
    ----------
    lowest : int
        Column of a roll, or pitch of a voice.
    n_pitches : int
    """

    lowest: int
    n_pitches: int


def check_rolls(X: Any, name: str = "X") -> list[NDArray[np.bool_]]:
    """Pieces that are rolls.

    Parameters
    ----------
    X : sequence of ndarray (steps, 88) or (steps, 128)
        0 where a pitch is silent, 1 or 2 where it sounds. All of one width.
    name : str
        What messages call it.

    Returns
    -------
    list of bool ndarray (steps, width)

    Raises
    ------
    TypeError
        If it is no sequence of pieces.
    ValueError
        If there is none, or a piece is no such roll; the message says which and where.

    Examples
    --------
    >>> check_rolls([np.zeros((3, 88), bool)])[0].shape
    (3, 88)
    """
    found: list[NDArray[np.bool_]] = []
    for number, piece in enumerate(_pieces(X, name)):
        array = _numbers(piece, f"{name}[{number}]")
        if array.ndim != 2 or array.shape[1] not in _WIDTHS:
            raise ValueError(
                f"{name}[{number}] must be of shape (steps, 88) or (steps, 128), got {array.shape}"
            )
        wrong = (array < 0) | (array > _MOST_STATE)
        if wrong.any():
            step = int(np.flatnonzero(wrong.any(axis=1))[0])
            raise ValueError(
                f"{name}[{number}] has the value {array[step][wrong[step]][0]} in frame {step}; "
                "expected 0 (silent), 1 or 2 (sounding)"
            )
        found.append(array != 0)
    _check_alike(found, name, "pitches")
    return found


def check_voices(X: Any, name: str = "X") -> list[NDArray[np.int16]]:
    """Pieces that are voices.

    Parameters
    ----------
    X : sequence of int ndarray (steps, n_voices)
        The pitch of each voice, -1 where it rests. All of as many voices.
    name : str
        What messages call it.

    Returns
    -------
    list of int16 ndarray (steps, n_voices)

    Raises
    ------
    TypeError, ValueError
        As for `check_rolls`.

    Examples
    --------
    >>> check_voices([[[67, 64, 60, 48], [67, 62, 59, -1]]])[0].dtype
    dtype('int16')
    """
    found: list[NDArray[np.int16]] = []
    for number, piece in enumerate(_pieces(X, name)):
        array = _numbers(piece, f"{name}[{number}]")
        if array.ndim != 2 or not array.shape[1]:
            raise ValueError(
                f"{name}[{number}] must be of shape (steps, n_voices), got {array.shape}"
            )
        check_pitches(array, f"{name}[{number}]")
        found.append(array.astype(np.int16))
    _check_alike(found, name, "voices")
    return found


def check_pitches(array: NDArray[Any], where: str) -> None:
    """Refuse what is neither a pitch nor a rest, by the frame (the first axis) it is in."""
    if array.dtype == bool:
        raise ValueError(
            f"{where} is boolean, as rolls are; voices hold pitches, and -1 for a rest"
        )
    wrong = (array < REST) | (array >= PITCHES) | (array != np.floor(array))
    if wrong.any():
        rows = wrong.reshape(len(array), -1)
        step = int(np.flatnonzero(rows.any(axis=1))[0])
        value = array.reshape(rows.shape)[step][rows[step]][0]
        raise ValueError(
            f"{where} has the pitch {value} in frame {step}; expected a whole number from 0 to "
            f"{PITCHES - 1}, or -1 for a rest"
        )


def compass_of_rolls(rolls: Sequence[NDArray[np.bool_]]) -> Compass:
    """The columns that sound somewhere, and a margin.

    >>> roll = np.zeros((2, 88), bool)
    >>> roll[0, 40] = roll[1, 50] = True
    >>> compass_of_rolls([roll])
    Compass(lowest=34, n_pitches=23)
    """
    sounding = np.flatnonzero(np.any([roll.any(axis=0) for roll in rolls], axis=0))
    return _compass(sounding, rolls[0].shape[1])


def compass_of_voices(voices: Sequence[NDArray[np.int16]]) -> Compass:
    """The pitches that some voice has, and a margin."""
    pitches = np.unique(np.concatenate([piece.ravel() for piece in voices]))
    return _compass(pitches[pitches != REST], PITCHES)


def _compass(sounding: NDArray[Any], width: int) -> Compass:
    if not len(sounding):
        raise ValueError("X has no note in any piece, so that there is nothing to learn")
    lowest = max(0, int(sounding.min()) - MARGIN)
    return Compass(lowest, min(width, int(sounding.max()) + MARGIN + 1) - lowest)


def channels_of_rolls(
    rolls: Sequence[NDArray[np.bool_]], compass: Compass, name: str = "X"
) -> list[NDArray[np.uint8]]:
    """Rolls as the network reads them, with one channel.

    Returns
    -------
    list of uint8 ndarray (steps, 1, n_pitches)

    Raises
    ------
    ValueError
        If a pitch is outside the compass.
    """
    lowest, n_pitches = compass
    found = []
    for number, roll in enumerate(rolls):
        inside = roll[:, lowest : lowest + n_pitches]
        if inside.sum() != roll.sum():
            outside = roll.copy()
            outside[:, lowest : lowest + n_pitches] = False
            step, column = (int(place[0]) for place in np.nonzero(outside))
            pitch = column + _WIDTHS[roll.shape[1]]
            first = lowest + _WIDTHS[roll.shape[1]]
            raise ValueError(_outside(f"{name}[{number}]", pitch, step, first, n_pitches))
        found.append(inside[:, None].astype(np.uint8))
    return found


def channels_of_voices(
    voices: Sequence[NDArray[np.int16]], compass: Compass, name: str = "X"
) -> list[NDArray[np.uint8]]:
    """Voices as the network reads them, with a channel each.

    Returns
    -------
    list of uint8 ndarray (steps, n_voices, n_pitches)

    Raises
    ------
    ValueError
        If a pitch is outside the compass.
    """
    lowest, n_pitches = compass
    pitches = np.arange(lowest, lowest + n_pitches)
    found = []
    for number, piece in enumerate(voices):
        wrong = (piece != REST) & ((piece < lowest) | (piece >= lowest + n_pitches))
        if wrong.any():
            step, voice = (int(place[0]) for place in np.nonzero(wrong))
            pitch = int(piece[step, voice])
            raise ValueError(_outside(f"{name}[{number}]", pitch, step, lowest, n_pitches))
        found.append((piece[:, :, None] == pitches).astype(np.uint8))
    return found


def voices_of_channels(channels: NDArray[np.uint8], compass: Compass) -> NDArray[np.int16]:
    """The voices that `channels_of_voices` made channels of.

    >>> voices = np.array([[60, -1]], dtype=np.int16)
    >>> compass = Compass(50, 20)
    >>> voices_of_channels(channels_of_voices([voices], compass)[0], compass).tolist()
    [[60, -1]]
    """
    pitches = channels.argmax(axis=2) + compass.lowest
    return np.where(channels.any(axis=2), pitches, REST).astype(np.int16)


def rolls_of_channels(
    channels: NDArray[np.uint8], compass: Compass, width: int
) -> NDArray[np.bool_]:
    """The roll, of its width, that `channels_of_rolls` made a channel of."""
    roll = np.zeros((len(channels), width), dtype=bool)
    roll[:, compass.lowest : compass.lowest + compass.n_pitches] = channels[:, 0] != 0
    return roll


def _pieces(X: Any, name: str) -> list[Any]:
    if isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype != object:
        raise ValueError(f"{name} is a single piece of shape {X.shape}; give a list: [{name}]")
    return pieces_of(X, name)


def _numbers(piece: Any, where: str) -> NDArray[Any]:
    """An array of finite numbers, with a frame at least."""
    try:
        array = np.asarray(piece)
    except ValueError:
        raise ValueError(f"{where} has rows of differing length") from None
    if array.dtype.kind not in "biuf" or array.ndim == 0:
        raise TypeError(f"{where} must be an array of numbers, got {type_name(piece)}")
    if not len(array):
        raise ValueError(f"{where} has no frame")
    if array.dtype.kind == "f":
        rows = array.reshape(len(array), -1)
        if not np.isfinite(rows).all():
            step = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
            raise ValueError(f"{where} has a value in frame {step} that is no finite number")
    return array


def _check_alike(pieces: Sequence[NDArray[Any]], name: str, what: str) -> None:
    for number, piece in enumerate(pieces):
        if piece.shape[1] != pieces[0].shape[1]:
            raise ValueError(
                f"{name}[{number}] has {piece.shape[1]} {what} and {name}[0] has "
                f"{pieces[0].shape[1]}; all must have as many"
            )


def _outside(where: str, pitch: int, step: int, lowest: int, n_pitches: int) -> str:
    return (
        f"{where} has the pitch {pitch} in frame {step}; the model knows those from {lowest} to "
        f"{lowest + n_pitches - 1}: of the pieces of fit and {MARGIN} semitones beyond"
    )
