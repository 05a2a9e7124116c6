"""The optimiser of a phase, with the groups that are trained alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from textrep.engine.settings import TrainingSettings
from textrep.engine.task import ParameterGroup


def make_optimizer(
    groups: Sequence[ParameterGroup], settings: TrainingSettings
) -> torch.optim.Optimizer:
    """The optimiser of all groups, those that are still frozen too.

    Parameters
    ----------
    groups : sequence of ParameterGroup
        A parameter in two of them is an error of torch.
    settings : TrainingSettings

    Returns
    -------
    torch.optim.Optimizer
        Its groups have the further key ``"lr_factor"``.
    """
    parts: list[dict[str, Any]] = []
    for group in groups:
        decay = settings.weight_decay if group.weight_decay is None else group.weight_decay
        trained = list(dict.fromkeys(group.parameters))
        matrices = [p for p in trained if p.ndim >= 2]
        vectors = [p for p in trained if p.ndim < 2]
        for parameters, own_decay in ((matrices, decay), (vectors, 0.0)):
            if parameters:
                parts.append(
                    {"params": parameters, "weight_decay": own_decay, "lr_factor": group.lr_factor}
                )
    if not parts:
        raise ValueError("there is nothing to train: no group has a parameter")
    if settings.optimizer == "sgd":
        return torch.optim.SGD(parts, settings.learning_rate, momentum=settings.momentum)
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    # One pass over the memory instead of ten; the CPU has it too.
    fused = all(p.device.type in ("cpu", "cuda") for part in parts for p in part["params"])
    return kind(
        parts, settings.learning_rate, betas=settings.betas, eps=settings.epsilon, fused=fused
    )


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give each group its share of a learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["lr_factor"]


def thaw(groups: Sequence[ParameterGroup], epoch: int) -> None:
    """Freeze the groups whose epoch has not come, and unfreeze the others."""
    for group in groups:
        for parameter in group.parameters:
            parameter.requires_grad_(epoch >= group.from_epoch)


def get_optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Its tensors by name: the number of the parameter and what it is."""
    state = optimizer.state_dict()["state"]
    return {
        f"{number}.{name}": value
        for number, values in state.items()
        for name, value in values.items()
        if isinstance(value, torch.Tensor)
    }


def set_optimizer_state(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Put back what `get_optimizer_state` gave."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
