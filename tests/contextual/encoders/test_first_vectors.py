"""Vectors that an encoder begins with, from skip-gram on the texts that it will read."""

from __future__ import annotations

import numpy as np
import pytest

from textrep.contextual.encoders import Encoder, EncoderTokenizer, first_vectors
from textrep.contextual.encoders.first_vectors import FEWEST_TOKENS, put_first_vectors
from textrep.contextual.encoders.shapes import first_deviation, make_config
from textrep.contextual.masked_lm.masked_language_model import MaskedLanguageModel
from textrep.engine.estimator import weights_of

SIZE = {"num_layers": 1, "hidden_size": 16}
# Two groups of words that never meet: animals that eat, and vehicles that drive.
ANIMALS, VEHICLES = ("cat", "dog", "cow"), ("car", "bus", "van")
TEXTS = [f"the {each} eats and sleeps and eats" for each in ANIMALS] * 30
TEXTS += [f"a {each} drives or stops or drives" for each in VEHICLES] * 30


@pytest.fixture(autouse=True)
def _short_texts_are_enough(monkeypatch):
    monkeypatch.setattr(first_vectors, "FEWEST_TOKENS", 0)


def new(architecture="bert", seed=0):
    tokenizer = EncoderTokenizer.train(TEXTS, architecture=architecture, vocab_size=80)
    return Encoder.new(architecture, SIZE, tokenizer, max_length=16, seed=seed)


def table_of(encoder):
    return encoder.module.get_input_embeddings().weight.detach().numpy()


def cosine(encoder, first, second):
    names = list(encoder.tokenizer.tokens)
    one, other = (table_of(encoder)[names.index(word)] for word in (first, second))
    return one @ other / np.linalg.norm(one) / np.linalg.norm(other)


@pytest.mark.parametrize("architecture", ["bert", "modernbert", "distilbert", "electra"])
def test_words_of_the_same_contexts_are_alike_before_any_training(architecture):
    encoder = new(architecture)
    before = table_of(encoder).copy()
    n = put_first_vectors(encoder, TEXTS, seed=0)
    changed = (table_of(encoder) != before).any(axis=1)
    assert changed.sum() == n
    used = {int(i) for row in encoder.tokenizer.pieces(TEXTS) for i in row}
    assert set(np.flatnonzero(changed)) == used
    assert table_of(encoder)[changed].std() == pytest.approx(first_deviation(16), rel=1e-4)
    assert cosine(encoder, "cat", "dog") > cosine(encoder, "cat", "car") + 0.2


def test_the_same_seed_gives_the_same_vectors_and_a_limit_of_time_less_text():
    one, same, other, short = (new() for _ in range(4))
    put_first_vectors(one, TEXTS, seed=1)
    put_first_vectors(same, TEXTS, seed=1)
    put_first_vectors(other, TEXTS, seed=2)
    assert (table_of(one) == table_of(same)).all()
    assert (table_of(one) != table_of(other)).any()
    # A quarter of 40 microseconds is ten tokens: one text, and no word of the others.
    n = put_first_vectors(short, TEXTS, seed=1, max_seconds=4e-5)
    assert n in {len({*row.tolist()}) for row in short.tokenizer.pieces(TEXTS)}


def test_of_texts_that_are_too_short_for_skip_gram_vectors_stay_as_drawn(monkeypatch):
    monkeypatch.setattr(first_vectors, "FEWEST_TOKENS", FEWEST_TOKENS)
    encoder = new()
    before = table_of(encoder).copy()
    assert put_first_vectors(encoder, TEXTS, seed=0) == 0
    assert (table_of(encoder) == before).all()


def test_vectors_have_nothing_in_common():
    encoder = new()
    put_first_vectors(encoder, TEXTS, seed=0)
    used = sorted({int(i) for row in encoder.tokenizer.pieces(TEXTS) for i in row})
    assert np.abs(table_of(encoder)[used].mean(axis=0)).max() < 1e-6


def test_texts_of_single_words_change_nothing():
    encoder = new()
    before = table_of(encoder).copy()
    assert put_first_vectors(encoder, ["cat", "", "dog"], seed=0) == 0
    assert (table_of(encoder) == before).all()


@pytest.mark.parametrize("hidden_size", [32, 128, 768])
def test_first_weights_make_a_sum_of_squares_that_does_not_depend_on_the_size(hidden_size):
    tokenizer = EncoderTokenizer.train(TEXTS, vocab_size=80)
    config = make_config("bert", {"num_layers": 1, "hidden_size": hidden_size}, tokenizer)
    assert hidden_size * config.initializer_range**2 == pytest.approx(768 * 0.02**2)
    assert make_config("bert", SIZE, tokenizer, initializer_range=0.3).initializer_range == 0.3


def model(**changes):
    given = {"size": SIZE, "vocab_size": 80, "max_length": 16, "epochs": 1, "device": "cpu"}
    return MaskedLanguageModel(**given, random_state=0, **changes)


def test_a_language_model_begins_with_them_unless_it_goes_on_from_an_encoder():
    tiny = {"learning_rate": 1e-12, "weight_decay": 0.0}  # ends where it begins
    skip_gram = model(**tiny).fit(TEXTS)
    drawn = model(first_vectors="random", **tiny).fit(TEXTS)
    assert cosine(skip_gram.encoder_, "cat", "dog") > 0.5
    assert abs(cosine(drawn.encoder_, "cat", "dog")) < 0.5
    further = model(checkpoint_from=drawn, **tiny).fit(TEXTS)
    found, begun = (weights_of(each.encoder_.module) for each in (further, drawn))
    assert all(np.allclose(found[name], begun[name], atol=1e-6) for name in begun)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"learning_rate": "high"}, "learning_rate must be 'auto'"),
        ({"first_vectors": "glove"}, "first_vectors must be 'word2vec' or 'random'"),
    ],
)
def test_other_words_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        model(**given).fit(TEXTS)


def test_vectors_of_word2vec_change_more_slowly():
    given = {"learning_rate": 1e-3, "weight_decay": 0.0, "warmup": 0, "schedule": "constant"}
    moved = {}
    for name in ("word2vec", "random"):
        began, ended = (
            model(first_vectors=name, max_steps=1, **{**given, **more}).fit(TEXTS)
            for more in ({"learning_rate": 1e-12}, {})
        )
        moved[name] = np.abs(table_of(ended.encoder_) - table_of(began.encoder_)).max()
    assert moved["random"] == pytest.approx(1e-3, rel=0.01)  # Adam's first step is the rate
    assert moved["word2vec"] == pytest.approx(1e-4, rel=0.01)


def test_rates_that_auto_stands_for():
    from textrep.contextual.masked_lm.parameters import learning_rate_of

    assert learning_rate_of(model(), "modernbert", 128) == pytest.approx(0.5 / 128)
    assert learning_rate_of(model(), "bert", 128) == pytest.approx(0.125 / 128)
    assert learning_rate_of(model(checkpoint_from="x"), "bert", 128) == pytest.approx(1.25e-2 / 128)
    assert learning_rate_of(model(learning_rate=0.1), "bert", 128) == 0.1
