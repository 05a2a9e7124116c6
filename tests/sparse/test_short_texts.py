"""A few short texts: counted with a dict where that is faster, with the same answer."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.feature_extraction import text as theirs

import textrep
from textrep.sparse import CountVectorizer, short

CORPUS = [f"word{i} and the {'b' * (i % 7 + 1)} of times {i}" for i in range(200)]
SHORT = ["the best of times, word7 and word7 and bbb", "", "naïve word199"]


@pytest.fixture(autouse=True)
def corpus_by_kernels(monkeypatch):
    """The corpus is larger than what counts as short, so that it leaves a trie behind."""
    assert sum(map(len, SHORT)) < short.TINY_CHARACTERS < sum(map(len, CORPUS))
    monkeypatch.setattr(short, "SMALL_VOCABULARY", 10**6)


def assert_identical(a, b):
    assert type(a) is type(b)
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    for part in ("data", "indices", "indptr"):
        x, y = getattr(a, part), getattr(b, part)
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("name", ["CountVectorizer", "TfidfVectorizer"])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"ngram_range": (1, 2), "binary": True},
        {"analyzer": "char_wb", "ngram_range": (2, 4), "dtype": np.float32},
        {"analyzer": "char", "strip_accents": "unicode"},
        {"stop_words": "english", "max_features": 50, "min_df": 2},
    ],
)
def test_short_calls_are_counted_as_by_scikit_learn(name, parameters):
    ours = getattr(textrep, name)(**parameters).fit(CORPUS)
    peer = getattr(theirs, name)(**parameters).fit(CORPUS)
    for texts in (SHORT, SHORT[:1], [""]):
        assert_identical(ours.transform(texts), peer.transform(texts))


def test_no_texts_give_no_rows():
    ours, peer = CountVectorizer().fit(CORPUS), theirs.CountVectorizer().fit(CORPUS)
    assert_identical(ours.transform([]), peer.transform([]))


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float64, None])
def test_a_dtype_set_after_fit_holds_for_short_calls(dtype):
    many = ["the " * 70]  # 280 characters
    for texts in (SHORT, many):
        ours = CountVectorizer(analyzer="char").fit(CORPUS).set_params(dtype=dtype)
        peer = theirs.CountVectorizer(analyzer="char").fit(CORPUS).set_params(dtype=dtype)
        assert_identical(ours.transform(texts), peer.transform(texts))


def test_a_large_vocabulary_becomes_a_dict_once_short_calls_have_repaid_it(monkeypatch):
    monkeypatch.setattr(short, "SMALL_VOCABULARY", 0)
    monkeypatch.setattr(short, "TERMS_A_CALL", 100)
    vectorizer = CountVectorizer().fit(CORPUS)
    wanted = theirs.CountVectorizer().fit(CORPUS).transform(SHORT)
    texts_needed = -(-wanted.shape[1] // 100)
    assert texts_needed > 2
    for made in [False] * (texts_needed - 1) + [True]:
        assert_identical(vectorizer.transform(SHORT), wanted)
        assert ("_vocabulary" in vars(vectorizer)) is made
    copy = pickle.loads(pickle.dumps(vectorizer))
    assert "_vocabulary" not in vars(copy)
    assert_identical(copy.transform(SHORT), wanted)
    assert "_vocabulary" not in vars(copy)  # it counts its own short texts


def test_parameter_names_are_those_of_the_class_asked():
    class Other(CountVectorizer):
        def __init__(self, *, flavour="plain"):
            super().__init__()
            self.flavour = flavour

    assert list(Other().get_params()) == ["flavour"]
    names = set(theirs.CountVectorizer().get_params())
    assert set(CountVectorizer().get_params()) == names | {"n_jobs", "spelling", "stemmer"}
    assert "norm" in textrep.TfidfVectorizer().get_params()
