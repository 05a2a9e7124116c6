"""A rung's share of the time budget."""

from __future__ import annotations

import time

# Of what is left, for training; the rest is for predicting and for what is measured besides.
_TRAINING_PART = 0.5


class Deadline:
    """A time by which to be ready.

    Parameters
    ----------
    seconds : float or None
        From now on; None is without end.

    Examples
    --------
    >>> Deadline(None).allows(1e9), Deadline(0.0).allows(1.0)
    (True, False)
    """

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def allows(self, seconds: float) -> bool:
        """Whether a piece of work of so many seconds can still be done."""
        return self._end is None or time.monotonic() + seconds <= self._end

    def training(self, n_fits: int = 1) -> float | None:
        """Seconds for one of several fits that are still to come; None is without limit."""
        if self._end is None:
            return None
        return max(0.0, self._end - time.monotonic()) * _TRAINING_PART / n_fits
