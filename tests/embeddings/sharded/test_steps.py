"""How the steps of two parts become one, row by row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.embeddings.sharded import steps as steps_module
from textrep.embeddings.sharded.steps import (
    COMBINATIONS,
    Step,
    adaptive_sum,
    average,
    merge_steps,
)

small = st.floats(-8, 8, width=32)


def rows(n_rows=5, n_columns=6, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, n_columns)).astype(np.float32)


def step(seed, n_words, n_rows=5):
    return Step(rows(n_rows, seed=seed), rows(3, seed=seed + 50), n_words, seed + 0.5, 2.0 * seed)


def test_the_average_weighs_by_words():
    mean = average(np.float32([[4.0]]), np.float32([[8.0]]), 0.25)
    assert mean.tolist() == [[5.0]]


@given(st.lists(small, min_size=4, max_size=4), st.lists(small, min_size=4, max_size=4))
def test_the_adaptive_sum_is_that_of_its_formula(first, second):
    a, b = np.array(first), np.array(second)
    expected = a * (1 - a @ b / (2 * (a @ a) or 1)) + b * (1 - a @ b / (2 * (b @ b) or 1))
    found = adaptive_sum(np.float32([first]), np.float32([second]), 0.5)[0]
    # Tiny squares vanish in 32 bits, where the ratio then counts for nothing.
    if min(a @ a, b @ b) > 1e-30 or not a.any() or not b.any():
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert np.isfinite(found).all()


def test_the_adaptive_sum_keeps_what_only_one_part_did():
    one = rows()
    np.testing.assert_array_equal(adaptive_sum(one, np.zeros_like(one), 0.5), one)
    np.testing.assert_array_equal(adaptive_sum(np.zeros_like(one), one, 0.5), one)


def test_the_adaptive_sum_does_not_overshoot_where_parts_agree():
    one = rows()
    np.testing.assert_allclose(adaptive_sum(one, one, 0.5), one, rtol=1e-6)
    np.testing.assert_allclose(adaptive_sum(one, 3 * one, 0.5), 2 * one, rtol=1e-5)


def test_blocks_of_rows_change_nothing(monkeypatch):
    one, other = rows(9), rows(9, seed=1)
    whole = adaptive_sum(one, other, 0.5)
    monkeypatch.setattr(
        steps_module, "blocks", lambda n, _: ((i, min(i + 2, n)) for i in range(0, n, 2))
    )
    np.testing.assert_array_equal(adaptive_sum(one, other, 0.5), whole)


def test_an_average_of_many_steps_weighs_each_by_its_words():
    steps = [step(seed, n_words) for seed, n_words in enumerate([3, 0, 5, 2, 7])]
    merged = merge_steps(average, steps)
    weights = np.array([3, 0, 5, 2, 7]) / 17
    expected = sum(w * s.inputs for w, s in zip(weights, steps, strict=True))
    np.testing.assert_allclose(merged.inputs, expected, rtol=1e-5, atol=1e-6)
    assert merged.n_words == 17
    assert merged.loss == sum(s.loss for s in steps)
    assert merged.n_terms == sum(s.n_terms for s in steps)


@pytest.mark.parametrize("combination", list(COMBINATIONS))
def test_merging_leaves_the_steps_as_they_are(combination):
    steps = [step(seed, 4) for seed in range(3)]
    before = [(s.inputs.copy(), s.outputs.copy()) for s in steps]
    merge_steps(COMBINATIONS[combination], steps)
    assert len(steps) == 3
    for each, (inputs, outputs) in zip(steps, before, strict=True):
        np.testing.assert_array_equal(each.inputs, inputs)
        np.testing.assert_array_equal(each.outputs, outputs)
