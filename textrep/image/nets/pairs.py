"""An encoder and the decoder that mirrors it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from torch import nn

from textrep.image.nets.choices import CONV
from textrep.image.nets.conv import ConvDecoder, ConvEncoder
from textrep.image.nets.mlp import DenseDecoder, DenseEncoder


class Pair(NamedTuple):
    """Two networks.

    Attributes
    ----------
    encoder : Module
        Pictures -> numbers.
    decoder : Module
        Codes -> raw pictures.
    """

    encoder: nn.Module
    decoder: nn.Module


def make_pair(
    estimator: Any,
    shape: tuple[int, int, int],
    *,
    n_out: int,
    tied: bool = False,
    last: str = "linear",
) -> Pair:
    """The networks that the parameters of an estimator describe.

    Parameters
    ----------
    estimator : object
        With the parameters that `check_network` looks at.
    shape : (int, int, int)
        Channels, height and width of a picture.
    n_out : int
        Numbers of the encoder: `code_size`, or more of them.
    tied : bool, default=False
        Whether a dense decoder has the weights of the encoder.
    last : str, default="linear"
        Activation of what the encoder gives.

    Returns
    -------
    Pair
    """
    code_size = estimator.code_size
    how = (estimator.activation, estimator.normalisation, estimator.initialisation)
    if estimator.hidden == CONV:
        channels = list(estimator.channels)
        return Pair(
            ConvEncoder(shape, channels, n_out, *how, last),
            ConvDecoder(shape, channels, code_size, *how),
        )
    hidden = list(estimator.hidden)
    encoder = DenseEncoder([math.prod(shape), *hidden, n_out], *how, last=last)
    sizes = [code_size, *hidden[::-1], math.prod(shape)]
    return Pair(encoder, DenseDecoder(shape, sizes, *how, encoder if tied else None))
