"""GloVe: its kernels against finite differences and closed forms, and the estimator."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import textrep
from tests.embeddings.test_cooccurrence import random_sentences
from textrep.embeddings import GloVe, tiles, training
from textrep.embeddings.cooccurrence import Cooccurrences, count_cooccurrences
from textrep.embeddings.corpus import read_corpus
from textrep.embeddings.kernels import glove, simd

DIM = 20
STRIDE = simd.padded(DIM)
WIDTH = 2 * STRIDE + glove.TAIL
PLACES = {"w": slice(0, DIM), "u": slice(STRIDE, STRIDE + DIM)}


def make_model(n_words, seed=0):
    rng = np.random.default_rng(seed)
    model = np.zeros((n_words, WIDTH), dtype=np.float32)
    for place in PLACES.values():
        model[:, place] = rng.normal(size=(n_words, DIM)) * 0.5
    model[:, 2 * STRIDE : 2 * STRIDE + glove.SUM] = rng.normal(size=(n_words, glove.SUM))
    model[:, 2 * STRIDE + glove.SUM :] = 1.0
    return model


def make_cells(entries):
    """Cells of (row, column, count, weight)."""
    cells = np.empty(len(entries) * glove.CELL_WORDS, dtype=np.int32)
    floats = cells.view(np.float32)
    for k, (row, column, count, weight) in enumerate(entries):
        cells[3 * k] = (row << glove.COLUMN_BITS) | column
        floats[3 * k + 1] = np.log(count)
        floats[3 * k + 2] = weight
    return cells


def loss_by_hand(model, i, j, count, weight, symmetric):
    w, u = (model[:, place].astype(float) for place in PLACES.values())
    b, c = (model[:, 2 * STRIDE + k].astype(float) for k in (glove.BIAS, glove.CONTEXT_BIAS))
    pairs = [(i, j), (j, i)] if symmetric and i != j else [(i, j)]
    return sum(weight * (w[p] @ u[q] + b[p] + c[q] - np.log(count)) ** 2 for p, q in pairs)


def train(cells, model, symmetric, rate, start=0):
    return glove.train_cells(
        cells, start, 0, 0, model.reshape(-1), STRIDE, DIM, symmetric, float(rate)
    )


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize(("i", "j"), [(2, 0), (1, 1)])
def test_a_step_goes_down_the_gradient_of_the_loss(i, j, symmetric):
    cell = (i, j, 7.5, 0.4)
    model = make_model(3)
    # The sums of squares are so large that a step does not change them: it is the gradient.
    model[:, 2 * STRIDE + glove.SUM :] = 1e12
    moved, rate = model.copy(), 1e4
    loss, n_terms = train(make_cells([cell]), moved, symmetric, rate)
    assert n_terms == (2 if symmetric and i != j else 1)
    assert loss == pytest.approx(loss_by_hand(model, *cell, symmetric), rel=1e-5)
    step = (moved - model)[:, : 2 * STRIDE + 2] / (rate / 1e6)
    slopes = np.zeros_like(step, dtype=float)
    h = 1e-3
    for row in range(3):
        for column in range(2 * STRIDE + 2):
            up, down = model.astype(float), model.astype(float)
            up[row, column] += h
            down[row, column] -= h
            difference = loss_by_hand(up, *cell, symmetric) - loss_by_hand(down, *cell, symmetric)
            slopes[row, column] = difference / (2 * h)
    assert np.abs(slopes).max() > 0.1
    np.testing.assert_allclose(step, -slopes / 2, atol=2e-3)


def test_the_learning_rate_of_a_row_is_divided_by_the_root_of_its_squared_gradients():
    model = make_model(2)
    moved = model.copy()
    train(make_cells([(1, 0, 3.0, 0.5)]), moved, False, 0.1)
    w, u = model[1, PLACES["w"]].astype(float), model[0, PLACES["u"]].astype(float)
    tail, other_tail = model[1, 2 * STRIDE :], model[0, 2 * STRIDE :]
    slope = 0.5 * (w @ u + tail[glove.BIAS] + other_tail[glove.CONTEXT_BIAS] - np.log(3))
    sum_of_w = 1 + np.mean((slope * u) ** 2)
    expected = w - 0.1 * slope * u / np.sqrt(sum_of_w)
    np.testing.assert_allclose(moved[1, PLACES["w"]], expected, rtol=1e-5, atol=1e-6)
    assert moved[1, 2 * STRIDE + glove.SUM] == pytest.approx(sum_of_w, rel=1e-5)
    bias = tail[glove.BIAS] - 0.1 * slope / np.sqrt(1 + slope**2)
    assert moved[1, 2 * STRIDE + glove.BIAS] == pytest.approx(bias, rel=1e-5)
    # Nothing else has moved.
    changed = np.flatnonzero((moved != model).any(axis=0))
    assert set(moved[0] != model[0]) == {True, False}
    assert not moved[:, DIM:STRIDE].any()
    assert len(changed) == 2 * DIM + 6  # two biases and four sums


@pytest.mark.parametrize("symmetric", [True, False])
def test_training_starts_anywhere_and_takes_every_cell_once(symmetric):
    entries = [(i, j, i + j + 1.0, 0.1 * (i + 1)) for i in range(5) for j in range(i + 1)]
    expected = None
    for start in (0, 4, len(entries) - 1):
        loss, n_terms = train(make_cells(entries), make_model(5), symmetric, 0.0, start)
        expected = loss if expected is None else expected
        assert loss == pytest.approx(expected, rel=1e-12)
    assert n_terms == (len(entries) + 10 if symmetric else len(entries))
    assert expected == pytest.approx(
        sum(loss_by_hand(make_model(5), *entry, symmetric) for entry in entries), rel=1e-5
    )


# ---- tiles


@pytest.mark.parametrize("symmetric", [True, False])
def test_tiles_hold_every_cell_once_with_its_weight(symmetric, monkeypatch):
    monkeypatch.setattr(tiles, "TILE_CELLS", 50)
    n_words = 5000
    rng = np.random.default_rng(0)
    counts = Cooccurrences(n_words, symmetric, 1 << 20)
    matrix = {}
    for row in range(n_words):
        width = row + 1 if symmetric else n_words
        columns = np.unique(rng.integers(0, width, size=rng.integers(0, 4))).astype(np.int32)
        values = rng.exponential(5, size=len(columns)) + 0.1
        matrix.update({(row, int(j)): x for j, x in zip(columns, values, strict=True)})
        counts.append(columns, values, np.array([len(columns)]))
    arranged = tiles.arrange(
        counts, x_max=4.0, power=0.5, random=rng, max_memory=1 << 10, threads=2
    )
    found, in_order = {}, True
    assert len(arranged.tiles) >= 6
    for i, tile in enumerate(arranged.tiles):
        cells = arranged.read(i)
        assert len(cells) == (tile.end - tile.begin) * 3
        floats = cells.view(np.float32).reshape(-1, 3)
        places = cells.view(np.uint32).reshape(-1, 3)[:, 0].astype(np.int64)
        rows = tile.first_row + (places >> glove.COLUMN_BITS)
        columns = tile.first_column + (places & ((1 << glove.COLUMN_BITS) - 1))
        in_order = in_order and (np.diff(rows) >= 0).all()
        for row, column, (_, log, weight) in zip(rows, columns, floats, strict=True):
            found[int(row), int(column)] = (log, weight)
    assert not in_order
    assert found.keys() == matrix.keys()
    for pair, x in matrix.items():
        assert found[pair] == pytest.approx((np.log(x), min(1, x / 4) ** 0.5), rel=1e-5, abs=1e-6)


# ---- the estimator

SMALL = {
    "vector_size": 16,
    "window": 3,
    "min_count": 1,
    "sample": 0,
    "alpha": 0.05,
    "epochs": 20,
    "n_jobs": 1,
    "random_state": 0,
}


def vectors_of(model):
    return model.vectors_.dense()


def test_logarithms_of_counts_are_factored():
    # Every pair weighs the same, and with as many dimensions as words the factors are exact.
    sentences = random_sentences(0, n_sentences=400, n_words=12)
    model = GloVe(**{**SMALL, "epochs": 3000, "x_max": 1e-3, "alpha": 0.1}).fit(sentences)
    assert model.loss_history_[0] > 1
    assert model.loss_history_[-1] < 1e-5


def test_without_vectors_the_biases_are_the_least_squares_solution():
    """One dimension that cannot move: what is left is a two-way analysis of log counts."""
    sentences = random_sentences(0, n_sentences=400, n_words=8)
    with read_corpus(sentences, min_count=1) as corpus:
        counts = count_cooccurrences(corpus, window=3, symmetric=False)
        n_words = len(corpus.words)
    columns, values, ends = counts.rows(0, n_words)
    rows = np.repeat(np.arange(n_words), np.diff(ends, prepend=0))
    design = np.zeros((len(rows), 2 * n_words))
    design[np.arange(len(rows)), rows] = 1
    design[np.arange(len(rows)), n_words + columns] = 1
    solution, *_ = np.linalg.lstsq(design, np.log(values), rcond=None)
    model = np.zeros((n_words, WIDTH), dtype=np.float32)
    model[:, 2 * STRIDE + glove.SUM :] = 1.0
    cells = make_cells([(i, j, x, 1.0) for i, j, x in zip(rows, columns, values, strict=True)])
    for _ in range(4000):
        train(cells, model, False, 0.5)
    assert not model[:, :STRIDE].any()
    bias, context_bias = (
        model[:, 2 * STRIDE + glove.BIAS],
        model[:, 2 * STRIDE + glove.CONTEXT_BIAS],
    )
    np.testing.assert_allclose(bias[rows] + context_bias[columns], design @ solution, atol=0.05)


def test_words_that_stand_in_the_same_places_are_close():
    rng = np.random.default_rng(0)
    pairs = {"cat kitten": "milk fur", "king emperor": "crown throne", "ship boat": "sea sail"}
    texts = []
    for i in rng.integers(3, size=600):
        pair, around = list(pairs.items())[i]
        words = [rng.choice(pair.split()), *around.split(), rng.choice(["the", "a", "of"])]
        texts.append(" ".join(rng.permutation(words)))
    model = GloVe(**SMALL).fit(texts)
    for pair in pairs:
        one, other = pair.split()
        assert model.similarity(one, other) > max(
            model.similarity(one, word)
            for word in ("cat", "king", "ship", "kitten", "emperor", "boat")
            if word not in (one, other)
        )
    assert model.loss_history_[-1] < 0.5 * model.loss_history_[0]
    assert model.n_pairs_ == len({frozenset(p) for p in pairs_within(texts, 3)})


def pairs_within(texts, window):
    for text in texts:
        words = text.split()
        for p in range(len(words)):
            for q in range(max(0, p - window), p):
                yield words[p], words[q]


def test_one_thread_gives_the_same_bits_twice():
    sentences = random_sentences(5)
    one, other = (GloVe(**SMALL).fit(sentences) for _ in range(2))
    np.testing.assert_array_equal(vectors_of(one), vectors_of(other))
    assert one.loss_history_ == other.loss_history_
    assert len(one.loss_history_) == one.n_epochs_ == 20
    another = GloVe(**{**SMALL, "random_state": 1}).fit(sentences)
    assert (vectors_of(one) != vectors_of(another)).any()


def test_several_threads_learn_as_well(monkeypatch):
    monkeypatch.setattr(tiles, "TILE_CELLS", 100)
    sentences = random_sentences(6, n_sentences=300, n_words=3000)
    losses = [
        GloVe(**{**SMALL, "n_jobs": threads}).fit(sentences).loss_history_[-1] for threads in (1, 4)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=0.1)


def test_interrupted_training_gives_the_same_bits(tmp_path, monkeypatch):
    sentences = random_sentences(7)
    whole = GloVe(**SMALL).fit(sentences)
    path = tmp_path / "checkpoint"
    original = training._Run._take_chunks

    def stop_in_epoch_7(self):
        if self.place.epoch == 7:
            self._failure = KeyboardInterrupt()
            self._hold = True
        else:
            original(self)

    with monkeypatch.context() as patch:
        patch.setattr(training._Run, "_take_chunks", stop_in_epoch_7)
        with pytest.raises(KeyboardInterrupt):
            GloVe(**SMALL, checkpoint=path).fit(sentences)
    with pytest.raises(textrep.PersistError, match="of another training"):
        GloVe(**{**SMALL, "x_max": 3.0}, checkpoint=path).fit(sentences)
    resumed = GloVe(**SMALL, checkpoint=path).fit(sentences)
    np.testing.assert_array_equal(vectors_of(resumed), vectors_of(whole))
    assert resumed.loss_history_ == whole.loss_history_
    assert not path.exists()


def test_without_a_random_state_the_same_words_are_left_out_when_it_is_taken_up(
    tmp_path, monkeypatch
):
    sentences = random_sentences(7)
    settings = {
        **SMALL,
        "sample": 1e-3,
        "random_state": None,
        "checkpoint": tmp_path / "checkpoint",
    }
    with monkeypatch.context() as patch:
        patch.setattr(training.Checkpoint, "remove", lambda self: None)
        first = GloVe(**settings).fit(sentences)
    again = GloVe(**settings).fit(sentences)  # refused if the pairs were others
    assert first.n_pairs_ == again.n_pairs_


def test_it_stops_early_if_asked_to():
    sentences = random_sentences(8)
    model = GloVe(**{**SMALL, "epochs": 500, "tol": 0.05}).fit(sentences)
    assert model.stopped_early_
    assert 1 < model.n_epochs_ < 500
    none = GloVe(**SMALL, max_seconds=0).fit(sentences)
    assert (none.stopped_early_, none.n_epochs_) == (True, 0)
    assert np.isfinite(none.transform(sentences)).all()


def test_looking_to_the_left_only_gives_another_matrix():
    sentences = random_sentences(9)
    both, left = (GloVe(**SMALL, symmetric=s).fit(sentences) for s in (True, False))
    assert (vectors_of(both) != vectors_of(left)).any()
    assert left.loss_history_[-1] < left.loss_history_[0]


def test_frequent_words_are_left_out_at_random():
    sentences = random_sentences(9)
    every, some, again = (
        GloVe(**{**SMALL, "sample": sample}).fit(sentences) for sample in (0, 1e-2, 1e-2)
    )
    assert some.n_words_trained_ == every.n_words_trained_
    assert (vectors_of(some) != vectors_of(every)).any()
    np.testing.assert_array_equal(vectors_of(some), vectors_of(again))


def test_texts_without_pairs_are_told():
    with pytest.warns(UserWarning, match="no word in X has another word beside it"):
        model = GloVe(**SMALL).fit(["one", "two"])
    assert model.loss_history_ == []
    assert model.n_pairs_ == 0


def test_too_high_a_learning_rate_is_told():
    with pytest.raises(FloatingPointError, match="learning rate alpha is too high"):
        GloVe(**{**SMALL, "alpha": 1e30}).fit(random_sentences(1))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vector_size", 0),
        ("window", 0),
        ("epochs", 1.5),
        ("x_max", 0),
        ("alpha", -0.1),
        ("power", -1),
        ("sample", 2),
        ("max_memory", 10),
        ("symmetric", "yes"),
        ("min_count", -1),
        ("tol", -1),
        ("pooling", "sum"),
        ("n_jobs", 0),
    ],
)
def test_parameters_out_of_range_are_named(name, value):
    with pytest.raises(ValueError, match=name):
        GloVe(**{name: value}).fit(["a b", "a b"])


PLAIN = """
import sys
sys.path.insert(0, {root!r})
from tests.embeddings.test_glove import *
from numba import config
assert config.DISABLE_JIT
test_a_step_goes_down_the_gradient_of_the_loss(2, 0, True)
test_a_step_goes_down_the_gradient_of_the_loss(1, 1, False)
test_training_starts_anywhere_and_takes_every_cell_once(True)
model = GloVe(**{{**SMALL, "epochs": 2}}).fit(random_sentences(5, n_sentences=10))
print(" ".join(map(repr, model.loss_history_)))
"""


def test_the_kernels_run_as_plain_python(checkout):
    run = subprocess.run(
        [sys.executable, "-c", PLAIN.format(root=str(checkout))],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout, run.stderr
    compiled = GloVe(**{**SMALL, "epochs": 2}).fit(random_sentences(5, n_sentences=10))
    np.testing.assert_allclose(
        [float(loss) for loss in run.stdout.split()], compiled.loss_history_, rtol=1e-3
    )
