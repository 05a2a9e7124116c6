"""A small convolutional autoencoder whose codes are pictures of fewer places.

The first stage of latent diffusion: a place of the code stands for a square of pixels, so that the
network that removes noise has a sixteenth of the places to look at.
"""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional as F

from textrep.engine.loss import LossSum
from textrep.engine.task import Task
from textrep.image.diffusion.unet import group_norm

_LOG_VARIANCES = -20.0, 10.0  # outside exp is 0 or overflows (Rombach et al. keep to -30 and 20)


class _Block(nn.Module):
    """Two convolutions and the way around them."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            group_norm(n), nn.SiLU(), nn.Conv2d(n, n, 3, padding=1),
            group_norm(n), nn.SiLU(), nn.Conv2d(n, n, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class PictureCoder(nn.Module):
    """Pictures -> a normal distribution of codes -> logits of pixels.

    Parameters
    ----------
    n_channels : int
        Of the pictures.
    n_codes : int
        Channels of a code.
    factor : int
        Pixels of a side that become one place: a power of 2, which divides the sides.
    width : int
        Channels of the finest layer; each halving doubles them, to twice so many at most.

    Notes
    -----
    No convolution sees full resolution: the first one halves the sides, and the last one makes four
    pixels of a place (Shi et al. 2016), which on a CPU is half of the time.

    Examples
    --------
    >>> import torch
    >>> coder = PictureCoder(1, 4, 4, 8)
    >>> mean, log_variance = coder.encode(torch.rand(2, 1, 28, 28))
    >>> mean.shape, coder.decode(mean).shape
    (torch.Size([2, 4, 7, 7]), torch.Size([2, 1, 28, 28]))
    """

    def __init__(self, n_channels: int, n_codes: int, factor: int, width: int) -> None:
        super().__init__()
        n_halved = int(math.log2(factor))
        widths = [width, *[2 * width] * (n_halved - 1)]
        down: list[nn.Module] = []
        n_in = n_channels
        for n in widths:
            down += [nn.Conv2d(n_in, n, 4, stride=2, padding=1), nn.SiLU()]
            n_in = n
        top = widths[-1]
        self.encoder = nn.Sequential(
            *down,
            _Block(top),
            group_norm(top),
            nn.SiLU(),
            nn.Conv2d(top, 2 * n_codes, 3, padding=1),
        )
        up: list[nn.Module] = []
        n_in = top
        for n in [*reversed(widths[:-1]), n_channels]:
            if up:
                up.append(_Block(n_in))
            up += [group_norm(n_in), nn.SiLU(), nn.Conv2d(n_in, 4 * n, 3, padding=1)]
            up.append(nn.PixelShuffle(2))
            n_in = n
        self.decoder = nn.Sequential(
            nn.Conv2d(n_codes, top, 3, padding=1), _Block(top), _Block(top), *up
        )

    def encode(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance, each (B, n_codes, H / factor, W / factor)."""
        mean, log_variance = self.encoder(pictures).float().chunk(2, dim=1)
        return mean, log_variance.clamp(*_LOG_VARIANCES)

    def decode(self, codes: Tensor) -> Tensor:
        """Logits of pixels, (B, n_channels, H, W)."""
        return self.decoder(codes).float()


class CoderTask(Task):
    """Cross entropy of the pixels, and a little of the divergence from the normal distribution.

    Parameters
    ----------
    coder : PictureCoder
    kl_weight : float
        1 is a variational autoencoder, whose codes say too little for sharp pictures; latent
        diffusion needs them in no particular distribution, only without far outliers.
    """

    def __init__(self, coder: PictureCoder, kl_weight: float) -> None:
        super().__init__()
        self.coder = coder
        self.kl_weight = kl_weight

    def loss(self, phase: str, batch: Tensor) -> LossSum:
        """Sum over the pictures; in evaluation mode, of the mean code."""
        mean, log_variance = self.coder.encode(batch)
        codes = mean
        if self.training:
            codes = mean + (0.5 * log_variance).exp() * mean.new_empty(mean.shape).normal_()
        logits = self.coder.decode(codes)
        pixels = F.binary_cross_entropy_with_logits(logits, batch, reduction="sum")
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum()
        error = (logits.detach().sigmoid() - batch).square().sum()
        total = pixels + self.kl_weight * divergence
        measures = {"divergence": divergence.detach(), "squared_error": error}
        return LossSum(total, float(len(batch)), measures)
