"""Batches of windows of one text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.engine.batches import Share
from textrep.engine.windows import WindowBatches


def read_all(batches, epoch=0):
    return [batches.read(spec, Share()) for spec in batches.plan(epoch)]


def test_targets_are_the_inputs_one_token_later():
    for batch in read_all(WindowBatches(np.arange(100), n_rows=3, window=7)):
        assert (batch.targets == batch.inputs + 1).all()


def test_epochs_cut_and_order_anew_and_the_same_each_time():
    batches = WindowBatches(np.arange(100), n_rows=3, window=7, seed=1)
    first, second = (np.concatenate(batches.plan(epoch)) for epoch in (0, 1))
    assert first.tolist() != second.tolist()
    assert first.tolist() != sorted(first.tolist())
    again = WindowBatches(np.arange(100), n_rows=3, window=7, seed=1)
    assert np.concatenate(again.plan(0)).tolist() == first.tolist()
    other = WindowBatches(np.arange(100), n_rows=3, window=7, seed=2)
    assert np.concatenate(other.plan(0)).tolist() != first.tolist()


@given(st.integers(2, 200), st.integers(1, 5), st.integers(1, 30), st.integers(0, 5))
def test_windows_lie_in_the_text_and_do_not_overlap(n_tokens, n_rows, window, epoch):
    batches = WindowBatches(np.arange(n_tokens), n_rows=n_rows, window=window)
    targets = np.concatenate([b.targets.numpy().ravel() for b in read_all(batches, epoch)])
    assert len(np.unique(targets)) == len(targets)
    assert targets.min() >= 1
    assert targets.max() < n_tokens
    # At most two windows' tokens are left out.
    assert len(targets) >= n_tokens - 1 - 2 * window


@given(st.integers(2, 200), st.integers(1, 5), st.integers(1, 30))
def test_in_order_each_token_is_predicted_once(n_tokens, n_rows, window):
    batches = WindowBatches(np.arange(n_tokens), n_rows=n_rows, window=window, shuffle=False)
    targets = np.concatenate([b.targets.numpy().ravel() for b in read_all(batches)])
    assert targets[targets >= 0].tolist() == list(range(1, n_tokens))


@given(st.integers(1, 100))
def test_there_are_as_many_steps_as_asked_for(n_steps):
    batches = WindowBatches(np.arange(100), n_rows=3, window=7, n_steps=n_steps)
    counts = [len(batches.plan(epoch)) for epoch in range(batches.n_epochs)]
    assert sum(counts) == n_steps
    assert max(counts) - min(counts) <= 1


def test_processes_share_each_batch():
    batches = WindowBatches(np.arange(100), n_rows=3, window=7)
    spec = batches.plan(0)[0]
    whole = batches.read(spec, Share()).inputs
    parts = [batches.read(spec, Share(part, 2)).inputs for part in (0, 1)]
    assert sorted(map(tuple, np.concatenate(parts))) == sorted(map(tuple, whole.numpy()))


def test_one_token_is_too_few():
    with pytest.raises(ValueError, match="1 tokens"):
        WindowBatches(np.arange(1), n_rows=1, window=4)


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=8),
    st.integers(1, 5),
    st.integers(1, 30),
    st.integers(0, 5),
)
def test_a_window_begins_with_each_text_and_each_token_is_predicted(lengths, n_rows, window, epoch):
    ends = np.cumsum(lengths)
    ids, begins = np.arange(ends[-1] + 1), ends - lengths
    batches = WindowBatches(ids, n_rows=n_rows, window=window, begins=begins)
    read = read_all(batches, epoch)
    firsts = np.concatenate([batch.inputs[:, 0].numpy() for batch in read])
    assert set(begins) <= set(firsts)
    targets = np.concatenate([batch.targets.numpy().ravel() for batch in read])
    assert set(targets) == set(range(1, ends[-1] + 1))
    inputs = np.concatenate([batch.inputs.numpy().ravel() for batch in read])
    following = np.where(inputs == ends[-1], 1, inputs + 1)  # the first text comes after the last
    assert (targets == following).all()
