"""Sounds as pictures, and pictures as sounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_count, check_number
from textrep.image.pixels import Pixels
from textrep.music.sound.fourier import Frames
from textrep.music.sound.mel import full_scale, mel_filters, mel_spectrogram, mel_to_linear
from textrep.music.sound.phases import griffin_lim
from textrep.music.sound.waves import Wave, check_wave


@dataclass(frozen=True)
class Spectrogram:
    """Sounds <-> pictures with a row for each mel band and a column for each `hop` samples.

    Brightness is a root of the loudness over a fixed one, so that loud sounds make bright pictures
    and come back as loud: nothing has to be kept beside the picture.

    Parameters
    ----------
    rate : int, default=16000
        Samples a second.
    n_mels : int, default=64
        Rows; the first is the lowest.
    n_fft : int, default=1024
    hop : int, default=256
    window : int or None, default=None
        See `stft`.
    low : float, default=0.0
    high : float or None, default=None
    scale : {"htk", "slaney"}, default="htk"
        See `mel_filters`.
    power : float, default=0.25
        Of the root: brightness is ``(mel / reference) ** power``.
    reference : float or None, default=None
        Magnitude that is white, beyond which it is cut off; None for that of a tone from -1 to 1.
    n_iter : int, default=32
    momentum : float, default=0.99
        See `griffin_lim`.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> spectrogram = Spectrogram()
    >>> tone = 0.5 * np.sin(np.arange(16384) * 0.2)
    >>> picture = spectrogram.encode(tone)
    >>> picture.shape
    (1, 64, 64)
    >>> wave = spectrogram.decode(picture)
    >>> wave.shape, bool(0.3 < np.abs(wave[2000:14000]).max() < 0.7)
    ((16384,), True)
    """

    rate: int = 16000
    n_mels: int = 64
    n_fft: int = 1024
    hop: int = 256
    window: int | None = None
    low: float = 0.0
    high: float | None = None
    scale: str = "htk"
    power: float = 0.25
    reference: float | None = None
    n_iter: int = 32
    momentum: float = 0.99

    def __post_init__(self) -> None:
        Frames(self.n_fft, self.hop, self.window)
        self.filters()
        check_number("power", self.power, above=0, most=1)
        if self.reference is not None:
            check_number("reference", self.reference, above=0)
        check_count("n_iter", self.n_iter, 1)
        check_number("momentum", self.momentum, least=0, most=1)

    def filters(self) -> NDArray[np.float32]:
        """The triangles of the mel bands, (n_mels, n_fft // 2 + 1)."""
        return mel_filters(self.rate, self.n_fft, self.n_mels, self.low, self.high, self.scale)

    @property
    def white(self) -> float:
        """The magnitude that is 1 in a picture."""
        if self.reference is not None:
            return float(self.reference)
        return full_scale(Frames(self.n_fft, self.hop, self.window))

    def n_columns(self, n_samples: int) -> int:
        """Columns of the picture of so many samples."""
        return -(-n_samples // self.hop)

    def encode(self, waves: Any) -> Pixels:
        """Pictures of sounds.

        Parameters
        ----------
        waves : array-like (samples,) or (n, samples)

        Returns
        -------
        float32 ndarray (1, n_mels, columns) or (n, 1, n_mels, columns)
            From 0 to 1, with a column for each `hop` samples begun.
        """
        samples = check_wave(waves, name="waves", batches=True)
        mel = mel_spectrogram(
            samples.astype(np.float32, copy=False),
            rate=self.rate,
            n_fft=self.n_fft,
            hop=self.hop,
            window=self.window,
            n_mels=self.n_mels,
            low=self.low,
            high=self.high,
            scale=self.scale,
        )[..., : self.n_columns(samples.shape[-1])]
        bright = np.minimum(mel / self.white, 1.0) ** self.power
        return bright[..., None, :, :].astype(np.float32)

    def magnitudes(self, pictures: Any) -> NDArray[np.float32]:
        """Linear magnitudes of all frequencies that pictures stand for.

        Parameters
        ----------
        pictures : array-like (1, n_mels, columns) or (n, 1, n_mels, columns)

        Returns
        -------
        float32 ndarray (n_bins, columns) or (n, n_bins, columns)
        """
        return mel_to_linear(self._mel(pictures), self.filters())

    def decode(
        self, pictures: Any, length: int | None = None, *, random_state: RandomState = 0
    ) -> Wave:
        """Sounds of pictures.

        Parameters
        ----------
        pictures : array-like (1, n_mels, columns) or (n, 1, n_mels, columns)
            From 0 to 1; what is outside is cut off.
        length : int or None, default=None
            Samples, at most `hop` for each column, which None takes.
        random_state : None, int, Generator or RandomState, default=0
            Of the first phases.

        Returns
        -------
        float32 ndarray (length,) or (n, length)

        Raises
        ------
        ValueError
            If pictures have another number of rows, or a pixel is not finite.
        """
        magnitude = self.magnitudes(pictures)
        most = self.hop * magnitude.shape[-1]
        if length is not None:
            check_count("length", length, 1, most)
        wave = griffin_lim(
            magnitude,
            hop=self.hop,
            window=self.window,
            n_iter=self.n_iter,
            momentum=self.momentum,
            length=most,
            random_state=random_state,
        )
        return np.ascontiguousarray(wave[..., :length])

    def _mel(self, pictures: Any) -> NDArray[np.float32]:
        pixels = np.asarray(pictures)
        fits = pixels.ndim in (3, 4) and pixels.dtype.kind == "f" and pixels.size
        if not fits or pixels.shape[-3:-1] != (1, self.n_mels):
            raise ValueError(
                f"pictures must be floats (n, 1, {self.n_mels}, columns), got {pixels.dtype} "
                f"{pixels.shape}"
            )
        if not np.isfinite(pixels).all():
            raise ValueError("pictures holds a pixel that is not finite")
        root = np.clip(pixels[..., 0, :, :], 0.0, 1.0)
        return (self.white * root ** (1.0 / self.power)).astype(np.float32)
