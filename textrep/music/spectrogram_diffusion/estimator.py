"""`SpectrogramDiffusion`: sounds out of noise, by way of pictures of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from textrep.core.persist import Persistent
from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_number
from textrep.image.diffusion import Diffusion
from textrep.image.pixels import Pixels
from textrep.image.text_to_image import TextToImage
from textrep.music.sound.spectrogram import Spectrogram
from textrep.music.sound.waves import Wave, check_wave
from textrep.music.spectrogram_diffusion.given import listed, prompts
from textrep.music.spectrogram_diffusion.riffusion import riffusion_sounds

_COLUMNS = 8  # of a picture, a multiple: an autoencoder and a U-Net halve them
_PUBLISHED_GUIDANCE = 7.0  # of Riffusion's own examples

_OF_SPECTROGRAM = ("rate", "n_mels", "n_fft", "hop", "n_iter")
_OF_DIFFUSION = (
    "space", "latent_channels", "latent_factor", "coder_channels", "coder_epochs", "channels",
    "blocks", "num_heads", "n_steps", "condition_dropout", "epochs", "batch_size", "learning_rate",
    "ema_decay", "max_seconds", "checkpoint", "progress_folder", "device", "precision",
    "random_state", "verbose",
)  # fmt: skip


class SpectrogramDiffusion(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, Persistent, BaseEstimator
):
    """Sounds out of noise, of a class where there are classes.

    A `Spectrogram` makes pictures of sounds, a `textrep.Diffusion` learns to make such pictures,
    and Griffin and Lim's algorithm makes sounds of them again. A published Riffusion, which takes
    texts in place of classes, is read by `from_pretrained`.

    Parameters
    ----------
    rate : int, default=16000
        Samples a second.
    seconds : float, default=2.048
        Of a sound, to the nearest eight columns of a picture. Longer ones are cut off, shorter ones
        followed by silence.
    n_mels : int, default=64
        Mel bands: rows of a picture.
    n_fft : int, default=1024
        Samples that a column looks at.
    hop : int, default=256
        Samples from one column to the next.
    n_iter : int, default=60
        Steps of Griffin and Lim's algorithm, see `textrep.music.griffin_lim`.
    space : {"latent", "pixel"}, default="latent"
        Whether noise is mixed into the codes of an autoencoder or into pictures, which takes many
        times as long.
    latent_channels : int, default=4
        Numbers of a place of the code.
    latent_factor : int, default=4
        Rows and columns that become one place, a power of 2 that divides `n_mels`.
    coder_channels : int, default=16
        Of the finest layer of the autoencoder.
    coder_epochs : int, default=10
    channels : sequence of int or "auto", default="auto"
    blocks : int, default=2
    num_heads : int, default=4
        See `textrep.Diffusion`.
    n_steps : int, default=1000
        Of the way into noise.
    condition_dropout : float, default=0.1
        Share of the labels that are hidden in training, which guidance needs.
    epochs : int, default=40
        Times that the pictures are trained on, after those of the autoencoder.
    batch_size : int, default=32
    learning_rate : float, default=2e-3
    ema_decay : float or None, default=0.999
        Of the moving average of the weights that sounds are drawn with.
    max_seconds : float or None, default=None
        Time for `fit`.
    checkpoint : str, path or None, default=None
        A file that keeps the state of training, from which `fit` goes on after an interruption;
        `random_state` must then be an int.
    progress_folder : str, path or None, default=None
        Folder for a grid of spectrograms after each epoch.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; "auto" takes the best there is.
    precision : {"auto", "fp32", "bf16"}, default="auto"
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    diffusion_ : Diffusion
        What makes the pictures.
    n_samples_ : int
        Of a sound.
    classes_ : ndarray (n_classes,) or None
        The labels, sorted; None where there were none.
    history_ : list of dict
        See `textrep.Diffusion`.
    n_epochs_ : int
    stopped_early_, out_of_time_ : bool
        Whether `max_seconds` ended training.
    published_ : TextToImage
        In place of all the others, of `from_pretrained`.

    References
    ----------
    S. Forsgren, H. Martiros: Riffusion, stable diffusion for real-time music generation, 2022.

    Examples
    --------
    >>> from textrep.music import SpectrogramDiffusion
    >>> time = np.arange(4096) / 16000
    >>> waves = np.stack([0.5 * np.sin(2 * np.pi * hertz * time) for hertz in (220, 440) * 8])
    >>> model = SpectrogramDiffusion(seconds=0.256, n_mels=16, space="pixel", channels=[4],
    ...                              blocks=1, num_heads=1, epochs=1, device="cpu", random_state=0)
    >>> model = model.fit(waves, ["low", "high"] * 8)
    >>> model.sample(3, labels="low", steps=4, random_state=0).shape
    (3, 4096)
    """

    diffusion_: Diffusion
    published_: TextToImage
    n_samples_: int
    classes_: NDArray[Any] | None
    history_: list[dict[str, float]]
    n_epochs_: int
    stopped_early_: bool
    out_of_time_: bool

    def __init__(
        self,
        *,
        rate: int = 16000,
        seconds: float = 2.048,
        n_mels: int = 64,
        n_fft: int = 1024,
        hop: int = 256,
        n_iter: int = 60,
        space: str = "latent",
        latent_channels: int = 4,
        latent_factor: int = 4,
        coder_channels: int = 16,
        coder_epochs: int = 10,
        channels: Sequence[int] | str = "auto",
        blocks: int = 2,
        num_heads: int = 4,
        n_steps: int = 1000,
        condition_dropout: float = 0.1,
        epochs: int = 40,
        batch_size: int = 32,
        learning_rate: float = 2e-3,
        ema_decay: float | None = 0.999,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        progress_folder: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.rate = rate
        self.seconds = seconds
        self.n_mels = n_mels
        self.n_fft = n_fft
        self.hop = hop
        self.n_iter = n_iter
        self.space = space
        self.latent_channels = latent_channels
        self.latent_factor = latent_factor
        self.coder_channels = coder_channels
        self.coder_epochs = coder_epochs
        self.channels = channels
        self.blocks = blocks
        self.num_heads = num_heads
        self.n_steps = n_steps
        self.condition_dropout = condition_dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.ema_decay = ema_decay
        self.max_seconds = max_seconds
        self.checkpoint = checkpoint
        self.progress_folder = progress_folder
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str], **params: Any) -> Self:
        """A published Riffusion, as if fitted.

        Parameters
        ----------
        folder : path
            As diffusers saves it, with weights in safetensors. Nothing is fetched.
        **params
            Of the estimator: `device`, `precision`.

        Returns
        -------
        SpectrogramDiffusion
            It draws sounds of texts, with 44,100 samples a second, and does nothing else. A saved
            file of it holds the path of the folder.

        Raises
        ------
        DataError
            If the folder is not there or damaged, or holds another model.
        ModuleNotFoundError
            If diffusers is not installed.
        """
        given = {"rate": 44_100, **params}
        made = cls(**given)
        made.published_ = TextToImage.from_pretrained(
            folder, device=made.device, precision=made.precision
        )
        return made

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn to make sounds like these.

        Parameters
        ----------
        X : sequence of float arrays (samples,), or (n_sounds, samples)
            At `rate`, from -1 to 1; at least 2.
        y : labels of two or more classes, of any type, (n_sounds,), default=None

        Returns
        -------
        self : SpectrogramDiffusion

        Raises
        ------
        ValueError
            If `X` holds something else, or a parameter is out of range.
        """
        check_number("seconds", self.seconds, above=0)
        spectrogram = self.spectrogram()
        columns = max(1, round(self.seconds * self.rate / (self.hop * _COLUMNS)))
        self.n_samples_ = columns * _COLUMNS * self.hop
        pictures = spectrogram.encode(self._waves(X))
        self.__dict__.pop("published_", None)
        diffusion = Diffusion(**{name: getattr(self, name) for name in _OF_DIFFUSION})
        self.diffusion_ = diffusion.fit(pictures, y)
        for name in ("classes_", "history_", "n_epochs_", "stopped_early_", "out_of_time_"):
            setattr(self, name, getattr(diffusion, name))
        return self

    def spectrogram(self) -> Spectrogram:
        """How sounds become pictures and pictures sounds."""
        return Spectrogram(**{name: getattr(self, name) for name in _OF_SPECTROGRAM})

    # ---- sounds out of noise

    def sample(
        self,
        n: int = 16,
        *,
        labels: Any = None,
        method: str = "ddim",
        steps: int = 25,
        guidance: float | None = None,
        random_state: RandomState = None,
    ) -> Wave:
        """New sounds.

        Parameters
        ----------
        n : int, default=16
        labels : label or array-like (n,), default=None
            Class of each, or of all; None draws them with the shares that they had in training. Of
            a published model texts, which are needed.
        method : {"ddim", "ddpm"}, default="ddim"
        steps : int, default=25
        guidance : float or None, default=None
            1 asks for the class alone, more makes sounds of it clearer and more alike. None is 2;
            1 without classes, and 7 of a published model.
        random_state : int, Generator, RandomState or None, default=None

        Returns
        -------
        float32 ndarray (n, n_samples)
        """
        pictures = self.sample_images(
            n,
            labels=labels,
            method=method,
            steps=steps,
            guidance=guidance,
            random_state=random_state,
        )
        return self._sounds(pictures)

    def sample_images(
        self,
        n: int = 16,
        *,
        labels: Any = None,
        method: str = "ddim",
        steps: int = 25,
        guidance: float | None = None,
        random_state: RandomState = None,
    ) -> Pixels:
        """Spectrograms of new sounds: see `sample`, which makes them audible.

        Returns
        -------
        float32 ndarray (n, 1, n_mels, columns)
            From 0 to 1; of a published model (n, 3, height, width), as it draws them.
        """
        if hasattr(self, "published_"):
            return self.published_.sample(
                prompts(labels, n),
                method=method,
                steps=steps,
                guidance=_PUBLISHED_GUIDANCE if guidance is None else guidance,
                random_state=random_state,
            )
        self._check_fitted()
        return self.diffusion_.sample(
            n,
            labels=labels,
            method=method,
            steps=steps,
            guidance=guidance,
            random_state=random_state,
        )

    def reconstruct(
        self,
        X: Any,
        *,
        strength: float = 0.5,
        labels: Any = None,
        steps: int = 25,
        random_state: RandomState = None,
    ) -> Wave:
        """Sounds whose spectrograms had noise mixed in, and taken out again.

        Parameters
        ----------
        X : sounds
            As for `fit`.
        strength : float, default=0.5
            Share of the way into noise: 0 gives what spectrogram and autoencoder keep of a sound, 1
            leaves nothing of it.
        labels : label or array-like (n_sounds,), default=None
            With another class than its own, a sound is turned towards that.
        steps : int, default=25
        random_state : int, Generator, RandomState or None, default=None

        Returns
        -------
        float32 ndarray (n_sounds, n_samples)
        """
        pictures = self._pictures(X)
        made = self.diffusion_.reconstruct(
            pictures, strength=strength, labels=labels, steps=steps, random_state=random_state
        )
        return self._sounds(made)

    def interpolate(self, a: Any, b: Any, steps: int = 8, *, labels: Any = None) -> Wave:
        """Sounds on the way from one to another, along an arc between their noises.

        Parameters
        ----------
        a, b : float array (samples,)
        steps : int, default=8
            Sounds, both ends included.
        labels : label, default=None

        Returns
        -------
        float32 ndarray (steps, n_samples)
        """
        first, last = self._pictures([a])[0], self._pictures([b])[0]
        return self._sounds(self.diffusion_.interpolate(first, last, steps, labels=labels))

    def encode(self, X: Any, *, labels: Any = None, steps: int = 50) -> NDArray[np.float32]:
        """The noise that `decode` would make sounds of.

        Parameters
        ----------
        X : sounds
            As for `fit`.
        labels : label or array-like (n_sounds,), default=None
        steps : int, default=50
            More are more exact.

        Returns
        -------
        float32 ndarray (n_sounds, d)
            Nearly standard normal.
        """
        pictures = self._pictures(X)
        return self.diffusion_.encode(pictures, labels=labels, steps=steps)

    def decode(self, noise: Any, *, labels: Any = None, steps: int = 50) -> Wave:
        """Sounds of noise.

        Parameters
        ----------
        noise : array-like (n, d)
        labels : label or array-like (n,), default=None
        steps : int, default=50

        Returns
        -------
        float32 ndarray (n, n_samples)
        """
        self._check_fitted()
        return self._sounds(self.diffusion_.decode(noise, labels=labels, steps=steps))

    # ---- what it has learnt

    def transform(self, X: Any) -> NDArray[np.float32]:
        """What the network sees in sounds: features for other models, see `Diffusion.transform`.

        Parameters
        ----------
        X : sounds
            As for `fit`.

        Returns
        -------
        float32 ndarray (n_sounds, n_features)
        """
        pictures = self._pictures(X)
        return self.diffusion_.transform(pictures)

    @property
    def _n_features_out(self) -> int:
        return int(self.diffusion_._n_features_out)

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the mean squared error of what the network says of noise.

        Parameters
        ----------
        X : sounds
            As for `fit`.
        y : labels (n_sounds,), default=None

        Returns
        -------
        float
            See `Diffusion.score`.
        """
        pictures = self._pictures(X)
        return self.diffusion_.score(pictures, y)

    # ---- sounds and pictures

    def _check_fitted(self) -> None:
        if hasattr(self, "published_"):
            raise ValueError("a model of from_pretrained draws sounds, and does nothing else")
        check_is_fitted(self, "diffusion_")

    def _pictures(self, X: Any) -> Pixels:
        self._check_fitted()
        return self.spectrogram().encode(self._waves(X))

    def _sounds(self, pictures: Pixels) -> Wave:
        if hasattr(self, "published_"):
            return riffusion_sounds(pictures)
        return self.spectrogram().decode(pictures)

    def _waves(self, X: Any) -> Wave:
        """Sounds of the length of all, (n, n_samples_)."""
        found = []
        for position, sound in enumerate(listed(X)):
            wave = check_wave(sound, name=f"X[{position}]")[: self.n_samples_]
            found.append(np.pad(wave, (0, self.n_samples_ - len(wave))))
        return np.stack(found).astype(np.float32, copy=False)
