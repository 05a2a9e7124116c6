"""A process for each job, whatever becomes of it."""

from __future__ import annotations

import os
import pickle
import re
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline

from textrep.comparison.errors import ComparisonError
from textrep.comparison.rungs import Rung
from textrep.comparison.split import Split
from textrep.comparison.task import Task
from textrep.comparison.workers import pool
from textrep.comparison.workers.jobs import Request, read_answer, read_failure, write_request
from textrep.comparison.workers.pool import Ending, Worker
from textrep.comparison.workers.server import describe

TEXTS = [f"{noun} {i}" for i in range(10) for noun in ("apple", "stone")]
LABELS = np.array(["fruit", "rock"] * 10)
TASK = Task("fruit", TEXTS, LABELS, (Split(np.arange(12), np.arange(12, 20)),))


class Doing(DummyClassifier):
    """Does something besides in `fit`."""

    def __init__(self, what=None):
        super().__init__()
        self.what = what

    def fit(self, X, y):
        if self.what is not None:
            self.what()
        return super().fit(X, y)


def rung(what=None) -> Rung:
    return Rung("doing", "", lambda seed: Pipeline([("c", Doing(what))]), warm_up=False)


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    with Worker(TASK, tmp_path_factory.mktemp("worker")) as worker:
        yield worker


def ask(worker, folder, what=None, seconds=None) -> Ending:
    write_request(folder, Request("measure", rung(what), 0))
    return worker.run(folder, seconds)


def test_a_job_is_answered(worker, tmp_path):
    assert ask(worker, tmp_path) == Ending("done")
    answer = read_answer(tmp_path)
    assert answer.codes.tolist() == [0] * 8
    assert answer.figures.fit_seconds > 0


def test_a_job_that_is_killed_says_so_and_the_next_one_runs(worker, tmp_path):
    ending = ask(worker, tmp_path, lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert ending.kind == "crashed"
    assert "SIGKILL, as the system does when memory runs out" in ending.reason
    assert read_answer(tmp_path) is None
    assert ask(worker, tmp_path) == Ending("done")


def test_a_segmentation_fault_is_only_that_of_the_job(worker, tmp_path):
    import ctypes

    ending = ask(worker, tmp_path, lambda: ctypes.string_at(0))
    assert ending == Ending("crashed", "its process was killed by SIGSEGV")


def test_an_exit_is_only_that_of_the_job(worker, tmp_path):
    ending = ask(worker, tmp_path, lambda: os._exit(7))
    assert ending == Ending("crashed", "its process ended with exit code 7")


def test_an_error_is_written_down(worker, tmp_path):
    def fail():
        raise RuntimeError("out of\nluck")

    assert ask(worker, tmp_path, fail) == Ending("done")
    assert read_failure(tmp_path) == "RuntimeError: out of"


def test_a_job_that_takes_too_long_is_killed_with_what_it_started(worker, tmp_path):
    note = tmp_path / "pid"

    def start_and_wait():
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        note.write_text(str(child.pid))
        time.sleep(60)

    begun = time.monotonic()
    assert ask(worker, tmp_path, start_and_wait, seconds=1.5) == Ending("overran")
    assert time.monotonic() - begun < 30
    assert _is_gone(int(note.read_text()))
    assert ask(worker, tmp_path) == Ending("done")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="asks for a fork")
def test_a_job_that_leaves_a_process_behind_is_not_waited_for(worker, tmp_path):
    def leave():
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)

    begun = time.monotonic()
    assert ask(worker, tmp_path, leave) == Ending("done")
    assert time.monotonic() - begun < 30


def test_what_a_job_prints_reaches_no_one_but_its_log(worker, tmp_path, capfd):
    assert ask(worker, tmp_path, lambda: print('{"ended": "lies"}', flush=True)) == Ending("done")
    assert capfd.readouterr().out == ""
    assert "lies" in (tmp_path / "output.txt").read_text()


def test_the_processes_of_a_program_that_is_killed_end_too(tmp_path):
    program = f"""
import sys
sys.path[:] = {sys.path!r}
from pathlib import Path
from tests.comparison.workers.test_pool import TASK, Worker, ask, note_and_wait
folder = Path({str(tmp_path)!r})
ask(Worker(TASK, folder), folder, note_and_wait(folder / "pids"))
"""
    process = subprocess.Popen([sys.executable, "-c", program])
    note = tmp_path / "pids"
    _wait_for(lambda: note.exists() and len(note.read_text().split()) == 2)
    process.kill()
    process.wait()
    assert all(map(_is_gone, map(int, note.read_text().split())))


def note_and_wait(note):
    def do():
        note.write_text(f"{os.getpid()} {os.getppid()}")
        time.sleep(60)

    return do


def test_the_task_travels_whole(worker):
    task = pickle.loads(worker._task.read_bytes())
    assert task.texts == TASK.texts
    assert task.labels.tolist() == TASK.labels.tolist()


def test_the_command_of_a_failed_start_fails_by_what_it_failed_by(tmp_path, monkeypatch):
    def fail():
        raise LookupError("no WordNet")

    monkeypatch.setattr(pool.Server, "wait_until_ready", lambda server, tick: False)
    with pytest.raises(ComparisonError) as refused:
        ask(Worker(TASK, tmp_path), tmp_path)
    code = re.search("-c '(.*)' to see why", str(refused.value))[1]
    monkeypatch.setattr("textrep.comparison.workers.server.main", fail)
    with pytest.raises(LookupError, match="no WordNet"):
        exec(code, {})


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, ""),
        (1, "its process ended with exit code 1"),
        (-signal.SIGTERM, "its process was killed by SIGTERM"),
    ],
)
def test_how_a_process_ended_is_said_in_words(code, words):
    assert describe(code) == words


def _is_gone(pid: int) -> bool:
    def gone():
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return _wait_for(gone)


def _wait_for(condition) -> bool:
    end = time.monotonic() + 30
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
