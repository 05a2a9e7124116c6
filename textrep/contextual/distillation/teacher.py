"""A teacher is asked: it neither learns nor changes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Generic, TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


class Asked(Generic[Network]):
    """A network that a task asks while it trains another.

    It is no module itself, so that the task that has it neither trains it, nor puts it into
    training mode, nor saves it.

    Parameters
    ----------
    module : nn.Module

    Examples
    --------
    >>> layer = nn.Dropout(0.9).train()
    >>> asked = Asked(layer)
    >>> with asked.lent(), asked.quietly(torch.ones(2)) as network:
    ...     network(torch.ones(2)).tolist()
    [1.0, 1.0]
    >>> layer.training
    True
    """

    def __init__(self, module: Network) -> None:
        self._module = module

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Inside, the network is in evaluation mode; outside it is on the CPU, as it was."""
        modes = [(part, part.training) for part in self._module.modules()]
        self._module.eval()
        try:
            yield
        finally:
            self._module.to("cpu")
            for part, mode in modes:
                part.training = mode

    @contextlib.contextmanager
    def quietly(self, like: torch.Tensor) -> Iterator[Network]:
        """The network where a tensor is, without gradients."""
        first = next(self._module.parameters(), None)
        if first is not None and first.device != like.device:
            self._module.to(like.device)
        with torch.no_grad():
            yield self._module
