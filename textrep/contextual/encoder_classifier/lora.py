"""Low-rank adapters beside the linear layers of an encoder, through peft."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from torch import nn

from textrep.contextual.encoder_classifier.layer_rates import encoder_levels

SCALE = 2
"""What adapters add is multiplied by it, whatever their rank (alpha = 2 rank)."""

_DROPOUT = 0.05


@contextlib.contextmanager
def adapted(network: nn.Module, rank: int | None) -> Iterator[None]:
    r"""Adapters beside the linear layers inside; outside, they have become part of the weights.

    A weight W becomes W + 2 B A, of which only A and B are trained, with `rank` rows and columns;
    B is 0 at first.

    Parameters
    ----------
    network : torch.nn.Module
        Of transformers; changed in place. All of it that is no adapter is frozen inside.
    rank : int or None
        None for none.

    Raises
    ------
    ModuleNotFoundError
        If peft is not installed.

    References
    ----------
    E. Hu et al.: LoRA: Low-rank adaptation of large language models, ICLR 2022.
    """
    if rank is None:
        yield
        return
    trained = {parameter: parameter.requires_grad for parameter in network.parameters()}
    tuner = _tuner(network, rank)
    try:
        yield
    finally:
        tuner.merge_and_unload()
        for parameter, requires in trained.items():
            parameter.requires_grad_(requires)


def _tuner(network: nn.Module, rank: int) -> Any:
    try:
        from peft import LoraConfig
        from peft.tuners.lora import LoraModel
    except ImportError:
        raise ModuleNotFoundError("lora_rank needs peft: pip install 'textrep[neural]'") from None
    config = LoraConfig(
        r=rank,
        lora_alpha=SCALE * rank,
        lora_dropout=_DROPOUT,
        target_modules=linear_names(network),
    )
    tuner = LoraModel(network, config, "default")
    network.train(network.training)  # the adapters too
    return tuner


def linear_names(network: nn.Module) -> list[str]:
    """Names of the linear layers inside the layers of an encoder.

    Parameters
    ----------
    network : torch.nn.Module

    Returns
    -------
    list of str
        Full names; nothing of the embeddings.
    """
    [_, *layers] = encoder_levels(network)
    inside = {id(parameter) for level in layers for parameter in level.parameters}
    return [
        name
        for name, part in network.named_modules()
        if isinstance(part, nn.Linear) and id(part.weight) in inside
    ]
