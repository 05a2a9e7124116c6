"""`textrep lm evaluate`, in process."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")

import textrep
from textrep.cli import evaluate
from textrep.cli.app import app
from textrep.generation import RNNLanguageModel, evaluate_in_context
from textrep.generation.in_context_tasks import TASKS


def call(*arguments: object):
    return CliRunner().invoke(app, ["lm", "evaluate", *map(str, arguments)])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "characters.textrep"
    small = {"embedding_size": 8, "hidden_size": 8, "num_layers": 1, "epochs": 1}
    found = RNNLanguageModel(level="character", device="cpu", random_state=0, **small)
    found.fit(["1 + 2 = 3", "40 - 2 = 38"] * 20).save(path)
    return path


def test_the_tasks_are_those_of_the_room():
    assert evaluate.TASKS == TASKS


def test_it_prints_the_table_of_the_function(model):
    answer = call(model, "--tasks", "arithmetic", "--examples", 1, "--questions", 3)
    assert answer.exit_code == 0, answer.output
    expected = evaluate_in_context(textrep.load(model), ["arithmetic"], n_examples=1, n_items=3)
    assert [line.rstrip() for line in answer.stdout.splitlines()] == str(expected).splitlines()


def test_figures_come_as_json_too(model):
    answer = call(model, "--tasks", "question-answering", "--questions", 2, "--json")
    scores = json.loads(answer.stdout)["scores"]
    assert [score["metric"] for score in scores] == ["exact match", "F1", "perplexity"]
    assert {score["n"] for score in scores} == {2}


def test_passages_come_from_a_file(model, tmp_path):
    path = tmp_path / "passages.txt"
    path.write_text("one and two make three\nfour and two make six\n")
    answer = call(model, "--tasks", "cloze", "--examples", 1, "--passages", path, "--json")
    assert json.loads(answer.stdout)["scores"][0]["n"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--tasks", "sums"), "--tasks: 'sums'; expected some of cloze, arithmetic, question"),
        (("--tasks", ","), "--tasks: 'none'; expected some of"),
        (("--tasks", "cloze", "--examples", 50), "passages must be more than n_examples=50"),
    ],
)
def test_what_cannot_be_asked_is_one_line(model, options, message):
    answer = call(model, *options)
    assert answer.exit_code == 2
    assert answer.stderr.count("\n") == 1
    assert message in answer.stderr


def test_what_is_no_model_is_one_line(tmp_path):
    answer = call(tmp_path / "none.textrep")
    assert answer.exit_code == 2
    assert "none.textrep: cannot be read" in answer.stderr
    other = textrep.CountVectorizer().save(tmp_path / "counts.textrep")
    answer = call(other)
    assert "this is a CountVectorizer, not a language model" in answer.stderr
