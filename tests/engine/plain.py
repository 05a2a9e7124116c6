"""The loop that the engine's is held to: what one would write by hand in plain torch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from textrep.engine.batches import Share


def decayed(task: nn.Module, weight_decay: float) -> list[dict]:
    """Groups of an optimiser in which matrices decay and vectors do not."""
    return [
        {"params": [value for value in task.parameters() if value.dim() > 1],
         "weight_decay": weight_decay},
        {"params": [value for value in task.parameters() if value.dim() < 2], "weight_decay": 0.0},
    ]  # fmt: skip


def plain_train(
    task: nn.Module,
    batches,
    optimizer: torch.optim.Optimizer,
    *,
    epochs: int,
    factor: Callable[[int], float] = lambda step: 1.0,
    clip: float | None = None,
    accumulate: int = 1,
) -> list[float]:
    """Train, and answer with the mean loss of each step."""
    rates = [group["lr"] for group in optimizer.param_groups]
    losses = []
    task.train()
    for epoch in range(epochs):
        plan = list(batches.plan(epoch))
        for begin in range(0, len(plan), accumulate):
            optimizer.zero_grad()
            parts = [
                task.loss("train", batches.read(spec, Share()))
                for spec in plan[begin : begin + accumulate]
            ]
            loss = sum(part.total for part in parts) / sum(float(part.count) for part in parts)
            loss.backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(task.parameters(), clip)
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor(len(losses))
            optimizer.step()
            losses.append(loss.item())
    return losses
