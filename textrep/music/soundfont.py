"""Scores played by the recorded instruments of a soundfont."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from textrep.core.files import special_kind
from textrep.core.messages import printable
from textrep.music.score import Score
from textrep.music.symusic_notes import library, to_symusic

_HEADER = 12  # bytes: "RIFF", the size, "sfbk"


def play(
    score: Score, rate: int, soundfont: str | os.PathLike[str], length: int
) -> NDArray[np.float64]:
    """Samples of a score, by symusic's synthesizer.

    Parameters
    ----------
    score : Score
    rate : int
        Samples a second.
    soundfont : path
        A .sf2 file.
    length : int
        Samples that are wanted; what sounds on is cut off.

    Returns
    -------
    float64 ndarray (length,)
        Both channels together.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no soundfont.
    ModuleNotFoundError
        If symusic is not installed.
    """
    symusic = library()
    path = check_soundfont(soundfont)
    found = np.zeros(length)
    if not score.n_notes:
        return found
    try:
        player = symusic.Synthesizer(sf_path=str(path), sample_rate=rate, quality=4)
        channels = np.asarray(player.render(to_symusic(score), stereo=True))
    except (RuntimeError, TypeError) as error:
        # What symusic cannot play; its version 0.6.0 can play nothing at all.
        raise ValueError(f"{printable(str(path))} cannot be played: {error!s:.200}") from None
    mono = channels.mean(axis=0)[:length]
    found[: len(mono)] = mono
    return found


def check_soundfont(soundfont: str | os.PathLike[str]) -> Path:
    """The path of a file that begins as soundfonts do: symusic does not say so of others."""
    path = Path(soundfont)
    name = printable(os.fspath(soundfont))
    if not path.exists():
        raise FileNotFoundError(f"there is no file {name}")
    if (kind := special_kind(path.stat().st_mode)) is not None:
        raise ValueError(f"{name} is {kind}, expected a .sf2 file")
    with path.open("rb") as file:
        header = file.read(_HEADER)
    if header[:4] != b"RIFF" or header[8:] != b"sfbk":
        raise ValueError(f"{name} is no soundfont; expected a .sf2 file")
    return path
