"""`CycleGAN`: pictures of one kind to pictures of another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import TransformerMixin

from textrep.core.messages import shown
from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.engine.schedules import SCHEDULES
from textrep.engine.seeding import seed_of
from textrep.engine.settings import TrainingSettings
from textrep.image.asked import class_numbers
from textrep.image.cycle_gan.generators import (
    GENERATORS,
    SMALLEST,
    ResNetGenerator,
    UNetGenerator,
)
from textrep.image.cycle_gan.patch_critic import PatchCritic
from textrep.image.cycle_gan.task import CycleGANModule, CycleGANTask, Weights
from textrep.image.cycle_gan.unpaired import UnpairedBatches
from textrep.image.digests import array_digest
from textrep.image.estimator import PictureEstimator, ProgressPictures
from textrep.image.gan.dcgan import UPSAMPLINGS
from textrep.image.gan.drawing import to_pixels
from textrep.image.pixels import Pixels, check_pictures
from textrep.sparse.log_count_ratio import read_classes

DIRECTIONS = ("a2b", "b2a")

_BETAS = (0.5, 0.999)
_SHOWN = 8  # pictures of either kind in a grid of progress


class CycleGAN(TransformerMixin, PictureEstimator):
    """Pictures of one kind -> pictures of another, learnt from both without pairs.

    Two generators translate there and back. A critic of each kind judges patches of what they make,
    and what has gone there and back must be what it was, so that a translation keeps the scene.

    Parameters
    ----------
    generator : {"resnet", "unet"}, default="resnet"
        "unet" keeps shapes more exactly and changes less.
    channels : int, default=32
        Feature maps of the largest layers of generators and critics; the authors take 64.
    n_blocks : int, default=6
        Residual blocks of "resnet".
    n_layers : int, default=3
        Halvings of a critic, at most: 3 look at patches of 70 pixels, 2 of 34, 1 of 16.
    upsampling : {"resize", "transposed"}, default="resize"
        The authors take "transposed", which leaves a checkerboard.
    cycle_weight : float, default=10.0
        Of what is lost on the way there and back.
    identity_weight : float, default=0.5
        Times `cycle_weight`: of what a generator changes in pictures that are of its kind already.
        It keeps colours from being inverted; 0 leaves it out and saves a fifth of the time.
    pool_size : int, default=50
        Pictures of either kind, made before, that critics are shown again.
    epochs : int, default=100
        Times that the larger of both sets is seen.
    batch_size : int, default=1
        Pictures of either kind.
    learning_rate : float, default=2e-4
    schedule : str, default="constant-linear"
        Constant for the first half of the steps, then straight to 0; see
        `textrep.engine.TrainingSettings`.
    ema_decay : float or None, default=None
        Answer with a moving average of the weights with this decay.
    flip : bool, default=True
        Whether half of the pictures are mirrored in training.
    max_seconds : float or None, default=None
        Time for training; the learning rate falls in it.
    checkpoint : str, path or None, default=None
        A file that keeps the state of training, from which `fit` goes on after an interruption, if
        `random_state` is an int.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; "auto" takes the best there is.
    precision : {"auto", "fp32", "bf16"}, default="auto"
    progress_folder : str, path or None, default=None
        Folder for a grid of pictures after each epoch: some of the first kind, what they become,
        and what becomes of that.
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    module_ : CycleGANModule
        ``a2b``, ``b2a`` and ``critics``, on the CPU.
    domains_ : ndarray (2,)
        Names of both kinds: "a" and "b", or the labels that told them apart.
    n_channels_, image_size_, n_features_in_ : int, (int, int), int
        Of a picture.
    history_ : list of dict
        Of each epoch ``generators_loss`` with its parts ``generators_validity``,
        ``generators_cycle`` and ``generators_identity``, each of both directions together and
        before weights, of pixels from -1 to 1; ``critics_loss`` and ``critics_accuracy``.
    n_epochs_ : int
        Epochs begun.
    stopped_early_, out_of_time_ : bool
        Whether `max_seconds` ended training.

    Notes
    -----
    Generators are made of convolutions only: trained on small crops, they translate pictures of any
    size of at least 8 x 8.

    References
    ----------
    J.-Y. Zhu, T. Park, P. Isola, A. Efros: Unpaired image-to-image translation using
    cycle-consistent adversarial networks, ICCV 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from textrep.image import CycleGAN
    >>> dark, bright = np.full((4, 1, 8, 8), 0.2), np.full((4, 1, 8, 8), 0.8)
    >>> model = CycleGAN(channels=2, n_blocks=1, epochs=1, device="cpu", random_state=0)
    >>> model.fit((dark, bright)).transform(dark, direction="a2b").shape
    (4, 1, 8, 8)
    """

    domains_: NDArray[Any]
    module_: CycleGANModule

    def __init__(
        self,
        *,
        generator: str = "resnet",
        channels: int = 32,
        n_blocks: int = 6,
        n_layers: int = 3,
        upsampling: str = "resize",
        cycle_weight: float = 10.0,
        identity_weight: float = 0.5,
        pool_size: int = 50,
        epochs: int = 100,
        batch_size: int = 1,
        learning_rate: float = 2e-4,
        schedule: str = "constant-linear",
        ema_decay: float | None = None,
        flip: bool = True,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        progress_folder: str | os.PathLike[str] | None = None,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.generator = generator
        self.channels = channels
        self.n_blocks = n_blocks
        self.n_layers = n_layers
        self.upsampling = upsampling
        self.cycle_weight = cycle_weight
        self.identity_weight = identity_weight
        self.pool_size = pool_size
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
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
        """Learn to translate between two kinds of pictures.

        Parameters
        ----------
        X : pictures, or a tuple of two sets of them
            See `textrep.image.check_pictures`; of at least 8 x 8 pixels.
        y : pictures or array-like of labels, optional
            The second kind, of the size and channels of the first, in any number; or for each of
            `X` one of two labels, of which the first in order is the first kind.

        Returns
        -------
        self : CycleGAN

        Raises
        ------
        ValueError
            If there are no two kinds of pictures, they differ in size, or a parameter is out of its
            range.
        """
        self._check_parameters()
        a, b = self._read_domains(X, y)
        module = self._new_module()
        assert isinstance(module, CycleGANModule)
        progress = self._progress(module, a[:_SHOWN])
        weights = Weights(self.cycle_weight, self.identity_weight)
        task = CycleGANTask(module, weights, self.pool_size, progress)
        seed = seed_of(self.random_state, "batches")
        identity = {}
        if self.checkpoint is not None:
            identity = {
                "parameters": self._training_parameters("progress_folder"),
                "pictures": [array_digest(a), array_digest(b)],
            }
        self._train(
            task,
            UnpairedBatches(a, b, self.batch_size, seed, bool(self.flip)),
            self._settings(),
            identity=identity,
            unit="pictures",
        )
        self.module_ = module
        progress(module, self.n_epochs_)
        return self

    def _read_domains(self, X: Any, y: Any) -> tuple[Pixels, Pixels]:
        self.__dict__.pop("module_", None)
        y = list(y) if isinstance(y, Iterator) else y  # which is looked at more than once
        if y is None:
            if not isinstance(X, tuple) or len(X) != 2:
                raise ValueError(
                    "a second kind of pictures is needed: fit((A, B)), fit(A, B), or fit(X, y) "
                    "with y one of two labels for each picture"
                )
            X, y = X
        elif _are_labels(y):
            pixels = self._check_fit(X)
            self.domains_, group = read_classes(self, y, len(pixels))
            if len(self.domains_) != 2:
                raise ValueError(f"y must hold two kinds of labels, got {len(self.domains_)}")
            self._check_size()
            return pixels[group == 0], pixels[group == 1]
        a = self._check_fit(X, least=1)
        self._check_size()
        b = check_pictures(y, name="y", channels=self.n_channels_, size=self.image_size_)
        self.domains_ = np.array(["a", "b"])
        return a, b

    def _check_size(self) -> None:
        if min(self.image_size_) < SMALLEST:
            height, width = self.image_size_
            raise ValueError(
                f"X has pictures of {height} x {width} pixels; at least {SMALLEST} each way are "
                "needed"
            )

    def _build(self) -> CycleGANModule:
        def critic() -> PatchCritic:
            return PatchCritic(
                self.n_channels_,
                channels=self.channels,
                n_layers=self.n_layers,
                size=self.image_size_,
            )

        return CycleGANModule(self._build_generator(), self._build_generator(), critic(), critic())

    def _build_generator(self) -> ResNetGenerator | UNetGenerator:
        if self.generator == "resnet":
            return ResNetGenerator(
                self.n_channels_,
                channels=self.channels,
                n_blocks=self.n_blocks,
                upsampling=self.upsampling,
            )
        return UNetGenerator(
            self.n_channels_,
            channels=self.channels,
            size=self.image_size_,
            upsampling=self.upsampling,
        )

    def _settings(self) -> TrainingSettings:
        return TrainingSettings(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            optimizer="adam",
            betas=_BETAS,
            schedule=self.schedule,
            ema_decay=self.ema_decay,
            max_seconds=self.max_seconds,
        )

    def _progress(self, module: CycleGANModule, pictures: Pixels) -> ProgressPictures:
        def draw() -> torch.Tensor:
            x = 2.0 * torch.from_numpy(pictures).to(next(module.parameters()).device) - 1.0
            made = module.a2b(x)
            return to_pixels(torch.cat([x, made, module.b2a(made)]))

        return ProgressPictures(self.progress_folder, draw, columns=len(pictures))

    def _check_parameters(self) -> None:
        """Refuse what is out of range, before any work."""
        check_choice("generator", self.generator, GENERATORS)
        check_choice("upsampling", self.upsampling, UPSAMPLINGS)
        check_choice("schedule", self.schedule, SCHEDULES)
        for name in ("channels", "epochs", "batch_size"):
            check_count(name, getattr(self, name), 1)
        for name in ("n_blocks", "n_layers", "pool_size"):
            check_count(name, getattr(self, name), 0)
        for name in ("cycle_weight", "identity_weight"):
            check_number(name, getattr(self, name), least=0)
        if not isinstance(self.flip, bool | np.bool_):
            raise ValueError(f"flip must be True or False, got {shown(self.flip)}")
        self._settings()
        self._check_surroundings()

    # ---- translating

    def transform(self, X: Any, *, direction: str = "a2b") -> Pixels:
        """Translate pictures.

        Parameters
        ----------
        X : pictures
            Of at least 8 x 8 pixels, with the channels of those of `fit`.
        direction : {"a2b", "b2a"}, default="a2b"

        Returns
        -------
        float32 ndarray (n, channels, height, width)
        """
        pixels = self._check_any_size(X, direction)
        return self._translate(pixels, direction)

    def cycle(self, X: Any, *, direction: str = "a2b") -> Pixels:
        """Translate pictures there and back.

        Parameters
        ----------
        X : pictures
        direction : {"a2b", "b2a"}, default="a2b"
            Of the way there.

        Returns
        -------
        float32 ndarray (n, channels, height, width)
        """
        pixels = self._check_any_size(X, direction)
        back = DIRECTIONS[direction == "a2b"]
        # Not by way of `transform`: what is there on the way is not cut to what can be shown.
        return self._translate(pixels, direction, back)

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the mean absolute difference of pictures and what they are there and back.

        Parameters
        ----------
        X : pictures, or a tuple of two sets of them
            Of the first kind alone where `y` is missing and it is no tuple.
        y : pictures or array-like of labels, optional
            As for `fit`.

        Returns
        -------
        float
            0 is best. It tells nothing of how much a translation looks like its kind.
        """
        self._check_fitted()
        lost, n = 0.0, 0
        for pictures, direction in zip(self._both(X, y), DIRECTIONS, strict=True):
            if pictures is None:
                continue
            pixels = self._check_any_size(pictures, direction)
            lost += float(np.abs(self.cycle(pixels, direction=direction) - pixels).sum())
            n += pixels.size
        return -lost / n

    def _both(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Pictures of the first and of the second kind, of which one may be None."""
        y = list(y) if isinstance(y, Iterator) else y
        if y is None:
            if not isinstance(X, tuple):
                return X, None
            if len(X) != 2:
                raise ValueError(f"X must be two sets of pictures, got a tuple of {len(X)}")
            return X[0], X[1]
        if not _are_labels(y):
            return X, y
        pixels = self._check_any_size(X, "a2b")
        group = class_numbers(np.asarray(y), len(pixels), self.domains_)
        first, second = (pixels[group == number] for number in range(2))
        return (first if len(first) else None), (second if len(second) else None)

    def _check_any_size(self, X: Any, direction: str) -> Pixels:
        self._check_fitted()
        check_choice("direction", direction, DIRECTIONS)
        pixels = check_pictures(X, channels=self.n_channels_)
        if min(pixels.shape[2:]) < SMALLEST:
            raise ValueError(
                f"X has pictures of {pixels.shape[2]} x {pixels.shape[3]} pixels; at least "
                f"{SMALLEST} each way are needed"
            )
        return pixels

    def _translate(self, pixels: Pixels, *ways: str) -> Pixels:
        def through(module: Any, x: torch.Tensor) -> torch.Tensor:
            x = 2.0 * x - 1.0
            for way in ways:
                x = getattr(module, way)(x)
            return to_pixels(x)

        # Full pictures are larger than crops: as many at once as fit.
        rows = max(1, 2**18 // (pixels.shape[2] * pixels.shape[3]))
        return self._apply(through, pixels, rows=rows)


def _are_labels(y: Any) -> bool:
    """Whether these are labels and not pictures: one axis, and no list of files."""
    if isinstance(y, os.PathLike | str | bytes) or not isinstance(y, Iterable):
        return False
    if hasattr(y, "ndim"):
        return int(y.ndim) == 1
    items = list(y)
    if not items or not all(isinstance(item, str | int | float | np.generic) for item in items):
        return False
    names = [item for item in items if isinstance(item, str)]
    return not names or (len(set(names)) <= 2 and not any(map(os.path.isfile, set(names))))
