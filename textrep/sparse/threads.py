"""How many threads a call may use, and the running of kernels in them."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

Result = TypeVar("Result")

BYTES_PER_THREAD = 1 << 18
"""Text below which a further thread costs more (about 0.1 ms to start) than it saves."""


def available_cores() -> int:
    """Cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def allowed_cores() -> int:
    """Cores that this process may compute on, so many at most as NUMBA_NUM_THREADS says.

    joblib sets it in the processes that it starts, to their share of the cores.
    """
    told = os.environ.get("NUMBA_NUM_THREADS", "")
    cores = available_cores()
    return min(cores, int(told)) if told.isdecimal() and int(told) else cores


def wanted_threads(n_jobs: int | None) -> int:
    """Threads that ``n_jobs`` allows: None for all cores allowed, a positive number, or as in
    joblib -1 for all cores, -2 for all but one.

    Raises
    ------
    ValueError
        When ``n_jobs`` is 0 or no integer.
    """
    if n_jobs is None:
        return allowed_cores()
    if type(n_jobs) is bool or not isinstance(n_jobs, (int, np.integer)) or n_jobs == 0:
        raise ValueError(f"n_jobs must be None or an integer other than 0, got {n_jobs!r}")
    return max(1, allowed_cores() + 1 + int(n_jobs)) if n_jobs < 0 else int(n_jobs)


def worthwhile_threads(n_jobs: int | None, n_bytes: int) -> int:
    """Threads worth starting for a text of ``n_bytes``."""
    return max(1, min(wanted_threads(n_jobs), n_bytes // BYTES_PER_THREAD))


def run_parallel(
    task: Callable[..., Result], arguments: Iterable[Sequence[Any]], threads: int
) -> list[Result]:
    """``[task(*a) for a in arguments]`` in up to ``threads`` threads."""
    calls = list(arguments)
    threads = min(threads, len(calls))
    if threads <= 1:
        return [task(*call) for call in calls]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(task, *zip(*calls, strict=True)))


def stream_parallel(
    task: Callable[..., Result], arguments: Iterable[Sequence[Any]], threads: int
) -> Iterator[Result]:
    """The results of `run_parallel` one after another, each as soon as it and those before it are
    there; no more than a few are worked on ahead.
    """
    calls = list(arguments)
    threads = min(threads, len(calls))
    if threads <= 1:
        yield from itertools.starmap(task, calls)
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for call in calls:
            waiting.append(pool.submit(task, *call))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def split_evenly(cumulative: np.ndarray, parts: int) -> list[tuple[int, int]]:
    """Cut items into runs of about equal weight; ``cumulative[i]`` is the weight before item i.

    Returns non-empty ``(first, last)`` ranges over ``len(cumulative) - 1`` items (one empty range
    when there are none).
    """
    n_items = len(cumulative) - 1
    if parts <= 1 or n_items <= 1:
        return [(0, n_items)]
    targets = cumulative[0] + (cumulative[-1] - cumulative[0]) * np.arange(1, parts) / parts
    cuts = [0, *np.searchsorted(cumulative, targets).clip(0, n_items).tolist(), n_items]
    return [(a, b) for a, b in itertools.pairwise(cuts) if b > a]
