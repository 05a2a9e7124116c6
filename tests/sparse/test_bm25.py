"""BM25 weights and scores beside the package bm25s and the formulas."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

import textrep
from textrep.sparse.bm25 import VARIANTS, BM25Transformer
from textrep.sparse.bm25_vectorizer import BM25Vectorizer
from textrep.sparse.count import CountVectorizer
from textrep.sparse.index import BM25Index

TEXTS = [
    "the cat sat on the mat",
    "the dog sat on the log and the cat sat too",
    "cats and dogs",
    "",
    "the the the",
    "a bird sang on the log naïve 文字",
]
QUERIES = [
    "the cat",
    "log log dog",
    "unknown words",
    "",
    "bird bird the 文字 unknown",
    "sat sat sat",
]


def random_texts(n, seed=0):
    """Texts of words drawn by Zipf's law, so that some are in most texts and many in one."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(0, 60, size=n)
    return [" ".join(f"w{w}" for w in generator.zipf(1.3, size=m) if w < 500) for m in lengths]


def peer_scores(texts, queries, dtype="float64", **parameters):
    """What bm25s gives, all documents for each query."""
    bm25s = pytest.importorskip("bm25s")
    analyze = CountVectorizer().build_analyzer()
    peer = bm25s.BM25(method=parameters.pop("variant"), dtype=dtype, **parameters)
    peer.index([analyze(text) for text in texts], show_progress=False)
    wanted = np.zeros((len(queries), len(texts)))
    for q, query in enumerate(queries):
        if analyze(query):  # bm25s fails with IndexError for an empty one, and scores it 0
            wanted[q] = peer.get_scores(analyze(query))
    return wanted


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    "parameters", [{}, {"k1": 0.9, "b": 0.4, "delta": 1.0}, {"b": 1, "k1": 3, "delta": 0}]
)
@pytest.mark.parametrize("texts", [TEXTS, random_texts(300)], ids=["few", "random"])
def test_scores_are_those_of_bm25s(variant, parameters, texts):
    queries = QUERIES if texts is TEXTS else random_texts(40, seed=1)
    wanted = peer_scores(texts, queries, variant=variant, **parameters)
    index = BM25Index(variant=variant, dtype=np.float64, **parameters).fit(texts)
    np.testing.assert_allclose(index.get_scores(queries), wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
def test_scores_in_single_precision_are_those_of_bm25s(variant):
    texts, queries = random_texts(300), [query[:60] for query in random_texts(40, seed=1)]
    wanted = peer_scores(texts, queries, variant=variant, dtype="float32")
    scores = BM25Index(variant=variant).fit(texts).get_scores(queries)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("idf_variant", VARIANTS)
def test_the_idf_of_another_variant_is_that_of_bm25s(variant, idf_variant):
    texts, queries = random_texts(50), random_texts(10, seed=1)
    wanted = peer_scores(texts, queries, variant=variant, idf_method=idf_variant)
    index = BM25Index(variant=variant, idf_variant=idf_variant, dtype=np.float64).fit(texts)
    np.testing.assert_allclose(index.get_scores(queries), wanted, rtol=1e-10, atol=1e-12)


FORMULAS = {
    "robertson": lambda tf, K, k1, d: tf / (tf + K),
    "lucene": lambda tf, K, k1, d: tf / (tf + K),
    "atire": lambda tf, K, k1, d: (k1 + 1) * tf / (tf + K),
    "bm25+": lambda tf, K, k1, d: (k1 + 1) * tf / (tf + K) + d,
    "bm25l": lambda tf, K, k1, d: (k1 + 1) * (k1 * tf / K + d) / (k1 + k1 * tf / K + d),
}
IDFS = {
    "robertson": lambda n, df: max(math.log((n - df + 0.5) / (df + 0.5)), 0),
    "lucene": lambda n, df: math.log(1 + (n - df + 0.5) / (df + 0.5)),
    "atire": lambda n, df: math.log(n / df),
    "bm25+": lambda n, df: math.log((n + 1) / df),
    "bm25l": lambda n, df: math.log((n + 1) / (df + 0.5)),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_weights_and_nonoccurrence_are_the_formula_word_by_word(variant):
    k1, b, delta = 1.2, 0.6, 0.7
    vectorizer = BM25Vectorizer(variant=variant, k1=k1, b=b, delta=delta, dtype=np.float64)
    X = vectorizer.fit_transform(TEXTS).toarray()
    analyze = vectorizer.build_analyzer()
    counts = [Counter(analyze(text)) for text in TEXTS]
    lengths = [sum(count.values()) for count in counts]
    average = sum(lengths) / len(TEXTS)
    assert vectorizer.average_length_ == pytest.approx(average)
    for term, column in vectorizer.vocabulary_.items():
        idf = IDFS[variant](len(TEXTS), sum(term in count for count in counts))
        assert vectorizer.idf_[column] == pytest.approx(idf, rel=1e-14)
        for d, (count, length) in enumerate(zip(counts, lengths, strict=True)):
            K = k1 * (1 - b + b * length / average)
            wanted = idf * FORMULAS[variant](count[term], K, k1, delta)
            found = X[d, column] + vectorizer.nonoccurrence_[column]
            assert found == pytest.approx(wanted, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.coo_array, "list"])
@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.float32])
def test_transformer_and_vectorizer_agree_whatever_the_matrix(variant, kind, dtype):
    texts = random_texts(30)
    counts = CountVectorizer(dtype=dtype).fit_transform(texts)
    given = counts.toarray().tolist() if kind == "list" else kind(counts)
    found = BM25Transformer(variant=variant).fit_transform(given)
    wanted = BM25Vectorizer(variant=variant, dtype=np.float64).fit_transform(texts)
    is_single = dtype == np.float32 and kind != "list"
    assert found.dtype == (np.float32 if is_single else np.float64)
    rtol = 1e-6 if is_single else 1e-14
    np.testing.assert_allclose(found.toarray(), wanted.toarray(), rtol=rtol)


def test_the_matrix_given_is_left_alone_unless_copying_is_switched_off():
    counts = CountVectorizer(dtype=np.float64).fit_transform(TEXTS)
    before = counts.copy()
    transformer = BM25Transformer().fit(counts)
    transformer.transform(counts)
    assert (counts != before).nnz == 0
    weighed = transformer.transform(counts, copy=False)
    assert np.shares_memory(weighed.data, counts.data)


def test_entries_stored_twice_or_as_zero_count_as_what_they_sum_to():
    plain = sp.csr_array(np.array([[2.0, 1.0], [0.0, 1.0], [0.0, 0.0]]))
    odd = sp.csr_array(([1.0, 1.0, 1.0, 0.0, 1.0, 0.0], [0, 1, 0, 0, 1, 1], [0, 3, 5, 6]), (3, 2))
    before = odd.copy()
    transformer = BM25Transformer().fit(odd)
    wanted = BM25Transformer().fit(plain)
    np.testing.assert_array_equal(transformer.idf_, wanted.idf_)
    np.testing.assert_array_equal(
        transformer.transform(odd).toarray(), wanted.transform(plain).toarray()
    )
    np.testing.assert_array_equal(odd.data, before.data)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("k1", [0.0, 1.5])
def test_odd_parameters_make_no_nan(variant, k1):
    X = BM25Transformer(variant=variant, k1=k1, b=1.0, delta=0.0).fit_transform(
        sp.csr_array(([1.0, 0.0, 2.0], [0, 1, 1], [0, 2, 2, 3]), (3, 2))
    )
    assert np.isfinite(X.data).all()
    empty = BM25Transformer(variant=variant).fit(np.zeros((2, 3)))
    assert np.isfinite(empty.transform([[1, 0, 2]]).data).all()


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_numbers_alone_give_the_weights_of_a_fit(variant, binary):
    texts = random_texts(40)
    fitted = BM25Vectorizer(variant=variant, binary=binary).fit(texts)
    counts = CountVectorizer(binary=binary).fit_transform(texts)
    counted = BM25Vectorizer(variant=variant, binary=binary)
    counted.vocabulary_ = fitted.vocabulary_
    df, tf = counts.getnnz(axis=0).astype(np.int64), np.asarray(counts.sum(axis=0)).ravel()
    counted._weigh_seen(len(texts), len(df), df, tf)
    np.testing.assert_array_equal(counted.idf_, fitted.idf_)
    assert counted.average_length_ == pytest.approx(fitted.average_length_, rel=1e-15)
    found, wanted = counted.transform(texts), fitted.transform(texts)
    np.testing.assert_allclose(found.toarray(), wanted.toarray(), rtol=1e-6)


@pytest.mark.parametrize("parameters", [{}, {"min_df": 2}, {"binary": True, "ngram_range": (1, 2)}])
@pytest.mark.parametrize("variant", ["lucene", "bm25l"])
def test_documents_in_pieces_are_weighed_as_all_at_once(parameters, variant, tmp_path):
    texts = random_texts(90)

    def new():
        return BM25Vectorizer(variant=variant, **parameters)

    wanted = new().fit_transform(texts)
    grown = new().partial_fit(texts[:20]).partial_fit(texts[20:50])
    grown = textrep.load(grown.save(tmp_path / "grown.textrep"))
    merged = new().partial_fit(texts[:40]).merge(new().partial_fit(texts[40:]))
    ways = [grown.partial_fit(texts[50:]), merged, new().fit(iter(texts))]
    if parameters != {"min_df": 2}:  # which fit does not keep the counts for
        fitted = new().fit(texts[:30])
        fitted = textrep.load(fitted.save(tmp_path / "fitted.textrep"))
        ways.append(fitted.partial_fit(texts[30:]))
    for way in ways:
        found = way.transform(texts)
        assert way.average_length_ == pytest.approx(new().fit(texts).average_length_, rel=1e-15)
        np.testing.assert_allclose(found.toarray(), wanted.toarray(), rtol=1e-6)


def test_a_fit_that_left_out_terms_cannot_go_on():
    with pytest.raises(ValueError, match="begin with partial_fit"):
        BM25Vectorizer(min_df=2).fit(TEXTS).partial_fit(TEXTS)


def test_words_without_a_column_do_not_make_a_document_longer():
    vectorizer = BM25Vectorizer(vocabulary=["cat", "log"]).fit(TEXTS)
    assert vectorizer.average_length_ == pytest.approx(4 / len(TEXTS))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"variant": "okapi"}, "The 'variant' parameter .* must be a str among"),
        ({"idf_variant": "idf"}, "The 'idf_variant' parameter"),
        ({"k1": -1}, "The 'k1' parameter"),
        ({"b": 1.5}, "The 'b' parameter"),
        ({"b": float("nan")}, "The 'b' parameter"),
        ({"delta": "0.5"}, "The 'delta' parameter"),
    ],
)
def test_parameters_out_of_range_are_refused_by_name(parameters, message):
    with pytest.raises(ValueError, match=message):
        BM25Transformer(**parameters).fit([[1, 2]])
    with pytest.raises(ValueError, match=message):
        BM25Vectorizer(**parameters).fit(TEXTS)


def test_counts_below_zero_are_refused():
    with pytest.raises(ValueError, match="X has 1 entries below zero"):
        BM25Transformer().fit([[1, -2]])
    with pytest.raises(ValueError, match="below zero"):
        BM25Transformer().fit([[1, 2]]).transform([[1, -2]])


@pytest.mark.parametrize("dtype", [np.int64, None])
def test_whole_numbers_cannot_hold_weights(dtype):
    with pytest.raises(ValueError, match="cannot hold BM25 weights"):
        BM25Vectorizer(dtype=dtype).fit(TEXTS)


def test_columns_out_of_range_are_refused():
    X = sp.csr_array(([1.0], [0], [0, 1]), (1, 2))
    X.indices[0] = 7
    with pytest.raises(ValueError, match="columns beyond its 2"):
        BM25Transformer().fit([[1, 2]]).transform(X)


def test_weights_of_another_vocabulary_are_refused():
    vectorizer = BM25Vectorizer().fit(TEXTS)
    vectorizer.vocabulary_ = {"cat": 0}
    with pytest.raises(ValueError, match="fit again after a change of vocabulary_"):
        vectorizer.transform(TEXTS)


def test_what_is_not_fitted_says_so():
    for estimator, given in ((BM25Transformer(), [[1]]), (BM25Vectorizer(), TEXTS)):
        with pytest.raises(NotFittedError):
            estimator.transform(given)
    with pytest.raises(NotFittedError):
        _ = BM25Vectorizer().nonoccurrence_


def test_the_transformer_keeps_scikit_learns_contract():
    check_estimator(BM25Transformer())


def test_it_works_in_a_pipeline():
    piped = make_pipeline(CountVectorizer(), BM25Transformer(k1=2.0)).fit_transform(TEXTS)
    straight = BM25Vectorizer(k1=2.0, dtype=np.float64).fit_transform(TEXTS)
    np.testing.assert_allclose(piped.toarray(), straight.toarray(), rtol=1e-14)


@pytest.mark.parametrize("kind", [BM25Vectorizer, BM25Transformer])
def test_copies_give_the_same_weights(kind, tmp_path):
    given = TEXTS if kind is BM25Vectorizer else CountVectorizer().fit_transform(TEXTS)
    estimator = kind(variant="bm25+").fit(given)
    wanted = estimator.transform(given).toarray()
    for copy in (
        pickle.loads(pickle.dumps(estimator)),
        textrep.load(estimator.save(tmp_path / "bm25.textrep")),
    ):
        np.testing.assert_array_equal(copy.transform(given).toarray(), wanted)
        np.testing.assert_array_equal(copy.nonoccurrence_, estimator.nonoccurrence_)


SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
import numpy as np
import test_bm25
from textrep.sparse import short
short.TINY_CHARACTERS = 0
for variant in ("lucene", "bm25l"):
    texts = test_bm25.random_texts(120)
    index = test_bm25.BM25Index(variant=variant, dtype=np.float64).fit(texts)
    wanted = test_bm25.peer_scores(texts, test_bm25.QUERIES + texts[:3], variant=variant)
    scores = index.get_scores(test_bm25.QUERIES + texts[:3])
    np.testing.assert_allclose(scores, wanted, rtol=1e-10, atol=1e-12)
    found = index.search(test_bm25.QUERIES + texts[:3], k=5)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    np.testing.assert_array_equal(found.documents, order)
print("the same")
"""


def test_kernels_give_the_same_answers_as_plain_python():
    pytest.importorskip("bm25s")
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT.format(folder=str(Path(__file__).parent))],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == "the same\n", run.stderr


@pytest.mark.parametrize("idf", [np.ones(1), np.ones((2, 2)), np.ones(3)])
def test_weights_that_do_not_fit_the_columns_are_refused(idf):
    transformer = BM25Transformer().fit([[1, 2], [0, 1]])
    transformer.idf_ = idf
    with pytest.raises(ValueError, match=r"idf_ has the shape .* 2 columns"):
        transformer.transform([[1, 1]])
    transformer.idf_ = [1, 2]
    assert transformer.transform([[1, 1]]).shape == (1, 2)


@pytest.mark.parametrize("copy", [True, False])
def test_a_matrix_that_cannot_be_written_to_is_weighed_in_a_copy(copy):
    X = sp.csr_array([[1.0, 2.0], [0.0, 3.0]])
    X.data.flags.writeable = False
    weigher = BM25Transformer().fit(X)
    wanted = weigher.transform(X.toarray())
    np.testing.assert_array_equal(weigher.transform(X, copy=copy).toarray(), wanted.toarray())
    assert X.data.tolist() == [1.0, 2.0, 3.0]
