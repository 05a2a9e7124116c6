"""`NeuralCache` against the formula, written as loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from textrep.generation.cache_pointer import NeuralCache


def data(n=40, seed=0):
    rng = np.random.default_rng(seed)
    states = rng.normal(size=(n, 3)).astype(np.float32)
    return rng.uniform(0.1, 5, n).astype(np.float32), states, rng.integers(4, size=n)


def by_hand(nll, states, words, size, theta, share):
    mixed = []
    for t in range(len(nll)):
        weights = {i: np.exp(theta * states[t] @ states[i]) for i in range(max(0, t - size), t)}
        if not weights:
            mixed.append(nll[t])
            continue
        same = sum(weight for i, weight in weights.items() if words[i] == words[t])
        p = (1 - share) * np.exp(-nll[t]) + share * same / sum(weights.values())
        mixed.append(-np.log(p))
    return mixed


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("cuts", [[], [1, 2, 10], [5, 25]])
def test_it_is_the_formula_whatever_windows_a_text_comes_in(size, cuts):
    nll, states, words = data()
    cache = NeuralCache(size, 0.7, 0.3)
    parts = [np.split(column, cuts) for column in (nll, states, words)]
    found = torch.cat(
        [cache.mix(*map(torch.from_numpy, part)) for part in zip(*parts, strict=True)]
    )
    np.testing.assert_allclose(found, by_hand(nll, states, words, size, 0.7, 0.3), rtol=1e-4)


def test_without_a_share_nothing_changes():
    nll, states, words = data()
    found = NeuralCache(9, 1.0, 0.0).mix(*map(torch.from_numpy, (nll, states, words)))
    np.testing.assert_allclose(found, nll, rtol=1e-6)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ((0, 1.0, 0.1), "cache_size"),
        ((5, -1.0, 0.1), "cache_theta"),
        ((5, 1.0, 1.0), "cache_lambda"),
    ],
)
def test_a_parameter_out_of_range_is_named(params, named):
    with pytest.raises(ValueError, match=named):
        NeuralCache(*params)
