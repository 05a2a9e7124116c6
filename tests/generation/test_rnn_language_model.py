"""`RNNLanguageModel`: learning, scores and saved files."""

from __future__ import annotations

import gzip
import math
import pickle
import re

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import textrep
from tests.generation.plain import PlainLM
from textrep import RNNLanguageModel
from textrep.core.text import TextInputError
from textrep.generation import likelihood
from textrep.generation.token_stream import join_rows, split_end, stream_batches

EOS = 3
TEXTS = [
    "the cat sat on the mat, the dog did not.",
    "a dog is not a cat; the cat knows!",
    "",
    "the mat is on the floor and the dog is on the mat",
] * 3

TINY = {
    "embedding_size": 8,
    "hidden_size": 8,
    "num_layers": 2,
    "window": 6,
    "epochs": 2,
    "min_count": 1,
    "device": "cpu",
    "random_state": 0,
}
PERIODIC = ["abcd" * 60] * 5


def model_of(texts=TEXTS, **params):
    return RNNLanguageModel(**{**TINY, **params}).fit(texts)


@pytest.fixture(scope="module")
def fitted():
    return model_of(level="character")


@pytest.fixture(scope="module")
def periodic():
    return model_of(
        PERIODIC,
        level="character",
        hidden_size=16,
        embedding_size=16,
        num_layers=1,
        dropout=0,
        input_dropout=0,
        window=8,
        epochs=30,
        learning_rate=0.03,
    )


def plain_score(model, text):
    ids = [EOS, *model.codec_.encode(text).tolist(), EOS]
    return PlainLM(model.module_, model.cell).log_likelihood(ids)


def same_weights(first, second):
    pairs = zip(first.module_.parameters(), second.module_.parameters(), strict=True)
    return all(torch.equal(*pair) for pair in pairs)


# ---- scores


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("level", ["word", "character", "whitespace", "subword"])
def test_log_likelihoods_are_those_of_a_plain_loop(level, cell):
    model = model_of(level=level, cell=cell, vocab_size=300)
    texts = ["the cat sat", "", "not on a mat, the dog", "zebra"]
    expected = [plain_score(model, text) for text in texts]
    np.testing.assert_allclose(model.log_likelihoods(texts), expected, rtol=1e-5)


def test_the_other_scores_follow_from_the_log_likelihoods(fitted):
    texts = ["the cat", "a dog sat", ""]
    total = fitted.log_likelihoods(texts).sum()
    n_tokens = sum(map(len, texts)) + 3  # with the end of each
    assert fitted.score(texts) == pytest.approx(total / n_tokens)
    assert fitted.perplexity(texts) == pytest.approx(math.exp(-total / n_tokens))
    assert fitted.bits_per_character(texts) == pytest.approx(-total / math.log(2) / 16)


def test_a_text_scores_the_same_alone_and_among_others(fitted):
    texts = ["the cat", "a", "", "the dog is not on the mat, the cat is on the floor"]
    together = fitted.log_likelihoods(texts)
    alone = [fitted.log_likelihoods([text])[0] for text in texts]
    np.testing.assert_allclose(together, alone, rtol=1e-5)
    np.testing.assert_allclose(fitted.log_likelihoods(texts[::-1]), together[::-1], rtol=1e-5)


def test_long_texts_are_read_in_windows_without_a_seam(fitted, monkeypatch):
    texts = ["the cat sat on the mat", "a dog", ""]
    whole = fitted.log_likelihoods(texts), fitted.score(texts, continuous=True)
    monkeypatch.setattr(likelihood, "WINDOW", 4)
    np.testing.assert_allclose(fitted.log_likelihoods(texts), whole[0], rtol=1e-5)
    assert fitted.score(texts, continuous=True) == pytest.approx(whole[1], rel=1e-5)


def test_read_as_one_the_texts_have_those_before_them_in_mind(fitted):
    texts = ["the cat", "sat"]
    ids = [EOS]
    for text in texts:
        ids += [*fitted.codec_.encode(text).tolist(), EOS]
    total = PlainLM(fitted.module_).log_likelihood(ids)
    assert fitted.score(texts, continuous=True) == pytest.approx(total / 12, rel=1e-5)
    assert fitted.perplexity(texts, continuous=True) == pytest.approx(
        math.exp(-total / 12), rel=1e-5
    )
    assert fitted.bits_per_character(texts, continuous=True) == pytest.approx(
        -total / math.log(2) / 10, rel=1e-5
    )


def test_a_cache_helps_where_words_come_again_and_only_if_texts_are_read_as_one():
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(60)]
    model = model_of([" ".join(rng.choice(words, 400))], epochs=1)
    texts = [" ".join(rng.choice(words[:5], 30)) for _ in range(5)]
    plain = model.score(texts), model.score(texts, continuous=True)
    model.set_params(cache_size=50, cache_theta=0.0, cache_lambda=0.5)
    assert model.score(texts) == plain[0]
    assert model.score(texts, continuous=True) > plain[1] + 0.5


# ---- learning


def test_a_periodic_text_is_learnt_to_nearly_no_bits(periodic):
    assert periodic.bits_per_character(PERIODIC, continuous=True) < 0.05
    assert periodic.history_[-1]["validation_loss"] < 0.05


@pytest.mark.parametrize(
    "params",
    [
        {"dropout": 0.3, "hidden_dropout": 0.3, "embedding_dropout": 0.1, "weight_dropout": 0.3},
        {"activation_penalty": 2.0, "slowness_penalty": 1.0, "vary_window": True},
        {"cutoffs": (5, 8), "embedding_size": 16, "hidden_size": 16},
        {"tie_weights": False, "hidden_size": 12},
        {"cell": "gru", "ema_decay": 0.5, "optimizer": "adam", "schedule": "cosine"},
        {"level": "subword", "vocab_size": 270, "max_seconds": 60.0},
    ],
)
def test_every_kind_of_training_learns_something(params):
    texts = ["the cat sat on a mat"] * 30
    model = model_of(texts, **{"epochs": 8, "learning_rate": 0.03, **params})
    # A model that knows nothing has the logarithm of the number of tokens.
    assert -model.score(texts) < 0.5 * math.log(len(model.codec_))
    assert model.n_epochs_ == 8


def test_the_perplexity_is_not_that_of_the_loss_with_penalties():
    model = model_of(
        activation_penalty=50.0, slowness_penalty=50.0, dropout=0, input_dropout=0, hidden_dropout=0
    )
    for row in model.history_:
        assert row["loss"] > row["nll"] + 1e-3
    last = RNNLanguageModel(**TINY, activation_penalty=50.0).fit(TEXTS, validation=TEXTS)
    assert last.history_[-1]["validation_loss"] == last.history_[-1]["validation_nll"]
    assert last.perplexity(TEXTS) == pytest.approx(math.exp(-last.score(TEXTS)))


def test_the_same_seed_gives_the_same_model_and_another_one_another():
    first, second = model_of(), model_of()
    assert same_weights(first, second)
    assert not same_weights(first, model_of(random_state=1))


def test_global_random_numbers_are_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    model_of(epochs=1).generate("the", random_state=0)
    assert torch.equal(torch.rand(2), expected)


def test_the_end_is_held_out_or_texts_that_are_given():
    assert "validation_loss" in model_of(TEXTS * 3, level="character").history_[0]
    assert "validation_loss" not in model_of(validation_fraction=0).history_[0]
    assert "validation_loss" not in model_of(TEXTS[:2]).history_[0]  # too little to judge by
    model = RNNLanguageModel(**{**TINY, "epochs": 1}).fit(TEXTS, validation=["the zebra", "a cat"])
    assert "zebra" not in model.codec_.words
    # One window of one stream, from a fresh state: what `score` reads as one.
    expected = -model.score(["the zebra", "a cat"], continuous=True)
    assert model.history_[0]["validation_loss"] == pytest.approx(expected, rel=1e-5)


def test_rare_words_teach_what_is_unknown_but_characters_are_all_kept():
    assert "floor" in model_of(["once floor", "floor"], min_count=None).codec_.words
    assert "once" not in model_of(["once floor", "floor"], min_count=None).codec_.words
    assert "x" in model_of(["aax"], level="character", min_count=None).codec_.words


@pytest.mark.parametrize("texts", [["a"], ["ab"] * 2, ["a b c d e f g h"]])
def test_little_text_is_enough(texts):
    model = model_of(texts, level="character", window=35, batch_size=20)
    assert np.isfinite(model.score(texts))


def test_streams_are_fewer_where_a_text_is_short():
    stream = np.zeros(1001, dtype=np.int32)
    assert stream_batches(stream, 20, 25).size((0, 1)) == 5  # of 8 windows each
    assert stream_batches(stream, 4, 25).size((0, 1)) == 4
    assert stream_batches(stream[:9], 4, 25).size((0, 1)) == 1


def test_all_tokens_but_the_first_are_predicted_once_by_one_part_of_the_stream():
    stream = join_rows([np.arange(4, 204), np.arange(4, 904)], EOS)
    assert stream.tolist() == [EOS, *range(4, 204), EOS, *range(4, 904), EOS]
    first, end = split_end(stream, 0.1)
    assert [*first[1:], *end[1:]] == stream[1:].tolist()
    assert end[0] == first[-1]


def test_a_file_is_a_text_a_line(tmp_path):
    plain, packed = tmp_path / "texts.txt", tmp_path / "texts.txt.gz"
    plain.write_text("\n".join(TEXTS) + "\n", "utf-8")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    expected = model_of()
    for path in (plain, packed):
        model = model_of(path)
        assert same_weights(model, expected)
        assert model.score(path) == expected.score(TEXTS)
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(ValueError, match=r"empty\.txt|without texts"):
        model_of(tmp_path / "empty.txt")


# ---- keeping


def test_tied_weights_stay_tied_and_are_kept_once(tmp_path):
    model = model_of()
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    again = clone(model).fit(TEXTS)
    for each in (model, loaded, pickle.loads(pickle.dumps(model)), again):
        module = each.module_
        assert module.output.weight is module.embedding.weight
        np.testing.assert_array_equal(each.log_likelihoods(TEXTS), model.log_likelihoods(TEXTS))
    weights = model._get_state()["weights"]
    assert [name for name in weights if weights[name].shape[0] == len(model.codec_)] == [
        "embedding.weight",
        "output.bias",
    ]


@pytest.mark.parametrize("params", [{"level": "subword"}, {"cutoffs": (5,)}, {"cell": "gru"}])
def test_a_saved_model_writes_the_same_texts(params, tmp_path):
    model = model_of(**params, vocab_size=280)
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    assert loaded.get_params() == model.get_params()
    assert loaded.generate("the", random_state=1) == model.generate("the", random_state=1)


def test_texts_with_half_a_surrogate_pair_are_characters(tmp_path):
    model = model_of(["a\ud800b" * 5], level="character")
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    assert loaded.score(["\ud800"]) == model.score(["\ud800"])
    with pytest.raises(TextInputError, match="surrogate"):
        model_of(["a\ud800"], level="subword")


def test_a_file_with_other_weights_is_refused():
    model = model_of()
    state = model._get_state()
    other = RNNLanguageModel(**{**TINY, "hidden_size": 9})
    with pytest.raises(ValueError, match="weight"):
        other._set_state(state)


# ---- what is refused


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"level": "letter"}, "level must be"),
        ({"cell": "elman"}, "cell must be"),
        ({"embedding_size": 0}, "embedding_size must be an integer of at least 1, got 0"),
        ({"hidden_size": 1.5}, "hidden_size"),
        ({"num_layers": 0}, "num_layers"),
        ({"window": 0}, "window"),
        ({"batch_size": 0}, "batch_size"),
        ({"dropout": 1}, "dropout must be a finite number of at least 0"),
        ({"weight_dropout": -0.1}, "weight_dropout"),
        ({"activation_penalty": -1}, "activation_penalty"),
        ({"tie_weights": "yes"}, "tie_weights must be True or False, got 'yes'"),
        ({"validation_fraction": 0.9}, "validation_fraction"),
        ({"cache_size": -1}, "cache_size"),
        ({"cache_lambda": 1}, "cache_lambda"),
        ({"cutoffs": (10, 5)}, "cutoffs"),
        ({"cutoffs": (10_000,)}, "cutoffs"),
        ({"cutoffs": 5}, "cutoffs must be a tuple of integers or None, got 5"),
        ({"cutoffs": ("a",)}, "each of cutoffs must be an integer of at least 1, got 'a'"),
        ({"epochs": 0}, "epochs"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"schedule": "up"}, "schedule"),
        ({"min_count": 0}, "min_count"),
        ({"device": "abacus"}, "device"),
        ({"precision": "int4"}, "precision"),
    ],
)
def test_a_parameter_out_of_range_is_named(params, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        model_of(**params)


@pytest.mark.parametrize("verb", ["score", "log_likelihoods", "perplexity", "generate", "stream"])
def test_before_fitting_it_says_so(verb):
    with pytest.raises(NotFittedError):
        getattr(RNNLanguageModel(), verb)("text" if verb in ("generate", "stream") else ["text"])


def test_wrong_texts_are_refused_everywhere(fitted):
    for wrong in ("a single text", None, ["a", None], ["a", np.nan], []):
        for verb in (fitted.score, fitted.log_likelihoods, fitted.perplexity, clone(fitted).fit):
            with pytest.raises(TextInputError, match="X"):
                verb(wrong)
    with pytest.raises(TextInputError, match="validation"):
        clone(fitted).fit(TEXTS, validation="a text")
    with pytest.raises(ValueError, match="nothing to learn"):
        clone(fitted).fit([""])
    with pytest.raises(ValueError, match="characters"):
        fitted.bits_per_character([""])
