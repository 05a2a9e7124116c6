"""Documents of which the kernels find out, while reading, that they are scikit-learn's to count."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from sklearn.feature_extraction import text as theirs

import textrep
from textrep.core.text import TextInputError
from textrep.sparse import CountVectorizer, short

NAMES = ["CountVectorizer", "TfidfVectorizer", "HashingVectorizer"]


class Loud(str):
    """A str whose lower case is upper case."""

    __slots__ = ()

    def lower(self):
        return self.upper()


DOCUMENTS = ["the best of times", Loud("the Worst of times"), "the age"]


@pytest.fixture(autouse=True)
def kernels_for_everything(monkeypatch):
    monkeypatch.setattr(short, "TINY_CHARACTERS", 0)


@pytest.mark.parametrize("name", NAMES)
def test_a_str_with_a_lower_of_its_own_is_lowered_by_it(name):
    ours, peer = getattr(textrep, name)(), getattr(theirs, name)()
    for a, b in [
        (ours.fit_transform(DOCUMENTS), peer.fit_transform(DOCUMENTS)),
        (ours.transform(DOCUMENTS[::-1]), peer.transform(DOCUMENTS[::-1])),
    ]:
        np.testing.assert_array_equal(a.toarray(), b.toarray())
    if name != "HashingVectorizer":
        assert "WORST" in ours.vocabulary_
        assert ours.vocabulary_ == peer.vocabulary_


@pytest.mark.parametrize("name", NAMES)
def test_its_own_lower_is_not_asked_when_nothing_is_lowered(name):
    ours = getattr(textrep, name)(lowercase=False)
    peer = getattr(theirs, name)(lowercase=False)
    a, b = ours.fit_transform(iter(DOCUMENTS)), peer.fit_transform(iter(DOCUMENTS))
    np.testing.assert_array_equal(a.toarray(), b.toarray())


@pytest.mark.parametrize("name", NAMES)
def test_in_a_stream_it_is_refused_with_its_place(name):
    vectorizer = getattr(textrep, name)()
    with pytest.raises(TextInputError, match=r"document 1 is a Loud.*in a list"):
        vectorizer.fit_transform(iter(DOCUMENTS))


def test_a_vectorizer_is_freed_as_soon_as_it_is_let_go():
    vectorizer = CountVectorizer(ngram_range=(1, 2))
    vectorizer.fit_transform(DOCUMENTS[::2] * 9)
    vectorizer.transform(DOCUMENTS[::2] * 9)
    assert "_matcher" in vars(vectorizer)
    gone = weakref.ref(vectorizer)
    gc.disable()
    try:
        del vectorizer
        assert gone() is None
    finally:
        gc.enable()
