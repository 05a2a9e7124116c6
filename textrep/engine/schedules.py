"""Learning-rate schedules: the share of the highest rate at each step."""

from __future__ import annotations

import math
from collections.abc import Callable

SCHEDULES = (
    "constant",
    "constant-linear",
    "linear",
    "cosine",
    "one-cycle",
    "slanted-triangular",
    "inverse-sqrt",
)

# Howard and Ruder (2018), section 3.2.
SLANTED_CUT = 0.1
SLANTED_RATIO = 32
# Smith and Topin (2017) as fastai and torch have it.
ONE_CYCLE_RISE = 0.25
ONE_CYCLE_START = 1 / 25
ONE_CYCLE_END = 1e-5


def learning_rate_factor(schedule: str, step: float, n_steps: int, warmup: float = 0.0) -> float:
    """Share of the highest learning rate at a step.

    Parameters
    ----------
    schedule : str
        ``"constant"``
            1 after warm-up.
        ``"constant-linear"``
            1 after warm-up and up to half of the steps, then straight to 0 behind the last, as
            Zhu et al. (2017) train CycleGAN.
        ``"linear"``, ``"cosine"``
            From 1 after warm-up to 0 behind the last step.
        ``"one-cycle"``
            Up from 1/25 over the first quarter (or `warmup`), then down to 1e-5, both as a cosine.
        ``"slanted-triangular"``
            Howard and Ruder (2018), equation 3: up over the first tenth (or `warmup`) from 1/32,
            then down to 1/32, both straight.
        ``"inverse-sqrt"``
            Up over `warmup` and then sqrt(warmup / step) (Vaswani et al. 2017, section 5.3).
    step : float
        From 0.
    n_steps : int
        Of the whole training.
    warmup : float
        Share of all steps, or a number of steps if it is 1 or more, over which the rate rises
        straight from 0, exclusive, to the highest.

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> [round(learning_rate_factor("linear", step, 4, warmup=2), 2) for step in range(4)]
    [0.5, 1.0, 1.0, 0.5]
    """
    rise = warmup if warmup >= 1 else warmup * n_steps
    return _SHAPES[schedule](step, max(n_steps, 1), rise)


def _constant(step: float, n_steps: int, rise: float) -> float:
    return _risen(step, rise)


def _constant_linear(step: float, n_steps: int, rise: float) -> float:
    return min(_risen(step, rise), 2.0 * (1.0 - _fallen(step, n_steps, 0.0)))


def _linear(step: float, n_steps: int, rise: float) -> float:
    return min(_risen(step, rise), 1.0 - _fallen(step, n_steps, rise))


def _cosine(step: float, n_steps: int, rise: float) -> float:
    down = 0.5 * (1.0 + math.cos(math.pi * _fallen(step, n_steps, rise)))
    return min(_risen(step, rise), down)


def _one_cycle(step: float, n_steps: int, rise: float) -> float:
    rise = rise or ONE_CYCLE_RISE * n_steps
    if step < rise:
        return _between(ONE_CYCLE_START, 1.0, step / rise)
    return _between(1.0, ONE_CYCLE_END, _fallen(step, n_steps, rise))


def _slanted_triangular(step: float, n_steps: int, rise: float) -> float:
    cut = rise or SLANTED_CUT * n_steps
    # The paper's cut is a whole number of steps.
    cut = max(1.0, math.floor(cut))
    share = step / cut if step < cut else 1.0 - (step - cut) / max(n_steps - cut, 1.0)
    return (1.0 + max(share, 0.0) * (SLANTED_RATIO - 1)) / SLANTED_RATIO


def _inverse_sqrt(step: float, n_steps: int, rise: float) -> float:
    rise = max(rise, 1.0)
    return min((step + 1.0) / rise, math.sqrt(rise / (step + 1.0)))


def _risen(step: float, rise: float) -> float:
    return 1.0 if rise == 0 else min(1.0, (step + 1.0) / rise)


def _fallen(step: float, n_steps: int, rise: float) -> float:
    """Share of the way from the end of the rise to the end, 0 before it."""
    return min(1.0, max(0.0, (step - rise) / max(n_steps - rise, 1e-9)))


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * share))


_SHAPES: dict[str, Callable[[float, int, float], float]] = {
    "constant": _constant,
    "constant-linear": _constant_linear,
    "linear": _linear,
    "cosine": _cosine,
    "one-cycle": _one_cycle,
    "slanted-triangular": _slanted_triangular,
    "inverse-sqrt": _inverse_sqrt,
}
