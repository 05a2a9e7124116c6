"""First biases that know the mean picture, so that training need not find it."""

from __future__ import annotations

import numpy as np
import torch

from textrep.image.nets.conv import ConvDecoder, ConvEncoder
from textrep.image.nets.mlp import DenseDecoder, DenseEncoder
from textrep.image.pixels import Pixels

_LEAST = 0.01  # of a probability: where a pixel is always black, its logit would be infinite


def centre(
    encoder: DenseEncoder | ConvEncoder,
    decoder: DenseDecoder | ConvDecoder,
    pixels: Pixels,
    *,
    logits: bool,
) -> None:
    """Take the mean picture off in the first layer of a dense encoder, and add it in the last one.

    Without it the mean, which is many times larger than what pictures differ by, is the first thing
    that is learnt, and the slowest to be learnt well.

    Parameters
    ----------
    encoder, decoder : dense or convolutional
        Changed in place; of a convolutional decoder the mean is that of each channel.
    pixels : pictures
    logits : bool
        Whether the decoder gives logits of pixels.
    """
    mean = torch.from_numpy(pixels.mean(axis=0, dtype=np.float64).astype(np.float32))
    with torch.no_grad():
        if isinstance(encoder, DenseEncoder):
            first = encoder.layers[0]
            first.bias.sub_(first.weight @ mean.flatten())
        if isinstance(decoder, ConvDecoder):
            bias, start = decoder.last.bias, mean.mean(dim=(1, 2))
        else:
            bias, start = decoder.layers[-1].bias, mean.flatten()
        bias.copy_(start.clamp(_LEAST, 1 - _LEAST).logit() if logits else start)
