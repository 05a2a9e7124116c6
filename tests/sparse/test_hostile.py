"""Vectorisers that were changed behind their back, and input made to lead kernels astray."""

from __future__ import annotations

import ctypes
import warnings
from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction import text as theirs

import textrep
from textrep.core.text import TextInputError
from textrep.sparse import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
    analysis,
)

CORPUS = [f"word{i} and the {'b' * (i % 7 + 1)} of times {i}" for i in range(60)]
SHORT = ["the and of times"]
NAMES = ["CountVectorizer", "TfidfVectorizer", "HashingVectorizer"]


def outcome(call):
    """The entries that a call gives, or the type of its error."""
    try:
        X = call()
    except Exception as error:
        return type(error).__name__
    X.sort_indices()
    return X.shape, X.indptr.tolist(), X.indices.tolist(), X.data.round(12).tolist()


@pytest.mark.parametrize("column", [2_000_000_000, -5, 400])
@pytest.mark.parametrize("texts", [SHORT, CORPUS])
def test_a_dict_edited_in_place_is_no_way_into_memory(column, texts):
    ours, peer = TfidfVectorizer().fit(CORPUS), theirs.TfidfVectorizer().fit(CORPUS)
    for vectorizer in (ours, peer):
        vectorizer.vocabulary_["the"] = column
    if texts is SHORT:
        assert outcome(lambda: ours.transform(texts)) == outcome(lambda: peer.transform(texts))
    else:  # the trie is what counts
        wanted = theirs.TfidfVectorizer().fit_transform(CORPUS)
        np.testing.assert_array_equal(ours.transform(texts).toarray(), wanted.toarray())


def hostile_columns():
    pa = pytest.importorskip("pyarrow")
    letters = pa.py_buffer(b"ab" * 8)

    def offsets(*numbers, kind):
        return pa.array(numbers, kind).buffers()[1]

    def view(length, buffer, offset):
        # A sound one that is written over: pyarrow 18 makes none of given buffers.
        column = pa.array(["ab" * 8], pa.string_view())
        views = column.buffers()[1]
        entry = np.array([length, 0, buffer, offset], dtype="<i4").tobytes()
        assert views.is_mutable
        ctypes.memmove(views.address, entry, len(entry))
        return column

    small, large = pa.int32(), pa.int64()
    return [
        pa.StringArray.from_buffers(3, offsets(0, 2, 2 * 10**9, 16, kind=small), letters),
        pa.StringArray.from_buffers(2, offsets(0, 9, 4, kind=small), letters),
        pa.LargeStringArray.from_buffers(2, offsets(0, 2**40, 16, kind=large), letters),
        view(-3, 0, 0),
        view(16, 0, 1),
        view(16, 1, 0),
        view(16, -1, 0),
        view(13, 0, -13),
    ]


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("name", NAMES)
def test_an_arrow_column_that_points_outside_its_buffers_is_refused(name, number):
    with pytest.raises(TextInputError, match="outside its buffers"):
        getattr(textrep, name)().fit_transform(hostile_columns()[number])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("analyzer", ["word", "char", "char_wb"])
def test_a_document_too_long_for_the_kernels_is_left_to_scikit_learn(monkeypatch, name, analyzer):
    monkeypatch.setattr(analysis, "LARGEST_DOCUMENT", 400)
    texts = [*CORPUS, "wörd " * 70, "the " * 100 + "end"]
    ours = getattr(textrep, name)(analyzer=analyzer)
    peer = getattr(theirs, name)(analyzer=analyzer)
    assert outcome(lambda: ours.fit_transform(texts)) == outcome(lambda: peer.fit_transform(texts))
    assert outcome(lambda: ours.transform(texts)) == outcome(lambda: peer.transform(texts))
    with pytest.raises(ValueError, match=r"GiB is too long for the kernels"):
        ours.fit_transform(iter(texts))
    # a document that is not ASCII may become longer by folding
    monkeypatch.setattr(analysis, "LARGEST_DOCUMENT", 399)
    with pytest.raises(ValueError, match="too long"):
        ours.fit_transform(iter(["é" * 100]))
    assert ours.fit_transform(iter(["ab " * 133])).shape[0] == 1


OVERRIDES = {
    "build_analyzer": lambda self: lambda text: text.split("-"),
    "build_tokenizer": lambda self: str.split,
    "build_preprocessor": lambda self: str.upper,
    "decode": lambda self, document: document[::-1],
    "_word_ngrams": lambda self, tokens, stop_words=None: [token * 2 for token in tokens],
}


def outcomes_of_other_steps(module, name, method, in_class):
    override = OVERRIDES[method]
    if in_class:
        made = type("Other", (getattr(module, name),), {method: override})()
    else:
        made = getattr(module, name)()
        setattr(made, method, override.__get__(made))
    return [
        outcome(partial(verb, texts))
        for fitted_on in (SHORT, CORPUS)
        for verb, texts in [
            (made.fit_transform, fitted_on),
            (made.transform, SHORT),
            (made.transform, CORPUS),
        ]
    ]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", list(OVERRIDES))
@pytest.mark.parametrize("in_class", [True, False])
def test_a_step_done_otherwise_is_done_so_whatever_the_size(name, method, in_class):
    ours = outcomes_of_other_steps(textrep, name, method, in_class)
    assert ours == outcomes_of_other_steps(theirs, name, method, in_class)


def test_a_failed_fit_leaves_no_weights_that_look_like_some():
    vectorizer = TfidfVectorizer(norm=None).fit(CORPUS)
    with pytest.raises(ValueError, match="empty vocabulary"):
        vectorizer.fit(["!"])
    for texts in (SHORT, CORPUS):
        with pytest.raises(NotFittedError):
            vectorizer.transform(texts)


@pytest.mark.parametrize("texts", [SHORT, CORPUS])
@pytest.mark.parametrize("use_idf", [True, False])
def test_a_vocabulary_of_another_size_does_not_suit_the_weights(texts, use_idf):
    vectorizer = TfidfVectorizer(use_idf=use_idf).fit(CORPUS)
    vectorizer.vocabulary_ = {"the": 0, "and": 1}
    with pytest.raises(ValueError, match="X has 2 features, but TfidfTransformer is expecting"):
        vectorizer.transform(texts)


@pytest.mark.parametrize("texts", [SHORT, CORPUS])
def test_an_idf_that_is_no_array_ends_as_in_scikit_learn(texts):
    ours, peer = TfidfVectorizer().fit(CORPUS), theirs.TfidfVectorizer().fit(CORPUS)
    for vectorizer in (ours, peer):
        vectorizer.idf_ = [1.0] * len(vectorizer.vocabulary_)
    assert outcome(lambda: ours.transform(texts)) == outcome(lambda: peer.transform(texts))


def test_weights_are_not_written_into_what_is_read_only():
    X = sp.csr_matrix([[1.0, 2.0], [0.0, 1.0]])
    transformer = TfidfTransformer().fit(X)
    wanted = transformer.transform(X).toarray()
    X.data.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        transformer.transform(X, copy=False)
    np.testing.assert_array_equal(transformer.transform(X).toarray(), wanted)


@pytest.mark.parametrize("n_features", [0, -1, 2**31, "many"])
def test_numbers_of_features_that_cannot_be_are_refused_without_a_fit(n_features):
    with pytest.raises(ValueError, match="n_features"):
        HashingVectorizer(n_features=n_features).transform(CORPUS)


@pytest.mark.parametrize("name", NAMES[:2])
@pytest.mark.parametrize("verb", ["fit", "fit_transform"])
@pytest.mark.parametrize("texts", [SHORT, CORPUS])
def test_warnings_come_as_often_as_in_scikit_learn(name, verb, texts):
    said = []
    for module in (textrep, theirs):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            vectorizer = getattr(module, name)(analyzer="char", stop_words=["the"])
            getattr(vectorizer, verb)(texts)
        said.append([str(warning.message) for warning in caught])
    assert said[0] == said[1]
    assert said[0]


def test_what_is_counted_by_the_trie_is_counted_by_the_dict():
    vectorizer = CountVectorizer().fit(CORPUS)
    by_trie = vectorizer.transform(CORPUS)
    assert len(vectorizer.vocabulary_) == by_trie.shape[1]
    np.testing.assert_array_equal(vectorizer.transform(CORPUS[:2]).toarray(), by_trie[:2].toarray())
