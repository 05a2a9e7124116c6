"""Any network as a source of features: the outputs of its layers by name."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn


class Hooked(nn.Module):
    """A copy of a network that gives what some of its layers make.

    Outputs are copied where they leave a layer: a rectifier that works in place, as torchvision's
    do, would otherwise change what the layer before it gave. Not for several threads at once.

    Parameters
    ----------
    network : torch.nn.Module
        Takes pictures (n, 3, height, width) from 0 to 1, and normalises them itself where it needs
        to.

    Attributes
    ----------
    names : list of str
        As `torch.nn.Module.named_modules` has them.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).eval()
        self.names = [name for name, _ in self.network.named_modules() if name]

    def forward(self, pictures: Tensor, wanted: Iterable[str]) -> dict[str, Tensor]:
        """As `VGG.forward`."""
        wanted = list(wanted)
        layers = dict(self.network.named_modules())
        found: dict[str, Tensor] = {}

        def keeper(name: str) -> Any:
            def keep(layer: nn.Module, given: Any, output: Any) -> None:
                if not isinstance(output, Tensor) or output.ndim != 4:
                    raise ValueError(
                        f"the layer {name!r} gives no features (n, channels, height, width)"
                    )
                found[name] = output.clone()

            return keep

        handles = [layers[name].register_forward_hook(keeper(name)) for name in set(wanted)]
        try:
            self.network(pictures)
        finally:
            for handle in handles:
                handle.remove()
        if missing := sorted(set(wanted) - found.keys()):
            raise ValueError(f"the layer {missing[0]!r} takes no part in what pictures go through")
        return found
