"""What a denoising autoencoder has to undo."""

from __future__ import annotations

import torch
from torch import Tensor

from textrep.embeddings.parameters import check_choice, check_number

NOISES = ("mask", "gaussian", "salt_pepper")


def check_noise(kind: str, amount: float) -> None:
    """Refuse noise that there is not."""
    check_choice("noise_kind", kind, NOISES)
    check_number("noise", amount, least=0, most=None if kind == "gaussian" else 1)


def corrupted(
    pixels: Tensor, kind: str, amount: float, generator: torch.Generator | None = None
) -> Tensor:
    """Pictures with noise; their own tensor is left alone.

    Parameters
    ----------
    pixels : tensor
        From 0 to 1.
    kind : {"mask", "gaussian", "salt_pepper"}
        A share `amount` of all numbers becomes 0; normal noise with the standard deviation `amount`
        is added, and what then is outside [0, 1] cut off; a share becomes 0 or 1, either as often.
    amount : float
    generator : torch.Generator, optional
        torch's own where absent.

    Returns
    -------
    tensor

    References
    ----------
    P. Vincent et al.: Stacked denoising autoencoders, JMLR 2010, section 3.3.

    Examples
    --------
    >>> corrupted(torch.ones(1, 4), "mask", 1.0)
    tensor([[0., 0., 0., 0.]])
    """
    if amount == 0:
        return pixels
    if kind == "gaussian":
        noise = torch.randn(pixels.shape, generator=generator, device=pixels.device)
        return (pixels + amount * noise).clamp(0, 1)
    drawn = torch.rand(pixels.shape, generator=generator, device=pixels.device)
    kept = pixels.where(drawn >= amount, torch.zeros_like(pixels))
    if kind == "mask":
        return kept
    # Of the numbers below `amount`, those of the lower half are white.
    return kept.where(drawn >= amount / 2, torch.ones_like(pixels))
