"""`textrep encoder`, in process."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

import textrep
from tests.cli.answers import refused
from textrep.cli.app import app

pytest.importorskip("torch")
pytest.importorskip("transformers")

TEXTS = ["a good film", "so good", "a bad film", "so bad"] * 8
LABELS = ["pos", "pos", "neg", "neg"] * 8
TINY = ("--size", "2x16", "--vocab-size", 40, "--max-length", 8, "--device", "cpu", "--quiet")
SMALL = (*TINY, "--pretrain-epochs", 0, "--epochs", 10, "--learning-rate", 0.01)


def call(*arguments: object, text: str | bytes | None = None):
    return CliRunner().invoke(app, ["encoder", *map(str, arguments)], input=text)


def write_table(path, header, *columns):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *zip(*columns, strict=True)])
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "films.csv"
    return write_table(path, ("review", "mood"), TEXTS, LABELS)


COLUMNS = ("--text", "review", "--label", "mood")


@pytest.fixture(scope="module")
def model(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "films.textrep"
    answer = call("fit", table, "--save", path, *COLUMNS, *SMALL)
    assert answer.exit_code == 0, answer.output
    lines = answer.stdout.splitlines()
    assert lines[0].startswith("modernbert: 2 layers of 16 values, ")
    assert lines[1].startswith("32 texts in ")
    assert lines[2].startswith("training: 10 epochs, loss ")
    assert lines[-1] == f"Model: {path}"
    assert answer.stderr == ""
    return path


@pytest.fixture(scope="module")
def language_model(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "words.textrep"
    given = ("--text", "review", "--unlabelled", "--epochs", 2)
    answer = call("fit", table, "--save", path, *given, *TINY)
    assert answer.exit_code == 0, answer.output
    assert type(textrep.load(path)).__name__ == "MaskedLanguageModel"
    return path


def test_classes_are_predicted_line_by_line_with_their_probabilities(model):
    answer = call("predict", model, "-", "--probabilities", "--quiet", text="so good\na bad one\n")
    assert answer.exit_code == 0, answer.output
    rows = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [row["prediction"] for row in rows] == ["pos", "neg"]
    expected = textrep.load(model).predict_proba(["so good", "a bad one"])
    found = [[row["probabilities"][name] for name in ("neg", "pos")] for row in rows]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_labels_alone_go_to_a_file(model, table, tmp_path):
    out = tmp_path / "labels.txt"
    given = ("--text", "review", "--format", "labels", "-o", out, "--quiet")
    answer = call("predict", model, table, *given)
    assert (answer.exit_code, answer.stdout) == (0, ""), answer.output
    assert out.read_text().splitlines() == LABELS


def test_another_way_to_compute_is_said_and_answers_the_same(model, table):
    given = ("--text", "review", "--format", "labels", "--quiet", "--device", "cpu")
    answer = call("predict", model, table, *given, "--inference", "fp32")
    assert answer.stdout.splitlines() == LABELS
    assert answer.stderr == "textrep: computing in fp32\n"


def test_vectors_are_those_of_the_model(model, table, tmp_path):
    out = tmp_path / "vectors.npy"
    answer = call("transform", model, table, "--text", "review", "-o", out, "--quiet")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout == f"32 vectors of 16 numbers: {out}\n"
    np.testing.assert_allclose(np.load(out), textrep.load(model).transform(TEXTS), atol=1e-5)
    asked = call(
        "transform", model, "-", "--pooling", "max", "--quiet", text="so good\n"
    ).stdout.split(",")
    own = textrep.EncoderEmbedder(
        checkpoint=textrep.load(model), pooling="max", pretrain_epochs=0, max_length=8
    )
    np.testing.assert_allclose(np.array(asked, float), own.fit(TEXTS).transform(["so good"])[0],
                               atol=1e-4)  # fmt: skip


def test_a_classifier_goes_on_from_what_was_learnt_without_labels(language_model, table, tmp_path):
    path = tmp_path / "m.textrep"
    given = ("--epochs", 10, "--learning-rate", 0.01, "--device", "cpu", "--quiet")
    answer = call(
        "fit", table, "--checkpoint", language_model, "--save", path, *COLUMNS, *given
    )  # fmt: skip
    assert answer.exit_code == 0, answer.output
    made = textrep.load(path)
    known = textrep.load(language_model).encoder_.tokenizer.tokens
    assert made.encoder_.tokenizer.tokens == known
    vectors = call("transform", language_model, "-", "--quiet", text="so good\n")
    assert len(vectors.stdout.split(",")) == 16


def test_texts_without_labels_are_pre_trained_on_first(table, tmp_path):
    more = tmp_path / "more.txt"
    more.write_text("a splendid film\n" * 6)
    path = tmp_path / "m.textrep"
    answer = call(
        "fit", table, "--save", path, *COLUMNS, *TINY, "--pretrain-on", more,
        "--pretrain-epochs", 1, "--epochs", 1,
    )  # fmt: skip
    assert answer.exit_code == 0, answer.output
    stages = [line.partition(":")[0] for line in answer.stdout.splitlines()[2:4]]
    assert stages == ["pre-training", "fine-tuning"]
    assert any("sp" in token for token in textrep.load(path).encoder_.tokenizer.tokens)


def test_a_student_is_smaller_and_predicts(model, table, tmp_path):
    path = tmp_path / "student.textrep"
    given = ("--epochs", 4, "--transfer-epochs", 1, "--device", "cpu", "--quiet")
    answer = call("distill", model, table, "--save", path, *COLUMNS, *given)
    assert answer.exit_code == 0, answer.output
    assert "1 of 2 layers" in answer.stdout.splitlines()[0]
    assert textrep.load(path).encoder_.n_layers == 1
    labels = call("predict", path, "-", "--format", "labels", "--quiet", text="so good\n")
    assert labels.stdout.strip() in ("neg", "pos")


def test_a_static_student_keeps_vectors_of_words(model, table, tmp_path):
    path = tmp_path / "static.textrep"
    given = ("--static", "--text", "review", "--device", "cpu", "--quiet")
    answer = call("distill", model, table, "--save", path, *given)
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith("vectors of ")
    assert textrep.load(path).transform(["so good"]).shape[0] == 1
    refused(call("distill", model, table, "--save", path, *given, "--layers", 1), "--layers is for")


def test_pairs_and_quantities_are_learnt_too(tmp_path):
    first, second = ["a b", "b a", "c d", "d c"] * 6, ["a", "b", "a", "b"] * 6
    path = write_table(tmp_path / "p.csv", ("x", "y", "z"), first, second, [1.5, 2, 3, 4] * 6)
    saved = tmp_path / "m.textrep"
    given = ("--text", "x", "--pair", "y")
    answer = call(
        "fit", path, "--save", saved, *given, "--label", "z", "--problem", "regression", *SMALL
    )
    assert answer.exit_code == 0, answer.output
    assert (textrep.load(saved).pairs_, textrep.load(saved).problem_) == (True, "regression")
    answer = call("predict", saved, path, *given, "--format", "labels", "--quiet")
    assert len([float(line) for line in answer.stdout.splitlines()]) == 24
    refused(call("predict", saved, path, *given, "--quiet"), "give --format labels")


def test_an_encoder_is_exported_for_transformers(table, tmp_path):
    from transformers import AutoModel, AutoTokenizer

    folder = tmp_path / "bert"
    answer = call("fit", table, "--export", folder, *COLUMNS, *SMALL[:-4], "--epochs", 1)
    assert answer.exit_code == 0, answer.output
    assert AutoModel.from_pretrained(folder).config.hidden_size == 16
    assert AutoTokenizer.from_pretrained(folder)("so good")["input_ids"]
    refused(call("fit", table, "--export", folder, *COLUMNS, *SMALL), "is there already")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "give --save or --export"),
        (("--save", "m", "--architecture", "gpt"), "--architecture is 'gpt'; expected one of"),
        (("--save", "m", "--size", "huge"), "--size is 'huge'; expected one of tiny"),
        (("--save", "m", "--checkpoint", "./none"), "none"),
        (("--save", "m", "--layer-decay", 2, "--text", "review", "--label", "mood"), "layer_decay"),
        (("--save", "m", "--unlabelled", "--lora-rank", 2), "--lora-rank is for texts with labels"),
        (
            ("--save", "m", "--problem", "regression", "--text", "review", "--label", "mood"),
            "label 1 is 'pos', which is no number",
        ),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) and value else None,
)
def test_what_cannot_be_done_is_said_in_one_line(options, message, table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(call("fit", table, *options, "--quiet"), message)


def test_lines_without_labels_ask_for_them(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("so good\nso bad\n")
    refused(
        call("fit", path, "--save", tmp_path / "m", "--quiet"), "name their column with --label"
    )


def test_models_of_another_kind_are_named(language_model, tmp_path):
    refused(call("predict", language_model, "-", text="x\n"), "has learnt from no labels")
    other = textrep.save(textrep.TfidfVectorizer().fit(TEXTS), tmp_path / "t.textrep")
    refused(call("transform", other, "-", text="x\n"), "no model with an encoder")
    refused(call("predict", tmp_path / "none", "-", text="x\n"), "cannot be read")


def test_compare_refuses_a_checkpoint_before_the_work(table, tmp_path):
    def compare(*options: object):
        return CliRunner().invoke(app, ["compare", str(table), *map(str, options)])

    refused(compare("--checkpoint", tmp_path), "the folder has no config.json")
    refused(compare("--checkpoint", "x", "--methods", "bow-nb"), "none of the methods starts from")
