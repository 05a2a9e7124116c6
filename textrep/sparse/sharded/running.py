"""Where the tasks of a job run: one after the other here, or on the workers of dask."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from textrep.sparse.sharded.manifest import ShardError

RETRIES = 2
"""Times that a task is tried again after an error, such as of a file system over the network."""


class Runner(Protocol):
    """Runs calls of a function, in any order, and gives each result with the number of its call.

    Attributes
    ----------
    n_jobs : int or None
        Threads that a task is to take.
    """

    n_jobs: int | None

    def run(
        self, task: Callable[..., Any], calls: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[int, Any]]:
        """Run ``task(*call)`` for all calls.

        Parameters
        ----------
        task : callable
        calls : sequence of tuple
            Arguments of each call.

        Yields
        ------
        number, result
            As soon as a call has come to its end; numbers count from 0.
        """
        ...


class RunsHere:
    """One task after the other in this process, each with threads of its own; see `Runner`."""

    n_jobs: int | None = None

    def run(
        self, task: Callable[..., Any], calls: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[int, Any]]:
        for number, call in enumerate(calls):
            yield number, task(*call)


class RunsOnDask:
    """On the workers of a cluster, which may come and go; see `Runner`.

    Parameters
    ----------
    client : dask.distributed.Client
    """

    n_jobs: int | None = 1

    def __init__(self, client: Any) -> None:
        self._client = client

    def run(
        self, task: Callable[..., Any], calls: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[int, Any]]:
        from distributed import CancelledError, KilledWorker, as_completed

        if not calls:
            return
        columns = zip(*calls, strict=True)
        futures = self._client.map(task, *columns, pure=False, retries=RETRIES)
        numbers = {future.key: number for number, future in enumerate(futures)}
        try:
            for future in as_completed(futures):
                result = future.result()
                # Else what a worker that is lost has done would be done again, though it is here.
                future.release()
                yield numbers[future.key], result
        except KilledWorker as error:
            raise ShardError(
                f"workers were lost again and again over the same task ({error}); is there enough "
                "memory for a block? Smaller ones (block_bytes) take less"
            ) from error
        except CancelledError as error:
            raise ShardError(
                "the scheduler was lost, or told to stop; once it is back, the same call goes on"
            ) from error
        finally:
            self._client.cancel(futures)


@contextlib.contextmanager
def runner(scheduler: str | None, workers: int | None) -> Iterator[Runner]:
    """Where tasks are to run.

    Parameters
    ----------
    scheduler : str or None
        Address of a scheduler of dask, such as ``"tcp://10.0.0.1:8786"``.
    workers : int or None
        Processes on this machine; None or 1 is this process.

    Yields
    ------
    Runner

    Raises
    ------
    ShardError
        When both are given, or the scheduler does not answer.
    ImportError
        When dask is needed and not installed.
    """
    if scheduler is not None and workers is not None:
        raise ShardError("scheduler and workers: give one of them; a cluster has its own workers")
    if scheduler is None and workers in (None, 1):
        yield RunsHere()
        return
    distributed = _distributed()
    if scheduler is not None:
        with _connected(distributed, scheduler) as client:
            yield RunsOnDask(client)
        return
    cluster = distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0"
    )
    try:
        with distributed.Client(cluster) as client:
            yield RunsOnDask(client)
    finally:
        # On a busy machine workers take longer to end than dask waits; their work is on the disk.
        with contextlib.suppress(TimeoutError):
            cluster.close()


def _connected(distributed: Any, scheduler: str) -> Any:
    try:
        return distributed.Client(scheduler)
    except OSError as error:
        raise ShardError(f"the scheduler at {scheduler} does not answer: {error}") from error


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise ImportError(
            "several processes or machines work together through dask, which is not installed: "
            "pip install 'textrep[distributed]'"
        ) from error
    return distributed
