"""The variational bound of a diffusion model on the likelihood of pictures of bytes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textrep.image.diffusion.schedules import NoiseSchedule

_LEVELS = 255  # steps between black and white
_LEAST_LOGARITHM = 1e-12


def step_divergence(code: Tensor, guess: Tensor, kept: float, kept_next: float) -> Tensor:
    """KL divergence of a step back of the diffusion from that of the model, in nats.

    Parameters
    ----------
    code : Tensor (B, ...)
        Without noise.
    guess : Tensor (B, ...)
        What the model takes for it.
    kept, kept_next : float
        Where the step begins, and, closer to the picture, where it ends.

    Returns
    -------
    Tensor (B,)
        Both steps are normal with one variance, so that the means alone differ.

    References
    ----------
    D. Kingma et al.: Variational diffusion models, NeurIPS 2021, equation 13.
    """
    weight = kept_next / (1 - kept_next) - kept / (1 - kept)
    return 0.5 * weight * (code - guess).square().flatten(1).sum(dim=1)


def last_step(code: Tensor, guess: Tensor, deviation: float) -> Tensor:
    """Minus the logarithm of the probability of each pixel's byte, summed, in nats.

    Parameters
    ----------
    code : Tensor (B, ...)
        From -1 to 1, in 256 levels.
    guess : Tensor (B, ...)
        Mean of a normal distribution, of which each level has the part around it.
    deviation : float

    Returns
    -------
    Tensor (B,)

    References
    ----------
    J. Ho, A. Jain, P. Abbeel: Denoising diffusion probabilistic models, NeurIPS 2020, equation 13.
    """
    scale = deviation * math.sqrt(2.0)

    def below(edge: Tensor) -> Tensor:
        return 0.5 * torch.erfc((guess - edge) / scale)

    half = 1.0 / _LEVELS
    upper = torch.where(code > 1 - half, 1.0, below(code + half))
    lower = torch.where(code < half - 1, 0.0, below(code - half))
    return -(upper - lower).clamp(min=_LEAST_LOGARITHM).log().flatten(1).sum(dim=1)


def prior_divergence(code: Tensor, kept: float) -> Tensor:
    """KL divergence of the end of the way into noise from the standard normal distribution.

    Parameters
    ----------
    code : Tensor (B, ...)
    kept : float
        At the last step.

    Returns
    -------
    Tensor (B,)
        In nats.
    """
    each = kept * code.square() + (1 - kept) - 1 - math.log(1 - kept)
    return 0.5 * each.flatten(1).sum(dim=1)


def bound(
    code: Tensor,
    guess: Callable[[int], Tensor],
    schedule: NoiseSchedule,
    n_draws: int,
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """An estimate of the bound on minus the logarithm of the probability, in nats.

    Parameters
    ----------
    code : Tensor (B, ...)
        From -1 to 1, in 256 levels.
    guess : callable
        Takes the number of a step and gives what the model takes for the codes, of which noise is
        left there.
    schedule : NoiseSchedule
    n_draws : int
        Steps to look at beside the last one; as many as there are give the bound but for the noise.
    random : Generator
        Chooses the steps.

    Returns
    -------
    float64 ndarray (B,)
    """
    kept = schedule.kept.tolist()
    found = prior_divergence(code, kept[-1]).double()
    # One step of each part of the way: their sum varies less than that of steps drawn freely.
    n_parts = min(n_draws, len(kept) - 1)
    edges = np.linspace(1, len(kept), n_parts + 1).round().astype(int).tolist()
    for first, end in itertools.pairwise(edges):
        number = int(random.integers(first, end))
        term = step_divergence(code, guess(number), kept[number], kept[number - 1])
        found += (end - first) * term.double()
    # The variance of the last step is 0; that of the one before it is taken (Ho et al., 3.2).
    deviation = math.sqrt((1 - kept[0]) / (1 - kept[1]) * (1 - kept[1] / kept[0]))
    return (found + last_step(code, guess(0), deviation).double()).numpy()
