"""The size of gradients layer by layer."""

from __future__ import annotations

import torch
from torch import nn

from textrep.engine.seeding import torch_seed
from textrep.engine.task import Task
from textrep.image.pixels import Pixels


def gradient_norms(task: Task, pixels: Pixels, seed: int) -> dict[str, float]:
    """Root mean square of the gradient over the weights of each layer.

    Parameters
    ----------
    task : Task
        With a `module`; on the CPU, left as it was.
    pixels : pictures
    seed : int
        Of whatever the loss draws.

    Returns
    -------
    dict of str to float
        By the name of the layer in the module, in the order of the module.
    """
    module = task.module
    assert isinstance(module, nn.Module)
    named = {name: p for name, p in module.named_parameters() if p.ndim > 1}
    training = module.training
    state = {name: value.clone() for name, value in module.named_buffers()}
    module.train()
    try:
        with torch_seed(seed), torch.enable_grad():
            loss = task.loss(task.phases[0], torch.tensor(pixels))
            gradients = torch.autograd.grad(loss.total / loss.count, list(named.values()))
    finally:
        module.train(training)
        with torch.no_grad():
            for name, value in module.named_buffers():  # statistics of batches
                value.copy_(state[name])
    return {
        name.removesuffix(".weight"): float(gradient.square().mean().sqrt())
        for name, gradient in zip(named, gradients, strict=True)
    }
