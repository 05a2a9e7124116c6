"""`Diffusion`: pictures out of noise, of a class where there are classes."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.metaestimators import available_if
from torch import nn

from textrep.core.messages import shown
from textrep.core.random import RandomState, stream
from textrep.embeddings.parameters import check_count, check_number
from textrep.image.asked import class_numbers
from textrep.image.diffusion.bound import bound
from textrep.image.diffusion.module import ClassCondition
from textrep.image.diffusion.sampling import picture_of
from textrep.image.diffusion.verbs import DiffusionVerbs
from textrep.image.latent import normal_noise
from textrep.image.pixels import Pixels
from textrep.sparse.log_count_ratio import read_classes

GUIDANCE = 2.0
"""Of samples of a class, where no other is asked for."""


class Diffusion(DiffusionVerbs):
    r"""Pictures out of noise by steps that a network takes back.

    It is trained to tell the noise that was mixed into a picture; sampling begins with nothing but
    noise and takes it away step by step. With labels it learns classes too, and draws pictures of
    a class, more clearly so with `guidance`.

    Parameters
    ----------
    space : {"latent", "pixel"}, default="latent"
        Whether noise is mixed into the codes of an autoencoder, as Stable Diffusion does, or into
        pixels, which takes many times as long.
    autoencoder : estimator or None, default=None
        With `encode` and `decode`, such as `textrep.VAE`; fitted, it is taken as it is, else a copy
        is fitted to the pictures. None trains a small convolutional one for `coder_epochs`.
    latent_channels : int, default=4
        Numbers of a place of the code.
    latent_factor : int, default=4
        Pixels of a side that become one place, a power of 2 that divides the sides.
    coder_channels : int, default=16
        Of the finest layer of the convolutional autoencoder.
    coder_epochs : int, default=2
    kl_weight : float, default=0.1
        Of the divergence of its codes from a normal distribution; 1 makes it a VAE, whose pictures
        are blurred.
    channels : sequence of int or "auto", default="auto"
        Of the levels of the U-Net, between which sides are halved; "auto" is (64,) for codes and
        (32, 64, 64), or as many as the sides allow, for pixels.
    blocks : int, default=2
        Of two convolutions, on each level down and up.
    num_heads : int, default=4
        Of the attention in the middle; they divide the last of `channels`.
    dropout : float, default=0.0
    n_steps : int, default=1000
        Of the way into noise.
    schedule : {"cosine", "linear"}, default="cosine"
        How the noise grows, see `textrep.image.diffusion.NoiseSchedule`.
    prediction : {"v", "epsilon"}, default="v"
        What the network says: the noise, or a mixture of noise and picture that can be told at all
        steps alike.
    condition_dropout : float, default=0.1
        Share of the labels that are hidden in training, which guidance needs.
    epochs : int, default=10
        Times that the pictures are trained on, after those of the autoencoder.
    batch_size : int, default=64
    learning_rate : float, default=2e-3
        The highest; it falls to 0 as a cosine.
    weight_decay : float, default=0.0
    ema_decay : float or None, default=0.999
        Of the moving average of the weights that pictures are drawn with; early on it forgets
        faster, so that short trainings are served too.
    max_seconds : float or None, default=None
        Time for `fit`, at most 0.3 of it for the autoencoder; the learning rate falls in it.
    checkpoint : str, path or None, default=None
        A file that keeps the state of training, from which `fit` goes on after an interruption;
        `random_state` must then be an int.
    progress_folder : str, path or None, default=None
        Folder for a grid of pictures after each epoch.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; "auto" takes the best there is.
    precision : {"auto", "fp32", "bf16"}, default="auto"
        On CPUs with instructions for it, bf16 trains about 1.5 times as fast.
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    classes_ : ndarray (n_classes,) or None
        The labels, sorted; None where there were none.
    class_prior_ : ndarray (n_classes,) or None
        Share of each.
    n_channels_, n_features_in_ : int
    image_size_ : (int, int)
    code_shape_ : (int, int, int)
        Channels, height and width of what noise is mixed into.
    code_range_ : float
        The largest number of a code, to which codes are cut off on the way back.
    module_ : torch.nn.Module
        Network and autoencoder, on the CPU.
    autoencoder_ : estimator
        Where one was given.
    history_ : list of dict
        Loss, learning rate and time of each epoch; with an autoencoder of its own, entries name
        their ``stage``.
    n_epochs_ : int
    stopped_early_, out_of_time_ : bool
        Whether `max_seconds` ended training.

    See Also
    --------
    textrep.TextToImage : Pictures of what a text says.

    Notes
    -----
    The U-Net is our own: on a CPU a step of it takes a fraction of that of diffusers' UNet2DModel
    of as many channels, whose schedulers our steps equal.

    References
    ----------
    J. Ho, A. Jain, P. Abbeel: Denoising diffusion probabilistic models, NeurIPS 2020.

    J. Song, C. Meng, S. Ermon: Denoising diffusion implicit models, ICLR 2021.

    R. Rombach et al.: High-resolution image synthesis with latent diffusion models, CVPR 2022.

    Examples
    --------
    >>> from textrep import Diffusion
    >>> from textrep.image import load_pictures
    >>> digits = load_pictures("digits", part="train")
    >>> model = Diffusion(space="pixel", channels=[8], blocks=1, num_heads=2, epochs=1,
    ...                   device="cpu", random_state=0)
    >>> model = model.fit(digits.pictures[:256], digits.labels[:256])
    >>> model.sample(3, labels=7, steps=5, random_state=0).shape
    (3, 1, 8, 8)
    """

    classes_: NDArray[Any] | None
    class_prior_: NDArray[np.float64] | None

    def __init__(
        self,
        *,
        space: str = "latent",
        autoencoder: Any = None,
        latent_channels: int = 4,
        latent_factor: int = 4,
        coder_channels: int = 16,
        coder_epochs: int = 2,
        kl_weight: float = 0.1,
        channels: Sequence[int] | str = "auto",
        blocks: int = 2,
        num_heads: int = 4,
        dropout: float = 0.0,
        n_steps: int = 1000,
        schedule: str = "cosine",
        prediction: str = "v",
        condition_dropout: float = 0.1,
        epochs: int = 10,
        batch_size: int = 64,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.0,
        ema_decay: float | None = 0.999,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        progress_folder: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.space = space
        self.autoencoder = autoencoder
        self.latent_channels = latent_channels
        self.latent_factor = latent_factor
        self.coder_channels = coder_channels
        self.coder_epochs = coder_epochs
        self.kl_weight = kl_weight
        self.channels = channels
        self.blocks = blocks
        self.num_heads = num_heads
        self.dropout = dropout
        self.n_steps = n_steps
        self.schedule = schedule
        self.prediction = prediction
        self.condition_dropout = condition_dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.ema_decay = ema_decay
        self.max_seconds = max_seconds
        self.checkpoint = checkpoint
        self.progress_folder = progress_folder
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn to make pictures like these.

        Parameters
        ----------
        X : pictures, (n_samples, channels, height, width)
            As for `textrep.image.check_pictures`.
        y : labels of two or more classes, of any type, (n_samples,), default=None

        Returns
        -------
        self : Diffusion

        Raises
        ------
        ValueError
            If `X` holds something else, its sides cannot be divided as the network needs it, or a
            parameter is out of range.
        """
        self._check_parameters()
        pixels = self._check_fit(X)
        self.classes_, self.class_prior_, group = None, None, None
        if y is not None:
            self.classes_, group = read_classes(self, y, len(pixels))
            self.class_prior_ = np.bincount(group) / len(group)
        self._fit(pixels, group)
        return self

    def _condition(self, told_size: int) -> nn.Module | None:
        return None if self.classes_ is None else ClassCondition(len(self.classes_), told_size)

    def _nothing(self) -> NDArray[np.int64] | None:
        return None if self.classes_ is None else np.array(len(self.classes_))

    # ---- pictures out of noise

    def sample(
        self,
        n: int = 16,
        *,
        labels: Any = None,
        method: str = "ddim",
        steps: int = 25,
        guidance: float | None = None,
        random_state: RandomState = None,
    ) -> Pixels:
        """New pictures.

        Parameters
        ----------
        n : int, default=16
        labels : label or array-like (n,), default=None
            Class of each, or of all; None draws them with the shares that they had in training,
            where there were any.
        method : {"ddim", "ddpm"}, default="ddim"
            DDIM gives one picture for each noise, and good ones in few steps; DDPM draws new noise
            at each step.
        steps : int, default=25
        guidance : float or None, default=None
            1 asks for the class alone; more makes pictures of it clearer and more alike. None is
            2, and 1 for models without classes.
        random_state : int, Generator, RandomState or None, default=None

        Returns
        -------
        float32 ndarray (n, channels, height, width)
            From 0 to 1.

        Raises
        ------
        ValueError
            If labels are unknown, or given to a model that has learnt none.
        """
        self._check_fitted()
        self._way(steps)
        eta = self._eta(method)
        noise = normal_noise(n, self.code_shape_, random_state)
        given = self._given(labels, n)
        if given is None and self.classes_ is not None:
            draw = stream(random_state, "classes")
            given = draw.choice(len(self.classes_), n, p=self.class_prior_).astype(np.int64)
        strength = self._guidance(guidance)
        codes = self._walk_back(
            noise, given, steps=steps, eta=eta, guidance=strength, random_state=random_state
        )
        return self._pictures(codes)

    def _guidance(self, guidance: float | None) -> float:
        if guidance is None:
            return 1.0 if self.classes_ is None else GUIDANCE
        check_number("guidance", guidance, least=0)
        if self.classes_ is None and guidance != 1:
            raise ValueError(
                f"guidance={shown(guidance)} needs classes, and this model was fitted without y"
            )
        return float(guidance)

    def _given(self, labels: Any, n: int) -> NDArray[np.int64] | None:
        """Numbers of the classes of n pictures."""
        if labels is None:
            return None
        if self.classes_ is None:
            raise ValueError("labels are given, and this model was fitted without y")
        return class_numbers(labels, n, self.classes_)

    # ---- what it has learnt

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the mean squared error of what the network says of noise.

        Parameters
        ----------
        X : pictures, (n_samples, channels, height, width)
        y : labels (n_samples,), default=None
            None tells the network nothing.

        Returns
        -------
        float
            Over ten levels of noise, which is the same in each call. It depends on the autoencoder,
            and compares models of one.
        """
        pixels = self._check(X)
        labels = y if self.classes_ is not None else None
        given = self._given(labels, len(pixels))
        return -float(self._denoising_error(self._codes(pixels), given).mean())

    @available_if(lambda self: self.space == "pixel")
    def bits_per_dimension(
        self,
        X: Any,
        *,
        labels: Any = None,
        n_draws: int = 50,
        random_state: RandomState = 0,
    ) -> NDArray[np.float64]:
        """An upper bound on how many bits a pixel's byte takes, for models of pixels.

        Parameters
        ----------
        X : pictures, (n_samples, channels, height, width)
        labels : label or array-like (n_samples,), default=None
        n_draws : int, default=50
            Steps of the diffusion that are looked at, spread evenly over all.
        random_state : int, Generator, RandomState or None, default=0

        Returns
        -------
        float64 ndarray (n_samples,)
            Estimates without bias of the bound; 8 without any knowledge.

        References
        ----------
        J. Ho, A. Jain, P. Abbeel: Denoising diffusion probabilistic models, NeurIPS 2020,
        equation 5.
        """
        pixels = self._check(X)
        check_count("n_draws", n_draws, 1)
        codes, given = self._codes(pixels), self._given(labels, len(pixels))
        random = stream(random_state, "bound")
        nats = bound(
            torch.from_numpy(codes),
            lambda number: self._guess(codes, given, number, random),
            self._schedule(),
            n_draws,
            random,
        )
        return nats / (self.n_features_in_ * math.log(2))

    def _guess(
        self,
        codes: NDArray[np.float32],
        given: NDArray[np.int64] | None,
        number: int,
        random: np.random.Generator,
    ) -> torch.Tensor:
        """What the model takes for the codes, of which noise is left at a step."""
        kept = float(self._schedule().kept[number])
        noise = random.standard_normal(codes.shape, dtype=np.float32)
        noisy = (math.sqrt(kept) * codes + math.sqrt(1 - kept) * noise).astype(np.float32)
        said = torch.from_numpy(self._asked(noisy, given, number))
        return picture_of(self.prediction, torch.from_numpy(noisy), said, kept).clamp(-1, 1)
