"""`Autoencoder`: pictures to a few numbers and back."""

from __future__ import annotations

import os
import time
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.core.messages import shown
from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_choice, check_count
from textrep.engine.seeding import seed_of
from textrep.image.autoencoder.gradients import gradient_norms
from textrep.image.autoencoder.module import LOSSES, OUTPUTS, AutoencoderModule, AutoencoderTask
from textrep.image.autoencoder.noise import check_noise, corrupted
from textrep.image.autoencoder.pretraining import pretrain_layers
from textrep.image.codes import CodeEstimator
from textrep.image.estimator import ProgressPictures
from textrep.image.nets.choices import ACTIVATIONS, CONV
from textrep.image.nets.pairs import make_pair
from textrep.image.pixels import Pixels

_LAYERS_SHARE = 0.5  # of `max_seconds`, for training layer after layer
_LEAST_SECONDS = 1e-3
_SHOWN = 8  # pictures beside their reconstructions, in a row of a progress picture


class Autoencoder(CodeEstimator):
    """Pictures -> codes -> pictures, by two networks that learn to lose as little as they can.

    With noise it learns to give back what it was not shown, and its filters become strokes. With
    ``hidden=()`` and ``output="linear"`` it finds the space of the first principal components.

    Parameters
    ----------
    code_size : int, default=30
        Numbers of a code.
    hidden : tuple of int or "conv", default=(1000, 500, 250)
        Widths of the dense layers of the encoder, which the decoder has backwards; or a
        convolutional network.
    channels : tuple of int, default=(32, 64)
        Of a convolutional network, after each halving of height and width.
    activation : str, default="gelu"
        Between layers: "relu", "leaky-relu", "gelu", "silu", "tanh", "sigmoid" or "linear".
    code_activation : str, default="linear"
        Of the codes themselves, likewise.
    output : {"sigmoid", "linear"}, default="sigmoid"
        What makes pixels of the last numbers.
    loss : {"mse", "bce"}, default="mse"
        What is minimised, summed over pixels: squared error, or cross-entropy, which takes pixels
        for probabilities of white.
    noise : float, default=0.0
        How much; see `noise_kind`. Pictures are learnt from what it leaves of them.
    noise_kind : {"mask", "gaussian", "salt_pepper"}, default="mask"
        A share of the numbers becomes 0; normal noise of this deviation is added; or a share
        becomes 0 or 1.
    tied : bool, default=False
        Whether a dense decoder has the weights of the encoder, transposed.
    normalisation : {"batch", "layer"} or None, default="layer"
        Before each activation.
    initialisation : {"torch", "xavier", "he", "small"}, default="he"
        First weights; "xavier" before sigmoids is four times as large, "small" is what a deep
        network cannot be trained from.
    pretrain_epochs : int, default=0
        Times that each layer of a dense network is first trained by itself, to reconstruct what the
        layers below it give.
    mixture_components : int, default=20
        Gaussians that `sample` draws codes from.
    epochs : int, default=30
    batch_size : int, default=256
    learning_rate : float, default=5e-3
        The highest.
    weight_decay : float, default=0.0
        Of AdamW.
    schedule : str, default="one-cycle"
        How the rate goes; see `textrep.engine.TrainingSettings`.
    validation_fraction : float, default=0.0
        Share of the pictures that is held out to tell which epoch was best.
    patience : int or None, default=None
        Stop after so many epochs without a lower loss on those.
    ema_decay : float or None, default=None
        Keep a moving average of the weights with this decay.
    max_seconds : float or None, default=None
        Time for training, in which the learning rate falls; up to half of it for `pretrain_epochs`.
    checkpoint : str, path or None, default=None
        File that interrupted training goes on from; `random_state` must then be an int.
    progress_folder : str, path or None, default=None
        Folder for some pictures and their reconstructions after each epoch.
    device : str, default="auto"
    precision : {"auto", "fp32", "bf16"}, default="auto"
        Of training. Answers are computed in fp32.
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0

    Attributes
    ----------
    module_ : torch.nn.Module
        Its `encoder` and `decoder`, on the CPU.
    filters_ : ndarray (n, channels, height, width)
        Weights of the first layer; `textrep.image.filters` draws them.
    n_channels_, image_size_ : int, (int, int)
        Of pictures.
    mixture_weights_, mixture_means_, mixture_factors_ : ndarray
        Of the mixture of Gaussians over the codes of `fit`.
    history_ : list of dict
        Loss, squared error, learning rate and time of each epoch; of pre-training with its
        ``stage``.
    n_epochs_, stopped_early_, out_of_time_
        See `textrep.engine.TorchEstimator`.

    References
    ----------
    G. Hinton, R. Salakhutdinov: Reducing the dimensionality of data with neural networks, Science
    2006.

    P. Vincent et al.: Extracting and composing robust features with denoising autoencoders, ICML
    2008.

    Examples
    --------
    >>> from textrep.image import Autoencoder, load_pictures
    >>> digits = load_pictures("digits").pictures[:200]
    >>> model = Autoencoder(code_size=8, hidden=(32,), epochs=2, device="cpu", random_state=0)
    >>> model.fit_transform(digits).shape, model.reconstruct(digits[:3]).shape
    ((200, 8), (3, 1, 8, 8))
    """

    module_: AutoencoderModule

    def __init__(
        self,
        *,
        code_size: int = 30,
        hidden: Any = (1000, 500, 250),
        channels: Any = (32, 64),
        activation: str = "gelu",
        code_activation: str = "linear",
        output: str = "sigmoid",
        loss: str = "mse",
        noise: float = 0.0,
        noise_kind: str = "mask",
        tied: bool = False,
        normalisation: str | None = "layer",
        initialisation: str = "he",
        pretrain_epochs: int = 0,
        mixture_components: int = 20,
        epochs: int = 30,
        batch_size: int = 256,
        learning_rate: float = 5e-3,
        weight_decay: float = 0.0,
        schedule: str = "one-cycle",
        validation_fraction: float = 0.0,
        patience: int | None = None,
        ema_decay: float | None = None,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        progress_folder: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.code_size = code_size
        self.hidden = hidden
        self.channels = channels
        self.activation = activation
        self.code_activation = code_activation
        self.output = output
        self.loss = loss
        self.noise = noise
        self.noise_kind = noise_kind
        self.tied = tied
        self.normalisation = normalisation
        self.initialisation = initialisation
        self.pretrain_epochs = pretrain_epochs
        self.mixture_components = mixture_components
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.ema_decay = ema_decay
        self.max_seconds = max_seconds
        self.checkpoint = checkpoint
        self.progress_folder = progress_folder
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn to reconstruct pictures.

        Parameters
        ----------
        X : pictures
            At least 2; see `textrep.image.check_pictures`.
        y : ignored

        Returns
        -------
        self
        """
        self._check_parameters()
        pixels = self._check_fit(X)
        module = self._first_module(pixels)
        before, rest = [], self.max_seconds
        if self.pretrain_epochs:
            start = time.monotonic()
            before = self._pretrain(module, pixels)
            if rest is not None:
                rest = max(rest - (time.monotonic() - start), _LEAST_SECONDS)
        task = self._task(module, self._progress_of(module, pixels))
        self._train_on(task, pixels, self._settings(max_seconds=rest))
        task.finish(self.n_epochs_)
        self.history_ = [*before, *self.history_]
        self.module_ = module.eval()
        self._keep_mixture(pixels)
        return self

    def sample(self, n: int = 1, *, random_state: RandomState = None) -> Pixels:
        """New pictures, whose codes are drawn from the mixture that those of `fit` were fitted by.

        Parameters
        ----------
        n : int, default=1
        random_state : None, int, Generator or RandomState, default=None

        Returns
        -------
        float32 ndarray (n, channels, height, width)
        """
        return self._sample_mixture(n, random_state)

    def corrupt(self, X: Any, *, random_state: RandomState = None) -> Pixels:
        """Pictures with the noise that this autoencoder is trained to remove.

        Parameters
        ----------
        X : pictures
        random_state : None, int, Generator or RandomState, default=None

        Returns
        -------
        float32 ndarray (n, channels, height, width)
        """
        pixels = torch.tensor(self._check(X))  # a copy, also where there is no noise
        generator = torch.Generator().manual_seed(seed_of(random_state, "noise"))
        return corrupted(pixels, self.noise_kind, self.noise, generator).numpy()

    def score(self, X: Any, y: Any = None) -> float:
        """Squared error of a picture's reconstruction, summed over pixels, negative, on average.

        Parameters
        ----------
        X : pictures
        y : ignored

        Returns
        -------
        float
            At most 0; greater is better.
        """
        return -float(self.reconstruction_errors(X).mean(dtype=np.float64))

    def gradient_norms(self, X: Any) -> dict[str, float]:
        """Size of the gradient of the loss by layer, from the first of the encoder to the last.

        Where it falls by orders of magnitude from the last layer to the first, the first ones learn
        nothing: with sigmoids and small first weights it does. Rectifiers, first weights that know
        the width of their layer, normalisation or training layer after layer cure that.

        Parameters
        ----------
        X : pictures
            One batch.

        Returns
        -------
        dict of str to float
            The root mean square over the weights of each layer, of the loss of a picture. Of a
            model that is not fitted, with its first weights.
        """
        if hasattr(self, "module_"):
            pixels, module = self._check(X), self.module_
        else:
            fresh = self.__class__(**self.get_params(deep=False))
            fresh._check_parameters()
            pixels = fresh._check_fit(X, least=1)
            module = fresh._first_module(pixels)
        task = self._task(module, ProgressPictures(None, lambda: torch.empty(0)))
        return gradient_norms(task, pixels, seed_of(self.random_state, "gradients"))

    @property
    def filters_(self) -> NDArray[np.float32]:
        """Weights of the first layer (n, channels, height, width)."""
        self._check_fitted()
        first = self.module_.encoder
        if self.hidden == CONV:
            return first.stages[0].weight.detach().numpy()
        weights = first.blocks[0].layer.weight.detach().numpy()
        return weights.reshape(-1, *self._shape)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_choice("code_activation", self.code_activation, ACTIVATIONS)
        check_choice("output", self.output, OUTPUTS)
        check_choice("loss", self.loss, LOSSES)
        if self.loss == "bce" and self.output != "sigmoid":
            raise ValueError("loss='bce' needs output='sigmoid': it is of probabilities")
        check_noise(self.noise_kind, self.noise)
        check_count("pretrain_epochs", self.pretrain_epochs, 0)
        if not isinstance(self.tied, bool):
            raise ValueError(f"tied must be True or False, got {shown(self.tied)}")
        if self.hidden == CONV and (self.tied or self.pretrain_epochs):
            raise ValueError("tied and pretrain_epochs are for dense layers; hidden is 'conv'")

    def _pretrain(self, module: AutoencoderModule, pixels: Pixels) -> list[dict[str, Any]]:
        limit = self.max_seconds
        if limit is not None:
            limit *= _LAYERS_SHARE / len(module.encoder.blocks)
        return pretrain_layers(
            module,
            pixels,
            self._settings(
                epochs=self.pretrain_epochs, patience=None, ema_decay=None, max_seconds=limit
            ),
            loss=self.loss,
            noise=(self.noise_kind, self.noise),
            batch_size=self.batch_size,
            device=self.device,
            precision=self.precision,
            seed=seed_of(self.random_state, "pretraining") >> 1,  # others are counted from it
            verbose=self.verbose,
            least=2 if self.normalisation == "batch" else 1,
        )

    def _build(self) -> AutoencoderModule:
        pair = make_pair(
            self, self._shape, n_out=self.code_size, tied=self.tied, last=self.code_activation
        )
        return AutoencoderModule(pair, self.output)

    def _task(self, module: AutoencoderModule, progress: ProgressPictures) -> AutoencoderTask:
        return AutoencoderTask(module, self.loss, self.noise_kind, self.noise, progress)

    def _progress_of(self, module: AutoencoderModule, pixels: Pixels) -> ProgressPictures:
        """Some pictures with their noise in one row, and what becomes of them in the next."""
        generator = torch.Generator().manual_seed(seed_of(self.random_state, "progress") >> 1)
        given = corrupted(torch.tensor(pixels[:_SHOWN]), self.noise_kind, self.noise, generator)

        def draw() -> torch.Tensor:
            here = given.to(next(module.parameters()).device)
            return torch.cat([here, module.decode(module.encode(here))])

        return ProgressPictures(self.progress_folder, draw, columns=len(given))
