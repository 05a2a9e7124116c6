"""Ctrl-C, a kill, a full disk: what is done stays, and the same command goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# A ladder of three, of which the last takes as long as the variable says.
PROGRAM = """
import os, sys, time
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline
from textrep.comparison import rungs


class Slow(DummyClassifier):
    def fit(self, X, y):
        time.sleep(float(os.environ["SECONDS_TO_FIT"]))
        return super().fit(X, y)


known = {rung.name: rung for rung in rungs.RUNGS}
slow = rungs.Rung("slow", "sleeps", lambda seed: Pipeline([("classifier", Slow())]), warm_up=False)
rungs.RUNGS = (known["majority"], known["bow-nb"], slow)
from textrep.cli import main
sys.argv[0] = "textrep"
main()
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "fruit.csv"
    rows = [f"apple {i},fruit\nstone {i},rock" for i in "abcdefghij"]
    path.write_text("what,kind\n" + "\n".join(rows) + "\n")
    return path


def start(table: Path, *arguments: object, seconds: float = 0.0) -> subprocess.Popen[str]:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TEXTREP_CACHE": str(table.parent / "cache"),
        "SECONDS_TO_FIT": str(seconds),
    }
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "compare", str(table), "-q", *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_the_slow_one(table: Path) -> None:
    end = time.monotonic() + 120
    while not list((table.parent / "cache" / "comparisons").glob("*/measure-slow-*/output.txt")):
        assert time.monotonic() < end, "the slow method never began"
        time.sleep(0.05)


@pytest.mark.slow
def test_an_interrupt_keeps_what_is_done_and_the_next_run_goes_on(table, tmp_path):
    first = start(table, "--json", tmp_path / "first.json", seconds=300)
    wait_for_the_slow_one(table)
    first.send_signal(signal.SIGINT)
    stdout, stderr = first.communicate(timeout=60)
    assert first.returncode == 130, stderr
    assert "slow interrupted: stopped during its turn" in stdout
    assert "bow-nb" in stdout
    before = json.loads((tmp_path / "first.json").read_text())
    assert before["interrupted"]
    second = start(table, "--json", tmp_path / "second.json")
    stdout, stderr = second.communicate(timeout=120)
    assert second.returncode == 0, stderr
    assert "measured by a run before this one: majority, bow-nb" in stdout
    after = json.loads((tmp_path / "second.json").read_text())
    times = [
        {rung["name"]: rung["fit_seconds"] for rung in result["rungs"]}
        for result in (before, after)
    ]
    assert times[0]["bow-nb"] == times[1]["bow-nb"]
    assert times[1]["slow"] is not None
    # Nothing is left of it, and a third run measures anew.
    assert list((tmp_path / "cache" / "comparisons").iterdir()) == []


@pytest.mark.slow
def test_a_program_that_is_killed_is_gone_on_with_too(table):
    first = start(table, seconds=300)
    wait_for_the_slow_one(table)
    first.kill()
    first.communicate()
    stdout, stderr = start(table).communicate(timeout=120)
    assert "measured by a run before this one: majority, bow-nb" in stdout, stderr


@pytest.mark.slow
def test_what_was_measured_before_can_be_measured_anew(table):
    first = start(table, seconds=300)
    wait_for_the_slow_one(table)
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=60)
    stdout, stderr = start(table, "--fresh").communicate(timeout=120)
    assert "bow-nb" in stdout, stderr
    assert "measured by a run before" not in stdout


@pytest.mark.slow
def test_a_method_that_overruns_its_share_costs_only_itself(table):
    stdout, stderr = start(table, "--time-budget", "0.3", seconds=300).communicate(timeout=120)
    assert "slow overran: its share of the time budget" in stdout, stderr
    assert "bow-nb" in stdout


def test_a_disk_that_is_full_costs_one_file_and_no_other(table, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from textrep.cli.app import app
    from textrep.comparison import ComparisonResult

    def full(self, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ComparisonResult, "report", full)
    out, model = tmp_path / "out.json", tmp_path / "model"
    arguments = ["--json", out, "--report", tmp_path / "report.html", "--save", model]
    methods = ["--methods", "majority,bow-nb", "-q"]
    answer = CliRunner().invoke(app, ["compare", str(table), *methods, *map(str, arguments)])
    assert answer.exit_code == 2
    assert "--report" in answer.stderr
    assert answer.stderr.endswith("cannot be written: No space left on device\n")
    assert "bow-nb" in answer.stdout
    assert json.loads(out.read_text())["rungs"][0]["name"] == "bow-nb"
    assert (model / "card.json").exists()
