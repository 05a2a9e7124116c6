"""What a layer may be made of: activation, normalisation, first weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from textrep.core.messages import shown
from textrep.embeddings.parameters import check_choice, check_count

CONV = "conv"
"""What `hidden` is where the network is a convolutional one."""

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky-relu": lambda: nn.LeakyReLU(0.2),
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "linear": nn.Identity,
}
ACTIVATIONS = tuple(_ACTIVATIONS)
NORMALISATIONS = ("batch", "layer")
INITIALISATIONS = ("torch", "xavier", "he", "small")

# Glorot and Bengio (2010) for tanh; four times as much for the sigmoid, whose slope is a quarter.
_SIGMOID_GAIN = 4.0
_SMALL = 0.01  # standard deviation of weights that know nothing of the width of a layer
_GROUP = 8  # channels that a group of a convolutional normalisation has at most


def check_network(estimator: Any) -> None:
    """Refuse parameters of an estimator that no network can be made of."""
    check_count("code_size", estimator.code_size, 1)
    hidden = estimator.hidden
    if hidden != CONV:
        _check_widths("hidden", hidden, f"'{CONV}' or a tuple of widths such as (400, 200)")
    _check_widths("channels", estimator.channels, "a tuple of widths such as (32, 64)")
    if hidden == CONV and not estimator.channels:
        raise ValueError("channels is empty; a convolutional network needs a width at least")
    check_choice("activation", estimator.activation, ACTIVATIONS)
    if estimator.normalisation is not None:
        check_choice("normalisation", estimator.normalisation, NORMALISATIONS)
    check_choice("initialisation", estimator.initialisation, INITIALISATIONS)


def _check_widths(name: str, value: Any, wanted: str) -> None:
    if not isinstance(value, tuple | list):
        raise ValueError(f"{name} must be {wanted}, got {shown(value)}")
    for width in value:
        check_count(name, width, 1)


def make_activation(name: str) -> nn.Module:
    """A layer that applies an activation of `ACTIVATIONS`."""
    return _ACTIVATIONS[name]()


def make_normalisation(name: str | None, width: int, *, planes: bool = False) -> nn.Module:
    """A layer that normalises vectors of a width, or `planes` of so many channels.

    ``"layer"`` of planes is group normalisation, with eight channels to a group where that divides
    them.
    """
    if name is None:
        return nn.Identity()
    if name == "batch":
        return nn.BatchNorm2d(width) if planes else nn.BatchNorm1d(width)
    if not planes:
        return nn.LayerNorm(width)
    return nn.GroupNorm(width // _GROUP if width % _GROUP == 0 else 1, width)


def initialise(layer: nn.Linear | nn.Conv2d, name: str, activation: str) -> None:
    """Draw the first weights of a layer, which `activation` follows.

    Parameters
    ----------
    layer : Linear or Conv2d
    name : {"torch", "xavier", "he", "small"}
        torch's own, uniform with a variance of 1 / (3 inputs); that of Glorot and Bengio, times 4
        before a sigmoid; that of He et al.; or normal with a deviation of 0.01 whatever the width.
    activation : str

    References
    ----------
    X. Glorot, Y. Bengio: Understanding the difficulty of training deep feedforward neural networks,
    AISTATS 2010, equation 16.

    K. He et al.: Delving deep into rectifiers, ICCV 2015, equation 10.
    """
    if name == "torch":
        return
    if name == "xavier":
        gain = _SIGMOID_GAIN if activation == "sigmoid" else 1.0
        nn.init.xavier_uniform_(layer.weight, gain=gain)
    elif name == "he":
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    else:
        nn.init.normal_(layer.weight, std=_SMALL)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
