"""One-hot vectors: each word as far from every other."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

import textrep
from textrep.embeddings import OneHotEmbedder, one_hot
from textrep.embeddings.one_hot import OneHotVectors, _first_singular_vector

TEXTS = ["the good film", "the great film", "the granite of the quarry", ""]


def test_every_two_words_are_equally_far_apart():
    vectors = OneHotEmbedder().fit(TEXTS).vectors_
    rows = vectors.rows(np.arange(len(vectors)))
    distances = np.linalg.norm(rows[:, np.newaxis] - rows, axis=2)
    expected = np.sqrt(2) * (1 - np.eye(len(vectors)))
    np.testing.assert_allclose(distances, expected, rtol=1e-6)
    assert vectors.similarity("good", "great") == vectors.similarity("good", "granite") == 0
    assert vectors.similarity("good", "good") == 1


def test_no_word_is_more_similar_than_another():
    embedder = OneHotEmbedder().fit(TEXTS)
    words = embedder.vectors_.words
    neighbours = embedder.most_similar("good", topn=3)
    assert neighbours == [(word, 0.0) for word in words if word != "good"][:3]
    most, cosine = embedder.most_similar(np.eye(len(words))[2], topn=1)[0]
    assert (most, cosine) == (words[2], 1.0)


def test_the_mean_is_the_share_of_each_word():
    embedder = OneHotEmbedder().fit(TEXTS)
    words = embedder.get_feature_names_out()
    assert words[:2].tolist() == ["the", "film"]
    counts = CountVectorizer(vocabulary=words).transform(TEXTS).toarray()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    pooled = embedder.transform(TEXTS)
    assert pooled.dtype == np.float32
    np.testing.assert_allclose(pooled, shares, rtol=1e-6)
    np.testing.assert_array_equal(embedder.set_params(pooling="max").transform(TEXTS), counts > 0)


@pytest.mark.parametrize("pooling", ["mean", "idf", "sif", "max"])
def test_pooling_is_that_of_the_vectors_written_out(pooling):
    embedder = OneHotEmbedder(pooling=pooling).fit(TEXTS)
    n_words = len(embedder.vectors_)
    written = textrep.embeddings.WordVectors(
        embedder.vectors_.words, np.eye(n_words, dtype=np.float32), counts=embedder.vectors_.counts
    )
    usual = textrep.StaticEmbedder(vectors=written, pooling=pooling).fit(TEXTS)
    texts = [*TEXTS, "unknown", "good good quarry"]
    np.testing.assert_allclose(embedder.transform(texts), usual.transform(texts), atol=1e-6)
    np.testing.assert_allclose(embedder.sif_direction_, usual.sif_direction_, atol=1e-5)


def test_rare_words_and_those_beyond_a_limit_get_no_dimension():
    assert OneHotEmbedder(min_count=2).fit(TEXTS).vectors_.words == ["the", "film"]
    assert OneHotEmbedder(max_vocabulary=1).fit(TEXTS).vectors_.words == ["the"]


def test_the_identity_is_never_written_out(monkeypatch):
    vectors = OneHotVectors([f"w{i}" for i in range(200_000)])
    asked = []
    monkeypatch.setattr(one_hot, "free_memory", lambda: 2**30)
    monkeypatch.setattr(
        one_hot._Identity, "__getitem__", lambda self, rows: asked.append(rows), raising=True
    )
    neighbours = vectors.most_similar(np.ones(200_000, dtype=np.float32), topn=1)
    assert neighbours == [("w0", pytest.approx(200_000**-0.5))]
    assert asked == []


def test_what_does_not_fit_into_memory_is_refused(monkeypatch):
    embedder = OneHotEmbedder().fit(TEXTS)
    monkeypatch.setattr(one_hot, "free_memory", lambda: 100)
    with pytest.raises(MemoryError, match=r"4 documents with a dimension for each of 7 words.*"):
        embedder.transform(TEXTS)
    with pytest.raises(MemoryError, match="max_vocabulary"):
        embedder.vectors_.dense()
    assert embedder.transform(TEXTS[:1]).shape == (1, 7)
    monkeypatch.setattr("textrep.embeddings.documents.BATCH_DOCUMENTS", 1)
    with pytest.raises(MemoryError, match=r"4 documents"):
        embedder.transform(TEXTS)


def test_free_memory_is_known_and_less_than_a_petabyte():
    free = one_hot.free_memory()
    assert free is None or 2**20 < free < 2**50


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (2, 3), (3, 2), (5, 8), (9, 4)])
def test_the_first_singular_vector_is_numpys(shape):
    dense = np.random.default_rng(0).random(shape) + 0.1
    import scipy.sparse

    found = _first_singular_vector(scipy.sparse.csr_matrix(dense))
    expected = np.linalg.svd(dense)[2][0]
    np.testing.assert_allclose(found, expected * np.sign(expected.sum()), rtol=1e-4)


def test_a_saved_model_holds_the_words_only(tmp_path):
    texts = [f"w{i} w{i + 1}" for i in range(2000)]
    embedder = OneHotEmbedder().fit(texts)
    path = embedder.save(tmp_path / "model.textrep")
    assert path.stat().st_size < 100_000
    loaded = textrep.load(path)
    np.testing.assert_array_equal(loaded.transform(texts[:9]), embedder.transform(texts[:9]))
