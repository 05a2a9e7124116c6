"""`GPT`: learning, scores, writing and saved files."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone

import textrep
from textrep import GPT
from textrep.core.text import TextInputError
from textrep.generation.gpt_module import GPTModule
from textrep.generation.window_likelihood import _windows, token_log_likelihoods
from textrep.layers.transformer import BlockShape

EOS = 3
TEXTS = ["the cat sat on the mat", "a dog is not a cat", "", "the mat is on the floor"] * 3
PERIODIC = ["abcd" * 60] * 5
TINY = {
    "level": "character",
    "hidden_size": 8,
    "num_layers": 2,
    "num_heads": 2,
    "max_length": 16,
    "epochs": 2,
    "device": "cpu",
    "random_state": 0,
}


def model_of(texts=TEXTS, **params):
    return GPT(**{**TINY, **params}).fit(texts)


def sharpened(model, factor=20.0):
    """The model with larger weights, so that what it says depends much on what it has read."""
    model = copy.deepcopy(model)
    with torch.no_grad():
        for name, weight in model.module_.named_parameters():
            if weight.ndim == 2:
                weight.mul_(factor if "blocks" in name else 5.0)
    return model


@pytest.fixture(scope="module")
def fitted():
    return model_of()


@pytest.fixture(scope="module")
def sharp(fitted):
    return sharpened(fitted)


def plain_log_likelihoods(model, ids):
    """Of each token but the first, with all before it, one pass each."""
    found = []
    with torch.no_grad():
        for end in range(1, len(ids)):
            logits = model.module_.scores(model.module_.hidden(torch.tensor([ids[:end]])))[0, -1]
            found.append(float(logits.log_softmax(0)[ids[end]]))
    return found


# ---- likelihood


def test_a_text_has_the_sum_of_its_tokens_log_probabilities(sharp):
    text = "the cat sat"
    ids = [EOS, *sharp.codec_.encode(text).tolist(), EOS]
    expected = sum(plain_log_likelihoods(sharp, ids))
    assert sharp.log_likelihoods([text])[0] == pytest.approx(expected, abs=1e-4)


def test_texts_are_scored_alike_alone_and_together(sharp):
    texts = [*TEXTS[:4], "a cat that is much longer than the window of sixteen tokens"]
    together = sharp.log_likelihoods(texts)
    alone = [sharp.log_likelihoods([text])[0] for text in texts]
    assert together == pytest.approx(alone, abs=1e-4)


def test_the_probabilities_of_all_short_texts_sum_to_one(sharp):
    """Over all texts of no or one character and the beginnings of longer ones."""
    with torch.no_grad():
        first = sharp.module_.scores(sharp.module_.hidden(torch.tensor([[EOS]])))[0, -1]
    assert float(first.softmax(0).sum()) == pytest.approx(1)
    empty = math.exp(sharp.log_likelihoods([""])[0])
    assert empty == pytest.approx(float(first.softmax(0)[EOS]), rel=1e-4)


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 18, 24, 25, 33, 60])
@pytest.mark.parametrize("skipped", [1, 5, 20])
def test_windows_give_each_token_half_a_window_of_context(length, skipped):
    windows = _windows(0, length, skipped, 16)
    scored = []
    for window in windows:
        assert 0 <= window.start < window.end <= length
        assert window.end - window.start <= 17
        assert window.first_scored - window.start >= min(window.first_scored, 8)
        scored += range(window.first_scored, window.end)
    assert scored == list(range(skipped, length))


def test_a_long_row_sees_what_its_windows_hold(sharp):
    ids = sharp.codec_.encode("the cat sat on the mat, a dog is not a cat " * 2)
    row = np.array([EOS, *ids], dtype=np.int32)
    (found,) = token_log_likelihoods(sharp.module_, [row], device="cpu", precision="fp32")
    expected = np.zeros(len(row) - 1)
    for window in _windows(0, len(row), 1, 16):
        part = row[window.start : window.end].tolist()
        values = plain_log_likelihoods(sharp, part)
        for place in range(window.first_scored, window.end):
            expected[place - 1] = values[place - window.start - 1]
    assert found == pytest.approx(expected, abs=1e-4)


def test_a_continuation_is_what_the_whole_adds_to_the_prompt(sharp):
    prompts, rests = ["the c", "", "a dog is n"], ["at", "the", "ot a"]
    rows = [sharp.codec_.encode_all(texts) for texts in (prompts, rests)]
    found = sharp._of_continuations(*rows)
    for value, prompt, rest in zip(found, *rows, strict=True):
        values = plain_log_likelihoods(sharp, [EOS, *prompt.tolist(), *rest.tolist()])
        assert value == pytest.approx(sum(values[len(prompt) :]), abs=1e-4)


def test_perplexity_of_a_stream_and_bits(sharp):
    total, n_tokens, n_characters = sharp._totals(TEXTS, True)
    assert n_tokens == sum(map(len, TEXTS)) + len(TEXTS)
    assert sharp.perplexity(TEXTS, continuous=True) == pytest.approx(math.exp(-total / n_tokens))
    bits = sharp.bits_per_character(TEXTS, continuous=True)
    assert bits == pytest.approx(-total / math.log(2) / n_characters)


# ---- writing


@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary", "alibi"])
def test_with_a_cache_the_same_is_written_as_without(positions):
    model = sharpened(model_of(positions=positions, epochs=1))
    prompts = ["the ", "", "a dog is not a cat and more", *("c" * 20)]
    how = {"max_new_tokens": 40, "random_state": 5}
    cached = model.generate(prompts, **how)
    assert model.set_params(use_cache=False).generate(prompts, **how) == cached
    model.set_params(use_cache=True)
    for number, prompt in enumerate(prompts):
        greedy = model.generate(prompts, max_new_tokens=40, temperature=0)
        assert model.generate(prompt, max_new_tokens=40, temperature=0) == greedy[number]
    assert any(len(text) > 30 for text in cached)  # beyond the window


def test_a_cache_has_room_for_what_is_to_be_written_and_no_more(sharp, monkeypatch):
    rooms = []
    new_cache = GPTModule.new_cache

    def watched(self, n_rows, capacity=None):
        rooms.append(capacity)
        return new_cache(self, n_rows, capacity)

    monkeypatch.setattr(GPTModule, "new_cache", watched)
    sharp.generate(["the", ""], max_new_tokens=3, temperature=0)
    sharp.generate("the", max_new_tokens=1000, temperature=0)
    assert rooms[:2] == [7, 16]


def test_a_streamed_text_is_the_generated_one(sharp):
    how = {"max_new_tokens": 30, "random_state": 2}
    assert "".join(sharp.stream("the", **how)) == sharp.generate("the", **how)


def test_what_is_periodic_goes_on(fitted):
    model = model_of(PERIODIC, epochs=40, learning_rate=0.01, dropout=0.0)
    assert model.generate("abc", max_new_tokens=9, temperature=0) == "dabcdabcd"
    assert model.perplexity(PERIODIC, continuous=True) < 1.3
    assert model.score(PERIODIC) > model.score(["dcba" * 10])


# ---- learning


@pytest.mark.parametrize(
    "params",
    [
        {"norm": "post"},
        {"norm_kind": "rms", "activation": "swiglu", "bias": False, "positions": "rotary"},
        {"tie_weights": False, "output_bias": True},
        {"level": "subword", "vocab_size": 270},
        {"level": "word"},
        {"ema_decay": 0.9},
    ],
    ids=str,
)
def test_variants_learn(params):
    model = model_of(TEXTS * 3, epochs=15, learning_rate=0.01, dropout=0.0, **params)
    losses = [entry["loss"] for entry in model.history_]
    assert losses[-1] < losses[0] - 0.2


def test_fixed_positions_do_not_drown_the_tokens():
    module = GPTModule(
        50, BlockShape(size=64, n_heads=2, inner_size=8), 1, 9, positions="sinusoidal"
    )
    vectors = module.embedding.weight * module.scale  # (V, D)
    table = module.positions(torch.zeros(1, 9, 64))[0]
    assert vectors.std().item() == pytest.approx(table.square().mean().sqrt().item(), rel=0.5)
    model = model_of(PERIODIC, epochs=20, learning_rate=0.01, dropout=0.0, positions="sinusoidal")
    assert model.history_[-1]["loss"] < 0.4


def test_an_output_with_a_bias_begins_with_the_frequencies():
    model = model_of(output_bias=True, epochs=1, learning_rate=1e-9)
    codec = model.codec_
    counts = np.bincount(
        np.concatenate([[EOS], *[[*codec.encode(t), EOS] for t in TEXTS]]).astype(int),
        minlength=len(codec),
    )
    expected = np.log((counts + 1) / (counts + 1).sum())
    assert model.module_.output.bias.detach().numpy() == pytest.approx(expected, abs=1e-4)


def test_steps_are_counted_where_they_are_given():
    model = model_of(TEXTS * 5, max_steps=7, batch_size=2, epochs=99)
    assert model.history_[-1]["step"] == 7


def test_the_best_epoch_on_held_out_text_is_kept():
    model = model_of(TEXTS * 10, validation_fraction=0.2, epochs=4)
    assert all("validation_loss" in entry for entry in model.history_)
    other = model_of(TEXTS, epochs=2)
    other.fit(TEXTS, validation=["the cat"])
    assert "validation_loss" in other.history_[0]


def test_an_interrupted_training_is_taken_up(tmp_path, monkeypatch):
    from textrep.generation.gpt_module import GPTTask

    whole = model_of(epochs=4)
    path = tmp_path / "training"
    loss, calls = GPTTask.loss, []

    def break_down(self, phase, batch):
        calls.append(0)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return loss(self, phase, batch)

    monkeypatch.setattr(GPTTask, "loss", break_down)
    with pytest.raises(KeyboardInterrupt):
        model_of(epochs=4, checkpoint=path)
    monkeypatch.undo()
    assert path.exists()
    resumed = model_of(epochs=4, checkpoint=path)
    for name, weight in whole.module_.state_dict().items():
        assert torch.equal(weight, resumed.module_.state_dict()[name]), name


# ---- files and parameters


def test_a_saved_model_is_the_same(sharp, tmp_path):
    sharp.save(tmp_path / "model.textrep")
    loaded = textrep.load(tmp_path / "model.textrep")
    assert loaded.log_likelihoods(TEXTS).tolist() == sharp.log_likelihoods(TEXTS).tolist()
    assert loaded.module_.output.weight is loaded.module_.embedding.weight
    for copied in (pickle.loads(pickle.dumps(sharp)), copy.deepcopy(sharp)):
        assert copied.module_.output.weight is copied.module_.embedding.weight
        assert copied.score(TEXTS) == sharp.score(TEXTS)
    assert not hasattr(clone(sharp), "module_")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"num_heads": 3}, "hidden_size must be a multiple"),
        ({"positions": "absolute"}, "positions"),
        ({"activation": "tanh"}, "activation"),
        ({"norm": "none"}, "norm"),
        ({"dropout": 1.0}, "dropout"),
        ({"max_length": 0}, "max_length"),
        ({"max_steps": 0}, "max_steps"),
        ({"betas": 0.9}, "betas"),
        ({"tie_weights": "yes"}, "tie_weights"),
        ({"attention": "linformer"}, "causal"),
        ({"attention": "everything"}, "attention|mechanism"),
    ],
    ids=str,
)
def test_parameters_out_of_range_are_named(params, message):
    with pytest.raises(ValueError, match=message):
        model_of(**params)


def test_patience_needs_something_to_watch():
    with pytest.raises(ValueError, match="patience=2 needs texts to watch"):
        model_of(patience=2)
    assert model_of(patience=2, validation_fraction=0.5).n_epochs_ == 2


@pytest.mark.parametrize("X", ["text", [None], [["a"]], 3])
def test_what_are_no_texts_is_refused(X):
    with pytest.raises((TextInputError, TypeError)):
        GPT(**TINY).fit(X)


def test_a_window_that_is_too_long_is_refused():
    module = GPTModule(5, BlockShape(size=8, n_heads=2, inner_size=8), 1, 4)
    with pytest.raises(ValueError, match="5 tokens are more than the 4"):
        module.hidden(torch.zeros(1, 5, dtype=torch.int64))
