"""The kernels of fastText against finite differences, fastText's own loops and plain Python."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

from textrep.embeddings.kernels import simd
from textrep.embeddings.kernels.fasttext import train_skipgram
from textrep.embeddings.kernels.fasttext_cbow import train_cbow
from textrep.embeddings.vocabulary import alias_table

DIM = 20
STRIDE = simd.padded(DIM)
SEED = 7
KINDS = ["skipgram", "cbow"]
KEEP_ALL = 2**32

# Five words; the first and the second, the third and the fifth share rows, as n-grams are shared.
SHARED = [[0, 5, 6, 7], [1, 5, 6], [2, 8], [3], [4, 8, 8, 9, 10]]


class Model:
    """Words, their rows and the two matrices."""

    def __init__(self, words, seed=0):
        rng = np.random.default_rng(seed)
        self.rows = np.array([row for rows in words for row in rows], np.int32)
        self.bounds = np.cumsum([0, *map(len, words)]).astype(np.int64)
        self.inputs = np.zeros((self.rows.max() + 1, STRIDE), np.float32)
        self.outputs = np.zeros((len(words) + 1, STRIDE), np.float32)
        self.inputs[:, :DIM] = rng.normal(size=(len(self.inputs), DIM))
        self.outputs[:-1, :DIM] = rng.normal(size=(len(words), DIM)) * 0.5
        self.threshold, self.alias = alias_table(np.arange(1.0, len(words) + 1))
        self.keep = np.full(len(words), KEEP_ALL, np.int64)

    def train(self, kind, ids, alpha, *, window=2, negative=5, alpha_end=None):
        train = train_skipgram if kind == "skipgram" else train_cbow
        return train(
            self.inputs.reshape(-1), self.outputs.reshape(-1), STRIDE, self.rows, self.bounds,
            np.array(ids, np.int32), self.keep, self.threshold, self.alias, window, negative,
            alpha, alpha if alpha_end is None else alpha_end, np.uint64(SEED),
        )  # fmt: skip

    def parts(self, word):
        return self.rows[self.bounds[word] : self.bounds[word + 1]]


class Random:
    """The kernels' numbers, in Python's integers."""

    def __init__(self):
        self.state = SEED

    def advance(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return self.state >> 32

    def below(self, n):
        return (self.advance() * n) >> 32

    def word(self, model):
        place = self.below(len(model.threshold))
        return place if self.advance() < model.threshold[place] else int(model.alias[place])


def fasttext_step(model, parts, targets, rate):
    """fastText's Model::update with all targets (row, label) before the inputs move, in float64."""
    hidden = model.inputs[parts].mean(axis=0)
    move, loss = np.zeros_like(hidden), 0.0
    scores = [model.outputs[row] @ hidden for row, _ in targets]
    for (row, label), score in zip(targets, scores, strict=True):
        sign = 1 if label else -1
        loss += np.logaddexp(0, -sign * score)
        step = rate * sign / (1 + np.exp(sign * score))
        move += step * model.outputs[row]
        model.outputs[row] += step * hidden
    np.add.at(model.inputs, parts, move)
    return loss


def fasttext_loops(model, kind, ids, alpha, *, window=2, negative=5):
    """FastText::skipgram and FastText::cbow over the sentences, with the kernels' numbers."""
    random, loss, n_terms = Random(), 0.0, 0
    model.inputs, model.outputs = model.inputs.astype(float), model.outputs.astype(float)
    ends = np.flatnonzero(np.array(ids) < 0)
    for sentence in np.split(np.array(ids), ends + 1)[:-1]:
        kept = [w for w in sentence[:-1].tolist() if random.advance() < model.keep[w]]

        def negatives(word):
            return [(n, 0) for n in (random.word(model) for _ in range(negative)) if n != word]

        for t, word in enumerate(kept):
            drawn = negatives(word) if kind == "cbow" and len(kept) > 1 else []
            reach = 1 + random.below(window) if kind == "skipgram" or len(kept) > 1 else 0
            near = [c for c in range(t - reach, t + reach + 1) if c != t and 0 <= c < len(kept)]
            if not near:
                continue
            if kind == "skipgram":
                targets = [target for c in near for target in [(kept[c], 1), *negatives(kept[c])]]
                loss += fasttext_step(model, model.parts(word), targets, alpha)
                n_terms += len(near)
            else:
                parts = np.concatenate([model.parts(kept[c]) for c in near])
                loss += fasttext_step(model, parts, [(word, 1), *drawn], alpha)
                n_terms += 1
    return loss, n_terms


def disjoint_words(n):
    """Words without common rows, of one to four rows each."""
    starts = np.cumsum([0, *(1 + np.arange(n) % 4)])
    return [list(range(a, b)) for a, b in itertools.pairwise(starts)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("window", [1, 3])
def test_the_model_becomes_that_of_fasttexts_loops(kind, window):
    # No word comes again while an earlier one is in reach: the rows then are written in time.
    ids = [*range(12), -1, 3, -1, -1, 11, 7, 0, 2, -1, 5, 1, -1]
    fast, plain = Model(disjoint_words(12)), Model(disjoint_words(12))
    fast.keep[[2, 7]] = plain.keep[[2, 7]] = KEEP_ALL // 2
    got = fast.train(kind, ids, 0.2, window=window)
    expected = fasttext_loops(plain, kind, ids, 0.2, window=window)
    assert got[1] == expected[1]
    assert got[0] == pytest.approx(expected[0], rel=1e-5)
    np.testing.assert_allclose(fast.inputs, plain.inputs, atol=1e-5)
    np.testing.assert_allclose(fast.outputs, plain.outputs, atol=1e-5)


def slopes(kind, ids, matrix):
    """Minus the numerical gradient of the loss, by every fourth column."""
    h, found = 1e-2, np.zeros((len(getattr(Model(SHARED), matrix)), DIM))
    for row in range(len(found) - (matrix == "outputs")):
        for column in range(0, DIM, 4):
            losses = []
            for sign in (1, -1):
                model = Model(SHARED)
                getattr(model, matrix)[row, column] += sign * h
                losses.append(model.train(kind, ids, 0.0)[0])
            found[row, column] = -(losses[0] - losses[1]) / (2 * h)
    return found[:, ::4]


def steps(kind, ids, matrix):
    """The step that the kernel takes, per learning rate, by every fourth column."""
    base, model, rate = Model(SHARED), Model(SHARED), 1e-4
    model.train(kind, ids, rate)
    return ((getattr(model, matrix) - getattr(base, matrix)) / rate)[:, :DIM:4]


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_go_down_the_gradient_of_the_loss(kind):
    ids = [0, 3, 1, 4, 2, 2, 0, -1, 4, 1, -1]
    found, expected = steps(kind, ids, "outputs"), slopes(kind, ids, "outputs")
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_go_down_the_gradient_times_the_number_of_rows_in_the_mean(kind):
    # Two words: each is all there is in the window of the other. Word 0 has four rows, 1 three.
    both = [0, 1, -1]
    expected = np.zeros((11, 5))
    for word, n_rows in ((0, 4), (1, 3)):
        # The gradient through one word's mean: the other's rows are told apart by copies.
        expected += n_rows * slopes_through(kind, both, word)
    np.testing.assert_allclose(steps(kind, both, "inputs"), expected, atol=1e-2)


def slopes_through(kind, ids, word):
    """Minus the gradient of the loss through one word only, back on the rows of `SHARED`."""
    apart = [list(rows) for rows in SHARED]
    copies = {row: 11 + i for i, row in enumerate(apart[word])}
    apart[word] = [copies[row] for row in apart[word]]
    found = np.zeros((11, DIM))
    for row, copy in copies.items():
        for column in range(0, DIM, 4):
            losses = []
            for sign in (1, -1):
                model, source = Model(apart), Model(SHARED)
                model.inputs[:11] = source.inputs
                model.outputs[:] = source.outputs
                for other, other_copy in copies.items():
                    model.inputs[other_copy] = source.inputs[other]
                model.inputs[copy, column] += sign * 1e-2
                losses.append(model.train(kind, ids, 0.0)[0])
            found[row, column] = -(losses[0] - losses[1]) / 2e-2
    return found[:, ::4]


def test_cbow_moves_all_rows_of_a_word_that_is_in_reach_twice():
    # fastText would move the second place from where the first has left it.
    ids, alpha = [2, 3, 2, 0, -1], 1e-3
    fast, plain = Model(SHARED), Model(SHARED)
    fast.train("cbow", ids, alpha)
    fasttext_loops(plain, "cbow", ids, alpha)
    moved = plain.inputs - Model(SHARED).inputs
    assert np.abs(moved[[2, 8]]).max() > 1e-4
    np.testing.assert_allclose(fast.inputs - Model(SHARED).inputs, moved, atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_stays_zero(kind):
    model = Model(SHARED)
    model.train(kind, [0, 1, 2, 3, 4, -1] * 20, 0.1)
    assert not model.inputs[:, DIM:].any()
    assert not model.outputs[:, DIM:].any()
    assert not model.outputs[-1].any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_alone_in_its_sentence_changes_nothing(kind):
    model, before = Model(SHARED), Model(SHARED)
    assert model.train(kind, [0, -1, -1, 3, -1], 0.1) == (0.0, 0)
    np.testing.assert_array_equal(model.inputs, before.inputs)
    np.testing.assert_array_equal(model.outputs, before.outputs)


@pytest.mark.parametrize("kind", KINDS)
def test_no_words(kind):
    assert Model(SHARED).train(kind, [], 0.1) == (0.0, 0)


@pytest.mark.slow
def test_the_same_kernels_run_as_plain_python():
    code = """
import tests.embeddings.test_fasttext_kernels as t
for kind in t.KINDS:
    for window, negative in ((1, 1), (2, 5)):
        model = t.Model(t.SHARED)
        loss, n = model.train(
            kind, [0, 3, 1, 4, -1, 2, 2, 1, -1], 0.1, window=window, negative=negative
        )
        sums = [float(abs(array).sum()) for array in (model.inputs, model.outputs)]
        print(kind, n, float(loss), *sums)
"""
    results = []
    for jit_off in ("0", "1"):
        env = {**os.environ, "NUMBA_DISABLE_JIT": jit_off}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        results.append([line.split() for line in done.stdout.splitlines()])
    compiled, plain = results
    assert len(compiled) == 4
    assert [row[:2] for row in compiled] == [row[:2] for row in plain]
    numbers = [np.array([row[2:] for row in rows], float) for rows in results]
    np.testing.assert_allclose(*numbers, rtol=1e-4)
