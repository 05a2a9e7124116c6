"""Axes of the report's figures: from values to places, with round ticks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

# The multiples of a power of ten that people count in.
_NICE_STEPS = (1.0, 2.0, 5.0, 10.0)
# Between the ticks of a linear axis.
_MAX_PARTS = 5
# Of shares of one: smaller differences are noise, and no test part can show them.
_LEAST_RANGE = 1e-3
# Over more decades than this the powers of ten alone are ticks enough.
_CROWDED_DECADES = 2.5


@dataclass(frozen=True)
class Axis:
    """One axis of a figure.

    Attributes
    ----------
    low, high : float
        Values at its ends.
    start, end : float
        Places of its ends in the figure.
    ticks : tuple of (float, str)
        Places and inscriptions.
    log : bool
        Whether equal ratios take equal room.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[tuple[float, str], ...] = ()
    log: bool = False

    def at(self, value: float) -> float:
        """The place of a value, held within the axis.

        Examples
        --------
        >>> Axis(0.0, 10.0, 100.0, 200.0).at(5.0)
        150.0
        >>> Axis(1.0, 100.0, 0.0, 10.0, log=True).at(10.0)
        5.0
        """
        return _place(self.low, self.high, self.start, self.end, self.log, value)


def share_axis(values: Iterable[float], start: float, end: float) -> Axis:
    """A linear axis over shares of one, in percent, that begins and ends on a tick.

    Examples
    --------
    >>> share_axis([0.62, 0.93], 0, 100).ticks[-1]
    (100.0, '100%')
    """
    values = list(values)
    low, high = min(values), max(values)
    if high - low < _LEAST_RANGE:
        low, high = low - _LEAST_RANGE / 2, high + _LEAST_RANGE / 2
    step = _nice_step(low, high)
    first, last = math.floor(low / step), math.ceil(high / step)
    marks = [round(k * step, 12) for k in range(first, last + 1)]
    marks = [mark for mark in marks if 0.0 <= mark <= 1.0]
    return _axis(marks[0], marks[-1], start, end, marks, _percent, log=False)


def log_axis(
    values: Iterable[float], start: float, end: float, *, inscribe: Callable[[float], str]
) -> Axis:
    """An axis over positive values on which equal ratios take equal room.

    Examples
    --------
    >>> [text for _, text in log_axis([3, 70], 0, 100, inscribe=str).ticks]
    ['2', '5', '10', '20', '50', '100']
    """
    values = list(values)
    few = math.log10(max(values) / min(values)) <= _CROWDED_DECADES
    steps = (1, 2, 5) if few else (1,)
    # One more at both ends: the logarithm of a number a hair beside a power of ten is that power's.
    decades = range(math.floor(math.log10(min(values))) - 1, math.ceil(math.log10(max(values))) + 2)
    marks = [step * 10**k if k >= 0 else step / 10**-k for k in decades for step in steps]
    below = max(mark for mark in marks if mark <= min(values))
    above = min(mark for mark in marks if mark >= max(values) and mark > below)
    marks = [mark for mark in marks if below <= mark <= above]
    return _axis(below, above, start, end, marks, inscribe, log=True)


def _axis(
    low: float,
    high: float,
    start: float,
    end: float,
    marks: list[float],
    inscribe: Callable[[float], str],
    log: bool,
) -> Axis:
    ticks = [(_place(low, high, start, end, log, mark), inscribe(mark)) for mark in marks]
    return Axis(low, high, start, end, tuple(ticks), log)


def _place(low: float, high: float, start: float, end: float, log: bool, value: float) -> float:
    value = min(max(value, low), high)
    if log:
        low, high, value = math.log(low), math.log(high), math.log(value)
    return round(start + (end - start) * (value - low) / (high - low), 2)


def _percent(share: float) -> str:
    return f"{100 * share:.6g}%"


def _nice_step(low: float, high: float) -> float:
    """The smallest of 1, 2, 5, 10, … that cuts a range into few enough parts."""
    rough = (high - low) / _MAX_PARTS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in _NICE_STEPS if step * power >= rough * (1 - 1e-9))
