"""Document vectors against their formulae in numpy, and what fit learns against scikit-learn."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from textrep.embeddings import WordVectors, read_corpus
from textrep.embeddings.counted import Counted, WordCounter
from textrep.embeddings.kernels import pooling as kernels
from textrep.embeddings.pooling import (
    SIF_A,
    DocumentSample,
    PoolingLearner,
    PoolingStatistics,
    check_pooling,
    distinct,
    first_direction,
    pool,
    sif_weights,
)

WORDS = ["the", "cat", "sat", "on", "mat", "dog"]
TEXTS = ["the cat sat", "the dog sat on the mat", "", "unknown words", "cat cat dog the"]
TOKENS = [text.split() for text in TEXTS]


def random_vectors(counts=(60, 10, 8, 20, 2, 5), dim=5, seed=0):
    matrix = np.random.default_rng(seed).normal(size=(len(WORDS), dim)).astype(np.float32)
    return WordVectors(WORDS, matrix, counts=counts)


def counter(unseen=False):
    settings = {"lowercase": True, "token_pattern": r"(?u)\b\w+\b", "tokenizer": None}
    return WordCounter(WORDS, **settings, n_jobs=None, unseen=unseen)


def learnt(vectors, documents):
    learner = PoolingLearner(len(vectors))
    learner.add(counter().count(documents))
    return learner.statistics(vectors, lambda s, w: first_direction(s, vectors, w, None))


def by_hand(vectors, documents, weight, by_weight):
    """Weighted means in float64, a document at a time."""
    out = np.zeros((len(documents), vectors.dim))
    for document, vector in zip(documents, out, strict=True):
        known = [word for word in document if word in vectors]
        total = sum(weight(word) for word in known) if by_weight else len(known)
        for word in known:
            vector += weight(word) * vectors[word].astype(np.float64) / total
    return out


def test_mean_is_that_of_the_known_words():
    vectors = random_vectors()
    pooled = pool(counter().count(TEXTS), vectors, learnt(vectors, TEXTS), "mean", None)
    assert pooled.dtype == np.float32
    np.testing.assert_allclose(pooled, by_hand(vectors, TOKENS, lambda w: 1, False), atol=1e-6)
    assert not pooled[2].any()
    assert not pooled[3].any()


def test_idf_weighs_as_scikit_learn_does():
    vectors = random_vectors()
    statistics = learnt(vectors, TEXTS)
    tfidf = TfidfVectorizer(vocabulary=WORDS, norm="l1", token_pattern=r"(?u)\b\w+\b").fit(TEXTS)
    np.testing.assert_allclose(statistics.idf, tfidf.idf_, rtol=1e-6)
    pooled = pool(counter().count(TEXTS), vectors, statistics, "idf", None)
    expected = tfidf.transform(TEXTS) @ vectors.dense()
    np.testing.assert_allclose(pooled, expected, atol=1e-6)


def test_sif_is_algorithm_1_of_its_paper():
    vectors = random_vectors()
    statistics = learnt(vectors, TEXTS)
    shares = dict(zip(WORDS, vectors.counts / vectors.counts.sum(), strict=True))
    means = by_hand(vectors, TOKENS, lambda w: SIF_A / (SIF_A + shares[w]), False)
    u = np.linalg.svd(means.T, full_matrices=False)[0][:, 0]
    np.testing.assert_allclose(np.abs(statistics.sif_direction @ u), 1, atol=1e-6)
    pooled = pool(counter().count(TEXTS), vectors, statistics, "sif", None)
    np.testing.assert_allclose(pooled, means - np.outer(means @ u, u), atol=1e-7)


def test_max_is_elementwise_over_the_known_words():
    vectors = random_vectors()
    pooled = pool(counter().count(TEXTS), vectors, learnt(vectors, TEXTS), "max", None)
    for tokens, vector in zip(TOKENS, pooled, strict=True):
        known = [vectors[word] for word in tokens if word in vectors]
        expected = np.max(known, axis=0) if known else np.zeros(vectors.dim)
        np.testing.assert_array_equal(vector, expected)


def test_the_direction_taken_out_is_gone_from_new_documents():
    vectors = random_vectors()
    statistics = learnt(vectors, TEXTS)
    pooled = pool(counter().count(["mat dog", "sat sat on"]), vectors, statistics, "sif", None)
    np.testing.assert_allclose(pooled @ statistics.sif_direction, 0, atol=1e-6)


def test_documents_without_known_words_have_no_direction():
    statistics = learnt(random_vectors(), ["", "unknown"])
    assert not statistics.sif_direction.any()
    assert statistics.n_documents == 2


def test_words_without_counts_follow_zipfs_law():
    shares = 1 / np.array([2, 3, 4, 5, 6, 7])
    expected = SIF_A / (SIF_A + shares / shares.sum())
    np.testing.assert_allclose(sif_weights(random_vectors(counts=None)), expected, rtol=1e-6)


def test_vectors_in_int8_pool_as_their_floats_do():
    matrix = np.array([[10, -20], [127, 3], [5, 6], [0, 0], [1, 1], [2, -2]], dtype=np.int8)
    scale = np.array([0.5, 0.1, 1, 2, 3, 4], dtype=np.float32)
    small = WordVectors(WORDS, matrix, scale=scale)
    floats = WordVectors(WORDS, small.dense())
    for pooling in ("mean", "idf", "sif", "max"):
        pooled = [
            pool(counter().count(TEXTS), v, learnt(v, TEXTS), pooling, None)
            for v in (small, floats)
        ]
        np.testing.assert_array_equal(*pooled)


class Guessing(WordVectors):
    """Answers for unseen words in capital letters."""

    def vectors_of(self, words):
        vectors, known = super().vectors_of(words)
        for place, word in enumerate(words):
            if word.startswith("un"):
                vectors[place], known[place] = len(word), True
        return vectors, known


@pytest.mark.parametrize("way", ["tokens", "kernels", "python"])
def test_unseen_words_count_where_the_vectors_know_them(monkeypatch, way):
    monkeypatch.setattr("textrep.embeddings.counted.SHORT_CHARACTERS", 10**6 * (way == "python"))
    vectors = Guessing(WORDS, random_vectors().dense(), counts=random_vectors().counts)
    statistics = learnt(vectors, TEXTS)
    documents = ["the unknown zzz", "zzz", "unseen unseen mat", ""]
    given = [text.split() for text in documents] if way == "tokens" else documents
    counted = counter(unseen=True).count(given)
    assert counted.unseen == ["unknown", "unseen", "zzz"]
    pooled = pool(counted, vectors, statistics, "mean", None)
    the, mat = vectors["the"], vectors["mat"]
    expected = [(the + 7) / 2, np.zeros(5), (12 + mat) / 3, np.zeros(5)]
    np.testing.assert_allclose(pooled, expected, rtol=1e-6)
    # Unseen is what no training document has.
    rare, common = np.log(1 + len(TEXTS)) + 1, statistics.idf[0]
    weighted = pool(counted, vectors, statistics, "idf", None)[0]
    np.testing.assert_allclose(weighted, (common * the + rare * 7) / (common + rare), rtol=1e-6)
    direction = statistics.sif_direction
    sif = (statistics.sif_weights[0] * the + 7) / 2
    np.testing.assert_allclose(
        pool(counted, vectors, statistics, "sif", None)[0],
        sif - direction * (sif @ direction),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize("chunk", [None, 3])
def test_a_corpus_teaches_what_its_documents_do(monkeypatch, chunk):
    if chunk:
        monkeypatch.setattr("textrep.embeddings.corpus.CHUNK_TOKENS", chunk)
    texts = ["the cat sat", "on the mat", "", "dog the dog", "sat on dog mat"]
    with read_corpus(texts, min_count=1) as corpus:
        matrix = np.random.default_rng(0).normal(size=(len(corpus.words), 3))
        vectors = WordVectors(corpus.words, matrix, counts=corpus.counts)
        learner = PoolingLearner(len(vectors))
        learner.add_corpus(corpus)
    from_corpus = learner.statistics(vectors, lambda s, w: first_direction(s, vectors, w, None))
    documents = WordCounter(
        corpus.words,
        lowercase=True,
        token_pattern=r"(?u)\b\w+\b",
        tokenizer=None,
        n_jobs=1,
        unseen=False,
    ).count(texts)
    learner = PoolingLearner(len(vectors))
    learner.add(documents)
    from_texts = learner.statistics(vectors, lambda s, w: first_direction(s, vectors, w, None))
    assert from_corpus.n_documents == from_texts.n_documents == len(texts)
    np.testing.assert_array_equal(from_corpus.idf, from_texts.idf)
    np.testing.assert_array_equal(from_corpus.sif_weights, from_texts.sif_weights)
    if chunk is None:  # otherwise the long sentence counts as two for the direction
        np.testing.assert_allclose(from_corpus.sif_direction, from_texts.sif_direction, rtol=1e-5)


@given(
    st.lists(st.lists(st.integers(0, 5), max_size=4), max_size=60),
    st.integers(1, 9),
    st.integers(1, 12),
    st.integers(1, 7),
)
def test_a_sample_is_of_documents_at_even_distances(documents, most, most_entries, batch):
    sample = DocumentSample(most, most_entries)
    for first in range(0, len(documents), batch):
        part = documents[first : first + batch]
        terms = np.array([term for document in part for term in document], dtype=np.int32)
        bounds = np.cumsum([0, *map(len, part)])
        sample.add(bounds, terms, np.ones(len(terms), dtype=np.float32))
    counted = sample.documents()
    kept = [
        counted.terms[a:b].tolist()
        for a, b in zip(counted.indptr[:-1], counted.indptr[1:], strict=True)
    ]
    assert len(kept) <= most
    assert sum(map(len, kept)) <= most_entries or len(kept) == 1
    if documents:
        step = 1
        while len(documents[::step]) > len(kept):
            step *= 2
        assert kept == documents[::step]


@given(st.lists(st.integers(0, 40)), st.sampled_from([41, 1000]))
def test_distinct_numbers_and_their_places(terms, n_terms):
    found, places = distinct(np.array(terms, dtype=np.int32), n_terms)
    assert found.tolist() == sorted(set(terms))
    assert found[places].tolist() == terms


def test_threads_share_the_documents_and_change_nothing(monkeypatch):
    generator = np.random.default_rng(0)
    texts = [" ".join(generator.choice(WORDS, size=n)) for n in generator.integers(0, 9, 300)]
    vectors = random_vectors()
    statistics = learnt(vectors, texts)
    for pooling in ("mean", "max"):
        alone = pool(counter().count(texts), vectors, statistics, pooling, 1)
        with monkeypatch.context() as patch:
            patch.setattr("textrep.embeddings.pooling.VALUES_PER_THREAD", 1)
            together = pool(counter().count(texts), vectors, statistics, pooling, 3)
        np.testing.assert_array_equal(alone, together)


def test_texts_and_their_tokens_are_counted_alike(monkeypatch):
    for unseen, short in [(False, 0), (True, 0), (True, 10**6)]:
        monkeypatch.setattr("textrep.embeddings.counted.SHORT_CHARACTERS", short)
        from_texts, from_tokens = counter(unseen).count(TEXTS), counter(unseen).count(TOKENS)
        np.testing.assert_array_equal(from_texts.indptr, from_tokens.indptr)
        np.testing.assert_array_equal(from_texts.terms, from_tokens.terms)
        np.testing.assert_array_equal(from_texts.counts, from_tokens.counts)
        assert from_texts.unseen == from_tokens.unseen


def test_words_are_left_out_of_counted_documents():
    counted = Counted(np.array([0, 2, 2, 4]), np.array([0, 2, 1, 2]), np.array([1.0, 2, 3, 4]))
    rest = counted.only(np.array([True, True, False]))
    assert rest.indptr.tolist() == [0, 1, 1, 2]
    assert rest.terms.tolist() == [0, 1]
    assert rest.counts.tolist() == [1, 3]


def test_an_unknown_pooling_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="pooling must be one of 'mean', 'idf', 'sif', 'max', got"):
        check_pooling("median")


def test_statistics_give_no_weights_where_all_are_one():
    statistics = PoolingStatistics(3, np.ones(2), np.ones(2), np.ones(4))
    assert statistics.weights("mean") == (None, 1.0)


def kernel_answers():
    """What each kernel makes of a small example."""
    indptr = np.array([0, 2, 2, 5])
    terms = np.array([0, 2, 1, 2, 0], dtype=np.int32)
    counts = np.array([1, 2, 1, 1, 3], dtype=np.float32)
    weights = np.array([0.5, 1, 2], dtype=np.float32)
    rows = np.array([[1, -1], [2, 0.5], [-3, 4]], dtype=np.float32)
    answers = []
    for by_weight in (False, True):
        out = np.zeros((3, 2), dtype=np.float32)
        kernels.weighted_means(indptr, terms, counts, weights, by_weight, rows, 0, 3, out)
        answers.append(out)
    out = np.zeros((3, 2), dtype=np.float32)
    kernels.maxima(indptr, terms, rows, 0, 3, out)
    ids = np.array([0, 1, 0, -1, -1, 2, 0], dtype=np.int32)
    latest, frequencies = np.full(3, -1), np.zeros(3, dtype=np.int64)
    document = kernels.add_document_frequencies(ids, 0, latest, frequencies)
    kernels.add_document_frequencies(ids[:1], document, latest, frequencies)
    vectors = rows.copy()
    kernels.take_out(vectors, np.array([0.6, 0.8], dtype=np.float32))
    return [*answers, out, frequencies, vectors]


def test_kernels_do_as_computed_by_hand():
    answers = kernel_answers()
    first = (0.5 * np.array([1, -1]) + 4 * np.array([-3, 4])) / 3
    last = np.array([2, 0.5]) + 2 * np.array([-3, 4]) + 1.5 * np.array([1, -1])
    np.testing.assert_allclose(answers[0], [first, [0, 0], last / 5], rtol=1e-6)
    np.testing.assert_allclose(answers[1], [first * 3 / 4.5, [0, 0], last / 4.5], rtol=1e-6)
    np.testing.assert_array_equal(answers[2], [[1, 4], [0, 0], [2, 4]])
    np.testing.assert_array_equal(answers[3], [2, 1, 1])
    along = np.array([-0.2, 1.6, 1.4])
    expected = [[1, -1], [2, 0.5], [-3, 4]] - np.outer(along, [0.6, 0.8])
    np.testing.assert_allclose(answers[4], expected, rtol=1e-6)


def test_kernels_give_the_same_answers_as_plain_python(checkout):
    script = (
        "import json\n"
        "from tests.embeddings.test_pooling import kernel_answers\n"
        "print(json.dumps([answer.tolist() for answer in kernel_answers()]))"
    )
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    plain = json.loads(run.stdout)
    for mine, theirs in zip(kernel_answers(), plain, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)


@given(
    st.lists(
        st.lists(st.lists(st.integers(0, 5), max_size=4), max_size=20), min_size=1, max_size=4
    ),
    st.integers(1, 9),
    st.integers(1, 12),
)
def test_samples_of_parts_merge_to_that_of_all_documents(parts, most, most_entries):
    def seen(documents, before):
        sample = DocumentSample(most, most_entries, before)
        terms = np.array([term for document in documents for term in document], dtype=np.int32)
        bounds = np.cumsum([0, *map(len, documents)])
        sample.add(bounds, terms, np.ones(len(terms), dtype=np.float32))
        return sample

    before = np.cumsum([0, *map(len, parts)]).tolist()
    merged, *others = [seen(part, first) for part, first in zip(parts, before, strict=False)]
    for later in others:
        merged = merged.merge(later)
    expected = seen([document for part in parts for document in part], 0).documents()
    found = merged.documents()
    assert found.indptr.tolist() == expected.indptr.tolist()
    assert found.terms.tolist() == expected.terms.tolist()
