"""Ctrl-C between two steps, never inside one."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Interruption:
    """Whether Ctrl-C was pressed since the start."""

    def __init__(self) -> None:
        self.asked = False

    def note(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal."""
        if self.asked:  # the second time: whoever presses it means it
            raise KeyboardInterrupt
        self.asked = True


@contextlib.contextmanager
def held_back(wanted: bool) -> Iterator[Interruption]:
    """Hold Ctrl-C back inside, to be asked for where it does no harm.

    Parameters
    ----------
    wanted : bool
        False leaves Ctrl-C as it is, as do threads other than the main one, which get no signals.

    Yields
    ------
    Interruption
    """
    interruption = Interruption()
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = signal.signal(signal.SIGINT, interruption.note)
    try:
        yield interruption
    finally:
        # None is a handler that was not set from Python.
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
