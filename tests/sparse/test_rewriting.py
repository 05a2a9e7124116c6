"""Stems and spelling in the vectorisers: once a distinct token, and the same as token by token."""

from __future__ import annotations

import re
import threading
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.stem import PorterStemmer, SnowballStemmer
from sklearn.base import clone
from sklearn.feature_extraction import text as theirs

import textrep
from textrep.sparse import CountVectorizer, TfidfVectorizer, rewriting, short

TEXTS = [
    "the cats are running from a dog that runs",
    "a running gag, gags that ran; THE END",
    "",
    "naïve Naïveté, Élan élans 文字 😀",
    "teh end of teh road",
] * 30
FIXES = {"teh": "the", "cats": "cat", "gag": "to", "ran": "run"}


@pytest.fixture(autouse=True)
def kernels_for_everything(monkeypatch):
    monkeypatch.setattr(short, "TINY_CHARACTERS", 0)


def fix(word):
    return FIXES.get(word, word)


def peer(cls, *, stem=None, correct=None, stop_words=(), **parameters):
    """scikit-learn's class with the steps done at every occurrence of a token."""

    class Peer(cls):
        def build_tokenizer(self):
            find = re.compile(r"\b\w\w+\b").findall

            def tokens(text):
                words = [correct(word) if correct else word for word in find(text)]
                kept = [word for word in words if word not in stop_words]
                return [stem(word) if stem else word for word in kept]

            return tokens

    return Peer(**parameters)


def assert_same(a, b):
    assert a.shape == b.shape
    assert abs(a - b).max() < 1e-12


@pytest.mark.parametrize("ngram_range", [(1, 1), (1, 2), (2, 3)])
@pytest.mark.parametrize("stop_words", [None, ["the", "to", "a"]])
@pytest.mark.parametrize("correct", [None, fix])
@pytest.mark.parametrize("n_jobs", [1, 3])
@pytest.mark.parametrize("name", ["CountVectorizer", "TfidfVectorizer", "HashingVectorizer"])
def test_same_as_stemming_every_occurrence(name, ngram_range, stop_words, correct, n_jobs):
    stem = SnowballStemmer("english").stem
    parameters = {"ngram_range": ngram_range}
    if name == "HashingVectorizer":
        parameters["n_features"] = 1 << 12
    ours = getattr(textrep, name)(
        stemmer=stem, spelling=correct, stop_words=stop_words, n_jobs=n_jobs, **parameters
    )
    wanted = peer(
        getattr(theirs, name), stem=stem, correct=correct, stop_words=stop_words or (), **parameters
    )
    assert_same(ours.fit_transform(TEXTS), wanted.fit_transform(TEXTS))
    if name != "HashingVectorizer":
        assert list(ours.vocabulary_.items()) == list(wanted.vocabulary_.items())
    others = [*TEXTS[:4], "the runner runs to teh unknown gags of cats"]
    assert_same(ours.transform(others), wanted.transform(others))
    assert_same(ours.transform(others[-1:]), wanted.transform(others[-1:]))


@given(
    texts=st.lists(st.lists(st.sampled_from(["ab", "abs", "the", "teh", "x y", "Zé", "zés"]))),
    ngram_range=st.sampled_from([(1, 1), (1, 3), (2, 2)]),
)
def test_random_texts_as_token_by_token(texts, ngram_range):
    documents = ["seen once", *map(" ".join, texts)]

    def stem(word):
        return word.rstrip("s")

    ours = CountVectorizer(
        stemmer=stem, spelling=fix, stop_words=["the"], ngram_range=ngram_range, n_jobs=2
    )
    wanted = peer(
        theirs.CountVectorizer, stem=stem, correct=fix, stop_words={"the"}, ngram_range=ngram_range
    )
    assert_same(ours.fit_transform(documents), wanted.fit_transform(documents))
    assert ours.vocabulary_ == wanted.vocabulary_
    assert_same(ours.transform(documents[::-1]), wanted.transform(documents[::-1]))


def test_a_few_short_texts_are_counted_in_python_with_the_same_answer(monkeypatch):
    stemmed = TfidfVectorizer(stemmer="english", stop_words="english").fit(TEXTS)
    by_kernels = stemmed.transform(["running cats run to the END"])
    monkeypatch.undo()
    assert_same(stemmed.transform(["running cats run to the END"]), by_kernels)
    assert by_kernels.nnz == 3
    tiny = CountVectorizer(stemmer="english").fit(["cats and dogs", "the dog"])
    assert sorted(tiny.vocabulary_) == ["and", "cat", "dog", "the"]


def test_a_stemmer_is_asked_once_for_each_distinct_word():
    asked = Counter()

    def stem(word):
        asked[word] += 1
        return word[:3]

    vectorizer = CountVectorizer(stemmer=stem, n_jobs=2).fit(TEXTS * 20)
    assert set(asked.values()) == {1}
    assert len(asked) > 10
    asked.clear()
    for _ in range(3):
        vectorizer.transform(TEXTS * 20)
    assert set(asked.values()) == {1}


def test_memory_of_words_met_is_bounded(monkeypatch):
    monkeypatch.setattr(rewriting, "MOST_KNOWN", 50)
    texts = [f"word{i} words{i} cats" for i in range(400)]
    vectorizer = CountVectorizer(stemmer="english").fit(texts)
    plain = CountVectorizer(stemmer=SnowballStemmer("english").stem).fit(texts)
    for begin in range(0, 400, 40):
        part = texts[begin : begin + 40]
        assert_same(vectorizer.transform(part), plain.transform(part))
    assert vectorizer._matcher.known._lexicon.size <= 50 + 81


def test_many_threads_share_a_stemming_vectorizer():
    vectorizer = CountVectorizer(stemmer="english", n_jobs=1).fit(TEXTS)
    wanted = vectorizer.transform(TEXTS)
    vectorizer.__dict__.pop("_matcher")
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(vectorizer.transform(TEXTS)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    for result in results:
        assert_same(result, wanted)


def test_a_stemmer_of_nltk_and_a_language_will_do(tmp_path):
    ported = CountVectorizer(stemmer=PorterStemmer()).fit(["flies dying"])
    assert sorted(ported.vocabulary_) == ["die", "fli"]
    german = CountVectorizer(stemmer="german").fit(["Häuser und Hausen", "Haus"] * 99)
    assert "haus" in german.vocabulary_
    again = textrep.load(german.save(tmp_path / "german"))
    assert_same(again.transform(["Häusern"] * 99), german.transform(["Häusern"] * 99))
    assert clone(german).fit(["Haus"]).vocabulary_ == {"haus": 0}


def test_words_that_become_nothing_are_left_out():
    vectorizer = CountVectorizer(stemmer=lambda word: word.strip("s"), ngram_range=(1, 2))
    vectorizer.fit(["cats sss dogs"] * 99)
    assert sorted(vectorizer.vocabulary_) == ["cat", "cat dog", "dog"]
    with pytest.raises(ValueError, match="empty vocabulary"):
        vectorizer.fit(["ss sss"] * 99)


@pytest.mark.parametrize("name", ["CountVectorizer", "TfidfVectorizer", "HashingVectorizer"])
@pytest.mark.parametrize("parameter", ["stemmer", "spelling"])
def test_what_cannot_rewrite_words_is_refused(name, parameter):
    def vectorizer(value):
        return getattr(textrep, name)(**{parameter: value})

    with pytest.raises(ValueError, match=f"{parameter}='klingon'"):
        vectorizer("klingon").fit_transform(TEXTS)
    with pytest.raises(ValueError, match=f"{parameter}=3"):
        vectorizer(3).fit_transform(TEXTS)
    with pytest.raises(ValueError, match=f"{parameter} made 'a b' of 'are'; a token holds no"):
        vectorizer(lambda word: "a b" if word == "are" else word).fit_transform(TEXTS)
    with pytest.raises(ValueError, match=parameter):
        vectorizer(lambda word: None).fit_transform(TEXTS)


def test_a_failed_rewriting_leaves_the_vectorizer_as_it_was():
    broken = []

    def stem(word):
        if broken:
            raise RuntimeError("out of order")
        return word

    vectorizer = CountVectorizer(stemmer=stem).fit(TEXTS)
    wanted = vectorizer.transform(["a new word runs"] * 99)
    vectorizer.__dict__.pop("_matcher")
    broken.append(True)
    with pytest.raises(RuntimeError, match="out of order"):
        vectorizer.transform(["a new word runs"] * 99)
    broken.clear()
    assert_same(vectorizer.transform(["a new word runs"] * 99), wanted)


@pytest.mark.parametrize("analyzer", ["char", "char_wb", str.split])
def test_only_words_are_rewritten_and_that_is_said(analyzer):
    with pytest.warns(UserWarning, match="'stemmer' will not be used since 'analyzer' != 'word'"):
        stemmed = CountVectorizer(analyzer=analyzer, stemmer="english").fit_transform(TEXTS)
    np.testing.assert_array_equal(
        stemmed.toarray(), CountVectorizer(analyzer=analyzer).fit_transform(TEXTS).toarray()
    )


def test_a_callable_tokenizer_is_followed_by_the_stemmer():
    vectorizer = CountVectorizer(tokenizer=str.split, token_pattern=None, stemmer="english")
    assert sorted(vectorizer.fit(["cats, cats running"]).vocabulary_) == ["cat", "cats,", "run"]


@pytest.mark.parametrize("name", ["stemmer", "spelling"])
def test_a_line_break_in_a_token_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} made 'c..a' of 'ca'; a token holds no space and"):
        CountVectorizer(**{name: lambda word: "\n".join(word)}).fit(["ca"] * 3)


def test_half_a_character_in_a_token_is_kept():
    vectorizer = CountVectorizer(stemmer=lambda word: word[0] + "\ud800").fit(["cat dog"])
    assert vectorizer.get_feature_names_out().tolist() == ["c\ud800", "d\ud800"]
    assert vectorizer.vocabulary_ == {"c\ud800": 0, "d\ud800": 1}
    assert vectorizer.transform(["cow cat"]).toarray().tolist() == [[2, 0]]
