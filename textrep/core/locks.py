"""Locks of a module, which forks survive, and of single objects, which are not pickled."""

from __future__ import annotations

import os
import threading
from types import TracebackType
from typing import Any
from weakref import WeakKeyDictionary


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


_making = SharedLock()
_own: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def own_lock(owner: Any) -> Any:
    """The lock of one object, which its copies and pickles do not have.

    Parameters
    ----------
    owner : object
        Hashable by identity, as estimators are.

    Returns
    -------
    threading.RLock

    Examples
    --------
    >>> estimator = type("Estimator", (), {})()
    >>> own_lock(estimator) is own_lock(estimator)
    True
    """
    with _making:
        return _own.setdefault(owner, threading.RLock())
