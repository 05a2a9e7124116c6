"""A function called by many threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

N_THREADS = 8


def at_once(function: Callable[[int], Any]) -> list[Any]:
    """What it gives for 0, 1, ..., each in a thread of its own, which all begin together."""
    barrier = threading.Barrier(N_THREADS)

    def begin(number: int) -> Any:
        barrier.wait(timeout=60)
        return function(number)

    with ThreadPoolExecutor(N_THREADS) as pool:
        return list(pool.map(begin, range(N_THREADS)))
