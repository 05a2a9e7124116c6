"""Contrastive training: the loss by hand, and what it does to vectors."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from textrep import EncoderEmbedder, TextInputError
from textrep.contextual.encoder_embedder.contrastive import (
    ContrastiveTask,
    contrastive_batches,
    info_nce,
)
from textrep.engine.batches import Share

WORDS = ["red", "blue", "green", "white", "black", "brown"]
PAIRS = [(f"the {word} car", f"a {word} house is here") for word in WORDS] * 4


def embedder_of(**changes):
    settings = {
        "size": {"num_layers": 1, "hidden_size": 16, "num_heads": 2},
        "vocab_size": 80,
        "pretrain_epochs": 0,
        "device": "cpu",
        "random_state": 0,
    }
    return EncoderEmbedder(**{**settings, **changes})


@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_the_loss_is_that_of_the_equation(temperature):
    random = np.random.default_rng(0)
    u, v = random.normal(size=(2, 5, 3))
    expected = []
    for i in range(5):
        cosines = [u[i] @ v[j] / np.linalg.norm(u[i]) / np.linalg.norm(v[j]) for j in range(5)]
        scores = [math.exp(cosine / temperature) for cosine in cosines]
        expected.append(-math.log(scores[i] / sum(scores)))
    found = info_nce(torch.tensor(u), torch.tensor(v), temperature)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4)


def test_of_vectors_that_are_all_alike_it_is_the_logarithm_of_their_number():
    vectors = torch.ones(7, 4)
    assert info_nce(vectors, vectors, 0.05).tolist() == pytest.approx([math.log(7)] * 7)


def test_what_is_the_same_text_is_no_negative():
    vectors = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    same = torch.eye(4, dtype=torch.bool)
    same[0, 1] = same[1, 0] = True
    found = info_nce(vectors, vectors, 0.5, same)
    without = info_nce(vectors[[0, 2, 3]], vectors[[0, 2, 3]], 0.5)
    assert found[0].item() == pytest.approx(without[0].item(), rel=1e-5)


def test_batches_know_which_texts_are_the_same():
    embedder = embedder_of().fit(["one text", "two texts"])
    firsts = embedder.encoder_.rows(["one", "two", "one", "text"])
    seconds = embedder.encoder_.rows(["text", "texts", "two", "two"])
    batches = contrastive_batches(embedder.encoder_, firsts, seconds, max_rows=4, seed=0)
    (numbers,) = batches.plan(0)
    same = batches.read(numbers, Share()).same.numpy()
    order = np.argsort(numbers)
    expected = [[1, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]
    np.testing.assert_array_equal(same[np.ix_(order, order)], np.array(expected, dtype=bool))


def test_the_same_text_read_twice_differs_by_what_dropout_leaves_out():
    embedder = embedder_of(dropout=0.3).fit(["one text", "two texts"])
    task = ContrastiveTask(embedder.encoder_, "mean", 0.05)
    rows = embedder.encoder_.rows(["one text", "two texts"])
    batches = contrastive_batches(embedder.encoder_, rows, max_rows=2, seed=0)
    batch = batches.read(batches.plan(0)[0], Share())
    with torch.random.fork_rng():
        task.train()
        assert not torch.equal(task._vectors(batch.first), task._vectors(batch.first))
    task.eval()
    assert torch.equal(task._vectors(batch.first), task._vectors(batch.first))


def alignment(embedder, pairs):
    """Mean cosine of pairs, less that of all others."""
    first, second = (embedder.transform([pair[side] for pair in pairs]) for side in (0, 1))
    first, second = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (first, second))
    cosines = first @ second.T
    mine = np.trace(cosines) / len(pairs)
    return mine - (cosines.sum() - np.trace(cosines)) / (len(pairs) * (len(pairs) - 1))


def test_pairs_come_nearer_to_each_other_than_to_others():
    before = alignment(embedder_of(dropout=0.0).fit(sum(PAIRS, ())), PAIRS[:6])
    embedder = embedder_of(contrastive_epochs=25, learning_rate=0.01, batch_size=12, dropout=0.0)
    embedder.fit_pairs(PAIRS)
    assert alignment(embedder, PAIRS[:6]) > before + 0.3
    assert embedder.history_[-1]["stage"] == "contrastive"
    assert embedder.history_[-1]["loss"] < embedder.history_[0]["loss"]


def test_without_labels_different_texts_come_apart():
    texts = [f"the {word} car is here" for word in WORDS] * 3
    embedder = embedder_of(learning_rate=0.005, batch_size=6, dropout=0.1).fit(texts)
    before = embedder.transform(texts[:6])
    embedder.set_params(contrastive_epochs=15).fit_contrastive(texts)
    after = embedder.transform(texts[:6])
    assert mean_cosine(after) < mean_cosine(before) - 0.1


def mean_cosine(vectors):
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = vectors @ vectors.T
    return cosines[~np.eye(len(vectors), dtype=bool)].mean()


def test_fit_trains_too_where_it_is_asked_to():
    texts = ["one text", "two texts", "three of them"] * 2
    embedder = embedder_of(contrastive_epochs=2).fit(texts)
    assert embedder.n_epochs_ == 2
    assert [entry["stage"] for entry in embedder.history_] == ["contrastive"] * 2


def test_what_cannot_be_told_apart_is_refused():
    with pytest.raises(ValueError, match="all texts are the same"):
        embedder_of().fit_contrastive(["one text", "one text"])
    for architecture in ("bert", "modernbert"):
        with pytest.raises(ValueError, match="this encoder has no dropout"):
            embedder_of(architecture=architecture, dropout=0.0).fit_contrastive(["one", "two"])
    with pytest.raises(TextInputError, match="pairs must be a list of pairs"):
        embedder_of().fit_pairs(["one text", "two texts"])
    with pytest.raises(ValueError, match="temperature must be a finite number above 0"):
        embedder_of(temperature=0).fit(["one text"])
