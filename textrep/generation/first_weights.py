"""The first weights of a recurrent language model."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.generation.recurrent_module import RecurrentLM
from textrep.layers.direction import Direction
from textrep.layers.output import AdaptiveOutput, TiedAdaptiveOutput

_FORGET_BIAS = 1.0  # Jozefowicz et al. (2015): the memory is kept until there is reason not to


def prime(module: RecurrentLM, ids: NDArray[np.integer[Any]]) -> None:
    """Give a new language model weights from which it learns at once.

    Orthogonal recurrent weights, a memory that keeps, and an output that begins with the
    frequencies of the words. A small LSTM otherwise spends its first million tokens on finding
    these frequencies, and on nothing else.

    Parameters
    ----------
    module : RecurrentLM
        It is changed in place; random numbers come from torch's generator.
    ids : integer array (n_tokens,)
        The training text.

    References
    ----------
    R. Jozefowicz, W. Zaremba, I. Sutskever: An empirical exploration of recurrent network
    architectures, ICML 2015 (the bias of the forget gate).
    """
    for direction in module.stack.modules():
        if isinstance(direction, Direction):
            direction.reset_orthogonal()
            if direction.cell == "lstm":
                direction.set_forget_bias(_FORGET_BIAS)
    counts = np.bincount(ids, minlength=module.embedding.num_embeddings) + 1.0
    shares = counts / counts.sum()
    output = module.output
    if isinstance(output, AdaptiveOutput):
        _set(output.softmax.head.bias, _head_shares(shares, output.softmax.cutoffs))
        return
    if isinstance(output, TiedAdaptiveOutput):
        bounds = [*output.cutoffs, len(shares)]
        _set(output.group_bias, _head_shares(shares, bounds)[bounds[0] :])
    if output.bias is not None:
        _set(output.bias, shares)


def _head_shares(shares: NDArray[np.float64], cutoffs: Sequence[int]) -> NDArray[np.float64]:
    """Probabilities of the frequent words and of each group of rarer ones."""
    bounds = [int(cut) for cut in cutoffs]
    groups = [shares[a:b].sum() for a, b in itertools.pairwise(bounds)]
    return np.concatenate([shares[: bounds[0]], groups])


@torch.no_grad()
def _set(bias: torch.Tensor, shares: NDArray[np.float64]) -> None:
    bias.copy_(torch.from_numpy(np.log(shares)))
