"""The Fourier transform of short pieces of a sound, there and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textrep.embeddings.parameters import check_count
from textrep.music.sound.waves import check_wave


class Frames:
    """How a sound is cut into pieces, the same there and back.

    Parameters
    ----------
    n_fft : int
        Samples of a piece, those outside the window taken as 0.
    hop : int
        Samples from one piece to the next, at most half of the window.
    window : int or None, default=None
        Samples of the (Hann) window in the middle of a piece; None for all.

    Raises
    ------
    ValueError
        If pieces could not be put together again: the window is larger than the piece, or the hop
        than half the window.

    Examples
    --------
    >>> Frames(1024, 256).n_bins
    513
    """

    def __init__(self, n_fft: int, hop: int, window: int | None = None) -> None:
        check_count("n_fft", n_fft, 4)
        check_count("window", n_fft if window is None else window, 4)
        self.n_fft = n_fft
        self.hop = hop
        self.window = n_fft if window is None else window
        if self.window > n_fft:
            raise ValueError(f"window must be at most n_fft={n_fft}, got {window}")
        check_count("hop", hop, 1)
        if 2 * hop > self.window:
            raise ValueError(
                f"hop must be at most half of the window of {self.window} samples, got {hop}"
            )

    @property
    def n_bins(self) -> int:
        """Frequencies, from 0 to half the rate."""
        return self.n_fft // 2 + 1

    def forward(self, waves: Tensor) -> Tensor:
        """(..., samples) to complex (..., n_bins, 1 + samples // hop)."""
        spectra = torch.stft(
            waves.reshape(-1, waves.shape[-1]),
            self.n_fft,
            self.hop,
            self.window,
            torch.hann_window(self.window, dtype=waves.dtype),
            center=True,
            pad_mode="constant",  # what is shorter than a piece cannot be mirrored
            return_complex=True,
        )
        return spectra.reshape(*waves.shape[:-1], *spectra.shape[-2:])

    def length_of(self, n_frames: int, length: int | None) -> int:
        """Samples of so many pieces: as many as are asked for, or up to the last one's middle."""
        if length is None:
            return self.hop * max(1, n_frames - 1)
        check_count("length", length, 1, self.hop * n_frames)
        return length

    def back(self, spectra: Tensor, length: int) -> Tensor:
        """Complex (..., n_bins, n_frames) to (..., length): the nearest sound, in squares."""
        waves = torch.istft(
            spectra.reshape(-1, *spectra.shape[-2:]),
            self.n_fft,
            self.hop,
            self.window,
            torch.hann_window(self.window, dtype=spectra.real.dtype),
            center=True,
            length=length,
        )
        return waves.reshape(*spectra.shape[:-2], waves.shape[-1])


def stft(
    samples: Any, *, n_fft: int = 1024, hop: int = 256, window: int | None = None
) -> NDArray[np.complexfloating[Any, Any]]:
    """Spectra of short pieces of a sound, whose middles lie `hop` samples apart.

    Parameters
    ----------
    samples : array-like (..., samples)
        Before its begin and behind its end there is silence.
    n_fft : int, default=1024
        Samples of a piece.
    hop : int, default=256
    window : int or None, default=None
        Samples of the Hann window; None for `n_fft`.

    Returns
    -------
    complex64 ndarray (..., n_fft // 2 + 1, 1 + samples // hop)
        Complex128 of float64.

    Examples
    --------
    >>> stft(np.zeros(1000), n_fft=256, hop=64).shape
    (129, 16)
    """
    wave = check_wave(samples, batches=True)
    found: NDArray[np.complexfloating[Any, Any]] = (
        Frames(n_fft, hop, window).forward(torch.tensor(wave)).numpy()
    )
    return found


def istft(
    spectra: Any, *, hop: int = 256, window: int | None = None, length: int | None = None
) -> NDArray[np.floating[Any]]:
    """The sound of spectra: of those of `stft`, with its `hop` and `window`, what they came from.

    Parameters
    ----------
    spectra : complex array-like (..., n_bins, n_frames)
    hop : int, default=256
    window : int or None, default=None
    length : int or None, default=None
        Samples, at most `hop` for each piece; None for those up to the middle of the last one.

    Returns
    -------
    float32 ndarray (..., length)
        Float64 of complex128.

    Raises
    ------
    ValueError
        If there are no spectra, or numbers that are not finite.

    Examples
    --------
    >>> wave = np.random.default_rng(0).normal(size=1000)
    >>> bool(np.allclose(istft(stft(wave), length=1000), wave))
    True
    """
    values = np.asarray(spectra)
    if values.ndim < 2 or not values.size or values.dtype.kind not in "cf":
        raise ValueError(
            f"spectra must be complex (n_bins, n_frames), got {values.dtype} {values.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError("spectra holds a number that is not finite")
    frames = Frames(2 * (values.shape[-2] - 1), hop, window)
    double = values.dtype in (np.complex128, np.float64)
    given = torch.tensor(values.astype(np.complex128 if double else np.complex64))
    found: NDArray[np.floating[Any]] = frames.back(
        given, frames.length_of(values.shape[-1], length)
    ).numpy()
    return found
