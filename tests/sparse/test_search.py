"""Top-k search beside a full sort of all scores."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.exceptions import NotFittedError

import textrep
from tests.sparse.test_bm25 import QUERIES, TEXTS, peer_scores, random_texts
from textrep.core.container import PersistError
from textrep.sparse import searching, threads
from textrep.sparse.bm25 import VARIANTS
from textrep.sparse.index import BM25Index
from textrep.sparse.kernels import topk
from textrep.sparse.searching import InvertedIndex, search
from textrep.sparse.tfidf import TfidfVectorizer


def by_sorting(scores, k):
    """The k best of each row, lower numbers first among equals."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(scores, order, axis=1)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("k", [1, 7, 300])
def test_the_best_are_those_of_sorting_all_scores(variant, k):
    texts, queries = random_texts(300), [*QUERIES, *random_texts(50, seed=1)]
    index = BM25Index(variant=variant).fit(texts)
    found = index.search(queries, k)
    documents, scores = by_sorting(index.get_scores(queries), k)
    np.testing.assert_array_equal(found.documents, documents)
    np.testing.assert_array_equal(found.scores, scores)
    assert found.documents.dtype == np.int64
    assert found.scores.dtype == np.float32


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_best_scores_are_those_that_bm25s_retrieves(variant):
    bm25s = pytest.importorskip("bm25s")
    texts, queries = random_texts(200), random_texts(20, seed=1)
    index = BM25Index(variant=variant, dtype=np.float64).fit(texts)
    analyze = index.build_analyzer()
    queries = [query for query in queries if analyze(query)]
    peer = bm25s.BM25(method=variant, dtype="float64")
    peer.index([analyze(text) for text in texts], show_progress=False)
    wanted = peer.retrieve([analyze(query) for query in queries], k=9, show_progress=False)
    np.testing.assert_allclose(index.search(queries, k=9).scores, wanted.scores, rtol=1e-10)


# scores of few different values make many ties; halves are added without rounding
FEW = st.sampled_from([0.0, 0.0, 0.5, 1.0, 2.0])
SIGNED = st.sampled_from([0.0, 0.0, -1.0, -0.5, 0.5, 1.0])


@settings(deadline=None, derandomize=True, max_examples=200)
@given(data=st.data(), values=st.sampled_from([FEW, SIGNED]), share=st.sampled_from([0.1, 0.5, 2]))
def test_any_matrix_is_searched_as_by_brute_force(data, values, share):
    n_documents = data.draw(st.sampled_from([1, 5, 64, 65, 130]))
    n_columns, n_queries = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 4))
    X = data.draw(hnp.arrays(np.float32, (n_documents, n_columns), elements=values))
    queries = data.draw(hnp.arrays(np.float32, (n_queries, n_columns), elements=values))
    k = data.draw(st.integers(1, n_documents))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "DENSE_FROM", share)
        found = search(sp.csr_matrix(X), sp.csr_matrix(queries), k)
    documents, scores = by_sorting(queries @ X.T, k)
    np.testing.assert_array_equal(found.documents, documents)
    np.testing.assert_array_equal(found.scores, scores)


@pytest.mark.parametrize("n_jobs", [1, 2, 5])
def test_blocks_groups_and_threads_change_nothing(n_jobs, monkeypatch):
    texts, queries = random_texts(700), random_texts(150, seed=2)
    wanted = BM25Index(n_jobs=1).fit(texts).search(queries, 20)
    monkeypatch.setattr(threads, "BYTES_PER_THREAD", 1)
    monkeypatch.setattr(threads, "available_cores", lambda: n_jobs)
    found = BM25Index(n_jobs=n_jobs).fit(texts).search(queries, 20)
    np.testing.assert_array_equal(found.documents, wanted.documents)
    np.testing.assert_array_equal(found.scores, wanted.scores)


def test_more_documents_than_a_block_are_searched_alike():
    generator = np.random.default_rng(0)
    n = 2 * topk.BLOCK + 77
    X = sp.random_array(
        (n, 30), density=0.05, random_state=generator, format="csr", dtype=np.float32
    )
    X.data = np.round(X.data * 8).astype(np.float32)  # whole numbers: ties, and exact sums
    frequent = sp.csr_array(generator.integers(0, 4, size=(n, 3)).astype(np.float32))
    X = sp.csr_array(sp.hstack([X, frequent]))
    queries = generator.integers(0, 3, size=(topk.TOGETHER + 9, 33)).astype(np.float32)
    found = search(X, queries, 12)
    documents, scores = by_sorting(np.asarray((X @ queries.T).T), 12)
    np.testing.assert_array_equal(found.documents, documents)
    np.testing.assert_array_equal(found.scores, scores)


def test_rounding_never_leaves_out_a_document_that_is_among_the_best():
    # weights all but equal: sums differ in the last bits only, and every skip would be by a hair
    generator = np.random.default_rng(0)
    X = np.float32(0.1) + generator.integers(0, 3, size=(500, 40)).astype(np.float32) * 2e-8
    X[:, :20][generator.random((500, 20)) < 0.95] = 0
    index = InvertedIndex.from_matrix(sp.csr_array(X))
    queries = sp.csr_array(generator.integers(0, 2, size=(60, 40)).astype(np.float32))
    found = index.search(queries, 5)
    documents, scores = by_sorting(index.scores(queries), 5)
    np.testing.assert_array_equal(found.documents, documents)
    np.testing.assert_array_equal(found.scores, scores)


def test_a_query_that_says_nothing_gives_the_first_documents_with_zero():
    documents, scores = BM25Index().fit(TEXTS).search(["", "unknown words"], k=3)
    np.testing.assert_array_equal(documents, [[0, 1, 2]] * 2)
    np.testing.assert_array_equal(scores, np.zeros((2, 3)))


def test_a_repeated_word_counts_as_often():
    index = BM25Index(dtype=np.float64).fit(TEXTS)
    once, twice = index.get_scores(["log", "log log"])
    np.testing.assert_allclose(twice, 2 * once)


def test_no_queries_give_no_rows():
    index = BM25Index().fit(TEXTS)
    documents, scores = index.search([], k=2)
    assert documents.shape == scores.shape == (0, 2)
    assert index.get_scores([]).shape == (0, len(TEXTS))


@pytest.mark.parametrize(
    ("k", "message"),
    [
        (7, "k=7 asks for more documents than the 6 there are; pass k=6 or less"),
        (0, "k must be a whole number from 1 on, got 0"),
        (2.5, "k must be a whole number"),
        (True, "k must be a whole number"),
    ],
)
def test_an_impossible_k_is_refused(k, message):
    with pytest.raises(ValueError, match=message):
        BM25Index().fit(TEXTS).search(["cat"], k=k)


@pytest.mark.parametrize("wrong", ["cat", None, ["cat", None], ["cat", float("nan")], [3]])
def test_queries_that_are_no_texts_are_refused(wrong):
    index = BM25Index().fit(TEXTS)
    with pytest.raises((ValueError, TypeError, AttributeError)) as ours:
        index.search(wrong, k=1)
    with pytest.raises(type(ours.value)) as theirs:
        textrep.CountVectorizer().fit(TEXTS).transform(wrong)
    assert str(ours.value) == str(theirs.value)


def test_what_is_not_fitted_says_so():
    for call in (BM25Index().search, BM25Index().get_scores):
        with pytest.raises(NotFittedError):
            call(["cat"])


def test_an_index_takes_no_documents_later():
    index = BM25Index().fit(TEXTS)
    assert not hasattr(index, "partial_fit")
    with pytest.raises(AttributeError, match="fit again with all documents"):
        index.merge(index)


def test_fitting_again_forgets_the_documents_before():
    index = BM25Index().fit(random_texts(50)).fit(TEXTS)
    fresh = BM25Index().fit(TEXTS)
    assert index.n_documents_ == len(TEXTS)
    np.testing.assert_array_equal(index.get_scores(QUERIES), fresh.get_scores(QUERIES))


def test_terms_can_be_what_the_vectorizer_makes_of_texts():
    texts = random_texts(80)
    index = BM25Index(ngram_range=(1, 2), stop_words=["w1"], min_df=2, dtype=np.float64).fit(texts)
    X = index.transform(texts)
    queries = random_texts(5, seed=3)
    counts = textrep.CountVectorizer(
        vocabulary=index.vocabulary_, ngram_range=(1, 2), stop_words=["w1"]
    )
    wanted = (counts.transform(queries) @ X.T).toarray()
    np.testing.assert_allclose(index.get_scores(queries), wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("variant", ["lucene", "bm25l"])
def test_copies_find_the_same(variant, tmp_path):
    index = BM25Index(variant=variant).fit(TEXTS)
    wanted = index.search(QUERIES, k=4)
    for copy in (
        pickle.loads(pickle.dumps(index)),
        textrep.load(index.save(tmp_path / "index.textrep")),
    ):
        found = copy.search(QUERIES, k=4)
        np.testing.assert_array_equal(found.documents, wanted.documents)
        np.testing.assert_array_equal(found.scores, wanted.scores)
        assert copy.n_documents_ == len(TEXTS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("indptr", lambda a: a[:-1]),
        ("indptr", lambda a: a + 1),
        ("indptr", lambda a: a[::-1].copy()),
        ("indptr", lambda a: a.astype(np.int32)),
        ("documents", lambda a: a + 1000),
        ("documents", lambda a: a - 100),
        ("documents", lambda a: a[:-1]),
        ("weights", lambda a: a.astype(np.float16)),
        ("weights", lambda a: a * np.nan),
        ("dense_of", lambda a: a + 5),
        ("dense_of", lambda a: a - 5),
        ("dense", lambda a: a[:, :3]),
        ("dense", lambda a: a.ravel()),
        ("dense", lambda a: None),
    ],
)
def test_a_tampered_index_is_refused(name, value):
    generator = np.random.default_rng(0)
    X = sp.csr_array(np.where(generator.random((40, 9)) < np.linspace(0.05, 0.9, 9), 1.0, 0.0))
    state = InvertedIndex.from_matrix(X).to_state()
    assert len(state["weights"])
    assert len(state["dense"])
    InvertedIndex.from_state(dict(state))
    with pytest.raises(ValueError, match="does not fit together"):
        InvertedIndex.from_state(state | {name: value(state[name])})


def test_an_index_of_another_vocabulary_is_refused(tmp_path):
    index = BM25Index().fit(TEXTS)
    index._index = BM25Index().fit(["just this"])._index
    with pytest.raises(PersistError, match="another number of terms"):
        textrep.load(index.save(tmp_path / "index.textrep"))


def test_an_index_whose_documents_do_not_rise_is_refused():
    X = sp.csr_array(np.eye(3, 40).T[[0, 1, 2, *range(3, 40), 0, 1, 0]])
    state = InvertedIndex.from_matrix(X).to_state()
    assert state["documents"].tolist() == [0, 40, 42, 1, 41, 2]
    for wrong in ([40, 0, 42, 1, 41, 2], [0, 40, 42, 41, 1, 2], [0, 0, 42, 1, 41, 2]):
        with pytest.raises(ValueError, match="does not fit together"):
            InvertedIndex.from_state(state | {"documents": np.array(wrong, dtype=np.int32)})
    InvertedIndex.from_state(state | {"documents": np.array([1, 40, 42, 0, 1, 0], dtype=np.int32)})


@pytest.mark.parametrize("queries", [["word7"], ["word7", "word8"], []])
def test_an_index_whose_vocabulary_was_changed_is_not_searched(queries):
    index = BM25Index().fit(TEXTS)
    index.vocabulary_ = {f"word{i}": i for i in range(1000)}
    index.idf_ = np.ones(1000)
    for ask in (lambda: index.search(queries, 1), lambda: index.get_scores(queries)):
        with pytest.raises(ValueError, match="queries have 1000 columns, but"):
            ask()


def test_search_ranks_by_cosine_similarity():
    texts = random_texts(60)
    vectorizer = TfidfVectorizer()
    X = vectorizer.fit_transform(texts)
    found = search(X, X, k=3)
    documents, scores = by_sorting((X @ X.T).toarray(), 3)
    np.testing.assert_allclose(found.scores, scores, rtol=1e-12, atol=1e-15)
    full = [i for i, text in enumerate(texts) if text]
    np.testing.assert_array_equal(found.documents[full, 0], documents[full, 0])


def test_search_takes_entries_stored_twice():
    X = sp.csr_array(([1.0, 2.0, 1.0], [0, 1, 0], [0, 1, 3]), (2, 2))
    twice = sp.csr_array(([1.0, 2.0, 0.5, 0.5], [0, 1, 0, 0], [0, 1, 4]), (2, 2))
    for matrix, queries in ((X, twice), (twice, X), (twice, twice)):
        found = search(matrix, queries, 2)
        np.testing.assert_array_equal(found.scores, search(X, X, 2).scores)


@pytest.mark.parametrize(
    ("matrix", "queries", "message"),
    [
        (np.ones((2, 3)), np.ones((1, 4)), "queries has 4 columns, but matrix has 3"),
        (np.full((2, 3), np.nan), np.ones((1, 3)), "matrix contains NaN"),
        (np.ones((2, 3)), np.full((1, 3), np.inf), "queries contains infinity"),
        (["a text"], np.ones((1, 3)), "could not convert string"),
    ],
)
def test_search_refuses_what_does_not_fit(matrix, queries, message):
    with pytest.raises(ValueError, match=message):
        search(matrix, queries, 1)


def test_search_refuses_columns_out_of_range():
    X = sp.csr_array(([1.0], [0], [0, 1]), (1, 2))
    X.indices[0] = 7
    with pytest.raises(ValueError, match="beyond"):
        search(X, np.ones((1, 2)), 1)


def test_real_reviews_score_as_in_bm25s():
    pytest.importorskip("bm25s")
    if "TEXTREP_DATA" not in os.environ:
        pytest.skip("TEXTREP_DATA names no folder with the real data sets")
    corpus = textrep.load_corpus("20newsgroups")
    texts = list(corpus.part("train").texts)[:1500]
    queries = [text.partition("Subject:")[2].partition("\n")[0] for text in texts[:100]]
    for variant in VARIANTS:
        index = BM25Index(variant=variant).fit(texts)
        wanted = peer_scores(texts, queries, variant=variant)
        np.testing.assert_allclose(index.get_scores(queries), wanted, rtol=1e-6, atol=1e-6)
