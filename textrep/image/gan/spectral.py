"""Layers whose weight is divided by its largest singular value."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear, normalize


class _Spectral(nn.Module):
    """One step of power iteration in each forward pass of training.

    torch's own parametrisation of weights cannot be pickled, which estimators must be.
    """

    weight: Tensor
    left: Tensor

    def _begin(self) -> None:
        self.register_buffer("left", normalize(torch.randn(len(self.weight)), dim=0))

    def normalised(self) -> Tensor:
        """The weight divided by the estimate of its largest singular value."""
        table = self.weight.flatten(1)
        with torch.no_grad():
            right = normalize(table.T @ self.left, dim=0)
            left = normalize(table @ right, dim=0)
            if self.training:
                self.left.copy_(left)
        return self.weight / (left @ table @ right)


class SpectralConv2d(_Spectral, nn.Conv2d):
    """A convolution that lengthens nothing by more than its patches overlap.

    Parameters
    ----------
    *args, **kwargs
        As of `torch.nn.Conv2d`.

    References
    ----------
    T. Miyato et al.: Spectral normalization for generative adversarial networks, ICLR 2018,
    algorithm 1.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        nn.Conv2d.__init__(self, *args, **kwargs)
        self._begin()

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.normalised(), self.bias, self.stride, self.padding)


class SpectralLinear(_Spectral, nn.Linear):
    """A linear layer that lengthens nothing.

    Parameters
    ----------
    *args, **kwargs
        As of `torch.nn.Linear`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        nn.Linear.__init__(self, *args, **kwargs)
        self._begin()

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.normalised(), self.bias)
