"""Averages of weights: the exponential moving one, and that of the last evaluations."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

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


class RecentAverage:
    """The mean of the weights at the last evaluations.

    Parameters
    ----------
    parameters : sequence of Parameter
    most : int
        Evaluations at most; of k that there were no more than the latter half is taken, as weights
        of the beginning are worse than any mean is good.

    Attributes
    ----------
    taken : list of list of tensor
        Copies of the parameters, the oldest first, on the CPU.

    References
    ----------
    A. Vaswani et al.: Attention is all you need, NeurIPS 2017, section 6.1.
    """

    def __init__(self, parameters: Sequence[torch.nn.Parameter], most: int) -> None:
        self._parameters: list[torch.Tensor] = list(parameters)
        self._most = most
        self.taken: list[list[torch.Tensor]] = []

    @torch.no_grad()
    def take(self, n_evaluations: int) -> None:
        """Take in the weights at an evaluation, with which there were so many."""
        self.taken.append([parameter.detach().cpu().clone() for parameter in self._parameters])
        del self.taken[: -min(self._most, -(-n_evaluations // 2))]

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """The parameters are their means inside."""
        weights = [parameter.detach().clone() for parameter in self._parameters]
        self.apply()
        try:
            yield
        finally:
            with torch.no_grad():
                for parameter, own in zip(self._parameters, weights, strict=True):
                    parameter.copy_(own)

    @torch.no_grad()
    def apply(self) -> None:
        """Put the means in the place of the parameters."""
        for parameter, copies in zip(self._parameters, zip(*self.taken, strict=True), strict=True):
            parameter.copy_(torch.stack(copies).mean(dim=0))

    def state(self) -> dict[str, torch.Tensor]:
        """What was taken, by number of the evaluation and of the parameter."""
        return {
            f"{number}.{i}": copy
            for number, copies in enumerate(self.taken)
            for i, copy in enumerate(copies)
        }

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Put back what `state` gave.

        Raises
        ------
        KeyError
            If one is missing.
        """
        n_parameters = len(self._parameters)
        self.taken = [
            [tensors[f"{number}.{i}"] for i in range(n_parameters)]
            for number in range(-(-len(tensors) // n_parameters))
        ]
