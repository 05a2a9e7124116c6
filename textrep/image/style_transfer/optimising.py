"""A picture that minimises an objective: L-BFGS within bounds, or Adam in the one training loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from textrep.engine.batches import Batches, Share
from textrep.engine.loop import train
from textrep.engine.loss import LossSum
from textrep.engine.settings import TrainingSettings
from textrep.engine.task import Task
from textrep.image.style_transfer.losses import Objective

OPTIMIZERS = ("lbfgs", "adam")

_MEMORY = 10  # steps that L-BFGS looks back at
_EVALUATIONS = 2  # of the objective to a step, at most; searches along a line rarely need more
_SCALE = 1e4  # times the objective: L-BFGS-B stops where gradients look like rounding


def by_lbfgs(
    objective: Objective, start: Tensor, steps: int, told: Callable[[int], None]
) -> Tensor:
    """Minimise by L-BFGS-B of SciPy, which never leaves the range of pixels.

    Parameters
    ----------
    objective : Objective
    start : tensor (1, 3, height, width)
    steps : int
    told : callable
        Called with 1 after each step.

    Returns
    -------
    tensor (1, 3, height, width)
        From 0 to 1.

    References
    ----------
    R. Byrd, P. Lu, J. Nocedal, C. Zhu: A limited memory algorithm for bound constrained
    optimization, SIAM Journal on Scientific Computing 16, 1995.
    """
    shape, device = start.shape, start.device

    def value(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        picture = torch.from_numpy(flat.astype(np.float32)).view(shape).to(device)
        picture.requires_grad_()
        total = objective.total(objective.losses(picture))
        (gradient,) = torch.autograd.grad(total, picture)
        return _SCALE * float(total.detach()), _SCALE * gradient.cpu().numpy().ravel().astype(
            np.float64
        )

    found: Any = scipy.optimize.minimize(
        value,
        start.cpu().numpy().ravel().astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        bounds=scipy.optimize.Bounds(0.0, 1.0),
        callback=lambda *_: told(1),
        options={
            "maxiter": steps,
            "maxfun": _EVALUATIONS * steps + _EVALUATIONS,
            "maxcor": _MEMORY,
            "ftol": 0.0,
            "gtol": 0.0,
        },
    )
    return torch.from_numpy(found.x.astype(np.float32)).view(shape).clamp(0.0, 1.0)


def by_adam(
    objective: Objective,
    start: Tensor,
    steps: int,
    told: Callable[[int], None],
    *,
    learning_rate: float,
) -> Tensor:
    """Minimise by Adam; pixels out of range are brought back before each step.

    Parameters
    ----------
    objective : Objective
    start : tensor (1, 3, height, width)
    steps : int
    told : callable
    learning_rate : float
        Of pixels that go from 0 to 1.

    Returns
    -------
    tensor (1, 3, height, width)
    """
    task = _Pixels(objective, start, told)
    settings = TrainingSettings(learning_rate=learning_rate, optimizer="adam", epochs=1)
    train(task, _Steps(steps), settings, device=str(start.device), precision="fp32")
    return task.picture.detach().clamp(0.0, 1.0)


class _Pixels(Task):
    """A picture as the only thing that is trained."""

    def __init__(self, objective: Objective, start: Tensor, told: Callable[[int], None]) -> None:
        super().__init__()
        self.picture = nn.Parameter(start.clone())
        self._objective = objective
        self._told = told

    def loss(self, phase: str, batch: Any) -> LossSum:
        with torch.no_grad():
            self.picture.clamp_(0.0, 1.0)
        self._told(1)
        return LossSum(self._objective.total(self._objective.losses(self.picture)), 1.0)


class _Steps(Batches):
    """So many steps, with nothing to read."""

    def __init__(self, n: int) -> None:
        self._n = n

    def plan(self, epoch: int) -> list[int]:
        return list(range(self._n))

    def read(self, spec: int, share: Share) -> int:
        return spec

    def size(self, spec: int) -> int:
        return 1
