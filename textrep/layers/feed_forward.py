"""The part of a Transformer that looks at each position by itself."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from textrep.embeddings.parameters import check_choice, check_count
from textrep.layers.dropout import check_dropout, drop

ACTIVATIONS = ("relu", "gelu", "gelu-tanh", "geglu", "swiglu")
GATED = ("geglu", "swiglu")


class FeedForward(nn.Module):
    """Two linear layers with a nonlinearity between, or three where it is gated.

    Parameters
    ----------
    size : int
        Features D that come in and go out.
    inner_size : int
        Features between.
    activation : {"relu", "gelu", "gelu-tanh", "geglu", "swiglu"}, default="gelu"
        "gelu-tanh" is the approximation that GPT-2 has. The gated ones multiply half of what `up`
        gives with the GELU or SiLU of its other, first half.
    dropout : float, default=0.0
        Between the layers.
    bias : bool, default=True

    References
    ----------
    N. Shazeer: GLU variants improve Transformer, 2020.

    Examples
    --------
    >>> import torch
    >>> FeedForward(8, 16, activation="swiglu")(torch.zeros(2, 3, 8)).shape
    torch.Size([2, 3, 8])
    """

    def __init__(
        self,
        size: int,
        inner_size: int,
        *,
        activation: str = "gelu",
        dropout: float = 0.0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_count("size", size, 1)
        check_count("inner_size", inner_size, 1)
        check_choice("activation", activation, ACTIVATIONS)
        check_dropout("dropout", dropout)
        self.activation = activation
        self.dropout = dropout
        self.up = nn.Linear(size, inner_size * (2 if activation in GATED else 1), bias=bias)
        self.down = nn.Linear(inner_size, size, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Features (..., D) of each position to others."""
        inner = activate(self.up(x), self.activation)
        if self.dropout and self.training:
            inner = drop(inner, self.dropout)
        return self.down(inner)


def activate(x: Tensor, activation: str) -> Tensor:
    """The nonlinearity; a gated one leaves half of the features.

    Parameters
    ----------
    x : Tensor, shape (..., F)
    activation : str
        One of `ACTIVATIONS`.

    Returns
    -------
    Tensor, shape (..., F), or (..., F / 2) where gated
    """
    if activation == "relu":
        return F.relu(x)
    if activation == "gelu":
        return F.gelu(x)
    if activation == "gelu-tanh":
        return F.gelu(x, approximate="tanh")
    gate, value = x.chunk(2, dim=-1)
    return (F.gelu(gate) if activation == "geglu" else F.silu(gate)) * value
