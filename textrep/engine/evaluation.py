"""The mean loss of a task over batches, without training."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch

from textrep.engine.batches import Batches
from textrep.engine.device import autocast, choose_device, choose_precision, to_device
from textrep.engine.loss import LossSum
from textrep.engine.processes import Processes
from textrep.engine.task import Task


class Sums:
    """Running sums of losses and measures over items, in float64, on the device of the losses.

    Parameters
    ----------
    numbers : mapping of str to float, default={}
        What to go on from.
    """

    def __init__(self, numbers: Mapping[str, float] = MappingProxyType({})) -> None:
        self._values: dict[str, torch.Tensor | float] = dict(numbers)

    def add(self, loss: LossSum, prefix: str = "") -> None:
        """Take in the sums of a batch."""
        for name, value in (("count", loss.count), ("loss", loss.total), *loss.measures.items()):
            exact = value
            if isinstance(value, torch.Tensor):
                value = value.detach()
                exact = value.cpu().double() if value.device.type == "mps" else value.double()
            self._values[prefix + name] = self._values.get(prefix + name, 0.0) + exact

    def numbers(self) -> dict[str, float]:
        """The sums of this process."""
        return {name: float(value) for name, value in self._values.items()}

    def means(self, processes: Processes, prefix: str = "") -> dict[str, float]:
        """Sums of all processes divided by their number of items; empty where there were none."""
        wanted = {
            k.removeprefix(prefix): v for k, v in self.numbers().items() if k.startswith(prefix)
        }
        sums = processes.merge(wanted)
        count = sums.pop("count", 0.0)
        return {name: value / count for name, value in sums.items()} if count else {}


def evaluate(
    task: Task,
    batches: Batches,
    *,
    device: str | torch.device = "auto",
    precision: str = "auto",
    phase: str | None = None,
) -> dict[str, float]:
    """Mean loss and measures over all items of the batches.

    Parameters
    ----------
    task : Task
        Left where and in the mode it was.
    batches : Batches
        Their plan for epoch 0.
    device, precision : str
    phase : str, optional
        The first when left out.

    Returns
    -------
    dict of str to float
        ``"loss"`` and the names of the task's measures.

    Raises
    ------
    ValueError
        When there is no item.
    """
    chosen = choose_device(device) if isinstance(device, str) else device
    processes = Processes(chosen)
    chosen = processes.device
    home = next((parameter.device for parameter in task.parameters()), chosen)
    task.to(chosen)
    try:
        return evaluate_here(
            task, batches, processes, choose_precision(precision, chosen), phase or task.phases[0]
        )
    finally:
        task.to(home)


def evaluate_here(
    task: Task, batches: Batches, processes: Processes, precision: str, phase: str
) -> dict[str, float]:
    """`evaluate` for a task that is on the device already; its carried state is left alone."""
    sums = Sums()
    training, carried = task.training, task.carried
    task.eval()
    task.carried = {}
    try:
        with torch.no_grad():
            for spec in batches.plan(0):
                batch: Any = batches.read(spec, processes.share)
                if batch is not None:
                    with autocast(processes.device, precision):
                        loss = task.loss(phase, to_device(batch, processes.device))
                    sums.add(loss)
    finally:
        task.carried = carried
        task.train(training)
    if means := sums.means(processes):
        return means
    raise ValueError("there is nothing to evaluate: the batches have no items")
