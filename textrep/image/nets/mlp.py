"""Dense networks from pictures to codes and back."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from textrep.image.nets.choices import initialise, make_activation, make_normalisation


class TiedLinear(nn.Module):
    """A linear layer whose weights are those of another one, transposed; its bias is its own.

    Parameters
    ----------
    source : Linear
    """

    def __init__(self, source: nn.Linear) -> None:
        super().__init__()
        # In a tuple: as a submodule the weights would have two names.
        self._source = (source,)
        self.bias = nn.Parameter(torch.zeros(source.in_features))

    def forward(self, values: Tensor) -> Tensor:
        return linear(values, self._source[0].weight.T, self.bias)


class DenseBlock(nn.Module):
    """A linear layer with what follows it.

    Parameters
    ----------
    layer : Linear or TiedLinear
    width : int
        Numbers that it gives.
    activation : str
    normalisation : str or None
    """

    def __init__(
        self, layer: nn.Module, width: int, activation: str, normalisation: str | None
    ) -> None:
        super().__init__()
        self.layer = layer
        self.after = nn.Sequential(
            make_normalisation(normalisation, width), make_activation(activation)
        )

    def forward(self, values: Tensor) -> Tensor:
        return self.after(self.layer(values))


class DenseNet(nn.Module):
    """Blocks of linear layers.

    Parameters
    ----------
    sizes : sequence of int
        Numbers that go in, those between, and those that come out.
    activation, normalisation, initialisation : str
        See `textrep.image.nets.choices`.
    tied_to : DenseNet or None, default=None
        The net that this one is the mirror of, whose weights it then has.
    last : str, default="linear"
        Activation of the last layer.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str,
        normalisation: str | None,
        initialisation: str,
        tied_to: DenseNet | None = None,
        last: str = "linear",
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        mirrored = [] if tied_to is None else tied_to.layers[::-1]
        for number, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
            inner = number < len(sizes) - 2
            follows = activation if inner else last
            if mirrored:
                layer: nn.Module = TiedLinear(mirrored[number])
            else:
                layer = nn.Linear(n_in, n_out)
                initialise(layer, initialisation, follows)
            self.blocks.append(DenseBlock(layer, n_out, follows, normalisation if inner else None))

    @property
    def layers(self) -> list[Any]:
        """The linear layers, first to last."""
        return [block.layer for block in self.blocks]

    def forward(self, values: Tensor) -> Tensor:
        for block in self.blocks:
            values = block(values)
        return values


class DenseEncoder(DenseNet):
    """Pictures (n, channels, height, width) -> numbers (n, n_out), by a `DenseNet`."""

    def forward(self, pixels: Tensor) -> Tensor:
        return super().forward(pixels.flatten(1))


class DenseDecoder(DenseNet):
    """Codes (n, n_in) -> raw pictures (n, channels, height, width).

    Parameters
    ----------
    shape : (int, int, int)
        Of a picture.
    sizes, activation, normalisation, initialisation, tied_to
        As for `DenseNet`.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        sizes: Sequence[int],
        activation: str,
        normalisation: str | None,
        initialisation: str,
        tied_to: DenseNet | None = None,
    ) -> None:
        super().__init__(sizes, activation, normalisation, initialisation, tied_to)
        self._shape = shape

    def forward(self, codes: Tensor) -> Tensor:
        return super().forward(codes).unflatten(1, self._shape)
