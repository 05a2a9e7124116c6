"""`MuseGAN`: phrases of several tracks, from four inputs that can be fixed one by one."""

from __future__ import annotations

import os
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags

from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_count, check_number
from textrep.engine.seeding import seed_of
from textrep.engine.settings import TrainingSettings
from textrep.image.digests import array_digest
from textrep.image.estimator import PictureBatches
from textrep.image.gan.losses import adversarial_loss
from textrep.image.gan.task import Game, GANTask, Players
from textrep.image.measures.kernel import kernel_distance
from textrep.music.musegan.drawing import PhraseDrawing
from textrep.music.musegan.inputs import flat_size
from textrep.music.musegan.networks import OCTAVE, PhraseCritic, PhraseGenerator
from textrep.music.musegan.phrase_rolls import Phrases, check_phrases, listed, phrases
from textrep.music.musegan.varying import agreement_features
from textrep.music.score import PITCHES

_LOSS = "wgan-gp"


class MuseGAN(ClassNamePrefixFeaturesOutMixin, TransformerMixin, PhraseDrawing):
    """Phrases of several tracks like those it was shown, from noise.

    A generator makes phrases of four inputs, and a critic learns to tell them from real ones
    (WGAN-GP, as `textrep.GAN` trains it). The inputs are *chords*, a vector of which a vector for
    each bar is made for all tracks; *style*, which all bars and tracks share; *melody*, one for
    each track, of which vectors of its bars are made; and *groove*, one for each track, which its
    bars share. Each can be fixed while the others are drawn.

    Parameters
    ----------
    latent_size : int, default=32
        Numbers of each vector.
    n_tracks : int, default=4
    n_bars : int, default=2
    steps_per_bar : int, default=16
        16 of 4/4 are sixteenth notes.
    n_pitches : int, default=48
        Rows of a roll: whole octaves.
    lowest_pitch : int, default=36
        The pitch of the first row, where `fit` is given voices.
    channels : int, default=64
        Feature maps of the generator of a bar.
    critic_channels : int, default=64
    critic_steps : int, default=2
        Steps of the critic to one of the generator.
    penalty : float, default=10.0
        Weight of the gradient penalty.
    epochs : int, default=200
        Times that the critic sees the phrases.
    batch_size : int, default=32
        A last smaller batch is left out.
    learning_rate : float, default=1e-3
    betas : (float, float), default=(0.5, 0.9)
        Of Adam.
    ema_decay : float or None, default=0.99
        Answer with a moving average of the weights; None for the last ones.
    max_seconds : float or None, default=None
        Time for training.
    checkpoint : str, path or None, default=None
        A file that keeps the state of training, from which `fit` goes on after an interruption, if
        `random_state` is an int.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; "auto" takes the best there is.
    precision : {"auto", "fp32", "bf16"}, default="auto"
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    module_ : Players
        ``generator`` and ``critic``, on the CPU.
    monophonic_ : bool
        Whether no track of the phrases of `fit` plays two pitches at once; the tracks of what is
        made do not either.
    history_ : list of dict
        ``critic_loss``, ``generator_loss``, ``critic_wasserstein`` (the critic's estimate of the
        distance), ``critic_penalty`` and more of each epoch.
    n_epochs_ : int
        Epochs begun.
    stopped_early_, out_of_time_ : bool
        Whether `max_seconds` ended training.

    Notes
    -----
    The critic is shown softmaxes over pitches and silence, and real steps as vectors of one 1, as
    Gulrajani et al. (2017, section 4.4) do with letters: it soon tells mixtures from decisions, so
    that the generator decides. Rounding within training (Dong and Yang 2018) leaves softmaxes
    flat, whose likeliest pitch flickers from step to step.

    References
    ----------
    H.-W. Dong et al.: MuseGAN: multi-track sequential generative adversarial networks for symbolic
    music generation and accompaniment, AAAI 2018.

    D. Foster: Generative deep learning, O'Reilly 2019, chapter 7.

    I. Gulrajani et al.: Improved training of Wasserstein GANs, NeurIPS 2017.

    Examples
    --------
    >>> from textrep.music import MuseGAN
    >>> voices = [np.repeat([[72, 67, 64, 48], [71, 67, 62, 55]], 16, axis=0)] * 8
    >>> model = MuseGAN(latent_size=4, channels=8, critic_channels=4, epochs=1, batch_size=4,
    ...                 device="cpu", random_state=0).fit(voices)
    >>> model.sample(3, random_state=0).shape
    (3, 4, 2, 16, 48)
    """

    monophonic_: bool

    def __init__(
        self,
        *,
        latent_size: int = 32,
        n_tracks: int = 4,
        n_bars: int = 2,
        steps_per_bar: int = 16,
        n_pitches: int = 48,
        lowest_pitch: int = 36,
        channels: int = 64,
        critic_channels: int = 64,
        critic_steps: int = 2,
        penalty: float = 10.0,
        epochs: int = 200,
        batch_size: int = 32,
        learning_rate: float = 1e-3,
        betas: tuple[float, float] = (0.5, 0.9),
        ema_decay: float | None = 0.99,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.latent_size = latent_size
        self.n_tracks = n_tracks
        self.n_bars = n_bars
        self.steps_per_bar = steps_per_bar
        self.n_pitches = n_pitches
        self.lowest_pitch = lowest_pitch
        self.channels = channels
        self.critic_channels = critic_channels
        self.critic_steps = critic_steps
        self.penalty = penalty
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.betas = betas
        self.ema_decay = ema_decay
        self.max_seconds = max_seconds
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    # ---- fitting

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn to make phrases like these.

        Parameters
        ----------
        X : array-like (n, n_tracks, n_bars, steps_per_bar, n_pitches), or list of voices
            0 where a pitch is silent; at least 2. Or pieces, int arrays (steps, n_tracks), which
            are cut into phrases, see `textrep.music.musegan.phrases`.
        y : ignored

        Returns
        -------
        self : MuseGAN

        Raises
        ------
        ValueError
            If `X` holds something else, or a parameter is out of its range.
        """
        self._check_parameters()
        rolls = self._phrases(X)
        if len(rolls) < 2:
            raise ValueError("X holds one phrase; a critic needs at least 2")
        self.__dict__.pop("module_", None)  # of an earlier fit
        self.monophonic_ = bool(rolls.sum(axis=-1).max() <= 1)
        module = self._new_module()
        assert isinstance(module, Players)
        task = GANTask(module, self._game())
        identity: dict[str, Any] = {}
        if self.checkpoint is not None:
            identity = {"parameters": self._training_parameters(), "phrases": array_digest(rolls)}
        self._train(
            task,
            PictureBatches(
                (rolls,),
                self.batch_size,
                seed_of(self.random_state, "batches"),
                drop_last=True,
            ),
            self._settings(),
            identity=identity,
            description=type(self).__name__,
            unit="phrases",
        )
        self.module_ = module.eval()
        return self

    def _build(self) -> Players:
        shape = {
            "n_tracks": self.n_tracks,
            "n_bars": self.n_bars,
            "n_steps": self.steps_per_bar,
            "n_pitches": self.n_pitches,
        }
        generator = PhraseGenerator(
            latent_size=self.latent_size,
            channels=self.channels,
            monophonic=self.monophonic_,
            **shape,
        )
        return Players(generator, PhraseCritic(channels=self.critic_channels, **shape))

    def _game(self) -> Game:
        return Game(
            loss=_LOSS,
            latent_size=flat_size(self.latent_size, self.n_tracks),
            critic_steps=self.critic_steps,
            penalty=self.penalty,
            epochs=self.epochs,
        )

    def _settings(self) -> TrainingSettings:
        betas = adversarial_loss(_LOSS).betas if self.betas is None else self.betas
        return TrainingSettings(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            optimizer="adam",
            betas=(betas[0], betas[1]) if isinstance(betas, list) else betas,
            ema_decay=self.ema_decay,
            max_seconds=self.max_seconds,
        )

    def _check_parameters(self) -> None:
        """Refuse what is out of range, before any work."""
        counts = (
            "latent_size", "n_tracks", "n_bars", "steps_per_bar", "channels", "critic_channels",
            "critic_steps", "epochs", "batch_size",
        )  # fmt: skip
        for name in counts:
            check_count(name, getattr(self, name), 1)
        check_count("lowest_pitch", self.lowest_pitch, 0, PITCHES - OCTAVE)
        check_count("n_pitches", self.n_pitches, OCTAVE, PITCHES - self.lowest_pitch)
        if self.n_pitches % OCTAVE:
            raise ValueError(
                f"n_pitches must be whole octaves, a multiple of {OCTAVE}, got {self.n_pitches}"
            )
        check_number("penalty", self.penalty, least=0)
        self._settings()
        self._check_surroundings()

    @property
    def _shape(self) -> tuple[int, int, int, int]:
        return (self.n_tracks, self.n_bars, self.steps_per_bar, self.n_pitches)

    def _phrases(self, X: Any) -> Phrases:
        """Phrases as they are given, or cut from voices."""
        items = listed(X, "X")
        if getattr(items[0], "ndim", np.ndim(items[0])) != 2:
            return check_phrases(items, self._shape)
        rolls = phrases(items, self.steps_per_bar, self.n_bars, self.lowest_pitch, self.n_pitches)
        if rolls.shape[1] != self.n_tracks:
            raise ValueError(
                f"X has pieces of {rolls.shape[1]} voices, expected n_tracks={self.n_tracks}"
            )
        return rolls

    # ---- looking

    def transform(self, X: Any) -> NDArray[np.float32]:
        """What the critic sees in phrases: features for other models.

        Parameters
        ----------
        X : array-like (n, n_tracks, n_bars, steps_per_bar, n_pitches), or list of voices
            As for `fit`; of voices, the phrases that they are cut into.

        Returns
        -------
        float32 ndarray (n, n_features)
        """
        self._check_fitted()
        rolls = self._phrases(X)

        def features(module: Players, part: torch.Tensor) -> torch.Tensor:
            critic = module.critic
            assert isinstance(critic, PhraseCritic)
            return critic.features(2.0 * part - 1.0)

        return np.concatenate(self._in_parts(features, rolls))

    @property
    def _n_features_out(self) -> int:
        critic = self.module_.critic
        assert isinstance(critic, PhraseCritic)
        return critic.n_features

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the kernel distance of phrases and as many new ones.

        The kernel is of how much two phrases agree in pitches, harmony and rhythm, so that models
        of any kind and size can be compared; what music is made of, measure by measure, tells
        `textrep.music.compare_music`.

        Parameters
        ----------
        X : phrases
            As for `fit`; at least 2.
        y : ignored

        Returns
        -------
        float
            0 is best, but for chance.
        """
        self._check_fitted()
        rolls = self._phrases(X)
        if len(rolls) < 2:
            raise ValueError("X holds one phrase; score needs at least 2")
        made = self.sample(len(rolls), random_state=0)
        return -kernel_distance(agreement_features(rolls), agreement_features(made))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = False
        return tags
