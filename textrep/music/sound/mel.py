"""Mel bands: frequencies as far apart as the ear hears them."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.music.sound.fourier import Frames, stft
from textrep.music.sound.phases import check_magnitude

SCALES = ("htk", "slaney")

# Slaney: linear to 1000 Hz with 200/3 Hz a mel, then 27 mels for each factor of 6.4.
_LINEAR = 200.0 / 3.0
_BREAK = 1000.0
_LOG_STEP = math.log(6.4) / 27.0
_NEVER_ZERO = 1e-10  # where a factor could not change a 0 any more


def hz_to_mel(frequency: Any, scale: str = "htk") -> NDArray[np.float64]:
    """Mels of frequencies.

    Parameters
    ----------
    frequency : array-like
        In Hz.
    scale : {"htk", "slaney"}, default="htk"
        The formula of O'Shaughnessy (1987), 2595 log10(1 + f / 700), as the HTK toolkit has it, or
        the one that is linear up to 1000 Hz of Slaney's Auditory Toolbox (1998).

    Returns
    -------
    float64 ndarray

    Examples
    --------
    >>> float(hz_to_mel(700.0).round(2)), float(hz_to_mel(1000.0, "slaney").round(2))
    (781.17, 15.0)
    """
    check_choice("scale", scale, SCALES)
    hertz = np.asarray(frequency, dtype=np.float64)
    if scale == "htk":
        return 2595.0 * np.log10(1.0 + hertz / 700.0)
    above = _BREAK / _LINEAR + np.log(np.maximum(hertz, _BREAK) / _BREAK) / _LOG_STEP
    return np.where(hertz < _BREAK, hertz / _LINEAR, above)


def mel_to_hz(mels: Any, scale: str = "htk") -> NDArray[np.float64]:
    """Frequencies of mels, in Hz: the inverse of `hz_to_mel`.

    Examples
    --------
    >>> mel_to_hz(hz_to_mel([440.0, 4000.0], "slaney"), "slaney").round(6)
    array([ 440., 4000.])
    """
    check_choice("scale", scale, SCALES)
    values = np.asarray(mels, dtype=np.float64)
    if scale == "htk":
        return 700.0 * (10.0 ** (values / 2595.0) - 1.0)
    start = _BREAK / _LINEAR
    above = _BREAK * np.exp(_LOG_STEP * np.maximum(values - start, 0.0))
    return np.where(values < start, values * _LINEAR, above)


def mel_filters(
    rate: int,
    n_fft: int,
    n_mels: int,
    low: float = 0.0,
    high: float | None = None,
    scale: str = "htk",
) -> NDArray[np.float32]:
    """Triangles that gather the frequencies of a spectrum into bands.

    Parameters
    ----------
    rate : int
        Samples a second.
    n_fft : int
        Samples of a piece, of which the spectrum is.
    n_mels : int
        Bands.
    low : float, default=0.0
        Where the first begins, in Hz.
    high : float or None, default=None
        Where the last ends; None for half of `rate`.
    scale : {"htk", "slaney"}, default="htk"

    Returns
    -------
    float32 ndarray (n_mels, n_fft // 2 + 1)
        Each triangle is 1 at its middle, and 0 from the middles of its neighbours on. Of low bands
        that are narrower than the spectrum is fine, some may hold nothing.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> mel_filters(16000, 1024, 64).shape
    (64, 513)
    """
    check_count("rate", rate, 1)
    check_count("n_fft", n_fft, 4)
    check_count("n_mels", n_mels, 1)
    check_number("low", low, least=0)
    top = rate / 2 if high is None else high
    check_number("high", top, above=low, most=rate / 2)
    check_choice("scale", scale, SCALES)
    return _filters(rate, n_fft, n_mels, float(low), float(top), scale).copy()


@functools.lru_cache(maxsize=8)
def _filters(
    rate: int, n_fft: int, n_mels: int, low: float, high: float, scale: str
) -> NDArray[np.float32]:
    edges = mel_to_hz(np.linspace(hz_to_mel(low, scale), hz_to_mel(high, scale), n_mels + 2), scale)
    bins = np.arange(n_fft // 2 + 1) * (rate / n_fft)
    widths = np.diff(edges)
    rising = (bins[None] - edges[:-2, None]) / widths[:-1, None]
    falling = (edges[2:, None] - bins[None]) / widths[1:, None]
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def mel_spectrogram(
    samples: Any,
    *,
    rate: int,
    n_fft: int = 1024,
    hop: int = 256,
    window: int | None = None,
    n_mels: int = 64,
    low: float = 0.0,
    high: float | None = None,
    scale: str = "htk",
) -> NDArray[np.float32]:
    """Magnitudes of a sound in mel bands.

    Parameters
    ----------
    samples : array-like (..., samples)
    rate : int
        Samples a second.
    n_fft, hop, window : int, int, int or None
        See `stft`.
    n_mels, low, high, scale : int, float, float or None, str
        See `mel_filters`.

    Returns
    -------
    float32 ndarray (..., n_mels, 1 + samples // hop)
        Sums of magnitudes, not of their squares.

    Examples
    --------
    >>> mel_spectrogram(np.zeros(16000), rate=16000).shape
    (64, 63)
    """
    filters = mel_filters(rate, n_fft, n_mels, low, high, scale)
    magnitude = np.abs(stft(samples, n_fft=n_fft, hop=hop, window=window))
    return (filters @ magnitude).astype(np.float32)


def mel_to_linear(mel: Any, filters: Any, n_iter: int = 50) -> NDArray[np.float32]:
    """Magnitudes of all frequencies that fit those of mel bands best, none of them negative.

    Parameters
    ----------
    mel : array-like (..., n_mels, n_frames)
    filters : array-like (n_mels, n_bins)
        See `mel_filters`.
    n_iter : int, default=50
        Of Lee and Seung's factors, which never make the squared error greater; 0 is the
        pseudo-inverse with what is negative set to 0.

    Returns
    -------
    float32 ndarray (..., n_bins, n_frames)
        There are more frequencies than bands: of the many solutions it is one near the smallest.

    References
    ----------
    D. Lee, H. Seung: Algorithms for non-negative matrix factorization, NIPS 2000, theorem 1.

    Examples
    --------
    >>> filters = mel_filters(16000, 1024, 64)
    >>> magnitude = np.random.default_rng(0).random((513, 5))
    >>> mel = filters @ magnitude
    >>> bool(np.abs(filters @ mel_to_linear(mel, filters) - mel).max() < 0.05)
    True
    """
    wanted = check_magnitude("mel", mel)
    check_count("n_iter", n_iter, 0)
    triangles = np.asarray(filters, dtype=np.float32)
    if triangles.ndim != 2 or triangles.shape[0] != wanted.shape[-2]:
        raise ValueError(
            f"filters must be ({wanted.shape[-2]}, n_bins) for mel {wanted.shape}, got "
            f"{triangles.shape}"
        )
    # Frames of all sounds beside each other: (n_mels, n).
    columns = np.moveaxis(wanted, -2, 0).reshape(wanted.shape[-2], -1)
    found = np.linalg.pinv(triangles) @ columns
    heard = triangles.max(axis=0) > 0  # what no band hears stays silent
    found = np.where(heard[:, None], np.maximum(found, _NEVER_ZERO if n_iter else 0.0), 0.0)
    thin = scipy.sparse.csr_array(triangles)
    back = thin.T.tocsr()
    asked = back @ columns
    for _ in range(n_iter):
        found *= asked / np.maximum(back @ (thin @ found), _NEVER_ZERO)
    shape = (triangles.shape[1], *wanted.shape[:-2], wanted.shape[-1])
    return np.ascontiguousarray(np.moveaxis(found.reshape(shape), 0, -2), dtype=np.float32)


def full_scale(frames: Frames) -> float:
    """The magnitude in its mel band of a tone as loud as samples can hold, between -1 and 1.

    A tone of frequency f has half of its window's sum at f, and again half of that in the bins on
    both sides, as far as the band is wide enough for them.
    """
    return frames.window / 2.0
