"""Search by vectors: exact, in any blocks, and the same after loading."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

import textrep
from textrep.contextual.encoder_embedder.search import SemanticSearch
from textrep.embeddings import WordVectors, neighbours

WORDS = [f"w{i}" for i in range(40)]


@pytest.fixture(scope="module")
def embedder():
    matrix = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    return textrep.StaticEmbedder(vectors=WordVectors(WORDS, matrix))


@pytest.fixture(scope="module")
def texts():
    random = np.random.default_rng(1)
    return [" ".join(random.choice(WORDS, 3)) for _ in range(60)] + ["unknown", "w3 w3", "w3"]


def brute_force(embedder, texts, queries, k):
    vectors, wanted = (embedder.transform(each).astype(np.float64) for each in (texts, queries))
    found = np.zeros((len(queries), len(texts)))
    for i, u in enumerate(wanted):
        for j, v in enumerate(vectors):
            lengths = np.linalg.norm(u) * np.linalg.norm(v)
            found[i, j] = u @ v / lengths if lengths else 0
    rounded = found.round(5)
    return np.argsort(-rounded, axis=1, kind="stable")[:, :k], found


@pytest.mark.parametrize("block", [1, 70, 10**6])
def test_it_finds_what_a_brute_force_finds(embedder, texts, block, monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK_VALUES", block)
    search = SemanticSearch(embedder=embedder).fit(texts)
    queries = texts[::7]
    documents, scores = search.search(queries, k=5)
    expected, cosines = brute_force(search.embedder_, texts, queries, 5)
    np.testing.assert_array_equal(documents, expected)
    np.testing.assert_allclose(scores, np.take_along_axis(cosines, expected, 1), atol=1e-5)
    assert documents.dtype == np.int64
    assert scores.dtype == np.float32


def test_of_equal_ones_the_first_comes_first_and_what_has_no_vector_scores_nothing(embedder, texts):
    search = SemanticSearch(embedder=embedder).fit(texts)
    assert search.search(["w3"], k=2).documents.tolist() == [[61, 62]]
    documents, scores = search.search(["unknown"], k=3)
    assert documents.tolist() == [[0, 1, 2]]
    assert scores.tolist() == [[0, 0, 0]]


def test_a_fitted_embedder_is_used_as_it_is_and_another_is_cloned(embedder, texts):
    fitted = textrep.StaticEmbedder(vectors=embedder.vectors).fit(texts)
    assert SemanticSearch(embedder=fitted).fit(texts).embedder_ is fitted
    fresh = SemanticSearch(embedder=embedder).fit(texts)
    assert fresh.embedder_ is not embedder
    assert not hasattr(embedder, "vectors_")


def test_a_pipeline_can_embed(texts):
    pipeline = make_pipeline(
        textrep.TfidfVectorizer(), textrep.LatentSemanticAnalysis(n_components=5, random_state=0)
    )
    search = SemanticSearch(embedder=pipeline).fit(texts)
    assert search.search([texts[3]], k=1).scores[0, 0] == pytest.approx(1, abs=1e-5)


def test_saving_keeps_answers(embedder, texts, tmp_path):
    search = SemanticSearch(embedder=embedder).fit(texts)
    loaded = textrep.load(search.save(tmp_path / "search.textrep"))
    for ours, theirs in zip(search.search(texts[:3]), loaded.search(texts[:3]), strict=True):
        np.testing.assert_array_equal(ours, theirs)


class Odd(BaseEstimator):
    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return np.zeros(len(X))


def test_wrong_embedders_and_k_are_refused(embedder, texts):
    with pytest.raises(TypeError, match="embedder must be an estimator"):
        SemanticSearch(embedder="bert").fit(texts)
    with pytest.raises(TypeError, match="gives a sparse matrix"):
        SemanticSearch(embedder=textrep.TfidfVectorizer()).fit(texts)
    with pytest.raises(TypeError, match=r"gives an array of shape \(63,\)"):
        SemanticSearch(embedder=Odd()).fit(texts)
    search = SemanticSearch(embedder=embedder)
    with pytest.raises(NotFittedError):
        search.search(["w1"])
    search.fit(texts)
    with pytest.raises(ValueError, match="k=64 is more than the 63 texts"):
        search.search(["w1"], k=64)
    with pytest.raises(ValueError, match="k must be an integer of at least 1"):
        search.search(["w1"], k=0)
