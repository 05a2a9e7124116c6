"""How far the gradient of a critic is from what it should be, picture by picture."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_INSIDE_ROOT = 1e-12
"""Added to squared norms: the root has no derivative at 0, where a fresh or dead critic is."""


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, share: Tensor | None = None
) -> Tensor:
    """(|gradient| - 1)^2 at a random point between each real picture and a made one.

    Parameters
    ----------
    critic : callable
        Takes pictures (n, channels, height, width), or whatever else has a first axis, and gives
        scores (n,). A score must not depend on the other pictures of the batch, so that a critic
        has no batch normalisation.
    real, fake : tensor (n, ...)
    share : tensor (n, 1, ...), optional
        Of the real picture in each point; drawn uniformly when left out, one for each picture.

    Returns
    -------
    tensor (n,)
        With a graph, to be differentiated once more.

    References
    ----------
    I. Gulrajani et al.: Improved training of Wasserstein GANs, NeurIPS 2017, equation 3.

    Examples
    --------
    The gradient of x -> <w, x> is w everywhere:

    >>> w = torch.full((1, 2, 2), 0.5)  # of norm 1
    >>> pictures = torch.rand(3, 1, 2, 2)
    >>> penalty = gradient_penalty(lambda x: (w * x).sum((1, 2, 3)), pictures, 1 - pictures)
    >>> bool((penalty < 1e-9).all())
    True
    """
    if share is None:
        share = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device)
    # What was made under autocast may have fewer bits.
    between = torch.lerp(fake.detach().float(), real.detach().float(), share)
    norms = (squared_gradient(critic, between) + _INSIDE_ROOT).sqrt()
    return (norms - 1.0).square()


def squared_gradient(critic: Callable[[Tensor], Tensor], pictures: Tensor) -> Tensor:
    """Squared norm of the gradient of each score by its picture: R1, taken at real pictures.

    Parameters
    ----------
    critic : callable
    pictures : tensor (n, channels, height, width)

    Returns
    -------
    tensor (n,)
        With a graph.

    References
    ----------
    L. Mescheder, A. Geiger, S. Nowozin: Which training methods for GANs do actually converge?,
    ICML 2018, equation 9.
    """
    # Second derivatives in few bits are mostly noise.
    with torch.autocast(pictures.device.type, enabled=False):
        pictures = pictures.detach().float().requires_grad_()
        scores = critic(pictures)
        (gradients,) = torch.autograd.grad(scores.sum(), pictures, create_graph=True)
    return gradients.flatten(1).square().sum(dim=1)
