"""`textrep seq2seq`, in process."""

from __future__ import annotations

import csv

import pytest
from typer.testing import CliRunner

import textrep
from tests.cli.answers import refused
from textrep.cli.app import app

pytest.importorskip("torch")

WORDS = {"one": "1", "two": "2", "three": "3"}
PAIRS = [(f"{a} {b}", f"{WORDS[a]} {WORDS[b]}") for a in WORDS for b in WORDS] * 5
SMALL = (
    "--embedding-size", 16, "--hidden-size", 16, "--dropout", 0, "--level", "word",
    "--learning-rate", 0.03, "--device", "cpu", "--quiet",
)  # fmt: skip


def call(*arguments: object, text: str | bytes | None = None):
    return CliRunner().invoke(app, ["seq2seq", *map(str, arguments)], input=text)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("pairs") / "pairs.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("words", "digits"), *PAIRS])
    return path


@pytest.fixture(scope="module")
def model(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "digits.textrep"
    columns = ("--source", "words", "--target", "digits")
    answer = call("fit", table, "--save", path, *columns, "--epochs", 40, *SMALL)
    assert answer.exit_code == 0, answer.output
    lines = answer.stdout.splitlines()
    assert lines[0].startswith("gru, attention luong-general: ")
    assert lines[0].endswith(" weights, 7 units to read and 7 to write")
    assert lines[1].startswith("45 pairs, 40 epochs in ")
    assert lines[-1] == f"Model: {path}"
    assert answer.stderr == ""
    return path


def test_what_was_learnt_is_predicted_line_by_line(model):
    answer = call("predict", model, "-", "--quiet", text="two three\n\none two\n")
    assert answer.exit_code == 0, answer.output
    lines = answer.stdout.splitlines()
    assert (lines[0], lines[2], len(lines)) == ("2 3", "1 2", 3)
    assert lines[0] == textrep.load(model).predict(["two three"])[0]


def test_a_column_of_a_table_is_predicted_greedily_too(model, table):
    answer = call("predict", model, table, "--source", "words", "--beam-width", 1, "--quiet")
    assert answer.stdout.splitlines() == [digits for _, digits in PAIRS]


def test_a_transformer_is_learnt_from_and_predicts_too(table, tmp_path):
    path = tmp_path / "m.textrep"
    columns = ("--source", "words", "--target", "digits")
    sizes = ("--hidden-size", 16, "--layers", 1, "--heads", 2, "--inner-size", 32, "--norm", "pre")
    answer = call(
        "fit", table, "--model", "transformer", "--save", path, *columns, *sizes, *SMALL[4:],
        "--epochs", 30, "--average-last", 2, "--batch-tokens", 64,
    )  # fmt: skip
    assert answer.exit_code == 0, answer.output
    first = answer.stdout.splitlines()[0]
    assert first.startswith("transformer, 1 + 1 layers: ")
    params = textrep.load(path).get_params()
    chosen = {"num_heads": 2, "inner_size": 32, "norm": "pre", "average_last": 2, "level": "word"}
    assert {name: params[name] for name in chosen} == chosen
    answer = call("predict", path, table, "--source", "words", "--quiet")
    assert answer.stdout.splitlines() == [digits for _, digits in PAIRS]


def test_options_of_the_other_model_are_refused(table, tmp_path):
    fit = ("fit", table, "--save", tmp_path / "m", "--source", "words", "--target", "digits")
    refused(call(*fit, "--model", "transformer", "--cell", "gru"), "--cell is of --model rnn")
    refused(call(*fit, "--heads", 2), "--heads is of --model transformer")
    refused(call(*fit, "--model", "cnn"), "--model is 'cnn'")
    refused(call(*fit, "--model", "transformer", "--norm", "no"), "--norm is 'no'")


def test_reversed_pairs_are_learnt_backwards(table, tmp_path):
    path = tmp_path / "m.textrep"
    columns = ("--source", "words", "--target", "digits", "--reverse")
    call("fit", table, "--save", path, *columns, "--epochs", 1, *SMALL)
    assert "1" in textrep.load(path).source_codec_.words


def test_a_model_that_kept_a_checkpoint_is_saved_too(table, tmp_path):
    save = tmp_path / "m.textrep"
    columns = ("--source", "words", "--target", "digits")
    kept = ("--checkpoint", tmp_path / "training", "--epochs", 1)
    answer = call("fit", table, "--save", save, *columns, *kept, *SMALL)
    assert answer.exit_code == 0, answer.output
    assert list(tmp_path.iterdir()) == [save]


def test_progress_is_shown_unless_quiet(table, tmp_path):
    columns = ("--source", "words", "--target", "digits")
    answer = call(
        "fit", table, "--save", tmp_path / "m.textrep", *columns, "--epochs", 1, *SMALL[:-1]
    )
    for stage in ("Counting the words", "Numbering the texts", "Training"):
        assert stage in answer.stderr


def test_which_column_is_read_is_not_guessed(table, tmp_path):
    refused(call("fit", table, "--save", tmp_path / "m"), "give --source and --target")


def test_errors_about_columns_name_the_options(table, model, tmp_path):
    fit = ("fit", table, "--save", tmp_path / "m.textrep", "--source")
    refused(call(*fit, "words", "--target", "no"), "target='no': no such column")
    refused(call(*fit, "words", "--target", "words"), "source and target are both column 'words'")
    wide = tmp_path / "wide.csv"
    wide.write_text("a,b,c\none two,1 2,\n")
    answer = call("predict", model, wide)
    refused(answer, "which column is the source; say it with source (--source on the command line)")
    refused(
        call("fit", wide, "--save", tmp_path / "m", "--source", "a", "--target", "c"),
        "the target is missing",
    )


def test_bad_input_is_told_in_one_line(table, model, tmp_path):
    columns = ("--source", "words", "--target", "digits")
    save = tmp_path / "m.textrep"
    refused(call("fit", table, *columns), "give --save")
    refused(call("fit", table, "--save", save, "--level", "letter"), "--level is 'letter'")
    refused(call("fit", table, "--save", save, "--attention", "self"), "--attention is 'self'")
    refused(call("fit", table, "--save", table, *columns), "the file of the data")
    refused(call("fit", table, "--save", save, "--checkpoint", save), "name the same file")
    refused(call("fit", table, "--save", save, "--source", "nothing"), "nothing")
    refused(call("fit", "-", "--save", save), "pairs are read from a file or a corpus")
    refused(call("fit", tmp_path / "no.csv", "--save", save), "no.csv")
    refused(call("fit", table, "--save", save, *columns, *SMALL, "--hidden-size", 3), "hidden_size")
    lines = tmp_path / "lines.txt"
    lines.write_text("only\ntexts\n")
    refused(call("fit", lines, "--save", save), "give --source and --target")
    refused(call("predict", tmp_path / "no.textrep", lines), "cannot be read")
    refused(call("predict", lines, lines), "lines.txt")
    other = textrep.CountVectorizer().fit(["so much"]).save(tmp_path / "counts.textrep")
    refused(call("predict", other, lines), "this is a CountVectorizer, not an encoder-decoder")
