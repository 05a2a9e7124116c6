"""How the steps of two parts become one, row by row."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from textrep import Word2Vec
from textrep.embeddings.corpus import read_corpus
from textrep.embeddings.sharded import steps as steps_module
from textrep.embeddings.sharded.steps import (
    SATURATION,
    Learning,
    Step,
    adaptive_sum,
    merge_learnings,
)
from textrep.embeddings.window_training import WindowTraining

small = st.floats(-8, 8, width=32)
OFTEN = 1e6


def step(seed=0, seen=OFTEN, n_rows=5, n_columns=6):
    rows = np.random.default_rng(seed).normal(size=(n_rows, n_columns)).astype(np.float32)
    return Step(rows, np.full(n_rows, seen, dtype=np.float32))


def times(factor, first):
    return Step(np.float32(factor) * first.rows, first.seen)


def learning(seed):
    return Learning(step(seed), step(seed + 50, n_rows=3), 3 + seed, seed + 0.5, 2.0 * seed)


@given(
    st.lists(small, min_size=4, max_size=4),
    st.lists(small, min_size=4, max_size=4),
    st.integers(0, 50),
    st.integers(0, 50),
)
def test_the_adaptive_sum_is_that_of_its_formula(first, second, n_first, n_second):
    a, b = np.array(first), np.array(second)
    s = 1 - np.exp(-(n_first + n_second) / 2 / SATURATION)
    expected = a * (1 - s * a @ b / (2 * (a @ a) or 1)) + b * (1 - s * a @ b / (2 * (b @ b) or 1))
    found = adaptive_sum(
        Step(np.float32([first]), np.float32([n_first])),
        Step(np.float32([second]), np.float32([n_second])),
    )[0]
    # Tiny squares vanish in 32 bits, where the ratio then counts for nothing.
    if min(a @ a, b @ b) > 1e-30 or not a.any() or not b.any():
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert np.isfinite(found).all()


def test_the_adaptive_sum_keeps_what_only_one_part_did():
    one = step()
    for first, second in ((one, times(0, one)), (times(0, one), one)):
        np.testing.assert_array_equal(adaptive_sum(first, second), one.rows)


def test_frequent_words_do_not_overshoot_where_parts_agree():
    one = step()
    np.testing.assert_allclose(adaptive_sum(one, one), one.rows, rtol=1e-6)
    np.testing.assert_allclose(adaptive_sum(one, times(3, one)), 2 * one.rows, rtol=1e-5)


def test_rare_words_go_as_far_as_both_parts_together():
    one = step(seen=0)
    np.testing.assert_allclose(adaptive_sum(one, times(3, one)), 4 * one.rows, rtol=1e-6)


def test_blocks_of_rows_change_nothing(monkeypatch):
    one, other = step(n_rows=9), step(1, seen=5, n_rows=9)
    whole = adaptive_sum(one, other)
    monkeypatch.setattr(
        steps_module, "blocks", lambda n, _: ((i, min(i + 2, n)) for i in range(0, n, 2))
    )
    np.testing.assert_array_equal(adaptive_sum(one, other), whole)


def test_many_are_merged_as_a_tree_of_neighbours():
    learnings = [learning(seed) for seed in range(5)]
    merged = merge_learnings(learnings)
    a, b, c, d, e = (each.inputs for each in learnings)

    def both(first, second):
        return Step(adaptive_sum(first, second), first.seen + second.seen)

    expected = both(both(both(a, b), both(c, d)), e)
    np.testing.assert_array_equal(merged.inputs.rows, expected.rows)
    np.testing.assert_array_equal(merged.inputs.seen, expected.seen)
    assert merged.n_words == sum(each.n_words for each in learnings)
    assert merged.loss == sum(each.loss for each in learnings)
    assert merged.n_terms == sum(each.n_terms for each in learnings)
    np.testing.assert_array_equal(merged.outputs.seen, 5 * learnings[0].outputs.seen)


def test_merging_leaves_what_it_merges_as_it_is():
    learnings = [learning(seed) for seed in range(3)]
    before = [(each.inputs.rows.copy(), each.outputs.rows.copy()) for each in learnings]
    merge_learnings(learnings)
    assert len(learnings) == 3
    for each, (inputs, outputs) in zip(learnings, before, strict=True):
        np.testing.assert_array_equal(each.inputs.rows, inputs)
        np.testing.assert_array_equal(each.outputs.rows, outputs)


def test_rows_are_seen_as_often_as_their_words_or_those_below_their_turn():
    occurrences = np.array([7, 2, 1])
    with read_corpus([["a"] * 4 + ["b"] * 2 + ["c"]], min_count=1) as corpus:
        sampled, tree = (
            WindowTraining(Word2Vec(loss=loss, random_state=0), corpus).rows_seen(occurrences)
            for loss in ("ns", "hs")
        )
    assert [each.tolist() for each in sampled] == [[7, 2, 1], [7, 2, 1, 0]]
    # b and c are joined first, and the root has all.
    assert [each.tolist() for each in tree] == [[7, 2, 1], [3, 10, 0]]


def test_a_tree_of_one_word_has_no_turns():
    with read_corpus([["a", "a"]], min_count=1) as corpus:
        training = WindowTraining(Word2Vec(loss="hs", random_state=0), corpus)
        inputs, outputs = training.rows_seen(np.array([2]))
    assert (inputs.tolist(), outputs.tolist()) == ([2], [0, 0])
