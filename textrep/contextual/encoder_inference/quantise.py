"""Linear layers in eight bits."""

from __future__ import annotations

import copy
import warnings
from typing import TypeVar

import torch
from torch import nn

AnyModule = TypeVar("AnyModule", bound=nn.Module)


def can_quantise() -> bool:
    """Whether this torch has kernels for it."""
    return any(name != "none" for name in torch.backends.quantized.supported_engines)


def quantised(module: AnyModule) -> AnyModule:
    """A copy whose linear layers compute in eight bits, on the CPU.

    Weights are rounded once, to 256 steps for each layer; what comes in is, anew for each batch.
    The one place where torch.ao is called, which torch means to replace.

    Parameters
    ----------
    module : torch.nn.Module
        On the CPU; left as it is.

    Returns
    -------
    torch.nn.Module
        In evaluation mode; it cannot be trained.

    Examples
    --------
    >>> layer = nn.Sequential(nn.Linear(4, 2))
    >>> quantised(layer)(torch.ones(1, 4)).shape
    torch.Size([1, 2])
    """
    copied = copy.deepcopy(module).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it will be replaced
        return torch.ao.quantization.quantize_dynamic(
            copied, {nn.Linear}, dtype=torch.qint8, inplace=True
        )
