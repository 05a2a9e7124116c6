"""What the loop trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from textrep.engine.loss import LossSum


@dataclass
class ParameterGroup:
    """Parameters that are trained alike.

    Attributes
    ----------
    parameters : list of torch.nn.Parameter
    name : str
        For messages and history.
    lr_factor : float
        Times the learning rate of the settings.
    weight_decay : float or None
        None takes that of the settings.
    from_epoch : int
        Before this epoch, counted from 0, the group is frozen. The optimiser has it from the start,
        so that unfreezing loses no state.
    """

    parameters: list[nn.Parameter]
    name: str = "all"
    lr_factor: float = 1.0
    weight_decay: float | None = None
    from_epoch: int = 0


class Task(nn.Module):
    """A model with what is minimised.

    A subclass owns the modules and has `loss`. What training changes beside parameters and buffers
    lies in `carried`, so that a checkpoint holds it.

    Attributes
    ----------
    phases : tuple of str
        One for most models; a critic and a generator for adversarial ones. Each has its own
        optimiser, over the parameters of `groups`.
    carried : dict of str to tensor
        State that goes from one batch to the next, without gradients.
    """

    phases: tuple[str, ...] = ("train",)
    carried: dict[str, torch.Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.carried = {}

    def loss(self, phase: str, batch: Any) -> LossSum:
        """The loss of a batch in a phase; in evaluation mode, what validation watches."""
        raise NotImplementedError

    def groups(self, phase: str) -> list[ParameterGroup]:
        """The parameters of a phase, without those that the model itself keeps from training."""
        return [ParameterGroup([value for value in self.parameters() if value.requires_grad])]

    def begin_epoch(self, epoch: int) -> None:
        """Called before the first batch of an epoch, and again when one is taken up midway."""

    def takes_turn(self, phase: str, step: int) -> bool:
        """Whether a phase is trained in a step, counted from 0."""
        return True
