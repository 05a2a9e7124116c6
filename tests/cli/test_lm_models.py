"""`textrep lm fit --model`: Transformers."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

import textrep
from textrep.cli.app import app

TEXTS = ["the king rules the castle", "the queen rules the castle", "a farmer sows the field"] * 10
SMALL = ("--hidden-size", 8, "--layers", 1, "--heads", 2, "--max-length", 8, "--device", "cpu")


def call(*arguments: object):
    return CliRunner().invoke(app, ["lm", *map(str, arguments)])


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS) + "\n")
    return path


@pytest.mark.parametrize("kind", ["gpt", "switch"])
def test_a_transformer_is_fitted_saved_and_asked(texts, tmp_path, kind):
    path = tmp_path / "m.textrep"
    more = ("--experts", 2) if kind == "switch" else ()
    level = ("--level", "character", "--max-steps", 4)
    answer = call("fit", texts, "--save", path, "--model", kind, *SMALL, *level, *more, "-q")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith(f"{kind} of characters: 1 layer of 8 units, ")
    model = textrep.load(path)
    kinds = {"gpt": textrep.GPT, "switch": textrep.SwitchTransformer}
    assert type(model) is kinds[kind]
    answer = call("sample", path, "--prompt", "the", "--max-new-tokens", 5, "--temperature", 0)
    expected = model.generate("the", max_new_tokens=5, temperature=0)
    assert answer.stdout == f"the{expected}\n"
    answer = call("score", path, texts, "-q")
    assert f"perplexity {model.perplexity(TEXTS):.2f}" in answer.stdout


def test_some_of_the_data_are_held_out_where_asked_for(texts, tmp_path):
    path = tmp_path / "m.textrep"
    held = ("--validation-fraction", 0.2, "--patience", 1, "--epochs", 1, "--level", "character")
    answer = call("fit", texts, "--save", path, "--model", "gpt", *SMALL, *held, "-q")
    assert answer.exit_code == 0, answer.output
    assert "validation perplexity" in answer.stdout


def test_subwords_are_what_a_transformer_reads_unless_told(texts, tmp_path):
    path = tmp_path / "m.textrep"
    answer = call(
        "fit", texts, "--save", path, "--model", "gpt", *SMALL, "--max-steps", 1, "-q",
        "--vocab-size", 270,
    )  # fmt: skip
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith("gpt of subwords: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--model", "x"), "--model is 'x'; expected one of rnn, gpt, switch"),
        (("--model", "gpt", "--cell", "gru"), "--cell is not for --model gpt"),
        (("--model", "gpt", "--patience", "2"), "patience=2 needs texts to watch"),
        (("--heads", "2"), "--heads is not for --model rnn"),
        (("--model", "gpt", "--experts", "2"), "--experts is not for --model gpt"),
        (("--model", "gpt", "--weight-dropout", "0.1"), "--weight-dropout is not for --model gpt"),
        (("--model", "gpt", "--hidden-size", "9"), "hidden_size must be a multiple"),
    ],
)
def test_options_of_other_models_are_refused(texts, tmp_path, options, message):
    answer = call("fit", texts, "--save", tmp_path / "m", *options, "-q")
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert message in answer.stderr
    assert answer.stderr.count("\n") == 1
