"""How to train: the plain values that the loop follows."""

from __future__ import annotations

from dataclasses import dataclass

from textrep.core.messages import shown
from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.engine.schedules import SCHEDULES

OPTIMIZERS = ("adamw", "adam", "sgd")
_BELOW_ONE = 1 - 1e-6  # an average that keeps all of itself takes in nothing


@dataclass(frozen=True)
class TrainingSettings:
    """How the loop trains.

    Parameters
    ----------
    epochs : int
    learning_rate : float
        The highest of the schedule.
    optimizer : {"adamw", "adam", "sgd"}
        With "adam", weight decay is an L2 term of the loss.
    weight_decay : float
        Not applied to vectors (biases, scales of norms).
    betas : (float, float)
        Of Adam.
    momentum : float
        Of SGD.
    epsilon : float
        Of Adam.
    schedule : str
        See `textrep.engine.schedules.learning_rate_factor`.
    warmup : float
        Share of all steps, or a number of steps if it is 1 or more.
    accumulate : int
        Batches to one step of the optimiser.
    max_grad_norm : float or None
        Gradients with a greater Euclidean norm, over all parameters of the phase, are scaled to it.
    ema_decay : float or None
        Keep an exponential moving average of the weights, which is then what validation sees and
        what training ends with; early on it forgets faster, with (1 + step) / (10 + step).
    average_last : int or None
        What validation sees and what training ends with is the mean of the weights at the last so
        many evaluations, and of no more than the latter half of those there were; not with
        `ema_decay`.
    patience : int or None
        Stop after so many evaluations without a better validation loss. With None, or without
        validation data, all epochs are trained. Where there is validation, the best state is what
        training ends with in both cases.
    max_seconds : float or None
        Time for training, one more evaluation not counted. The schedule then follows the larger of
        the shares of steps and time, so that the rate has fallen when the time is over.
    evaluations_per_epoch : int
        Evenly spaced over the batches of an epoch.

    Raises
    ------
    ValueError
        When one is out of range; the message names it.

    Examples
    --------
    >>> TrainingSettings(epochs=3, schedule="cosine").accumulate
    1
    """

    epochs: int = 10
    learning_rate: float = 1e-3
    optimizer: str = "adamw"
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    momentum: float = 0.0
    epsilon: float = 1e-8
    schedule: str = "constant"
    warmup: float = 0.0
    accumulate: int = 1
    max_grad_norm: float | None = None
    ema_decay: float | None = None
    average_last: int | None = None
    patience: int | None = None
    max_seconds: float | None = None
    evaluations_per_epoch: int = 1

    def __post_init__(self) -> None:
        check_count("epochs", self.epochs, 1)
        check_number("learning_rate", self.learning_rate, above=0)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_number("weight_decay", self.weight_decay, least=0)
        check_number("momentum", self.momentum, least=0, most=_BELOW_ONE)
        _check_betas(self.betas)
        check_number("epsilon", self.epsilon, above=0)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_number("warmup", self.warmup, least=0)
        check_count("accumulate", self.accumulate, 1)
        check_count("evaluations_per_epoch", self.evaluations_per_epoch, 1)
        for name in ("max_grad_norm", "max_seconds"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), above=0)
        if self.ema_decay is not None:
            check_number("ema_decay", self.ema_decay, above=0, most=_BELOW_ONE)
        if self.average_last is not None:
            check_count("average_last", self.average_last, 1)
            if self.ema_decay is not None:
                raise ValueError(
                    f"average_last={self.average_last} and ema_decay={self.ema_decay} are two "
                    "averages of the same weights; give one of them"
                )
        if self.patience is not None:
            check_count("patience", self.patience, 1)


def _check_betas(betas: tuple[float, float]) -> None:
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise ValueError(f"betas must be two numbers, got {shown(betas)}")
    for beta in betas:
        check_number("betas", beta, least=0, most=_BELOW_ONE)
