"""Layers -> one vector a word -> one vector a text."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from textrep.contextual.elmo_mixing import (
    Mixing,
    PooledPieces,
    learn_weights,
    mixing_of,
    pool_words,
)
from textrep.layers.scalar_mix import ScalarMix

RNG = np.random.default_rng(0)
LAYERS = [torch.from_numpy(RNG.normal(size=(2, 5, 8)).astype(np.float32)) for _ in range(3)]


def test_the_mean_is_the_softmax_of_zeros():
    expected = sum(
        layer * weight for layer, weight in zip(LAYERS, torch.zeros(3).softmax(0), strict=True)
    )
    torch.testing.assert_close(mixing_of("mean", 3, None)(LAYERS), expected)


def test_scalars_of_zero_mix_to_the_mean():
    torch.testing.assert_close(ScalarMix(3)(LAYERS), mixing_of("mean", 3, None)(LAYERS))


def test_given_weights_are_taken_as_they_are():
    mixed = mixing_of([2, 0, -1.5], 3, None)(LAYERS)
    torch.testing.assert_close(mixed, 2 * LAYERS[0] - 1.5 * LAYERS[2])


def test_the_last_layer_is_the_last():
    torch.testing.assert_close(mixing_of("last", 3, None)(LAYERS), LAYERS[2])


def test_side_by_side_the_vector_without_context_is_there_once():
    mixing = mixing_of("concat", 3, None)
    mixed = mixing(LAYERS)
    assert mixed.shape[-1] == mixing.size(4, 3) == 4 + 8 + 8
    torch.testing.assert_close(mixed, torch.cat([LAYERS[0][..., :4], *LAYERS[1:]], dim=-1))


def test_what_was_learnt_is_used_and_asked_for():
    learned = np.array([0.0, 1.0, 0.0])
    torch.testing.assert_close(mixing_of("learned", 3, learned)(LAYERS), LAYERS[1])
    with pytest.raises(ValueError, match="mix='learned' is learnt in fit"):
        mixing_of("learned", 3, None)


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        ("sum", "mix must be 'mean', 'concat', 'last', 'learned' or a weight for each layer"),
        ([1.0], "mix has 1 weights, but there are 3 layers"),
        ([1.0, np.nan, 0.0], "finite weights"),
        ([0.0, 0.0, 0.0], "not all of them 0"),
        (["a", "b", "c"], "must hold numbers"),
        (None, "must be a name or a list of weights"),
    ],
)
def test_another_mix_is_refused(mix, message):
    with pytest.raises(ValueError, match=message):
        mixing_of(mix, 3, None)


def test_the_layer_that_tells_classes_apart_gets_the_most_weight():
    classes = RNG.integers(0, 2, size=200)
    layers = RNG.normal(size=(200, 3, 4)).astype(np.float32) * np.float32(5)
    layers[:, 1] = RNG.normal(size=(200, 4)) + 3 * classes[:, None]
    weights = learn_weights(layers, classes, seed=0, device="cpu")
    # A layer weighs by its own scale.
    scaled = weights * layers.std(axis=(0, 2))
    assert scaled.argmax() == 1
    assert weights.min() > 0
    np.testing.assert_array_equal(weights, learn_weights(layers, classes, seed=0, device="cpu"))


@pytest.mark.parametrize("pooling", ["mean", "max", "mean_max"])
def test_texts_are_pooled_over_all_words_of_all_their_pieces(pooling):
    words = [[3, 2], [], [1], [4, 4, 1]]  # words of each piece of each text
    text = np.repeat(np.arange(4), [len(pieces) for pieces in words])
    longest = 6
    vectors = torch.from_numpy(RNG.normal(size=(len(text), longest, 3)).astype(np.float32))
    lengths = torch.tensor([n + 2 for pieces in words for n in pieces])
    both = pool_words(vectors, lengths).numpy()
    n_words = np.array([sum(pieces) for pieces in words])
    pooled = PooledPieces(both[:, 0], both[:, 1]).of_texts(text, n_words, pooling, 3)
    for number in range(4):
        rows = [vectors[i, 1 : lengths[i] - 1].numpy() for i in np.flatnonzero(text == number)]
        if not rows:
            assert not pooled[number].any()
            continue
        rows = np.concatenate(rows)
        expected = {
            "mean": [rows.mean(0)],
            "max": [rows.max(0)],
            "mean_max": [rows.mean(0), rows.max(0)],
        }
        np.testing.assert_allclose(pooled[number], np.concatenate(expected[pooling]), atol=1e-6)
    assert pooled.dtype == np.float32


def test_no_texts_have_no_vectors():
    nothing = PooledPieces(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32))
    none = np.zeros(0, dtype=np.int64)
    assert nothing.of_texts(none, none, "mean", 3).shape == (0, 3)


def test_a_mixture_is_of_full_precision():
    halves = [layer.to(torch.bfloat16) for layer in LAYERS]
    assert Mixing(np.ones(3))(halves).dtype == torch.float32
    assert Mixing(None)(halves).dtype == torch.float32
