"""What a critic and a generator minimise, by name, as functions of the critic's raw scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import relu, softplus

LOSSES = ("bce", "lsgan", "hinge", "wgan", "wgan-gp")


class AdversarialLoss(NamedTuple):
    """One game of two players.

    Attributes
    ----------
    critic : callable
        Takes the scores of real and of made pictures, both (n,) without a sigmoid, and the
        smoothing of labels; gives the loss of each pair, (n,).
    generator : callable
        Takes the scores of made pictures (n,) and gives the loss of each, (n,).
    boundary : float or None
        The score above which the critic takes a picture to be real; None where scores have no
        boundary and only their difference counts.
    critic_steps : int
        Steps of the critic to one of the generator, where nothing else is said.
    betas : (float, float)
        Of Adam, where nothing else is said.
    normalisation : str
        Of the critic, where nothing else is said.
    """

    critic: Callable[[Tensor, Tensor, float], Tensor]
    generator: Callable[[Tensor], Tensor]
    boundary: float | None
    critic_steps: int
    betas: tuple[float, float]
    normalisation: str


def adversarial_loss(name: str) -> AdversarialLoss:
    """The loss of a name.

    Parameters
    ----------
    name : str
        ``"bce"``
            Cross-entropy of "real" and "made" from raw scores; the generator maximises the
            logarithm of the critic's "real" (the non-saturating loss of Goodfellow et al. 2014).
            Smoothing is one-sided: only the label of real pictures is lowered, since a raised label
            of made ones would reward the critic for keeping what the generator does wrong
            (Salimans et al. 2016, section 3.4).
        ``"lsgan"``
            Squared distance to 1 for real and 0 for made (Mao et al. 2017, equation 9, with their
            halves).
        ``"hinge"``
            Scores beyond 1 for real and -1 for made cost nothing (Lim and Ye 2017).
        ``"wgan"``, ``"wgan-gp"``
            The difference of mean scores; minus the critic's loss estimates the Wasserstein
            distance as far as the critic is 1-Lipschitz, to which weights are clipped (Arjovsky et
            al. 2017) or gradients are held (Gulrajani et al. 2017; see `gradient_penalty`).

    Returns
    -------
    AdversarialLoss

    Examples
    --------
    >>> import torch
    >>> zero = torch.zeros(1)
    >>> adversarial_loss("bce").critic(zero, zero, 0.0)  # 2 ln 2: it cannot tell
    tensor([1.3863])
    """
    return _BY_NAME[name]


def _bce_critic(real: Tensor, fake: Tensor, smoothing: float) -> Tensor:
    # -(1 - s) log sigmoid(x) - s log(1 - sigmoid(x)), written so that nothing overflows.
    return softplus(-real) + smoothing * real + softplus(fake)


def _bce_generator(fake: Tensor) -> Tensor:
    return softplus(-fake)


def _lsgan_critic(real: Tensor, fake: Tensor, smoothing: float) -> Tensor:
    return 0.5 * ((real - (1.0 - smoothing)).square() + fake.square())


def _lsgan_generator(fake: Tensor) -> Tensor:
    return 0.5 * (fake - 1.0).square()


def _hinge_critic(real: Tensor, fake: Tensor, smoothing: float) -> Tensor:
    return relu(1.0 - real) + relu(1.0 + fake)


def _wasserstein_critic(real: Tensor, fake: Tensor, smoothing: float) -> Tensor:
    return fake - real


def _minus_score(fake: Tensor) -> Tensor:
    return -fake


# Radford et al. (2016) for the first three, Gulrajani et al. (2017) for the last; RMSProp, which
# Arjovsky et al. (2017) take, is Adam without momentum.
_DCGAN_BETAS = (0.5, 0.999)
_BY_NAME = {
    "bce": AdversarialLoss(_bce_critic, _bce_generator, 0.0, 1, _DCGAN_BETAS, "batch"),
    "lsgan": AdversarialLoss(_lsgan_critic, _lsgan_generator, 0.5, 1, _DCGAN_BETAS, "batch"),
    "hinge": AdversarialLoss(_hinge_critic, _minus_score, 0.0, 1, _DCGAN_BETAS, "spectral"),
    "wgan": AdversarialLoss(_wasserstein_critic, _minus_score, None, 5, (0.0, 0.9), "batch"),
    "wgan-gp": AdversarialLoss(_wasserstein_critic, _minus_score, None, 5, (0.0, 0.9), "layer"),
}


def critic_accuracy(real: Tensor, fake: Tensor, boundary: float) -> Tensor:
    """Share of both kinds that the critic tells rightly, for each pair: 0, 1/2 or 1.

    Parameters
    ----------
    real, fake : tensor (n,)
        Scores.
    boundary : float

    Returns
    -------
    tensor (n,)

    Examples
    --------
    >>> import torch
    >>> critic_accuracy(torch.tensor([2.0, -1.0]), torch.tensor([-3.0, 4.0]), 0.0)
    tensor([1., 0.])
    """
    return 0.5 * ((real > boundary).float() + (fake < boundary).float())
