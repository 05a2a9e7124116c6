"""What a language model with experts minimises."""

from __future__ import annotations

import torch
from torch import Tensor

from textrep.generation.expert_use import expert_layers
from textrep.generation.gpt_module import GPTModule, GPTTask
from textrep.layers.experts import Routing


class SwitchTask(GPTTask):
    """Next-token prediction, with experts kept equally used.

    Parameters
    ----------
    module : GPTModule
        With `SwitchFeedForward` layers.
    balance_weight : float
        Times the load-balancing loss, summed over layers.
    z_weight : float
        Times the z-loss, summed over layers.
    """

    def __init__(self, module: GPTModule, balance_weight: float, z_weight: float) -> None:
        super().__init__(module)
        self.balance_weight = balance_weight
        self.z_weight = z_weight
        self._layers = list(expert_layers(module).values())
        self._routings: list[Routing] = []

    def penalty(self) -> Tensor:
        """Added to the loss of a token in training."""
        self._routings = [layer.take_routing() for layer in self._layers]
        balance = torch.stack([routing.balance for routing in self._routings]).sum()
        z = torch.stack([routing.z for routing in self._routings]).sum()
        return self.balance_weight * balance + self.z_weight * z

    def measures(self, count: float) -> dict[str, Tensor]:
        """``balance`` and ``dropped``, means over the layers, times the count."""
        # Validation has no penalty. What is kept would keep the graph of the batch.
        routings = self._routings or [layer.take_routing() for layer in self._layers]
        self._routings = []
        return {
            name: count * torch.stack([getattr(r, name).detach() for r in routings]).mean()
            for name in ("balance", "dropped")
        }
