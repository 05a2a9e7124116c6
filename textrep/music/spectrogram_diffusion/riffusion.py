"""The pictures of Riffusion: Stable Diffusion that was taught spectrograms."""

from __future__ import annotations

import numpy as np

from textrep.image.pixels import Pixels
from textrep.music.sound.spectrogram import Spectrogram
from textrep.music.sound.waves import Wave

# riffusion/spectrogram_params.py of its repository: milliseconds as samples of 44,100 Hz.
_RATE = 44_100
_HOP, _WINDOW, _N_FFT = 441, 4_410, 17_640
_HIGH = 10_000.0
_POWER = 0.25


def riffusion_spectrogram(n_mels: int = 512) -> Spectrogram:
    """How Riffusion's pictures stand for sounds.

    Parameters
    ----------
    n_mels : int, default=512
        Rows of a picture.

    Returns
    -------
    Spectrogram
        Of 44.1 kHz, with bands up to 10 kHz and a column for each 10 ms.
    """
    return Spectrogram(
        rate=_RATE, n_mels=n_mels, n_fft=_N_FFT, hop=_HOP, window=_WINDOW, high=_HIGH, power=_POWER
    )


def riffusion_sounds(pictures: Pixels) -> Wave:
    """Sounds of pictures that Riffusion drew.

    They are black where it is loud, and the lowest band is the last row. How loud the loudest was
    is not told, so that each sound is brought to 1.

    Parameters
    ----------
    pictures : float32 ndarray (n, 3, height, width)
        From 0 to 1; of three channels that are alike the first is taken.

    Returns
    -------
    float32 ndarray (n, width * 441)
        With 44,100 samples a second.
    """
    bright = 1.0 - pictures[:, :1, ::-1]
    waves = riffusion_spectrogram(pictures.shape[2]).decode(np.ascontiguousarray(bright))
    loudest = np.abs(waves).max(axis=-1, keepdims=True)
    loudest[loudest == 0] = 1.0
    found: Wave = waves / loudest
    return found
