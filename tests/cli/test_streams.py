"""Terminals, pipes and full disks at the other end of the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from textrep.cli import compare as compare_module
from textrep.cli.app import app
from textrep.cli.leaderboard import leaderboard, show_result
from textrep.cli.output import stdout
from textrep.comparison import ComparisonResult, Outcome

PROGRAM = "import sys; from textrep.cli import main; sys.argv[0] = 'textrep'; main()"
HOSTILE = os.fsdecode(b"\xff\x1b[31m[bold].csv")


@pytest.fixture
def table(tmp_path):
    path = tmp_path / HOSTILE
    rows = [f"apple {i},fruit\nstone {i},rock" for i in "abcdefgh"]
    path.write_text("what,kind\n" + "\n".join(rows) + "\n")
    return path


def start(table: Path, *arguments: object, **options) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PROGRAM, "compare", str(table), "--methods", "majority"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    environment |= options.pop("env", {})
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen([*command, *map(str, arguments)], env=environment, **options)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_name_of_a_file_can_be_anything(table, tmp_path, encoding):
    out = tmp_path / "out.json"
    process = start(table, "--json", out, env={"PYTHONIOENCODING": encoding})
    stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert stdout.startswith(rb"\udcff\x1b[31m[bold]: 2 classes")
    assert b"\x1b" not in stdout + stderr
    assert json.loads(out.read_text())["name"] == Path(HOSTILE).stem


def test_a_reader_that_has_gone_costs_nothing_but_the_output(table, tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    process = start(table, "--json", tmp_path / "out.json", "-q", stdout=writing)
    os.close(writing)
    _, stderr = process.communicate()
    assert process.returncode == 1
    assert stderr == b""
    assert json.loads((tmp_path / "out.json").read_text())["rungs"][0]["status"] == "ok"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_under_standard_output_is_one_line(table, tmp_path):
    with Path("/dev/full").open("wb") as full:
        process = start(table, "--json", tmp_path / "out.json", "-q", stdout=full)
    _, stderr = process.communicate()
    assert process.returncode == 2
    assert stderr == b"textrep: standard output: No space left on device\n"
    assert json.loads((tmp_path / "out.json").read_text())["rungs"][0]["status"] == "ok"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_progress_that_cannot_be_written_does_not_end_the_work(table):
    with Path("/dev/full").open("wb") as full:
        process = start(table, stderr=full)
    stdout, _ = process.communicate()
    assert b"\nmajority " in stdout


def test_an_interrupt_before_the_first_method_is_one_line(table, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(compare_module, "_load", interrupted)
    answer = CliRunner().invoke(app, ["compare", str(table)])
    assert answer.exit_code == 130
    assert answer.stderr == "textrep: stopped before the first method was tried\n"


def test_too_little_memory_is_one_line(table, monkeypatch):
    def exhausted(*arguments):
        raise MemoryError

    monkeypatch.setattr(compare_module, "_load", exhausted)
    answer = CliRunner().invoke(app, ["compare", str(table)])
    assert answer.exit_code == 2
    assert "too large for the memory" in answer.stderr


@pytest.mark.parametrize("columns", ["0", "1"])
def test_a_terminal_that_claims_to_have_no_columns_is_sent_the_table(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("FORCE_COLOR", "1")  # makes a terminal of whatever there is
    assert stdout().is_terminal
    assert stdout().width == 80


@pytest.mark.parametrize(
    ("width", "header"),
    [
        (200, "method accuracy 95 % interval macro-F1 fit s docs/s calibration p50 ms p99 ms"),
        (80, "method accuracy 95 % interval macro-F1 fit s docs/s"),
        (53, "method accuracy 95 % interval"),
        (40, "method accuracy"),
        (30, "method accuracy"),
    ],
)
def test_a_narrow_terminal_shows_fewer_figures_and_none_cut_off(width, header):
    outcome = Outcome(
        *("tfidf-bigram-svm", "what it does", "ok", 0.987, 0.986, 1.2, 12_345.0),
        accuracy_interval=(0.98, 0.99),
    )
    result = ComparisonResult("x", (outcome,), ("a", "b"), 8, 2)
    console = Console(width=width, force_terminal=True, color_system=None, record=True)
    with console.capture() as capture:
        console.print(leaderboard(result, console))
    lines = [" ".join(line.split()) for line in capture.get().splitlines() if line.strip()]
    assert lines[0].startswith(header)
    assert width >= 100 or lines[0] == header
    assert lines[-1].startswith("tfidf-bigram-svm 0.987")
    assert "…" not in capture.get()
    assert ("what it does" in capture.get()) == (width >= 130)


def test_methods_that_ran_out_of_time_are_named_below_the_table():
    names = ("lstm", "ulmfit", "bow-nb")
    outcomes = tuple(
        Outcome(name, "", "ok", 0.9, 0.9, 1.0, 100.0, stopped_early=name != "bow-nb")
        for name in names
    )
    console = Console(width=200, record=True)
    with console.capture() as capture:
        show_result(ComparisonResult("x", outcomes, ("a", "b"), 8, 2), console)
    stopped = "training was stopped when its share of the time was used up"
    assert f"lstm, ulmfit: {stopped}\n" in capture.get()
