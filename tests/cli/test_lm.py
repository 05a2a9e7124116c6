"""`textrep lm`, in process."""

from __future__ import annotations

import gzip
import importlib.util
import math

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")

import textrep
from tests.cli.answers import refused
from textrep.cli.app import app
from textrep.cli.language_models import printable_text
from textrep.generation import RNNLanguageModel

TEXTS = ["the king rules the castle", "the queen rules the castle", "a farmer sows the field"] * 60
SMALL = {"embedding_size": 8, "hidden_size": 8, "epochs": 2, "batch_size": 4}
OPTIONS = (
    *(word for name, value in SMALL.items() for word in (f"--{name.replace('_', '-')}", value)),
    *("--layers", 1, "--device", "cpu", "--quiet"),
)  # fmt: skip


def call(*arguments: object, text: str | bytes | None = None):
    return CliRunner().invoke(app, ["lm", *map(str, arguments)], input=text)


def estimator(level: str = "word") -> RNNLanguageModel:
    return RNNLanguageModel(level=level, num_layers=1, device="cpu", random_state=0, **SMALL)


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "texts.txt"
    path.write_text("\n".join(TEXTS) + "\n")
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "words.textrep"
    estimator().fit(TEXTS).save(path)
    return path


@pytest.fixture(scope="module")
def characters(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "characters.textrep"
    estimator("character").fit(["\n".join(TEXTS)]).save(path)
    return path


# ---- fit


def test_fit_saves_what_the_estimator_learns_in_python(texts, model, tmp_path):
    path = tmp_path / "m.textrep"
    answer = call("fit", texts, "--save", path, *OPTIONS)
    assert answer.exit_code == 0, answer.output
    lines = answer.stdout.splitlines()
    assert lines[0].startswith("lstm of words: 1 layer of 8 units, ")
    assert lines[1].startswith("2 epochs in ")
    assert lines[2].startswith("validation perplexity ")
    assert lines[3] == f"Model: {path}"
    weights, expected = (textrep.load(each).module_.state_dict() for each in (path, model))
    assert list(weights) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(weights[name].numpy(), values.numpy())


def test_texts_of_any_form_give_the_same_model(texts, tmp_path):
    packed, table = tmp_path / "texts.txt.gz", tmp_path / "texts.csv"
    packed.write_bytes(gzip.compress(texts.read_bytes()))
    table.write_text("what,kind\n" + "".join(f"{text},x\n" for text in TEXTS))
    out = tmp_path / "m"
    found = []
    for data, more in ((texts, ()), (packed, ()), (table, ("--text", "what")), ("-", ())):
        answer = call("fit", data, "--save", out, *OPTIONS, *more, text=texts.read_bytes())
        assert answer.exit_code == 0, answer.output
        found.append(textrep.load(out).score(TEXTS))
    assert len(set(found)) == 1


def test_whole_learns_line_ends_as_characters(texts, tmp_path):
    path = tmp_path / "m"
    answer = call("fit", texts, "--save", path, "--level", "character", "--whole", *OPTIONS)
    assert answer.exit_code == 0, answer.output
    assert "\n" in textrep.load(path).codec_.words


def test_validation_texts_are_those_that_are_given(texts, tmp_path):
    path = tmp_path / "m"
    held_out = tmp_path / "held_out.txt"
    held_out.write_text("the queen sows the castle\n" * 30)
    answer = call("fit", texts, "--save", path, "--validation", held_out, *OPTIONS)
    assert answer.exit_code == 0, answer.output
    expected = estimator().fit(TEXTS, validation=["the queen sows the castle"] * 30)
    assert textrep.load(path).history_[-1]["validation_loss"] == pytest.approx(
        expected.history_[-1]["validation_loss"]
    )


def test_a_model_that_kept_a_checkpoint_is_saved_too(texts, model, tmp_path):
    save, checkpoint = tmp_path / "m.textrep", tmp_path / "training"
    answer = call("fit", texts, "--save", save, "--checkpoint", checkpoint, *OPTIONS)
    assert answer.exit_code == 0, answer.output
    assert textrep.load(save).score(TEXTS) == textrep.load(model).score(TEXTS)
    assert not checkpoint.exists()


def test_validation_texts_are_not_replaced(texts, tmp_path):
    held_out = tmp_path / "held_out.txt"
    held_out.write_text("a farmer\n")
    answer = call("fit", texts, "--validation", held_out, "--save", held_out, *OPTIONS)
    refused(answer, "this is the file of the data")
    assert held_out.read_text() == "a farmer\n"


def test_fit_draws_its_curve(texts, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "curve.png"
    answer = call("fit", texts, "--save", tmp_path / "m", "--curve", path, *OPTIONS)
    assert answer.stdout.splitlines()[-1] == f"Curve: {path}"
    assert path.read_bytes().startswith(b"\x89PNG")


def test_progress_goes_to_standard_error(texts, tmp_path):
    answer = call("fit", texts, "--save", tmp_path / "m", *OPTIONS[:-1])
    assert "epoch 2/2" in answer.stderr
    assert call("fit", texts, "--save", tmp_path / "m", *OPTIONS).stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give --save: nothing would be kept"),
        (["--save", "TEXTS"], "this is the file of the data, which it would replace"),
        (["--save", "no/such/model"], "--save no/such/model: the folder"),
        (["--save", "m", "--curve", "c.doc"], "--curve: 'c.doc' does not end in a format of pict"),
        (["--save", "m.png", "--curve", "m.png"], "--save and --curve name the same file"),
        (["--save", "m", "--level", "x"], "--level is 'x'; expected one of word, character"),
        (["--save", "m", "--cell", "x"], "--cell is 'x'; expected one of lstm, gru, rnn"),
        (["--save", "m", "--device", "x"], "device"),
        (["--save", "m", "--hidden-size", "0"], "hidden_size must be an integer of at least 1"),
        (["--save", "m", "--dropout", "2"], "dropout"),
        (["--save", "m", "--text", "what"], "a text on each line has no column 'what'"),
        (["--save", "m", "--validation", "none.txt"], "none.txt"),
    ],
)
def test_what_cannot_be_fitted_is_one_line(texts, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    answer = call("fit", texts, "--quiet", *(texts if a == "TEXTS" else a for a in arguments))
    refused(answer, message)
    assert list(tmp_path.iterdir()) == []


def test_texts_that_are_not_there_or_empty_are_one_line(tmp_path):
    refused(call("fit", tmp_path / "none.txt", "--save", tmp_path / "m"), "no such file")
    (tmp_path / "empty.txt").touch()
    refused(call("fit", tmp_path / "empty.txt", "--save", tmp_path / "m", "-q"), "empty")
    refused(call("fit", "-", "--save", tmp_path / "m", "-q", text=""), "empty")


def test_without_torch_the_line_says_what_to_install(texts, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "torch" else find(name, *a)
    )
    refused(call("fit", texts, "--save", tmp_path / "m"), "pip install 'textrep[neural]'")


def test_an_interrupt_ends_with_130(texts, tmp_path, monkeypatch):
    def interrupt(self, X, y=None, **_):
        raise KeyboardInterrupt

    monkeypatch.setattr(RNNLanguageModel, "fit", interrupt)
    answer = call("fit", texts, "--save", tmp_path / "m", "-q")
    assert (answer.exit_code, answer.stderr) == (130, "textrep: stopped\n")


# ---- sample


def test_a_sample_is_the_prompt_and_what_python_generates(model):
    answer = call("sample", model, "--prompt", "the king", "--max-new-tokens", 5, "--seed", 3)
    assert answer.exit_code == 0, answer.output
    expected = textrep.load(model).generate("the king", max_new_tokens=5, random_state=3)
    assert answer.stdout == f"the king{expected}\n"


def test_a_stream_is_the_same_text(characters):
    asked = ("sample", characters, "--prompt", "the k", "--max-new-tokens", 30, "--seed", 3)
    assert call(*asked, "--stream").stdout == call(*asked).stdout


def test_several_samples_have_an_empty_line_between_them(model):
    options = ("--max-new-tokens", 3, "--seed", 1, "--temperature", 0.7, "--top-k", 5)
    more = ("--top-p", 0.9, "--repetition-penalty", 1.2)
    answer = call("sample", model, "--prompt", "a", "--prompt", "the", "-n", 2, *options, *more)
    assert answer.exit_code == 0, answer.output
    found = answer.stdout.removesuffix("\n").split("\n\n")
    assert [text.split(" ")[0] for text in found] == ["a", "a", "the", "the"]


def test_greedy_samples_need_no_seed(model):
    asked = ("sample", model, "--prompt", "the", "--temperature", 0, "--max-new-tokens", 4)
    assert call(*asked).stdout == call(*asked).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stream", "-n", "2"], "--stream is for one text"),
        (["--stream", "--prompt", "a", "--prompt", "b"], "--stream is for one text"),
        (["--top-p", "2"], "top_p"),
        (["--repetition-penalty", "0"], "repetition_penalty"),
    ],
)
def test_what_cannot_be_sampled_is_one_line(model, arguments, message):
    refused(call("sample", model, *arguments), message)


def test_what_a_terminal_would_obey_is_escaped():
    assert printable_text("two\nlines\tand \x1b[2J\ud800") == "two\nlines\tand \\x1b[2J\\ud800"
    assert printable_text("\rfdp.exe\u202e") == "\\rfdp.exe\\u202e"
    for text in ("va\u00a0?", "\U0001f469\u200d\U0001f52c", "می\u200cخواهم"):
        assert printable_text(text) == text


# ---- score


def test_the_score_is_that_of_python(model, texts):
    answer = call("score", model, texts, "-q")
    assert answer.exit_code == 0, answer.output
    found = textrep.load(model)
    n_units, n_characters = sum(len(t.split()) + 1 for t in TEXTS), sum(map(len, TEXTS))
    assert answer.stdout.splitlines() == [
        f"180 texts with {n_units:,} units and {n_characters:,} characters",
        f"log-likelihood {found.score(TEXTS):.4f} a unit",
        f"perplexity {found.perplexity(TEXTS):.2f}",
        f"bits per character {found.bits_per_character(TEXTS):.4f}",
    ]


def test_continuous_reads_the_texts_as_one(model, texts):
    answer = call("score", model, texts, "--continuous")
    perplexity = textrep.load(model).perplexity(TEXTS, continuous=True)
    assert f"perplexity {perplexity:.2f}" in answer.stdout.splitlines()


def test_per_text_has_a_line_for_each_even_for_an_empty_one(model, tmp_path):
    data = tmp_path / "texts.txt"
    data.write_text("the king\n\na farmer rules\n")
    answer = call("score", model, data, "--per-text", "-q")
    header, *lines = [line.split(",") for line in answer.stdout.splitlines()]
    assert header == ["units", "log_likelihood", "perplexity", "bits_per_character"]
    expected = textrep.load(model).log_likelihoods(["the king", "", "a farmer rules"])
    assert [int(line[0]) for line in lines] == [3, 1, 4]
    np.testing.assert_allclose([float(line[1]) for line in lines], expected, rtol=1e-5)
    assert float(lines[0][2]) == pytest.approx(math.exp(-expected[0] / 3), rel=1e-4)
    assert float(lines[0][3]) == pytest.approx(-expected[0] / math.log(2) / 8, rel=1e-4)
    assert lines[1][3] == ""


def test_whole_scores_all_lines_as_one_text(characters, texts):
    answer = call("score", characters, texts, "--whole", "-q")
    assert answer.stdout.startswith(f"1 text with {len(chr(10).join(TEXTS)) + 1:,} units")


def test_what_cannot_be_scored_is_one_line(model, texts, tmp_path):
    refused(call("score", model, texts, "--per-text", "--continuous"), "give one of them")
    refused(call("score", tmp_path / "none", texts), "none: cannot be read: ")
    refused(call("score", texts, texts), "texts.txt")
    counts = textrep.CountVectorizer().fit(TEXTS).save(tmp_path / "counts")
    refused(call("score", counts, texts), "this is a CountVectorizer, not a language model")
    unfitted = RNNLanguageModel().save(tmp_path / "unfitted")
    refused(call("score", unfitted, texts), "this RNNLanguageModel is not fitted")
    refused(call("score", model, "-", "-q", text=""), "there are no texts in the data")
