"""The process that runs jobs: it has everything loaded and forks once for each.

It speaks in lines of JSON. In: a message for each job, with ``folder``, ``task`` (the file it
travels in), ``environment`` and ``cwd``. Out: ``{"ready": true}``, then ``{"ended": how}`` after
each job. It ends when its input does, which is also how it learns that the program that started it
is gone, and when it has not been asked for anything in a while.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import logging
import os
import pickle
import select
import signal
import sys
from pathlib import Path
from typing import Any, TextIO

LOG = "output.txt"
"""What a job prints, in its folder."""

# After which nobody is likely to ask for another comparison.
_IDLE_SECONDS = 60.0
# Between two looks at whether a fork has ended.
_LOOK_SECONDS = 0.01


def can_fork() -> bool:
    """Whether jobs are forks; elsewhere the server runs one itself and is started anew.

    On macOS the system's own libraries do not survive a fork.
    """
    return hasattr(os, "fork") and sys.platform != "darwin"


def main() -> None:
    """Serve until the input ends."""
    # A Ctrl-C is for the program that started this one, which decides what becomes of the job.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What is printed by accident must not get among the answers.
    os.dup2(2, 1)
    _load()
    # What is loaded is not looked through again in every fork, which would copy its pages.
    gc.collect()
    gc.freeze()
    _say(answers, {"ready": True})
    while (job := _next_job()) is not None:
        _say(answers, {"ended": _fork(job) if can_fork() else _run(job)})


def _next_job() -> dict[str, Any] | None:
    if can_fork() and not select.select([sys.stdin], [], [], _IDLE_SECONDS)[0]:
        return None
    line = sys.stdin.readline()
    return json.loads(line) if line else None


def _load() -> None:
    """Import what every job needs and use it once, which takes each fork's time else."""
    for name in ("skops.io", "textrep.comparison.workers.measuring"):
        # skops imports all of scikit-learn, which tries whatever else is installed. What cannot be
        # imported is the job's to tell, if it needs it.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    from textrep.comparison.compiling import load_kernels

    # That kernels are compiled is said by the program that waits for them.
    logging.getLogger("textrep").setLevel(logging.ERROR)
    load_kernels()


def _say(answers: TextIO, message: dict[str, Any]) -> None:
    try:
        answers.write(json.dumps(message) + "\n")
        answers.flush()
    # Nobody waits for the answer any more, nor for a word about it.
    except BrokenPipeError:
        os._exit(0)


def _run(job: dict[str, Any]) -> str:
    from textrep.comparison.workers.jobs import run_job

    # As they are now, not as they were when the server was started.
    os.environ.clear()
    os.environ.update(job["environment"])
    os.chdir(job["cwd"])
    # Written a moment ago by the program that started this one, in a folder of its own.
    with Path(job["task"]).open("rb") as file:
        task = pickle.load(file)
    run_job(Path(job["folder"]), task)
    return ""


def _fork(job: dict[str, Any]) -> str:
    """Run a job in a fork; how it ended, empty when it came to its end."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _redirect(Path(job["folder"]))
            _run(job)
            status = 0
        finally:
            # Not sys.exit: what the server is in the middle of is not the fork's to finish.
            os._exit(status)
    return describe(os.waitstatus_to_exitcode(_await(child)))


def _await(child: int) -> int:
    """Wait for the end of a fork, which may have left processes of its own; its status."""
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        # The input ends with the program that waits for the answer.
        if select.select([sys.stdin], [], [], _LOOK_SECONDS)[0]:
            os.kill(child, signal.SIGKILL)
            return os.waitpid(child, 0)[1]


def _redirect(folder: Path) -> None:
    """Let a fork's output go to a file, and give it no input."""
    log = os.open(folder / LOG, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)


def describe(code: int) -> str:
    """How a process ended, in words; empty when as it should.

    Parameters
    ----------
    code : int
        Exit code; that of a signal is negative.

    Returns
    -------
    str

    Examples
    --------
    >>> describe(0), describe(3)
    ('', 'its process ended with exit code 3')
    """
    if code == 0:
        return ""
    if code > 0:
        return f"its process ended with exit code {code}"
    name = signal.Signals(-code).name
    hint = ", as the system does when memory runs out" if -code == signal.SIGKILL else ""
    return f"its process was killed by {name}{hint}"
