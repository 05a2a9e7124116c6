"""The textbook's weights: tf * log(n / df) and relative frequencies."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction import text as sklearn_text

import textrep
from textrep.sparse import CountVectorizer, TfidfTransformer, TfidfVectorizer

TEXTS = [
    "new york new york times",
    "new york post post",
    "los angeles times new",
    "",
    "new new new",
]
TEXTBOOK = {"norm": None, "smooth_idf": False, "plus_one": False}


def by_hand(texts, relative=False):
    """tf * ln(n / df), word by word in plain Python."""
    counts = [Counter(text.split()) for text in texts]
    words = sorted(set().union(*counts))
    df = {word: sum(word in count for count in counts) for word in words}
    rows = []
    for count in counts:
        length = sum(count.values()) if relative and count else 1
        rows.append([count[word] / length * math.log(len(texts) / df[word]) for word in words])
    return np.array(rows)


@pytest.mark.parametrize("relative", [False, True])
def test_weights_are_those_that_the_formula_gives_by_hand(relative):
    X = TfidfVectorizer(**TEXTBOOK, relative_tf=relative).fit_transform(TEXTS).toarray()
    np.testing.assert_allclose(X, by_hand(TEXTS, relative), rtol=1e-14)
    # "york" stands twice among the five words of text 0 and in two of five texts
    york = 2 / 5 * math.log(5 / 2) if relative else 2 * math.log(5 / 2)
    assert X[0, -1] == pytest.approx(york, rel=1e-15)


def test_a_term_in_every_document_weighs_nothing():
    texts = ["the cat", "the dog", "the the bird"]
    vectorizer = TfidfVectorizer(**TEXTBOOK)
    X = vectorizer.fit_transform(texts).toarray()
    assert not X[:, vectorizer.vocabulary_["the"]].any()


def test_the_weights_are_gensims_up_to_the_base_of_the_logarithm():
    models = pytest.importorskip("gensim.models")
    counts = CountVectorizer().fit_transform(TEXTS)
    corpus = [list(zip(row.indices.tolist(), row.data.tolist(), strict=True)) for row in counts]
    model = models.TfidfModel(corpus, smartirs="nfn")  # tf * log2(n / df), no norm
    wanted = np.zeros(counts.shape)
    for d, row in enumerate(corpus):
        for column, weight in model[row]:
            wanted[d, column] = weight * math.log(2)
    found = TfidfTransformer(**TEXTBOOK).fit_transform(counts).toarray()
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("norm", [None, "l1", "l2"])
@pytest.mark.parametrize("smooth_idf", [False, True])
@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csc_array, sp.coo_matrix, np.asarray, list])
def test_vectorizer_and_transformer_agree_whatever_the_matrix(norm, smooth_idf, kind):
    parameters = {"norm": norm, "smooth_idf": smooth_idf, "plus_one": False, "relative_tf": True}
    counts = CountVectorizer().fit_transform(TEXTS)
    given = kind(counts) if kind not in (np.asarray, list) else kind(counts.toarray())
    transformer = TfidfTransformer(**parameters).fit(given)
    vectorizer = TfidfVectorizer(**parameters).fit(TEXTS)
    np.testing.assert_array_equal(transformer.idf_, vectorizer.idf_)
    np.testing.assert_array_equal(
        transformer.transform(given).toarray(), vectorizer.transform(TEXTS).toarray()
    )


def test_without_the_one_the_idf_is_one_less():
    counts = CountVectorizer().fit_transform(TEXTS)
    for smooth in (False, True):
        theirs = sklearn_text.TfidfTransformer(smooth_idf=smooth).fit(counts).idf_
        ours = TfidfTransformer(smooth_idf=smooth, plus_one=False).fit(counts).idf_
        np.testing.assert_allclose(ours + 1, theirs, rtol=1e-15)


def test_relative_frequencies_alone_sum_to_one():
    X = TfidfVectorizer(use_idf=False, norm=None, relative_tf=True).fit_transform(TEXTS)
    np.testing.assert_allclose(X.sum(axis=1).ravel(), [[1, 1, 1, 0, 1]])


def test_words_without_a_column_do_not_make_a_document_longer():
    vectorizer = TfidfVectorizer(vocabulary=["new", "york"], norm=None, relative_tf=True)
    X = vectorizer.set_params(use_idf=False).fit(TEXTS).transform(["new york times times"])
    np.testing.assert_array_equal(X.toarray(), [[0.5, 0.5]])


def test_relative_frequencies_after_an_idf_set_by_hand():
    counts = CountVectorizer(dtype=np.float64).fit_transform(TEXTS)
    transformer = TfidfTransformer(norm=None, relative_tf=True).fit(counts)
    weights = np.arange(counts.shape[1])  # int64: numpy multiplies, not the kernels
    transformer.idf_ = weights
    lengths = np.maximum(counts.toarray().sum(axis=1, keepdims=True), 1)
    wanted = counts.toarray() / lengths * weights
    np.testing.assert_allclose(transformer.transform(counts).toarray(), wanted)


def test_float32_stays_float32():
    X = TfidfVectorizer(**TEXTBOOK, relative_tf=True, dtype=np.float32).fit_transform(TEXTS)
    assert X.dtype == np.float32
    np.testing.assert_allclose(X.toarray(), by_hand(TEXTS, relative=True), rtol=1e-6)


@pytest.mark.parametrize("estimator", [TfidfTransformer, TfidfVectorizer])
def test_a_logarithm_of_a_share_is_refused_with_the_remedy(estimator):
    given = [[1, 2]] if estimator is TfidfTransformer else TEXTS
    both = estimator(sublinear_tf=True, relative_tf=True)
    with pytest.raises(ValueError, match="set one of them to False"):
        both.fit(given)


@pytest.mark.parametrize("name", ["plus_one", "relative_tf"])
def test_what_is_no_bool_is_refused(name):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of TfidfVectorizer"):
        TfidfVectorizer(**{name: "yes"}).fit(TEXTS)
    with pytest.raises(ValueError, match=f"The '{name}' parameter of TfidfTransformer"):
        TfidfTransformer(**{name: "yes"}).fit([[1, 2]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("parameters", [{}, TEXTBOOK, {"use_idf": False}])
def test_numbers_alone_give_the_weights_of_a_fit(parameters, dtype):
    fitted = TfidfVectorizer(dtype=dtype, **parameters).fit(TEXTS)
    counts = CountVectorizer().fit_transform(TEXTS)
    df, tf = counts.getnnz(axis=0).astype(np.int64), np.asarray(counts.sum(axis=0)).ravel()
    counted = TfidfVectorizer(dtype=dtype, **parameters)
    counted.vocabulary_ = fitted.vocabulary_
    counted._weigh_seen(len(TEXTS), len(df), df, tf)
    found, wanted = counted.transform(TEXTS), fitted.transform(TEXTS)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found.toarray(), wanted.toarray())
    assert hasattr(counted, "idf_") == hasattr(fitted, "idf_")


def test_the_weights_survive_saving(tmp_path):
    vectorizer = TfidfVectorizer(**TEXTBOOK, relative_tf=True).fit(TEXTS)
    loaded = textrep.load(vectorizer.save(tmp_path / "textbook.textrep"))
    found, wanted = loaded.transform(TEXTS).toarray(), vectorizer.transform(TEXTS).toarray()
    np.testing.assert_array_equal(found, wanted)
