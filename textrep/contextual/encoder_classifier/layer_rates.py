"""Which layers of an encoder are trained, and at which rates."""

from __future__ import annotations

from torch import nn

from textrep.contextual.encoder_classifier.module import EncoderClassifierModule
from textrep.contextual.ulmfit_tasks import Level, discriminative_groups
from textrep.engine.task import ParameterGroup


def encoder_levels(network: nn.Module) -> list[Level]:
    """Embeddings and layers of a network of transformers, from the lowest.

    Parameters
    ----------
    network : torch.nn.Module
        Whose first list of modules are its layers, as those of all encoders are. What comes before
        belongs to the embeddings, and what comes after, such as a last norm, to the top layer.

    Returns
    -------
    list of Level
        ``"embeddings"``, ``"layer 0"`` and so on. Layers that share their weights, as ALBERT's do,
        are one.
    """
    prefix, layers = next(
        ((name, part) for name, part in network.named_modules() if isinstance(part, nn.ModuleList)),
        ("", nn.ModuleList()),
    )
    if not len(layers):
        raise ValueError(f"{type(network).__name__} has no list of layers")
    below: list[nn.Parameter] = []
    above: list[nn.Parameter] = []
    seen_layers = False
    for name, parameter in network.named_parameters():
        if name.startswith(f"{prefix}."):
            seen_layers = True
        else:
            (above if seen_layers else below).append(parameter)
    levels = [Level(f"layer {i}", list(layer.parameters())) for i, layer in enumerate(layers)]
    levels[-1].parameters.extend(above)
    return [Level("embeddings", below), *levels]


def check_frozen(network: nn.Module, freeze_layers: int | None) -> None:
    """Refuse more layers than there are.

    Raises
    ------
    ValueError
    """
    n_layers = len(encoder_levels(network)) - 1
    if freeze_layers is not None and freeze_layers > n_layers:
        raise ValueError(
            f"freeze_layers={freeze_layers}, but the encoder has {n_layers} layers of its own "
            "weights; give at most that"
        )


def frozen_parameters(network: nn.Module, freeze_layers: int | None) -> list[nn.Parameter]:
    """Those that are not trained: of the embeddings and the lowest layers.

    Parameters
    ----------
    network : torch.nn.Module
    freeze_layers : int or None
        None for nothing, 0 for the embeddings alone.

    Returns
    -------
    list of Parameter
    """
    if freeze_layers is None:
        return []
    levels = encoder_levels(network)[: freeze_layers + 1]
    return [parameter for level in levels for parameter in level.parameters]


def trained_groups(module: EncoderClassifierModule, layer_decay: float) -> list[ParameterGroup]:
    r"""What is trained, with rates that fall from the head downwards.

    The head has the rate of the settings, the top layer `layer_decay` times that, and so on down to
    the embeddings.

    Parameters
    ----------
    module : EncoderClassifierModule
        Parameters without ``requires_grad`` are left out.
    layer_decay : float
        Above 0, at most 1.

    Returns
    -------
    list of ParameterGroup
        From the lowest; levels that are frozen as a whole have none.
    """
    levels = [*encoder_levels(module.network), Level("head", list(module.head.parameters()))]
    kept = [
        Level(level.name, [value for value in level.parameters if value.requires_grad])
        for level in levels
    ]
    groups = discriminative_groups(kept, 1.0 / layer_decay, unfreeze_gradually=False)
    return [group for group in groups if group.parameters]
