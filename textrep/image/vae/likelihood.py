"""How likely pictures are under a variational autoencoder: the bound, and the likelihood itself."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from textrep.image.vae.module import VAEModule, kl_from_prior

# Decoded pictures at a time: what a picture's draws decode to stays in the cache of a core.
_DRAWS_AT_ONCE = 2000


def rows_at_once(n_samples: int) -> int:
    """Pictures of which so many codes are decoded at a time."""
    return max(1, _DRAWS_AT_ONCE // n_samples)


def lower_bound(module: VAEModule, pixels: Tensor, noise: Tensor) -> Tensor:
    """Evidence lower bound: the mean log-density over draws, less the divergence, in nats.

    Parameters
    ----------
    module : VAEModule
    pixels : tensor (n, channels, height, width)
    noise : tensor (n, k, d)
        Standard normal, of each draw.

    Returns
    -------
    tensor (n,)
    """
    mean, log_variance = module.posterior(pixels)
    density, _ = _drawn(module, pixels, mean, log_variance, noise)
    return density.mean(1) - kl_from_prior(mean, log_variance)


def importance_sampled(module: VAEModule, pixels: Tensor, noise: Tensor) -> Tensor:
    """Log-likelihood by importance sampling: log of the mean of p(x|z) p(z) / q(z|x), in nats.

    Parameters
    ----------
    module, pixels, noise
        As for `lower_bound`.

    Returns
    -------
    tensor (n,)
        On average from below; the more draws, the nearer.

    References
    ----------
    D. Rezende, S. Mohamed, D. Wierstra: Stochastic backpropagation and approximate inference in
    deep generative models, ICML 2014, appendix E.
    """
    mean, log_variance = module.posterior(pixels)
    density, codes = _drawn(module, pixels, mean, log_variance, noise)
    # log p(z) - log q(z|x), of both of which the same power of 2 pi is left out.
    weighed = 0.5 * (noise.square() + log_variance[:, None] - codes.square()).sum(-1)
    return torch.logsumexp(density + weighed, dim=1) - math.log(noise.shape[1])


def _drawn(
    module: VAEModule, pixels: Tensor, mean: Tensor, log_variance: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """Log-densities (n, k) of pictures given k codes of each, and these (n, k, d)."""
    codes = mean[:, None] + (0.5 * log_variance).exp()[:, None] * noise
    raw = module.decoder(codes.flatten(0, 1)).flatten(1).unflatten(0, noise.shape[:2])
    return module.log_density(pixels.flatten(1), raw), codes
