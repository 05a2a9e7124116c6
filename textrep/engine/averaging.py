"""The exponential moving average of weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import torch


class MovingAverage:
    """Exponential moving average of parameters.

    Parameters
    ----------
    parameters : sequence of Parameter
    decay : float
        The average keeps this share of itself at each step; early on it keeps
        (1 + step) / (10 + step) where that is less, so that it forgets the first weights.

    Attributes
    ----------
    averages : list of tensor
    """

    def __init__(self, parameters: Sequence[torch.nn.Parameter], decay: float) -> None:
        self._parameters: list[torch.Tensor] = list(parameters)
        self._decay = decay
        self.averages = [parameter.detach().clone() for parameter in self._parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step, counted from 0."""
        decay = min(self._decay, (1.0 + step) / (10.0 + step))
        torch._foreach_lerp_(self.averages, self._parameters, 1.0 - decay)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """The parameters are their averages inside."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for parameter, average in zip(self._parameters, self.averages, strict=True):
            weights = parameter.detach().clone()
            parameter.copy_(average)
            average.copy_(weights)
