"""The program's side of the workers: start one, hand it jobs, stop it."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple

from textrep.comparison.errors import ComparisonError
from textrep.comparison.task import Task
from textrep.comparison.workers.server import can_fork, describe

TASK = "task.pickle"
"""Name of the file, in the folder of the worker, through which the task travels."""

_SERVE = "from textrep.comparison.workers.server import main; main()"
# Run by the new interpreter: it looks for modules where this one does, and imports no script.
_BOOT = f"import json, sys; line = sys.stdin.readline(); sys.path[:] = json.loads(line); {_SERVE}"
# Between two looks at the clock while a job runs.
_TICK_SECONDS = 0.2


class Ending(NamedTuple):
    """How a job ended: as it should, by a crash (with the reason), or at the end of its time."""

    kind: Literal["done", "crashed", "overran"]
    reason: str = ""


class Worker:
    """Runs the jobs of a comparison, one at a time.

    Parameters
    ----------
    task : Task
        What all jobs are about.
    folder : Path
        Of this worker alone; the task is written to it.
    """

    def __init__(self, task: Task, folder: Path) -> None:
        self._task = folder / TASK
        with self._task.open("wb") as file:
            pickle.dump(task, file, protocol=pickle.HIGHEST_PROTOCOL)
        self._server: Server | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        server, self._server = self._server, None
        if server is not None:
            if kind is None:
                _spare(server)
            else:
                server.stop()

    def start(self) -> None:
        """Start the process, unless it runs, without waiting for it to be ready."""
        if self._server is None:
            self._server = _take_spare() or Server()

    def run(
        self,
        folder: Path,
        seconds: float | None = None,
        tick: Callable[[], None] = lambda: None,
    ) -> Ending:
        """Run the job of a folder to its end.

        Parameters
        ----------
        folder : Path
            Of the job; its request is in it.
        seconds : float or None, default=None
            After which the job is killed, counted from when the process is ready.
        tick : callable, default=nothing
            Called several times a second while the job runs.

        Returns
        -------
        Ending

        Raises
        ------
        ComparisonError
            When no process can be started.
        """
        self.start()
        assert self._server is not None
        if not self._server.wait_until_ready(tick):
            self.stop()
            # A spare one may have ended in the meantime.
            self._server = Server()
            if not self._server.wait_until_ready(tick):
                self.stop()
                raise ComparisonError(
                    "the process that tries the methods ended before it began; run "
                    f"{sys.executable} -c '{_SERVE}' to see why"
                )
        try:
            answer = self._server.ask(folder, self._task, seconds, tick)
        except TimeoutError:
            self.stop()
            return Ending("overran")
        if answer is None:
            code = self._server.stop()
            self._server = None
            return Ending("crashed", describe(code) or "its process ended early")
        if not can_fork():
            self.stop()
        return Ending("crashed", answer["ended"]) if answer["ended"] else Ending("done")

    def stop(self) -> None:
        """Kill the process and whatever runs in it; the next job starts another."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()


class Server:
    """A process that has everything loaded and waits for jobs."""

    def __init__(self) -> None:
        self.path = list(sys.path)
        self._ready = False
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            # A session of its own: a Ctrl-C does not reach it, and all of it can be killed at once.
            start_new_session=True,
        )
        threading.Thread(
            target=_collect, args=(self._process, self._answers), daemon=True, name="answers"
        ).start()
        self._send(self.path)

    @property
    def runs(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def wait_until_ready(self, tick: Callable[[], None]) -> bool:
        """Wait until a job can be sent; whether one can."""
        if not self._ready:
            self._ready = self._answer(None, tick) is not None
        return self._ready and self.runs

    def ask(
        self, folder: Path, task: Path, seconds: float | None, tick: Callable[[], None]
    ) -> dict[str, Any] | None:
        """Send a job and wait for its end.

        Parameters
        ----------
        folder, task : Path
            Folder of the job, and file with the task.
        seconds, tick
            See `Worker.run`.

        Returns
        -------
        dict or None
            The answer; None when the process ended instead.

        Raises
        ------
        TimeoutError
            When the job takes longer.
        """
        job = {"folder": str(folder), "task": str(task)}
        self._send({**job, "environment": dict(os.environ), "cwd": str(Path.cwd())})
        return self._answer(seconds, tick)

    def stop(self) -> int:
        """Kill the process and whatever runs in it; its exit code."""
        process = self._process
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        code = process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        return code

    def _send(self, message: Any) -> None:
        assert self._process.stdin is not None
        # A process that is gone is noticed when its answer does not come.
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()

    def _answer(self, seconds: float | None, tick: Callable[[], None]) -> dict[str, Any] | None:
        """The next answer; None when the process ended instead."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            try:
                line = self._answers.get(timeout=_TICK_SECONDS)
            except queue.Empty:
                if end is not None and time.monotonic() >= end:
                    raise TimeoutError from None
                tick()
                continue
            return json.loads(line) if line else None


def _collect(process: subprocess.Popen[str], answers: queue.SimpleQueue[str]) -> None:
    """Pass on the lines of a process, and an empty one at the end."""
    assert process.stdout is not None
    with contextlib.suppress(OSError, ValueError):
        for line in process.stdout:
            answers.put(line)
    answers.put("")


# The server of the last comparison waits for the next one a while: loading takes seconds.
_lock = threading.Lock()
_waiting: list[Server] = []


def start_early() -> None:
    """Start the process of the next comparison, so that it loads while other things are done."""
    server = _take_spare() or Server()
    _spare(server)


def _spare(server: Server) -> None:
    with _lock:
        if server.runs and not _waiting:
            _waiting.append(server)
            return
    server.stop()


def _take_spare() -> Server | None:
    with _lock:
        server = _waiting.pop() if _waiting else None
    if server is None:
        return None
    if server.runs and server.path == sys.path:
        return server
    server.stop()
    return None
