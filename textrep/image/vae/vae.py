"""`VAE`: pictures to codes with a prior, and codes to pictures with a likelihood."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.core.messages import shown
from textrep.core.random import RandomState, stream
from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.image.autoencoder.gradients import gradient_norms
from textrep.image.codes import CodeEstimator
from textrep.image.estimator import ProgressPictures
from textrep.image.latent import normal_noise
from textrep.image.nets.pairs import make_pair
from textrep.image.pixels import Pixels
from textrep.image.vae.likelihood import importance_sampled, lower_bound, rows_at_once
from textrep.image.vae.module import DECODERS, VAEModule, VAETask

BINARISATIONS = ("static", "dynamic")
PRIORS = ("normal", "mixture")
_SHOWN = 64  # samples of a progress picture
_LEVELS_BITS = 8  # of a pixel as it is usually stored


class VAE(CodeEstimator):
    """Pictures -> codes that are spread as a normal distribution is, and back.

    The encoder gives a normal distribution of codes for each picture, the decoder a distribution of
    pictures for each code. Both are trained to make the pictures of `fit` as likely as they can, by
    a lower bound of it: what the decoder says of a picture, less how far the codes stray from the
    standard normal prior. New pictures are those of codes that are drawn from the prior.

    Parameters
    ----------
    code_size : int, default=20
        Numbers of a code.
    hidden : tuple of int or "conv", default=(512, 256)
        Widths of the dense layers of the encoder, which the decoder has backwards; or a
        convolutional network.
    channels : tuple of int, default=(32, 64)
        Of a convolutional network, after each halving of height and width.
    decoder : {"bernoulli", "gaussian"}, default="bernoulli"
        Distribution of a pixel: black or white, so that a grey one counts as so much of both; or
        normal around a mean.
    variance : float or "learned", default="learned"
        Of a Gaussian decoder, the same of all pixels.
    beta : float or None, default=None
        Weight of the divergence from the prior; None is 1. Above, codes are simpler and pictures
        less sharp; see the notes.
    r_loss_factor : float or None, default=None
        The other way to say how much pictures count: the loss is then so many times the *mean*
        error of a pixel, squared or cross-entropy, and the divergence; see the notes.
    binarise : {"static", "dynamic"} or None, default=None
        Draw pixels as 0 or 1, with their value as the probability of 1: once, or anew in each batch
        of training. Likelihoods are then those of such draws.
    activation : str, default="gelu"
        Between layers: "relu", "leaky-relu", "gelu", "silu", "tanh", "sigmoid" or "linear".
    normalisation : {"batch", "layer"} or None, default=None
    initialisation : {"torch", "xavier", "he", "small"}, default="torch"
    mixture_components : int, default=20
        Gaussians that ``sample(prior="mixture")`` draws codes from.
    epochs : int, default=30
    batch_size : int, default=128
    learning_rate : float, default=3e-3
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
        Time for training, in which the learning rate falls.
    checkpoint : str, path or None, default=None
        File that interrupted training goes on from; `random_state` must then be an int.
    progress_folder : str, path or None, default=None
        Folder for pictures of the same codes after each epoch.
    device : str, default="auto"
    precision : {"auto", "fp32", "bf16"}, default="auto"
        Of training. Answers are computed in fp32.
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0

    Attributes
    ----------
    module_ : torch.nn.Module
        On the CPU.
    variance_ : float
        Of a Gaussian decoder; 0.0 of the other.
    n_channels_, image_size_ : int, (int, int)
        Of pictures.
    mixture_weights_, mixture_means_, mixture_factors_ : ndarray
        Of the mixture of Gaussians over the codes of `fit`.
    history_ : list of dict
        ``loss`` and its terms ``reconstruction`` (minus the log-density) and ``divergence``, in
        nats a picture, learning rate and time of each epoch.
    n_epochs_, stopped_early_, out_of_time_
        See `textrep.engine.TorchEstimator`.

    Notes
    -----
    With D numbers to a picture, a squared error that is averaged over them and taken r times is
    that of a Gaussian decoder of the variance D / (2 r), or of the variance 1 with a `beta` of
    D / (2 r). So ``r_loss_factor=1000`` is 0.39 for 28 x 28 pixels, and ``r_loss_factor=1``, the
    plain mean, is 392: nothing then keeps the codes from collapsing onto the prior. A Bernoulli
    decoder with r is that with a `beta` of D / r.

    References
    ----------
    D. Kingma, M. Welling: Auto-encoding variational Bayes, ICLR 2014.

    I. Higgins et al.: beta-VAE, ICLR 2017.

    B. Dai, D. Wipf: Diagnosing and enhancing VAE models, ICLR 2019 (the learned variance, and why
    codes are not spread as the prior).

    Examples
    --------
    >>> from textrep.image import VAE, load_pictures
    >>> digits = load_pictures("digits").pictures[:200]
    >>> model = VAE(code_size=2, hidden=(32,), epochs=2, device="cpu", random_state=0).fit(digits)
    >>> model.sample(3, random_state=0).shape, model.transform(digits).shape
    ((3, 1, 8, 8), (200, 2))
    """

    module_: VAEModule
    variance_: float

    def __init__(
        self,
        *,
        code_size: int = 20,
        hidden: Any = (512, 256),
        channels: Any = (32, 64),
        decoder: str = "bernoulli",
        variance: Any = "learned",
        beta: float | None = None,
        r_loss_factor: float | None = None,
        binarise: str | None = None,
        activation: str = "gelu",
        normalisation: str | None = None,
        initialisation: str = "torch",
        mixture_components: int = 20,
        epochs: int = 30,
        batch_size: int = 128,
        learning_rate: float = 3e-3,
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
        self.decoder = decoder
        self.variance = variance
        self.beta = beta
        self.r_loss_factor = r_loss_factor
        self.binarise = binarise
        self.activation = activation
        self.normalisation = normalisation
        self.initialisation = initialisation
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
        """Learn the pictures' distribution.

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
        drawn = self._binary(pixels, self._seed("binarise"))
        module = self._first_module(drawn)
        task = self._task(module, self._progress_of(module))
        self._train_on(task, pixels if self.binarise == "dynamic" else drawn, self._settings())
        task.finish(self.n_epochs_)
        self.module_ = module.eval()
        variance = module.pixel_log_variance().detach().exp()
        self.variance_ = 0.0 if module.bernoulli else float(variance)
        self._keep_mixture(drawn)
        return self

    # ---- new pictures

    def sample(
        self, n: int = 1, *, prior: str = "normal", random_state: RandomState = None
    ) -> Pixels:
        """New pictures: the means, or probabilities of white, that codes decode to.

        Parameters
        ----------
        n : int, default=1
        prior : {"normal", "mixture"}, default="normal"
            Where codes are drawn from: the standard normal distribution; or a mixture of Gaussians
            that was fitted to the codes of `fit`, which are never spread quite so.
        random_state : None, int, Generator or RandomState, default=None

        Returns
        -------
        float32 ndarray (n, channels, height, width)
        """
        check_choice("prior", prior, PRIORS)
        if prior == "mixture":
            return self._sample_mixture(n, random_state)
        self._check_fitted()
        return self._decoded(normal_noise(n, (self.code_size,), random_state))

    # ---- likelihoods

    def elbo(
        self, X: Any, *, n_samples: int = 1, random_state: RandomState = None
    ) -> NDArray[np.float64]:
        """Evidence lower bound of each picture, whatever `beta` it was trained with.

        Parameters
        ----------
        X : pictures
        n_samples : int, default=1
            Codes that are drawn for each.
        random_state : None, int, Generator or RandomState, default=None
            None takes the model's own.

        Returns
        -------
        float64 ndarray (n,)
            Nats.
        """
        pixels = self._binary(self._check(X), self._drawing_seed(random_state))
        return self._estimated(lower_bound, pixels, n_samples, random_state)

    def log_likelihood(
        self, X: Any, *, n_samples: int = 200, random_state: RandomState = None
    ) -> NDArray[np.float64]:
        """Log-likelihood of each picture, by importance sampling from its posterior.

        Parameters
        ----------
        X : pictures
            For a Bernoulli decoder black and white, unless `binarise` draws them so.
        n_samples : int, default=200
            Codes that are drawn for each.
        random_state : None, int, Generator or RandomState, default=None
            None takes the model's own.

        Returns
        -------
        float64 ndarray (n,)
            Nats; of a Gaussian decoder the logarithm of a density of pixels from 0 to 1.

        Raises
        ------
        ValueError
            When a Bernoulli decoder is asked about grey.
        """
        pixels = self._binary(self._check(X), self._drawing_seed(random_state))
        if self.decoder == "bernoulli":
            grey = ((pixels > 0) & (pixels < 1)).reshape(len(pixels), -1).any(axis=1)
            if grey.any():
                raise ValueError(
                    f"X[{int(grey.argmax())}] has grey pixels, of which a Bernoulli decoder knows "
                    "no likelihood; binarise='static' draws them black or white, "
                    "decoder='gaussian' knows grey"
                )
        return self._estimated(importance_sampled, pixels, n_samples, random_state)

    def bits_per_dimension(
        self, X: Any, *, n_samples: int = 200, random_state: RandomState = None
    ) -> float:
        """Bits that a number of a picture takes on average, by `log_likelihood`.

        Parameters
        ----------
        X : pictures
        n_samples : int, default=200
        random_state : None, int, Generator or RandomState, default=None

        Returns
        -------
        float
            Of a Gaussian decoder, for pixels of 256 levels, whose width a density is multiplied by.
        """
        found = self.log_likelihood(X, n_samples=n_samples, random_state=random_state)
        bits = -float(found.mean()) / (self.n_features_in_ * math.log(2))
        return bits if self.decoder == "bernoulli" else bits + _LEVELS_BITS

    def score(self, X: Any, y: Any = None) -> float:
        """Evidence lower bound of a picture on average, with one code each.

        Parameters
        ----------
        X : pictures
        y : ignored

        Returns
        -------
        float
            Nats; greater is better.
        """
        return float(self.elbo(X).mean())

    def gradient_norms(self, X: Any) -> dict[str, float]:
        """Size of the gradient of the loss by layer; see `Autoencoder.gradient_norms`.

        Parameters
        ----------
        X : pictures
            One batch.

        Returns
        -------
        dict of str to float
        """
        pixels = self._binary(self._check(X), self._drawing_seed(None))
        task = self._task(self.module_, ProgressPictures(None, lambda: torch.empty(0)))
        return gradient_norms(task, pixels, self._seed("gradients"))

    def _estimated(
        self,
        estimate: Callable[..., torch.Tensor],
        pixels: Pixels,
        n_samples: int,
        random_state: RandomState,
    ) -> NDArray[np.float64]:
        """An estimate for each picture, with noise that does not depend on how they are cut up."""
        check_count("n_samples", n_samples, 1)
        rng = stream(self._drawing_seed(random_state), "codes")
        rows = rows_at_once(n_samples)
        found = []
        for start in range(0, len(pixels), rows):
            part = pixels[start : start + rows]
            noise = rng.standard_normal((len(part), n_samples, self.code_size), dtype=np.float32)
            found.append(self._apply(estimate, part, noise))
        return np.concatenate(found).astype(np.float64)

    def _drawing_seed(self, random_state: RandomState) -> int | Any:
        return self._seed("likelihood") if random_state is None else random_state

    def _binary(self, pixels: Pixels, random_state: RandomState) -> Pixels:
        """Pixels drawn as 0 or 1, where the model is of such."""
        if self.binarise is None:
            return pixels
        return binarised(pixels, random_state)

    # ---- the network

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_choice("decoder", self.decoder, DECODERS)
        if self.variance != "learned":
            check_number("variance", self.variance, above=0)
        for name in ("beta", "r_loss_factor"):
            value = getattr(self, name)
            if value is not None:
                check_number(name, value, above=0)
        if self.beta is not None and self.r_loss_factor is not None:
            raise ValueError(
                f"beta={self.beta} and r_loss_factor={self.r_loss_factor} say the same in two "
                "ways; give one of them"
            )
        if self.r_loss_factor is not None and self.variance != "learned":
            raise ValueError(
                f"r_loss_factor={self.r_loss_factor} sets the variance, and variance="
                f"{shown(self.variance)} does too; give one of them"
            )
        if self.binarise is not None:
            check_choice("binarise", self.binarise, BINARISATIONS)
            if self.decoder != "bernoulli":
                raise ValueError("binarise is for decoder='bernoulli'; leave it out")

    def _build(self) -> VAEModule:
        pair = make_pair(self, self._shape, n_out=2 * self.code_size)
        variance = None if self.variance == "learned" else float(self.variance)
        if self.r_loss_factor is not None:
            variance = self.n_features_in_ / (2 * self.r_loss_factor)
        return VAEModule(pair, self.decoder, variance)

    def _task(self, module: VAEModule, progress: ProgressPictures) -> VAETask:
        weight = 1.0
        if self.r_loss_factor is not None and module.bernoulli:
            weight = self.r_loss_factor / self.n_features_in_
        beta = 1.0 if self.beta is None else self.beta
        return VAETask(module, weight, beta, self.binarise == "dynamic", progress)

    def _progress_of(self, module: VAEModule) -> ProgressPictures:
        codes = torch.from_numpy(
            normal_noise(_SHOWN, (self.code_size,), self._seed("progress"), "progress")
        )

        def draw() -> torch.Tensor:
            return module.decode(codes.to(next(module.parameters()).device))

        return ProgressPictures(self.progress_folder, draw)


def binarised(pixels: Pixels, random_state: RandomState) -> Pixels:
    """Pixels drawn as 0 or 1, with their value as the probability of 1.

    Parameters
    ----------
    pixels : pictures
    random_state : None, int, Generator or RandomState

    Returns
    -------
    float32 ndarray
        Of the same shape; what is 0 or 1 stays so.

    Examples
    --------
    >>> binarised(np.array([[[[0.0, 1.0]]]], np.float32), 0).tolist()
    [[[[0.0, 1.0]]]]
    """
    drawn = stream(random_state, "binarise").random(pixels.shape, dtype=np.float32)
    return (drawn < pixels).astype(np.float32)
