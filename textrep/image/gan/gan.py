"""`GAN`: pictures from noise, by a generator that a critic teaches."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from textrep.core.messages import shown
from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.engine.seeding import seed_of, torch_seed
from textrep.engine.settings import TrainingSettings
from textrep.image.digests import array_digest
from textrep.image.estimator import PictureBatches, ProgressPictures
from textrep.image.gan.dcgan import NORMALISATIONS, UPSAMPLINGS, Critic, DCGenerator
from textrep.image.gan.drawing import GANDrawing, to_pixels
from textrep.image.gan.latents import draw_latents
from textrep.image.gan.losses import LOSSES, adversarial_loss
from textrep.image.gan.scales import SMALLEST
from textrep.image.gan.style_networks import StyleGenerator
from textrep.image.gan.task import Game, GANModule, GANTask
from textrep.image.measures.kernel import kernel_distance
from textrep.sparse.log_count_ratio import read_classes

ARCHITECTURES = ("dcgan", "style")
_RATES = {"dcgan": 2e-4, "style": 2e-3}  # Radford et al. (2016); Karras et al. (2019)
_STYLE_BETAS = (0.0, 0.99)

_SETTLED_BY = 512  # latents that means are taken over after training
_SHOWN = 64  # pictures of a grid of progress
_TOO_SURE = 0.99  # accuracy of a critic from which the generator learns nothing


class GAN(ClassNamePrefixFeaturesOutMixin, TransformerMixin, GANDrawing):
    """Pictures like those it was shown, from noise.

    A generator makes pictures of random vectors; a critic learns to tell them from real ones, and
    by what it finds the generator learns. There is no likelihood and no way back from a picture to
    its vector; what is sharp in pictures comes out sharper than of a `VAE`.

    Parameters
    ----------
    loss : {"bce", "lsgan", "hinge", "wgan", "wgan-gp"}, default="bce"
        What both minimise; see `textrep.image.gan.adversarial_loss`.
    architecture : {"dcgan", "style"}, default="dcgan"
        Convolutions from the vector up (Radford et al. 2016), or a constant whose layers are told
        a style each (Karras et al. 2020), so that styles can be mixed.
    attention : bool, default=False
        Whether places look at each other, where they are at most 256 (Zhang et al. 2019); of
        "style", in the critic only.
    upsampling : {"resize", "transposed"}, default="resize"
        How "dcgan" doubles a picture; transposed convolutions leave a checkerboard.
    latent_size : int, default=64
        Numbers that a picture is made of.
    channels : int, default=32
        Feature maps of the largest layers; smaller ones have up to eight times as many.
    normalisation : {"batch", "layer", "spectral", "none"} or None, default=None
        Of the critic. None is "layer" for "wgan-gp" or with `r1`, whose penalties are per picture
        and know no batch, else "spectral" for "hinge" and "batch" for the others.
    conditional : bool, default=False
        Whether classes are learnt, to be asked for in `sample`; `fit` then needs `y`.
    critic_steps : int or None, default=None
        Steps of the critic to one of the generator; None is 5 for "wgan" and "wgan-gp", else 1.
    penalty : float, default=10.0
        Weight of the gradient penalty of "wgan-gp".
    clip : float, default=0.01
        Largest weight of the critic of "wgan".
    r1 : float, default=0.0
        Weight of the squared gradient at real pictures, which steadies any loss (Mescheder et al.
        2018).
    label_smoothing : float, default=0.1
        What the label of real pictures lacks to 1, for "bce" and "lsgan"; that of made ones is 0.
    instance_noise : float, default=0.0
        Standard deviation of the noise that is put on real and made pictures, falling to 0 over the
        epochs: for critics that win too early. A picture spans 2.
    warmup_steps : int, default=0
        Batches that the critic learns from alone, before the generator begins.
    mixing : float, default=0.9
        Share of the pictures of "style" that are made of two styles in training.
    epochs : int, default=20
        Times that the critic sees the pictures.
    batch_size : int, default=64
        Real pictures in a batch; a last smaller one is left out.
    learning_rate : float or None, default=None
        None is 2e-3 for "style" (Karras et al. 2019; with less, it makes one blurred picture for a
        long time), else 2e-4.
    critic_learning_rate : float or None, default=None
        None for that of the generator.
    betas : (float, float) or None, default=None
        Of Adam; None is (0.0, 0.9) for "wgan" and "wgan-gp", else (0.0, 0.99) for "style" and
        (0.5, 0.999) for "dcgan".
    ema_decay : float or None, default=0.999
        Answer with a moving average of the weights; None for the last ones.
    flip : bool, default=False
        Whether half of the real pictures are mirrored.
    max_seconds : float or None, default=None
        Time for training.
    checkpoint : str, path or None, default=None
        A file that keeps the state of training, from which `fit` goes on after an interruption, if
        `random_state` is an int.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; "auto" takes the best there is.
    precision : {"auto", "fp32", "bf16"}, default="auto"
    progress_folder : str, path or None, default=None
        Folder for a grid of pictures after each epoch, always of the same vectors.
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    module_ : GANModule
        ``generator`` and ``critic``, on the CPU.
    classes_ : ndarray (n_classes,)
        Where it is conditional.
    class_shares_ : ndarray (n_classes,)
        Of the pictures of `fit`; `sample` draws classes so where none are asked for.
    n_channels_, image_size_, n_features_in_ : int, (int, int), int
        Of a picture.
    history_ : list of dict
        ``critic_loss`` and ``generator_loss`` of each epoch; ``critic_accuracy``, the share of real
        and made pictures that the critic tells rightly (0.5 to 0.8 is healthy, 0.99 too sure), or
        ``critic_wasserstein``, its estimate of the distance; ``critic_real_score`` and
        ``critic_fake_score``, and where they are used ``critic_penalty`` and ``critic_r1``.
    n_epochs_ : int
        Epochs begun.
    stopped_early_, out_of_time_ : bool
        Whether `max_seconds` ended training.

    Notes
    -----
    Generator and critic have an optimiser each. Real and made pictures go through the critic in
    batches of their own, and the critic's turn leaves the generator alone. After training the means
    that the generator's batch normalisation uses, or its mean style, are measured anew with the
    averaged weights.

    References
    ----------
    I. Goodfellow et al.: Generative adversarial nets, NIPS 2014.

    A. Radford, L. Metz, S. Chintala: Unsupervised representation learning with deep convolutional
    generative adversarial networks, ICLR 2016.

    I. Gulrajani et al.: Improved training of Wasserstein GANs, NeurIPS 2017.

    T. Karras et al.: Analyzing and improving the image quality of StyleGAN, CVPR 2020.

    Examples
    --------
    >>> from textrep.image import GAN, load_pictures
    >>> digits = load_pictures("digits").pictures[:64]
    >>> gan = GAN(channels=4, latent_size=8, epochs=1, device="cpu", random_state=0).fit(digits)
    >>> gan.sample(3, random_state=0).shape
    (3, 1, 8, 8)
    """

    def __init__(
        self,
        *,
        loss: str = "bce",
        architecture: str = "dcgan",
        attention: bool = False,
        upsampling: str = "resize",
        latent_size: int = 64,
        channels: int = 32,
        normalisation: str | None = None,
        conditional: bool = False,
        critic_steps: int | None = None,
        penalty: float = 10.0,
        clip: float = 0.01,
        r1: float = 0.0,
        label_smoothing: float = 0.1,
        instance_noise: float = 0.0,
        warmup_steps: int = 0,
        mixing: float = 0.9,
        epochs: int = 20,
        batch_size: int = 64,
        learning_rate: float | None = None,
        critic_learning_rate: float | None = None,
        betas: tuple[float, float] | None = None,
        ema_decay: float | None = 0.999,
        flip: bool = False,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        progress_folder: str | os.PathLike[str] | None = None,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.loss = loss
        self.architecture = architecture
        self.attention = attention
        self.upsampling = upsampling
        self.latent_size = latent_size
        self.channels = channels
        self.normalisation = normalisation
        self.conditional = conditional
        self.critic_steps = critic_steps
        self.penalty = penalty
        self.clip = clip
        self.r1 = r1
        self.label_smoothing = label_smoothing
        self.instance_noise = instance_noise
        self.warmup_steps = warmup_steps
        self.mixing = mixing
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.critic_learning_rate = critic_learning_rate
        self.betas = betas
        self.ema_decay = ema_decay
        self.flip = flip
        self.max_seconds = max_seconds
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.progress_folder = progress_folder
        self.random_state = random_state
        self.verbose = verbose

    # ---- fitting

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn to make pictures like these.

        Parameters
        ----------
        X : pictures
            See `textrep.image.check_pictures`; at least 2, of at least 4 x 4 pixels.
        y : array-like of labels, optional
            Classes, where it is conditional; else ignored.

        Returns
        -------
        self : GAN

        Raises
        ------
        ValueError
            If `X` holds no pictures, `y` is missing or a parameter is out of its range.
        """
        self._check_parameters()
        pixels = self._check_fit(X)
        if min(self.image_size_) < SMALLEST:
            raise ValueError(
                f"X has pictures of {self.image_size_[0]} x {self.image_size_[1]} pixels; a GAN "
                f"needs at least {SMALLEST} each way"
            )
        arrays: list[NDArray[Any]] = [pixels]
        for name in ("classes_", "class_shares_", "module_"):  # of an earlier fit
            self.__dict__.pop(name, None)
        if self.conditional:
            self.classes_, group = read_classes(self, y, len(pixels))
            self.class_shares_ = np.bincount(group) / len(group)
            arrays.append(group)
        module = self._new_module()
        assert isinstance(module, GANModule)
        progress = self._progress(module)
        task = GANTask(module, self._game(), progress)
        batches = PictureBatches(
            arrays,
            self.batch_size,
            seed_of(self.random_state, "batches"),
            flip=bool(self.flip),
            drop_last=True,
        )
        self._train(
            task,
            batches,
            self._settings(),
            identity=self._identity(arrays),
            unit="pictures",
        )
        if self.loss == "wgan":
            task.clip_weights()
        self._settle(module)
        self.module_ = module
        progress(module, self.n_epochs_)
        self._warn_of_winning()
        return self

    def _build(self) -> GANModule:
        picture = (self.n_channels_, *self.image_size_)
        n_classes = self._n_classes()
        generator: DCGenerator | StyleGenerator
        if self.architecture == "style":
            generator = StyleGenerator(
                picture,
                latent_size=self.latent_size,
                channels=self.channels,
                n_classes=n_classes,
            )
        else:
            generator = DCGenerator(
                picture,
                latent_size=self.latent_size,
                channels=self.channels,
                upsampling=self.upsampling,
                attention=bool(self.attention),
                n_classes=n_classes,
            )
        critic = Critic(
            picture,
            channels=self.channels,
            normalisation=self._normalisation(),
            attention=bool(self.attention),
            n_classes=n_classes,
        )
        return GANModule(generator, critic)

    def _normalisation(self) -> str:
        if self.normalisation is not None:
            return self.normalisation
        usual = adversarial_loss(self.loss).normalisation
        return "layer" if self.r1 and usual == "batch" else usual

    def _n_classes(self) -> int:
        return len(self.classes_) if self.conditional else 0

    def _game(self) -> Game:
        usual = adversarial_loss(self.loss)
        rate = self._rate()
        return Game(
            loss=self.loss,
            latent_size=self.latent_size,
            n_classes=self._n_classes(),
            critic_steps=self.critic_steps or usual.critic_steps,
            warmup_steps=self.warmup_steps,
            penalty=self.penalty,
            clip=self.clip,
            r1=self.r1,
            smoothing=self.label_smoothing,
            instance_noise=self.instance_noise,
            mixing=self.mixing,
            epochs=self.epochs,
            critic_rate=(self.critic_learning_rate or rate) / rate,
        )

    def _settings(self) -> TrainingSettings:
        betas = self._usual_betas() if self.betas is None else self.betas
        return TrainingSettings(
            epochs=self.epochs,
            learning_rate=self._rate(),
            optimizer="adam",
            betas=tuple(betas) if isinstance(betas, list) else betas,
            ema_decay=self.ema_decay,
            max_seconds=self.max_seconds,
        )

    def _rate(self) -> float:
        return _RATES[self.architecture] if self.learning_rate is None else self.learning_rate

    def _usual_betas(self) -> tuple[float, float]:
        if self.architecture == "style" and not self.loss.startswith("wgan"):
            return _STYLE_BETAS
        return adversarial_loss(self.loss).betas

    def _identity(self, arrays: Sequence[NDArray[Any]]) -> dict[str, Any]:
        """What tells this training from others, where a checkpoint asks."""
        if self.checkpoint is None:
            return {}
        return {
            "parameters": self._training_parameters("progress_folder"),
            "pictures": [array_digest(array) for array in arrays],
        }

    def _progress(self, module: GANModule) -> ProgressPictures:
        latents = torch.from_numpy(draw_latents(_SHOWN, self.latent_size, 0))
        n_classes = self._n_classes()
        labels = torch.arange(_SHOWN) % n_classes if n_classes else None

        def draw() -> torch.Tensor:
            device = next(module.parameters()).device
            asked = None if labels is None else labels.to(device)
            return to_pixels(module.generator(latents.to(device), asked))

        return ProgressPictures(self.progress_folder, draw)

    def _settle(self, module: GANModule) -> None:
        """Measure what the generator needs outside training, with the weights that it ends with."""
        seed = seed_of(self.random_state, "settling")
        with torch_seed(seed):  # a style generator in training mode draws noise
            latents = torch.from_numpy(draw_latents(_SETTLED_BY, self.latent_size, seed))
            labels = None
            if self.conditional:
                labels = torch.from_numpy(self._draw_classes(_SETTLED_BY, seed))
            module.generator.settle(latents, labels)

    def _warn_of_winning(self) -> None:
        accuracy = self.history_[-1].get("critic_accuracy", 0.0) if self.history_ else 0.0
        if accuracy > _TOO_SURE:
            warnings.warn(
                f"the critic tells {accuracy:.1%} of real and made pictures apart, so that the "
                "generator hardly learns: lower critic_learning_rate, or give instance_noise=0.1 "
                "or r1=1.0",
                stacklevel=3,
            )

    def _check_parameters(self) -> None:
        """Refuse what is out of range, before any work."""
        check_choice("loss", self.loss, LOSSES)
        check_choice("architecture", self.architecture, ARCHITECTURES)
        check_choice("upsampling", self.upsampling, UPSAMPLINGS)
        if self.normalisation is not None:
            check_choice("normalisation", self.normalisation, NORMALISATIONS)
        for name in ("attention", "conditional", "flip"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise ValueError(f"{name} must be True or False, got {shown(getattr(self, name))}")
        for name in ("latent_size", "channels", "epochs", "batch_size"):
            check_count(name, getattr(self, name), 1)
        if self.critic_steps is not None:
            check_count("critic_steps", self.critic_steps, 1)
        check_count("warmup_steps", self.warmup_steps, 0)
        for name in ("penalty", "r1", "instance_noise"):
            check_number(name, getattr(self, name), least=0)
        check_number("clip", self.clip, above=0)
        check_number("label_smoothing", self.label_smoothing, least=0, most=0.5)
        check_number("mixing", self.mixing, least=0, most=1)
        for name in ("learning_rate", "critic_learning_rate"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), above=0)
        if self._normalisation() == "batch" and (self.loss == "wgan-gp" or self.r1):
            penalised = "loss='wgan-gp'" if self.loss == "wgan-gp" else f"r1={self.r1}"
            raise ValueError(
                f"normalisation='batch' mixes the pictures of a batch, but {penalised} holds the "
                "gradient of each by itself; take 'layer', 'spectral' or 'none'"
            )
        self._settings()
        self._check_surroundings()

    # ---- looking

    def transform(self, X: Any) -> NDArray[np.float32]:
        """What the critic sees in pictures: features for other models.

        Parameters
        ----------
        X : pictures
            Of the size of those of `fit`.

        Returns
        -------
        float32 ndarray (n, n_features)
            Means of the critic's last feature maps (Radford et al. 2016, section 5).
        """
        pixels = self._check(X)
        return self._apply(
            lambda module, x: module.critic.features(2.0 * x - 1.0).mean(dim=(2, 3)), pixels
        )

    @property
    def _n_features_out(self) -> int:
        return self.module_.critic.n_maps

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the kernel distance of pictures and as many new ones, by the critic's features.

        It tells epochs and settings of one kind of model apart. To compare models, take the
        features of a classifier, see `textrep.image.measures`.

        Parameters
        ----------
        X : pictures
            At least 2.
        y : ignored

        Returns
        -------
        float
            0 is best, but for chance.
        """
        pixels = self._check(X, least=2)
        made = self.sample(len(pixels), random_state=0)
        return -kernel_distance(self.transform(pixels), self.transform(made))
