"""A lock that a fork does not inherit from threads which it has not."""

from __future__ import annotations

import os
import threading
from types import TracebackType


class SharedLock:
    """Lock of all threads of a process; one thread may take it several times.

    A fork has only the thread that forked. A plain lock that another one held at that moment would
    stay held in it for ever; this one is then free, unless the forking thread itself held it. It
    lasts as long as the process: one for a module.

    Examples
    --------
    >>> lock = SharedLock()
    >>> with lock, lock:
    ...     pass
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._held = threading.local()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin_anew)

    def __enter__(self) -> None:
        self._lock.acquire()
        self._held.times = self._times() + 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held.times -= 1
        self._lock.release()

    def _times(self) -> int:
        """How many times this thread holds it."""
        times: int = getattr(self._held, "times", 0)
        return times

    def _begin_anew(self) -> None:
        self._lock = threading.RLock()
        for _ in range(self._times()):
            self._lock.acquire()
