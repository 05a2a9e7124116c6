"""Vectors of texts and words, against transformers run by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import textrep
from textrep import EncoderEmbedder
from textrep.contextual.encoder_embedder.words import word_spans

TEXTS = ["the bank of the river is wide", "a bank lends money", "", "so much text, so little time"]


def embedder_of(**changes):
    settings = {
        "size": {"num_layers": 2, "hidden_size": 16, "num_heads": 2},
        "vocab_size": 80,
        "pretrain_epochs": 0,
        "max_length": 32,
        "device": "cpu",
        "random_state": 0,
    }
    return EncoderEmbedder(**{**settings, **changes})


@pytest.fixture(scope="module", params=["bert", "xlnet"])
def folder(request, tmp_path_factory):
    embedder = embedder_of(architecture=request.param).fit(TEXTS * 3)
    with torch.no_grad():
        for parameter in embedder.encoder_.module.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator()))
    target = tmp_path_factory.mktemp(request.param) / "encoder"
    embedder.save_pretrained(target)
    return target


@pytest.fixture
def embedder(folder):
    return embedder_of(checkpoint=folder).fit(TEXTS)


def states(folder, text):
    """All layers of one text, by transformers' own tokenizer and model, (n, D) each."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    with torch.no_grad():
        found = model.eval()(**tokenizer(text, return_tensors="pt"), output_hidden_states=True)
    return [layer[0].numpy() for layer in found.hidden_states]


POOLS = {
    "mean": lambda layer, last: layer.mean(axis=0),
    "max": lambda layer, last: layer.max(axis=0),
    "cls": lambda layer, last: layer[-1 if last else 0],
}


@pytest.mark.parametrize("pooling", POOLS)
@pytest.mark.parametrize(
    ("layers", "chosen"), [(-1, [-1]), (0, [0]), ([-1, 1], [-1, 1]), ("all", [0, 1, 2])]
)
def test_vectors_are_those_of_transformers(folder, embedder, pooling, layers, chosen):
    embedder.set_params(pooling=pooling, layers=layers)
    found = embedder.transform(TEXTS)
    assert found.dtype == np.float32
    last = embedder.encoder_.cls_last
    for text, vector in zip(TEXTS, found, strict=True):
        hidden = states(folder, text)
        expected = POOLS[pooling](np.mean([hidden[layer] for layer in chosen], axis=0), last)
        np.testing.assert_allclose(vector, expected, atol=2e-5)


def test_a_text_has_the_same_vector_alone_and_among_others(embedder):
    together = embedder.transform(TEXTS)
    alone = np.concatenate([embedder.transform([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert embedder.transform([]).shape == (0, 16)


def test_a_dask_collection_gives_the_vectors_of_its_texts(embedder):
    bag = pytest.importorskip("dask.bag")
    lazy = embedder.transform(bag.from_sequence(TEXTS, npartitions=2))
    assert lazy.shape[1] == 16
    found = lazy.compute(scheduler="synchronous")
    np.testing.assert_allclose(found, embedder.transform(TEXTS), atol=1e-5)


def test_normalised_vectors_have_length_one(embedder):
    plain = embedder.transform(TEXTS)
    unit = embedder.set_params(normalise=True).transform(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(
        unit, plain / np.linalg.norm(plain, axis=1, keepdims=True), atol=1e-6
    )


def test_a_word_has_another_vector_in_another_sentence(folder, embedder):
    river, money, nothing = embedder.word_vectors(TEXTS[:3], "Bank")
    assert river.shape == money.shape == (1, 16)
    assert nothing.shape == (0, 16)
    assert np.abs(river - money).max() > 1e-3
    hidden = states(folder, TEXTS[1])[-1]
    offsets = embedder.encoder_.tokenizer.encodings(TEXTS[1:2])[0].offsets
    inside = [i for i, (a, b) in enumerate(offsets) if a < 6 and b > 2]
    before = 0 if embedder.encoder_.cls_last else 1
    expected = hidden[np.array(inside) + before].mean(axis=0)
    np.testing.assert_allclose(money[0], expected, atol=2e-5)
    assert embedder.word_vectors(TEXTS[:2], "Bank", match_case=True)[0].shape == (0, 16)


def test_a_word_far_into_a_long_text_is_read_with_what_surrounds_it(embedder):
    text = "so much text " * 40 + "bank"
    (vectors,) = embedder.word_vectors([text], "bank")
    assert vectors.shape == (1, 16)
    span = (len(text) - 4, len(text))
    near = embedder.vectors_of([text, "so much text " * 60 + "bank"], [span, (780, 784)])
    np.testing.assert_allclose(near[0], near[1], atol=1e-5)


def test_words_stand_between_what_is_no_letter():
    assert word_spans("Bank, banker. bank", "bank", match_case=True) == [(14, 18)]
    assert word_spans("C++ is not C", "C++") == [(0, 3)]


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([(0, 3)], "2 texts, but 1 spans"),
        ([(0, 3), (5, 99)], r"spans\[1\] is \(5, 99\); expected 0 <= start < stop <= 18"),
        ([(3, 4), (0, 1)], r"spans\[0\] has no token"),
        ([(0, 3), "ab"], r"spans\[1\] must be two numbers"),
    ],
)
def test_spans_outside_a_text_are_refused(spans, message):
    embedder = embedder_of().fit(TEXTS)
    with pytest.raises(ValueError, match=message):
        embedder.vectors_of(TEXTS[:2], spans)


def test_it_starts_from_fitted_models_and_files(embedder, tmp_path):
    expected = embedder.transform(TEXTS)
    for checkpoint in (embedder, embedder.encoder_, embedder.save(tmp_path / "e.textrep")):
        other = embedder_of(checkpoint=checkpoint).fit(TEXTS)
        np.testing.assert_allclose(other.transform(TEXTS), expected, atol=1e-6)
        assert other.encoder_.module is not embedder.encoder_.module
        saved = textrep.load(other.save(tmp_path / "other.textrep"))
        np.testing.assert_array_equal(saved.transform(TEXTS), other.transform(TEXTS))
    loaded = textrep.load(tmp_path / "e.textrep")
    np.testing.assert_array_equal(loaded.transform(TEXTS), expected)


def test_columns_have_names(embedder):
    table = embedder.set_output(transform="pandas").transform(TEXTS)
    assert table.columns[0] == "encoderembedder0"
    assert table.shape == (4, 16)


def test_without_a_checkpoint_it_learns_to_fill_in_tokens_first():
    pytest.importorskip("textrep.contextual.masked_lm.masked_language_model")
    embedder = embedder_of(pretrain_epochs=2).fit(TEXTS * 3)
    assert embedder.history_[0]["stage"] == "pre-training"
    untrained = embedder_of().fit(TEXTS * 3)
    assert not np.allclose(embedder.transform(TEXTS), untrained.transform(TEXTS), atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pooling": "sum"}, "pooling must be 'cls' or 'mean' or 'max', got 'sum'"),
        ({"layers": 3}, "layers names 3, but this encoder has the layers 0"),
        ({"layers": "first"}, "layers must be 'all', got 'first'"),
        ({"layers": []}, "layers must be the number of a layer"),
        ({"layers": 1.5}, "layers must be the number of a layer"),
        ({"normalise": 2}, "normalise"),
    ],
)
def test_wrong_ways_to_read_are_named(embedder, changes, message):
    with pytest.raises(ValueError, match=message):
        embedder.set_params(**changes).transform(TEXTS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "gpt2"}, "architecture must be 'bert' or"),
        ({"size": {"hidden_size": 8}}, "size must have num_layers and hidden_size"),
        ({"max_length": 2}, "max_length must be an integer of at least 3"),
        ({"pretrain_epochs": "many"}, "pretrain_epochs must be 'auto', got 'many'"),
        ({"learning_rate": 0}, "learning_rate must be a finite number above 0"),
        ({"contrastive_epochs": -1}, "contrastive_epochs must be an integer of at least 0"),
        ({"training_checkpoint": "x", "random_state": None}, "needs a random_state"),
    ],
)
def test_wrong_parameters_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        embedder_of(**changes).fit(TEXTS)
