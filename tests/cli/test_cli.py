"""The command line, in process and as a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import textrep
from textrep.cli.app import app
from textrep.comparison.workers.pool import Ending, Worker


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "fruit.csv"
    rows = [f"apple {i},fruit\nstone {i},rock" for i in "abcdefghij"]
    path.write_text("what,kind\n" + "\n".join(rows) + "\n")
    return path


def call(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_compare_prints_the_leaderboard(table):
    answer = call(
        "compare", table, "--text", "what", "--label", "kind", "--methods", "majority,bow-nb"
    )
    assert answer.exit_code == 0, answer.output
    lines = answer.stdout.splitlines()
    assert lines[0] == "fruit: 2 classes, 16 texts to learn from, 4 to test on"
    assert lines[1] == "text is column 'what', label is column 'kind', with a header"
    at = next(i for i, line in enumerate(lines) if line.startswith("method"))
    assert any("4 test texts" in line for line in lines[2:at])  # so few tell little
    header = (
        "method accuracy 95 % interval macro-F1 fit s docs/s calibration p50 ms p99 ms size memory"
    )
    assert lines[at].split() == header.split()
    assert lines[at + 1].split()[0:2] == ["bow-nb", "1.000"]
    assert lines[at + 2].split()[0:2] == ["majority", "0.500"]
    assert lines[-1].startswith("Take bow-nb") or "bow-nb" in lines[-1]
    assert "\x1b" not in answer.stdout


def test_progress_goes_to_standard_error_and_quiet_stops_it(table):
    assert "fruit" in call("compare", table, "--methods", "majority").stderr
    assert call("compare", table, "--methods", "majority", "--quiet").stderr == ""


def test_json_is_written_beside_the_table(table, tmp_path):
    out = tmp_path / "out.json"
    answer = call("compare", table, "--methods", "bow-nb", "--json", out, "-q")
    assert answer.exit_code == 0
    assert json.loads(out.read_text())["rungs"][0]["name"] == "bow-nb"


def test_json_to_standard_output_has_it_for_itself(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = call("compare", table, "--methods", "bow-nb", "--json", "-", "-q")
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["rungs"][0]["name"] == "bow-nb"
    assert answer.stderr.startswith("fruit: 2 classes, 16 texts to learn from")
    assert "bow-nb" in answer.stderr.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["fruit.csv"]
    # A file may be called so all the same.
    assert call("compare", table, "--methods", "bow-nb", "--json", "./-", "-q").exit_code == 0
    assert json.loads((tmp_path / "-").read_text())["name"] == "fruit"


def test_json_on_standard_output_is_utf_8_on_any_terminal(tmp_path):
    table = tmp_path / "émoji \U0001f600.csv"
    rows = "".join(f"apple {i},frükt\nstone {i},rock\n" for i in "abcdefgh")
    table.write_text("what,kind\n" + rows, encoding="utf-8")
    command = "from textrep.cli import main; main()"
    answer = subprocess.run(
        [sys.executable, "-c", command, "compare", table, "--methods", "bow-nb", "--json", "-"],
        capture_output=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": "ascii"},
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout.decode())["classes"] == ["frükt", "rock"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such-file.csv"], "no-such-file.csv: no such file or folder"),
        (["TABLE", "--text", "nope"], "line 1: text='nope': no such column; the table has 'what'"),
        ([""], "the name of the corpus is empty; for the current folder give '.'"),
        (["x" * 5000], "the name is too long for a file"),
        (["TABLE", "--encoding", "hex"], "encoding='hex' is not an encoding of texts"),
        (["TABLE", "--encoding", ""], "encoding='' is not the name of an encoding"),
        (["TABLE", "--text", ""], "text='': empty; give the header"),
        (["TABLE", "--methods", "magic"], "methods: no method 'magic'; there are majority"),
        (["TABLE", "--test-size", "7"], "test_size=7.0: the share"),
        (["TABLE", "--json", "no/such/folder/x.json"], "--json no/such/folder/x.json: the folder"),
        (["TABLE", "--label", "what", "--text", "kind"], "different text"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(table, arguments, message):
    answer = call("compare", *[table if word == "TABLE" else word for word in arguments])
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith("textrep: ")
    assert answer.stderr.count("\n") == 1
    assert message in answer.stderr


def test_an_interrupt_shows_what_is_done(table, monkeypatch):
    once = Worker.run

    def second_is_interrupted(self, folder, seconds=None, tick=None):
        if folder.name.startswith("measure-bow-nb"):
            raise KeyboardInterrupt
        return once(self, folder, seconds)

    monkeypatch.setattr(Worker, "run", second_is_interrupted)
    answer = call("compare", table, "--methods", "majority,bow-nb,tfidf-svm", "-q", "--fresh")
    assert answer.exit_code == 130
    assert any(line.startswith("majority ") for line in answer.stdout.splitlines())
    assert "interrupted: stopped during its turn" in answer.stdout
    assert "skipped: stopped before its turn" in answer.stdout


def test_an_interrupt_is_the_exit_code_even_when_nothing_can_be_saved(table, tmp_path, monkeypatch):
    def interrupted(self, folder, seconds=None, tick=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(Worker, "run", interrupted)
    answer = call("compare", table, "--methods", "bow-nb", "--save", tmp_path / "m", "--fresh")
    assert answer.exit_code == 130
    assert "there is no model to save" in answer.stderr


def fail_all_but(names: set[str], monkeypatch) -> None:
    once = Worker.run

    def run(self, folder, seconds=None, tick=None):
        if any(folder.name.startswith(f"measure-{name}") for name in names):
            return once(self, folder, seconds)
        return Ending("crashed", "RuntimeError: [red]no[/red]")

    monkeypatch.setattr(Worker, "run", run)


def test_when_every_method_fails_the_exit_code_is_1(table, monkeypatch):
    fail_all_but(set(), monkeypatch)
    answer = call("compare", table, "--methods", "majority", "-q")
    assert answer.exit_code == 1
    assert "failed: RuntimeError: [red]no[/red]" in answer.stdout
    assert answer.stderr == "textrep: no method got through\n"


def test_what_is_said_of_several_methods_is_said_once(table, monkeypatch):
    fail_all_but(set(), monkeypatch)
    lines = call("compare", table, "--methods", "majority,bow-nb,", "-q").stdout.splitlines()
    assert [line for line in lines if "failed" in line] == [
        "majority, bow-nb failed: RuntimeError: [red]no[/red]"
    ]


def test_when_only_the_baseline_gets_through_the_exit_code_is_1(table, monkeypatch):
    fail_all_but({"majority"}, monkeypatch)
    answer = call("compare", table, "--methods", "majority,bow-nb", "-q")
    assert answer.exit_code == 1
    assert any(line.startswith("majority ") for line in answer.stdout.splitlines())
    assert answer.stderr == "textrep: only majority got through, which looks at no text\n"
    # Whoever asks for nothing else gets it.
    assert call("compare", table, "--methods", "majority", "-q").exit_code == 0


def test_help_names_every_command():
    assert "compare" in call("--help").stdout
    text = " ".join(call("compare", "--help").stdout.split())
    assert text.startswith("Usage: textrep compare [OPTIONS] [DATA] ")
    assert "--label" in text
    assert (
        "A .csv, .tsv, .jsonl or .parquet file, a folder or archive of such files or with a "
        "sub-folder for each class, or the name of a corpus."
    ) in text


def program(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = "import sys; from textrep.cli import main; sys.argv[0] = 'textrep'; main()"
    return subprocess.run(
        [sys.executable, "-c", command, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_as_a_program_it_prints_plain_text_and_its_version(table):
    answer = program("compare", table, "--methods", "majority,tfidf-svm")
    assert answer.returncode == 0, answer.stderr
    assert "tfidf-svm" in answer.stdout.splitlines()[-1]
    assert "\x1b" not in answer.stdout + answer.stderr
    assert program("--version").stdout == f"textrep {textrep.__version__}\n"


def test_importing_the_command_line_is_light():
    code = (
        "import sys, textrep.cli.app; "
        "print({'numpy', 'sklearn', 'numba', 'pandas', 'rich.progress'} & set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert answer.stdout == "set()\n", answer.stderr
