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
from textrep.comparison.workers.server import can_fork

TASK = "task.pickle"
"""Name of the file, in the folder of the worker, through which the task travels."""

# Run by the new interpreter: it looks for modules where this one does, and imports no script.
_BOOT = (
    "import json, sys; line = sys.stdin.readline(); sys.path[:] = json.loads(line); "
    "from textrep.comparison.workers.server import main; main()"
)
# Between two looks at the clock while a job runs.
_TICK_SECONDS = 0.2


class Ending(NamedTuple):
    """How a job ended: as it should, by a crash (with the reason), or at the end of its time."""

    kind: Literal["done", "crashed", "overran"]
    reason: str = ""


class Worker:
    """A process that runs one job at a time.

    Parameters
    ----------
    task : Task
        What all jobs are about.
    folder : Path
        Of this worker alone; the task is written to it.

    Raises
    ------
    ComparisonError
        From `run`, when the process cannot be started.
    """

    def __init__(self, task: Task, folder: Path) -> None:
        self._folder = folder
        with (folder / TASK).open("wb") as file:
            pickle.dump(task, file, protocol=pickle.HIGHEST_PROTOCOL)
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process, unless it runs, without waiting for it to be ready."""
        if self._process is not None:
            return
        process = subprocess.Popen(
            [sys.executable, "-c", _BOOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            # A session of its own: a Ctrl-C does not reach it, and all of it can be killed at once.
            start_new_session=True,
        )
        self._process = process
        self._answers = queue.SimpleQueue()
        threading.Thread(
            target=_collect, args=(process, self._answers), daemon=True, name="answers"
        ).start()
        self._send(sys.path)
        self._send({"task": str(self._folder / TASK)})

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
        if self._answer(None, tick) is None:
            self.stop()
            raise ComparisonError(
                "the process that tries the methods ended before it began; run "
                f"{sys.executable} -c 'import textrep.comparison.workers.server' to see why"
            )
        self._send({"folder": str(folder)})
        try:
            answer = self._answer(seconds, tick)
        except TimeoutError:
            self.stop()
            return Ending("overran")
        if answer is None:
            code = self._process.wait() if self._process is not None else 0
            self.stop()
            from textrep.comparison.workers.server import describe

            return Ending("crashed", describe(code) or "its process ended early")
        if can_fork():
            # Ready for the next job; elsewhere the next job starts a new process.
            self._answers.put(json.dumps({"ready": True}))
        else:
            self.stop()
        return Ending("crashed", answer["ended"]) if answer["ended"] else Ending("done")

    def stop(self) -> None:
        """Kill the process and whatever runs in it; the next job starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _send(self, message: Any) -> None:
        assert self._process is not None
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
