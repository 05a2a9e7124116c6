"""Two generators and two critics in the phases of the one training loop."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from textrep.engine.loss import LossSum
from textrep.engine.task import ParameterGroup, Task
from textrep.image.cycle_gan.image_pool import pool_query
from textrep.image.estimator import ProgressPictures
from textrep.image.gan.task import frozen

GENERATORS, CRITICS = "generators", "critics"
_POOL_A, _POOL_B = "pool_a", "pool_b"


class Weights(NamedTuple):
    """Of the parts of the generators' loss.

    Attributes
    ----------
    cycle : float
        Of what is lost on the way there and back.
    identity : float
        Times `cycle`: of what a generator changes in pictures that are of its kind already.
    """

    cycle: float = 10.0
    identity: float = 0.5


class CycleGANModule(nn.Module):
    """Both generators and both critics.

    Parameters
    ----------
    a2b, b2a : Module
        Generators.
    critic_a, critic_b : Module
        Of pictures of either kind.
    """

    def __init__(
        self, a2b: nn.Module, b2a: nn.Module, critic_a: nn.Module, critic_b: nn.Module
    ) -> None:
        super().__init__()
        self.a2b, self.b2a = a2b, b2a
        self.critics = nn.ModuleDict({"a": critic_a, "b": critic_b})


class CycleGANTask(Task):
    """Validity by squared distance, the cycle and identity by absolute distance.

    All are means over the pixels or patches of a picture, summed over both directions. Pictures
    that were made before lie in `carried`, so that an interrupted training goes on with them.

    Parameters
    ----------
    module : CycleGANModule
    weights : Weights
    pool_size : int
    progress : ProgressPictures or None
    """

    phases = (GENERATORS, CRITICS)

    def __init__(
        self,
        module: CycleGANModule,
        weights: Weights,
        pool_size: int,
        progress: ProgressPictures | None = None,
    ) -> None:
        super().__init__()
        self.module = module
        self.weights = weights
        self.pool_size = pool_size
        self._progress = progress
        self._made: tuple[Tensor, Tensor] | None = None

    def begin_epoch(self, epoch: int) -> None:
        if self._progress is not None:
            self._progress(self.module, epoch)

    def groups(self, phase: str) -> list[ParameterGroup]:
        module = self.module
        if phase == CRITICS:
            return [ParameterGroup(list(module.critics.parameters()), CRITICS)]
        both = [*module.a2b.parameters(), *module.b2a.parameters()]
        return [ParameterGroup(both, GENERATORS)]

    def loss(self, phase: str, batch: Any) -> LossSum:
        a, b = (2.0 * pictures - 1.0 for pictures in batch)
        return self._critics(a, b) if phase == CRITICS else self._generators(a, b)

    def _generators(self, a: Tensor, b: Tensor) -> LossSum:
        a2b, b2a, critics = self.module.a2b, self.module.b2a, self.module.critics
        made_b, made_a = a2b(a), b2a(b)
        self._made = (made_a.detach(), made_b.detach())
        with frozen(critics):
            validity = _squared(critics["a"](made_a), 1.0) + _squared(critics["b"](made_b), 1.0)
        cycle = _absolute(b2a(made_b), a) + _absolute(a2b(made_a), b)
        total = validity + self.weights.cycle * cycle
        measures = {"validity": validity.sum(), "cycle": cycle.sum()}
        if self.weights.identity:
            identity = _absolute(a2b(b), b) + _absolute(b2a(a), a)
            total = total + self.weights.cycle * self.weights.identity * identity
            measures["identity"] = identity.sum()
        return LossSum(total.sum(), len(a), measures)

    def _critics(self, a: Tensor, b: Tensor) -> LossSum:
        # Those of the generators' turn in the same step, before they learnt from it.
        if self._made is None:
            with torch.no_grad():
                self._made = self.module.b2a(b), self.module.a2b(a)
        shown_a, self.carried[_POOL_A] = pool_query(
            self.carried.get(_POOL_A), self._made[0], self.pool_size
        )
        shown_b, self.carried[_POOL_B] = pool_query(
            self.carried.get(_POOL_B), self._made[1], self.pool_size
        )
        self._made = None
        total = a.new_zeros(len(a), dtype=torch.float32)
        right = a.new_zeros(len(a), dtype=torch.float32)
        for critic, real, made in (
            (self.module.critics["a"], a, shown_a),
            (self.module.critics["b"], b, shown_b),
        ):
            on_real, on_made = critic(real), critic(made)
            # Halved, so that critics learn half as fast (Zhu et al. 2017, section 4).
            total = total + 0.5 * (_squared(on_real, 1.0) + _squared(on_made, 0.0))
            told = (on_real > 0.5).float().flatten(1).mean(1)
            told = told + (on_made < 0.5).float().flatten(1).mean(1)
            right = right + 0.25 * told
        return LossSum(total.sum(), len(a), {"accuracy": right.sum()})


def _squared(scores: Tensor, wanted: float) -> Tensor:
    """Mean squared distance over the patches of each picture (n,)."""
    return (scores.float() - wanted).square().flatten(1).mean(dim=1)


def _absolute(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute distance over the pixels of each picture (n,)."""
    return (found.float() - wanted).abs().flatten(1).mean(dim=1)
