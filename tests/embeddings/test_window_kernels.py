"""The kernels of skip-gram and CBOW against finite differences, numpy and plain Python."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from textrep.embeddings.kernels import logistic, simd
from textrep.embeddings.kernels.cbow import train_cbow
from textrep.embeddings.kernels.sampling import advance, below, draw
from textrep.embeddings.kernels.skipgram import train_skipgram
from textrep.embeddings.objective import keep_thresholds, objective_of
from textrep.embeddings.vocabulary import alias_table
from textrep.sparse.kernels.memory import kernel

DIM = 20
STRIDE = simd.padded(DIM)
SEED = np.uint64(7)


def make_model(n_words: int, objective, seed: int = 0):
    rng = np.random.default_rng(seed)
    inputs = np.zeros((n_words, STRIDE), dtype=np.float32)
    outputs = np.zeros((objective.n_rows + 1, STRIDE), dtype=np.float32)
    inputs[:, :DIM] = rng.normal(size=(n_words, DIM)) * 0.5
    outputs[:-1, :DIM] = rng.normal(size=(objective.n_rows, DIM)) * 0.5
    return inputs, outputs


def run(model, objective, ids, alpha, *, kind="skipgram", window=2, keep=None, corrected=True):
    """Loss and number of its terms; the model is changed in place."""
    inputs, outputs = model
    if keep is None:
        keep = keep_thresholds(np.ones(len(inputs)))
    before = (
        inputs.reshape(-1), outputs.reshape(-1), STRIDE, np.array(ids, np.int32), keep,
        *objective.arrays, window, objective.negative,
    )  # fmt: skip
    if kind == "skipgram":
        return train_skipgram(*before, alpha, alpha, SEED)
    return train_cbow(*before, corrected, alpha, alpha, SEED)


def step_and_slopes(objective, ids, *, kind, window=2, corrected=True):
    """The step per learning rate of both arrays, and minus the numerical gradient of the loss."""
    n_words = max(ids) + 1
    base = make_model(n_words, objective)
    moved = [array.copy() for array in base]
    rate, h = 1e-4, 1e-2
    run(moved, objective, ids, rate, kind=kind, window=window, corrected=corrected)
    steps = [(m - b) / rate for m, b in zip(moved, base, strict=True)]
    slopes = [np.zeros_like(array) for array in base]
    for which in (0, 1):
        for row in range(len(base[which]) - which):
            for column in range(0, DIM, 3):
                losses = []
                for sign in (1, -1):
                    model = [array.copy() for array in base]
                    model[which][row, column] += sign * h
                    loss, _ = run(model, objective, ids, 0.0, kind=kind, window=window)
                    losses.append(loss)
                slopes[which][row, column] = -(losses[0] - losses[1]) / (2 * h)
    return [s[:, 0:DIM:3] for s in steps], [s[:, 0:DIM:3] for s in slopes]


OBJECTIVES = {
    "ns": {"loss": "ns", "negative": 5, "exponent": 0.75},
    "ns of 8": {"loss": "ns", "negative": 8, "exponent": 0.75},
    "hs": {"loss": "hs", "negative": 5, "exponent": 0.75},
}


@pytest.mark.parametrize("kind", ["skipgram", "cbow"])
@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_a_step_goes_down_the_gradient_of_the_loss(kind, name):
    counts = np.array([9, 7, 5, 4, 3, 2, 1, 1, 1])
    objective = objective_of(counts, **OBJECTIVES[name])
    steps, slopes = step_and_slopes(objective, [0, 3, 5, 8, -1, 7, 2, 1, 6, -1], kind=kind)
    for step, slope in zip(steps, slopes, strict=True):
        assert np.abs(slope).max() > 0.1
        np.testing.assert_allclose(step, slope, atol=5e-3)


def test_historical_cbow_moves_each_context_by_all_of_the_step_of_their_mean():
    objective = objective_of(np.array([3, 2, 1]), "ns", 5, 0.75)
    steps, slopes = step_and_slopes(
        objective, [0, 1, 2, -1], kind="cbow", window=1, corrected=False
    )
    # 0 and 2 are contexts of 1, which has two; 1 is the only context of each of the others.
    times = np.array([[2.0], [1.0], [2.0]])
    np.testing.assert_allclose(steps[0], times * slopes[0], atol=5e-3)
    np.testing.assert_allclose(steps[1], slopes[1], atol=5e-3)


@pytest.mark.parametrize("kind", ["skipgram", "cbow"])
def test_the_loss_is_that_of_numpy(kind):
    counts = np.array([9, 7, 5, 4])
    objective = objective_of(counts, "hs", 0, 0.75)
    inputs, outputs = make_model(4, objective)
    codes = {w: [] for w in range(4)}
    for w in range(4):
        for p in range(objective.offsets[w], objective.offsets[w + 1]):
            codes[w].append((objective.points[p], objective.turns[p]))
    ids = [2, 0, 3]
    expected, n = 0.0, 0
    for t, target in enumerate(ids):
        contexts = [ids[c] for c in (t - 1, t + 1) if 0 <= c < 3]
        if kind == "cbow":
            rows = [inputs[contexts].astype(float).mean(axis=0)]
        else:
            rows = list(inputs[contexts].astype(float))
        n += len(rows)
        for row in rows:
            for node, turn in codes[target]:
                expected += np.log1p(np.exp(-turn * (row @ outputs[node].astype(float))))
    loss, n_terms = run((inputs, outputs), objective, ids, 0.0, kind=kind, window=1)
    assert n_terms == n
    assert loss == pytest.approx(expected, rel=1e-5)


def test_windows_do_not_reach_over_the_end_of_a_sentence():
    objective = objective_of(np.array([1, 1, 1]), "ns", 5, 0.75)
    _, apart = run(make_model(3, objective), objective, [0, -1, 1, -1, 2, -1], 0.1)
    _, together = run(make_model(3, objective), objective, [0, 1, 2, -1], 0.1, window=1)
    assert (apart, together) == (0, 4)


def test_a_word_that_is_never_kept_is_neither_target_nor_context():
    objective = objective_of(np.array([5, 1, 1]), "ns", 5, 0.75)
    keep = keep_thresholds(np.array([0.0, 1.0, 1.0]))
    inputs, outputs = make_model(3, objective)
    before = inputs.copy()
    _, n = run((inputs, outputs), objective, [1, 0, 2, -1], 0.1, window=1, keep=keep)
    assert n == 2  # 1 and 2 have become neighbours
    np.testing.assert_array_equal(inputs[0], before[0])
    assert (inputs[1:, :DIM] != before[1:, :DIM]).all()


def test_padding_stays_zero():
    objective = objective_of(np.array([5, 4, 3, 2]), "ns", 7, 0.75)
    inputs, outputs = make_model(4, objective)
    run((inputs, outputs), objective, [0, 1, 2, 3, -1] * 20, 0.1)
    assert not inputs[:, DIM:].any()
    assert not outputs[:, DIM:].any()
    assert not outputs[-1].any()


def test_a_saturated_pair_still_moves():
    objective = objective_of(np.array([1, 1]), "ns", 1, 0.75)
    inputs = np.zeros((2, STRIDE), np.float32)
    outputs = np.zeros((3, STRIDE), np.float32)
    inputs[:, 0] = 10.0
    outputs[:2, 0] = -10.0
    loss, n = run((inputs, outputs), objective, [0, 1, -1], 0.1, window=1)
    assert loss >= 99 * n  # gensim leaves such pairs out
    assert (outputs[:2, 0] > -10.0).any()


@kernel
def _logistic(scores, sign, rate):
    return logistic.logistic_steps(scores, sign, len(scores), rate)


@pytest.mark.parametrize("scale", [0.01, 1.0, 8.0, 60.0])
def test_logistic_loss_and_steps_are_those_of_float64(scale):
    x = (np.random.default_rng(0).normal(size=160) * scale).astype(np.float32)
    sign = np.tile(np.array([1, -1, -1, 0], np.float32), 40)
    y = -sign.astype(float) * x
    expected = (np.abs(sign) * (np.maximum(y, 0) + np.log1p(np.exp(-np.abs(y))))).sum()
    steps = 0.5 * sign * np.exp(-np.logaddexp(0, -y))
    loss = _logistic(x, sign, np.float32(0.5))
    assert loss == pytest.approx(expected, rel=2e-6)
    np.testing.assert_allclose(x, steps, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_score_that_is_no_number_shows_in_the_loss(score, sign):
    scores = np.zeros(32, np.float32)
    scores[17] = score
    loss = _logistic(scores, np.full(32, sign, np.float32), np.float32(0.5))
    assert not np.isfinite(loss)


@kernel
def _drawn(threshold, alias, seed, out):
    state = seed
    for i in range(len(out)):
        state = advance(state)
        out[i] = draw(state, threshold, alias)
        state = advance(state)


@kernel
def _below(n, seed, out):
    state = seed
    for i in range(len(out)):
        state = advance(state)
        out[i] = below(state, n)


def test_words_are_drawn_by_their_weights():
    weights = np.array([5.0, 1.0, 3.0, 0.5])
    out = np.empty(200_000, dtype=np.int64)
    _drawn(*alias_table(weights), np.uint64(3), out)
    shares = np.bincount(out, minlength=4) / len(out)
    np.testing.assert_allclose(shares, weights / weights.sum(), atol=0.005)


def test_all_numbers_below_a_bound_are_drawn_alike():
    out = np.empty(100_000, dtype=np.int64)
    _below(5, np.uint64(3), out)
    np.testing.assert_allclose(np.bincount(out, minlength=5) / len(out), 0.2, atol=0.01)


@pytest.mark.slow
def test_the_same_kernels_run_as_plain_python():
    code = """
import numpy as np
import tests.embeddings.test_window_kernels as t
counts = np.array([9, 7, 5, 4, 3])
for kind in ("skipgram", "cbow"):
    for name, parts in t.OBJECTIVES.items():
        objective = t.objective_of(counts, **parts)
        model = t.make_model(5, objective)
        loss, n = t.run(model, objective, [0, 3, 1, 4, -1, 2, 2, 1, -1], 0.05, kind=kind)
        sums = [float(np.abs(array).sum()) for array in model]
        print(kind, name.replace(" ", "-"), n, float(loss), *sums)
"""
    results = []
    for jit_off in ("0", "1"):
        env = {**os.environ, "NUMBA_DISABLE_JIT": jit_off}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        results.append([line.split() for line in done.stdout.splitlines()])
    compiled, plain = results
    assert len(compiled) == 6
    assert [row[:3] for row in compiled] == [row[:3] for row in plain]
    numbers = [np.array([row[3:] for row in rows], float) for rows in results]
    np.testing.assert_allclose(*numbers, rtol=1e-4)
