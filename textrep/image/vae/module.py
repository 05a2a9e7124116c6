"""The module of a variational autoencoder, and what is minimised."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from textrep.engine.loss import LossSum
from textrep.engine.task import Task
from textrep.image.codes import CodeModule
from textrep.image.estimator import ProgressPictures
from textrep.image.nets.pairs import Pair

DECODERS = ("bernoulli", "gaussian")
LOG_VARIANCE = (-10.0, 10.0)
"""Bounds of the posterior's log-variance: without them its exponential becomes infinite."""

_LEAST_LOG_VARIANCE = -12.0  # of a learned Gaussian decoder; a 400th of a level of 8 bits squared


class VAEModule(CodeModule):
    """Encoder of means and log-variances, decoder of pixels.

    Parameters
    ----------
    pair : Pair
        Whose encoder gives 2 d numbers.
    decoder : {"bernoulli", "gaussian"}
    variance : float or None
        Of a Gaussian decoder; None learns it.
    """

    def __init__(self, pair: Pair, decoder: str, variance: float | None) -> None:
        super().__init__()
        self.encoder, self.decoder = pair
        self.bernoulli = self.logits = decoder == "bernoulli"
        start = 0.0 if variance is None else math.log(variance)
        self._learned = not self.bernoulli and variance is None
        self.log_variance = nn.Parameter(torch.tensor([start]), requires_grad=self._learned)

    def pixel_log_variance(self) -> Tensor:
        """That of a Gaussian decoder, (1,): as it was given, or as learnt but for its bound."""
        value = self.log_variance
        return value.clamp(min=_LEAST_LOG_VARIANCE) if self._learned else value

    def posterior(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of each number of the codes, (n, d) both, in float32."""
        mean, log_variance = self.encoder(pixels).float().chunk(2, dim=1)
        return mean, log_variance.clamp(*LOG_VARIANCE)

    def encode(self, pixels: Tensor) -> Tensor:
        return self.posterior(pixels)[0]

    def decode(self, codes: Tensor) -> Tensor:
        raw = self.decoder(codes).float()
        return raw.sigmoid() if self.bernoulli else raw.clamp(0, 1)

    def log_density(self, pixels: Tensor, raw: Tensor) -> Tensor:
        """Of pictures given what the decoder gives, in nats.

        Parameters
        ----------
        pixels : tensor (n, D)
        raw : tensor (n, k, D)
            For k codes of each picture.

        Returns
        -------
        tensor (n, k)
        """
        raw = raw.float()
        if self.bernoulli:
            # log p = x log s(r) + (1 - x) log s(-r) = x r - log(1 + e^r); no matrix product, which
            # autocast would round.
            return (pixels[:, None] * raw - softplus(raw)).sum(-1)
        log_variance = self.pixel_log_variance()
        squared = (raw - pixels[:, None]).square().sum(-1)
        constant = pixels.shape[1] * (math.log(2 * math.pi) + log_variance)
        return -0.5 * (squared * torch.exp(-log_variance) + constant)


def kl_from_prior(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of normal posteriors from the standard normal prior, in nats.

    Parameters
    ----------
    mean, log_variance : tensor (n, d)

    Returns
    -------
    tensor (n,)

    References
    ----------
    D. Kingma, M. Welling: Auto-encoding variational Bayes, ICLR 2014, appendix B.
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(1)


class VAETask(Task):
    """Minus the evidence lower bound, its two terms weighed.

    Parameters
    ----------
    module : VAEModule
    reconstruction_weight, beta : float
        Of the log-density, and of the divergence from the prior.
    dynamic : bool
        Whether pixels are drawn anew in each batch, as 0 or 1 with their own probability.
    progress : ProgressPictures
    """

    def __init__(
        self,
        module: VAEModule,
        reconstruction_weight: float,
        beta: float,
        dynamic: bool,
        progress: ProgressPictures,
    ) -> None:
        super().__init__()
        self.module = module
        self._weights = reconstruction_weight, beta
        self._dynamic = dynamic
        self._progress = progress

    def begin_epoch(self, epoch: int) -> None:
        self._progress(self, epoch)

    def finish(self, n_epochs: int) -> None:
        """Draw what training came to."""
        self._progress(self, n_epochs)

    def loss(self, phase: str, batch: Tensor) -> LossSum:
        if self._dynamic:
            batch = torch.bernoulli(batch)
        mean, log_variance = self.module.posterior(batch)
        codes = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        raw = self.module.decoder(codes)
        density = self.module.log_density(batch.flatten(1), raw.flatten(1)[:, None]).sum()
        divergence = kl_from_prior(mean, log_variance).sum()
        weight, beta = self._weights
        measures = {"reconstruction": -density.detach(), "divergence": divergence.detach()}
        return LossSum(beta * divergence - weight * density, len(batch), measures)
