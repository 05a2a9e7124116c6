"""Several requests at a time, all of them ended when one must not be waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")

# Ctrl-C that comes just before a wait begins does not end it.
_POLL_SECONDS = 0.2


def in_parallel(
    function: Callable[[Item], None],
    items: Iterable[Item],
    n_jobs: int,
    *,
    done: Callable[[], None],
    stop: Callable[[BaseException], None],
) -> None:
    """Call a function with each item in threads of its own.

    Parameters
    ----------
    function : callable
        Called in other threads.
    items : iterable
        What it is called with.
    n_jobs : int
        Calls at a time.
    done : callable
        Called in this thread after each call that got through.
    stop : callable
        Called with the exception on the first failure, or on Ctrl-C: it may hurry up the calls
        that are running. Those that have not begun never will; the exception is raised again when
        all have ended.

    Examples
    --------
    >>> found = []
    >>> in_parallel(found.append, "abc", n_jobs=2, done=lambda: None, stop=print)
    >>> sorted(found)
    ['a', 'b', 'c']
    """
    failures: list[BaseException] = []
    ended: SimpleQueue[None] = SimpleQueue()

    def call(item: Item) -> None:
        try:
            if not failures:
                function(item)
        except BaseException as error:
            # At once: until the other thread wakes, more calls would begin.
            failures.append(error)
            stop(error)
        finally:
            ended.put(None)

    with ThreadPoolExecutor(n_jobs, thread_name_prefix="textrep-llm") as pool:
        try:
            for _ in [pool.submit(call, item) for item in items]:
                _wait(ended)
                if failures:
                    break
                done()
        except BaseException as error:
            failures.append(error)
            stop(error)
        pool.shutdown(wait=False, cancel_futures=True)
    # The first, since it is what made the others fail.
    if failures:
        raise failures[0]


def _wait(ended: SimpleQueue[None]) -> None:
    while True:
        try:
            return ended.get(timeout=_POLL_SECONDS)
        except Empty:
            continue
