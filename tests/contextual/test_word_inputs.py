"""Which words a network knows, and the vectors they start from."""

from __future__ import annotations

import time

import numpy as np
import pytest

import textrep
from textrep.contextual.word_inputs import (
    WordRules,
    as_embedder,
    is_fitted,
    learn_words,
    time_left,
    word_rows,
)
from textrep.embeddings import StaticEmbedder, WordVectors

TEXTS = ["Red apple, red apple", "a red stone"]


def vectors_of(*words):
    matrix = np.arange(2 * len(words), dtype=np.float32).reshape(-1, 2) + 1
    return WordVectors(list(words), matrix)


def learn(embeddings=None, frozen=False, max_seconds=None, **rules):
    random = np.random.default_rng(0)
    options = {"frozen": frozen, "random": random, "max_seconds": max_seconds}
    return learn_words(TEXTS, WordRules(**rules), embeddings, **options)


def test_without_vectors_the_most_frequent_words_come_first():
    inputs = learn()
    assert inputs.codec.words[4:] == ["red", "apple", ",", "a", "stone"]
    assert inputs.matrix is None
    assert learn(lowercase=False).codec.words[4:6] == ["apple", "red"]
    assert learn(min_count=2).codec.words[4:] == ["red", "apple"]
    assert learn(max_vocabulary=1).codec.words[4:] == ["red"]


def test_frozen_words_are_those_with_a_vector():
    vectors = vectors_of("apple", "pear", "red")
    inputs = learn(StaticEmbedder(vectors=vectors), frozen=True)
    assert inputs.codec.words[4:] == vectors.words
    np.testing.assert_array_equal(inputs.matrix[4:], vectors.matrix)
    np.testing.assert_array_equal(inputs.matrix[:4], 0)
    cut = learn(StaticEmbedder(vectors=vectors), frozen=True, max_vocabulary=2)
    assert cut.codec.words[4:] == ["apple", "pear"]


def test_tuned_words_are_those_of_the_texts():
    vectors = vectors_of("apple", "pear", "red")
    inputs = learn(StaticEmbedder(vectors=vectors))
    words = inputs.codec.words
    assert words[4:] == ["red", "apple", "a", "stone"]  # cut as the embedder cuts: no comma
    rows = dict(zip(words, inputs.matrix, strict=True))
    np.testing.assert_array_equal(rows["red"], vectors["red"])
    np.testing.assert_array_equal(rows["apple"], vectors["apple"])
    assert not np.allclose(rows["stone"], rows["a"])
    np.testing.assert_allclose(rows["<unk>"], inputs.matrix[4:].mean(axis=0), rtol=1e-6)


def test_a_pattern_of_ones_own_goes_before_that_of_the_vectors():
    embedder = StaticEmbedder(vectors=vectors_of("red"))
    assert learn(embedder, token_pattern=r"[a-z]+|,").codec.words[4:7] == ["red", "apple", ","]


def test_vectors_that_are_learnt_first_are_of_the_same_words():
    embedder = textrep.Word2Vec(vector_size=2, min_count=1, sample=0, epochs=1, n_jobs=1)
    inputs = learn(embedder, frozen=True, token_pattern=r"\w+|,")
    assert sorted(inputs.codec.words[4:]) == [",", "a", "apple", "red", "stone"]
    again = learn(embedder, frozen=True, token_pattern=r"\w+|,")
    np.testing.assert_array_equal(inputs.matrix, again.matrix)
    assert not is_fitted(embedder)


def test_vectors_that_are_learnt_first_get_a_third_of_the_time(monkeypatch):
    limits = []
    monkeypatch.setattr(
        textrep.Word2Vec, "_check_parameters", lambda self: limits.append(self.max_seconds)
    )
    options = {"vector_size": 2, "min_count": 1, "sample": 0, "epochs": 1, "n_jobs": 1}
    learn(textrep.Word2Vec(**options), max_seconds=30)
    learn(textrep.Word2Vec(max_seconds=2.0, **options), max_seconds=30)
    learn(textrep.Word2Vec(**options))
    assert limits == [10.0, 2.0, None]


def test_a_name_or_a_file_means_its_vectors(tmp_path):
    path = tmp_path / "vectors.txt"
    textrep.write_vectors(vectors_of("red", "apple"), path)
    for given in (path, str(path)):
        assert as_embedder(given).vectors == given
        assert learn(given, frozen=True).codec.words[4:] == ["red", "apple"]
    with pytest.raises(FileNotFoundError):
        learn(str(tmp_path / "none.txt"))


def test_rows_are_cut_and_never_empty():
    codec = learn().codec
    rows = word_rows(codec, ["red apple stone", "", "unheard"], max_length=2)
    assert [row.tolist() for row in rows] == [codec.encode("red apple").tolist(), [1], [1]]


def test_what_is_left_of_a_limit():
    assert time_left(None, time.monotonic()) is None
    assert 0.5 < time_left(1.0, time.monotonic()) <= 1.0
    assert 0 < time_left(1.0, time.monotonic() - 5) < 0.01
