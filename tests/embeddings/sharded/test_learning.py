"""Word2Vec on dask collections: the same whatever runs it, and close to one machine."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import dask
import dask.array as da
import dask.bag as db
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from dask.distributed import Client

from textrep import GloVe, Word2Vec
from textrep.embeddings import corpus as corpus_module
from textrep.embeddings.word2vec import ROUNDS

GROUPS = ("cat kitten milk fur", "king emperor crown throne", "ship boat sea sail")
SMALL = {"vector_size": 16, "window": 3, "min_count": 1, "sample": 0, "epochs": 8, "alpha": 0.05}


def group_texts(n=300, seed=0):
    """Each text is of the words of one group, in some order."""
    random = np.random.default_rng(seed)
    return [
        " ".join(random.permutation(GROUPS[i].split()))
        for i in random.integers(len(GROUPS), size=n)
    ]


def fitted(X, rounds=2, **parameters):
    model = Word2Vec(**{**SMALL, "random_state": 0, **parameters})
    return model.fit_shards(X, rounds=rounds)


def bag_of(texts, n_parts=2):
    return db.from_sequence(texts, npartitions=n_parts)


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(corpus_module, "LEAST_CHUNK_TOKENS", 100)


@pytest.mark.parametrize("algorithm", ["skipgram", "cbow"])
def test_a_single_part_learns_what_one_machine_does(algorithm, small_chunks):
    texts = group_texts()
    alone = Word2Vec(**SMALL, algorithm=algorithm, n_jobs=1, random_state=0).fit(texts)
    model = fitted(bag_of(texts, 1), algorithm=algorithm)
    assert model.vectors_.words == alone.vectors_.words
    # Steps are taken apart and added again, which rounds.
    np.testing.assert_allclose(model.vectors_.dense(), alone.vectors_.dense(), rtol=0, atol=1e-4)
    np.testing.assert_allclose(model.loss_history_, alone.loss_history_, rtol=1e-4)


def test_words_that_stand_together_are_close(small_chunks):
    model = fitted(bag_of(group_texts(600), 4), epochs=20)
    names = [word for group in GROUPS for word in group.split()]
    directions = np.array([model.vectors_[word] for word in names])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    cosines = directions @ directions.T
    np.fill_diagonal(cosines, np.nan)
    near = np.nanmean(cosines.reshape(12, 3, 4), axis=2)  # word by group
    assert near.argmax(axis=1).tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert model.loss_history_[-1] < 0.8 * model.loss_history_[0]


def test_statistics_are_those_of_one_machine():
    texts = ["the cat sat", "on the mat", "", "dog the dog", "sat on dog mat"] * 3
    alone = Word2Vec(**SMALL, n_jobs=1, random_state=0).fit(texts)
    model = fitted(bag_of(texts, 3))
    assert model.vectors_.counts.tolist() == alone.vectors_.counts.tolist()
    assert model.n_documents_ == len(texts)
    assert model.n_words_trained_ == alone.n_words_trained_
    np.testing.assert_array_equal(model.idf_, alone.idf_)
    np.testing.assert_array_equal(model.sif_weights_, alone.sif_weights_)
    pooled = fitted(bag_of(texts, 1)).sif_direction_
    np.testing.assert_allclose(pooled, alone.sif_direction_, atol=1e-4)


def test_the_scheduler_changes_nothing():
    X = bag_of(group_texts(5000))  # two chunks in each part
    options = {"epochs": 1}
    with dask.config.set(scheduler="synchronous"):
        expected = fitted(X, **options)
    with dask.config.set(scheduler="threads"):
        in_threads = fitted(X, **options)
    with (
        ProcessPoolExecutor(1, get_context("spawn")) as pool,
        dask.config.set(scheduler="processes", pool=pool),
    ):
        in_process = fitted(X, **options)
    with Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=":0"):
        on_workers = fitted(X, **options)
    for model in (in_threads, in_process, on_workers):
        np.testing.assert_array_equal(model.vectors_.dense(), expected.vectors_.dense())
        np.testing.assert_array_equal(model.sif_direction_, expected.sif_direction_)
        assert model.loss_history_ == expected.loss_history_


def test_all_collections_give_the_same_vectors():
    texts = group_texts(60)
    expected = fitted(bag_of(texts, 2)).vectors_
    series = dd.from_pandas(pd.Series(texts), npartitions=2)
    for X in (
        bag_of([text.split() for text in texts], 2),
        series,
        series.to_frame(name="text"),
        da.from_array(np.array(texts, dtype=object), chunks=30),
    ):
        vectors = fitted(X).vectors_
        assert vectors.words == expected.words
        np.testing.assert_array_equal(vectors.dense(), expected.dense())


def test_a_seed_decides_and_a_generator_goes_on():
    X = bag_of(group_texts(60))
    assert (fitted(X).vectors_.dense() != fitted(X, random_state=1).vectors_.dense()).any()
    random = np.random.default_rng(0)
    first, second = (fitted(X, random_state=random).vectors_.dense() for _ in range(2))
    assert (first != second).any()
    again = fitted(X, random_state=np.random.default_rng(0)).vectors_.dense()
    np.testing.assert_array_equal(again, first)


def test_empty_parts_and_more_rounds_than_chunks_do_no_harm():
    texts = group_texts(40)
    parts = [dask.delayed(part) for part in ([], texts[:25], [], texts[25:], ["", ""])]
    model = fitted(db.from_delayed(parts), rounds=7)
    assert model.n_documents_ == 42
    assert np.isfinite(model.vectors_.dense()).all()
    assert len(model.loss_history_) == model.n_epochs_ == 8


def test_fit_knows_a_collection():
    X = bag_of(group_texts(40))
    model = Word2Vec(**SMALL, random_state=0).fit(X)
    expected = fitted(X, rounds=ROUNDS).vectors_
    np.testing.assert_array_equal(model.vectors_.dense(), expected.dense())
    assert model.transform(X).compute().shape == (40, 16)
    with pytest.raises(ValueError, match="whose parts GloVe cannot learn from"):
        GloVe().fit(X)


def test_time_and_tolerance_end_training():
    X = bag_of(group_texts(60))
    model = fitted(X, max_seconds=0)
    assert model.stopped_early_
    assert model.loss_history_ == []
    model = fitted(X, tol=1.0)  # no loss falls by all of it
    assert model.stopped_early_
    assert model.n_epochs_ == 2


@pytest.mark.parametrize(
    ("X", "options", "message"),
    [
        (["a b"], {}, "fit_shards takes a dask bag"),
        (bag_of(["a b"], 1), {"rounds": 0}, "rounds must be an integer of at least 1, got 0"),
        (bag_of(["a b"], 1), {"checkpoint": "kept"}, "fit_shards keeps no checkpoint"),
        (bag_of(["a b", None], 2), {}, "row 0 of partition 1 is a missing value"),
        (bag_of(["a b", "c"], 2), {"min_count": 2}, "no word is left: of 3 different words"),
        (bag_of([[], []], 2), {}, "X has no words: none of its 2 sentences"),
        (da.zeros((2, 2), chunks=1), {}, "got a dask array of shape"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(X, options, message):
    with pytest.raises(ValueError, match=message):
        fitted(X, **options)


def test_too_high_a_learning_rate_is_told():
    with pytest.raises(FloatingPointError, match="alpha is too high"):
        fitted(bag_of(group_texts(60)), alpha=1e30)
