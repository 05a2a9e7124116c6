"""Growing vocabularies when something goes wrong: an error loses nothing, a file leads nowhere."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest

from textrep.sparse import BM25Vectorizer, CountVectorizer, TfidfVectorizer
from textrep.sparse.seen import Seen, Tower

FIRST = ["the cat runs", "a dog ran"]
SECOND = ["the zebra cat", "dog cat"]
GIVEN = ["cat", "dog"]
KINDS = [CountVectorizer, TfidfVectorizer, BM25Vectorizer]


def broken():
    yield "a good text"
    raise OSError("the disk went away")


@pytest.mark.parametrize("cls", KINDS)
@pytest.mark.parametrize("vocabulary", [None, GIVEN])
def test_documents_that_break_off_lose_nothing(cls, vocabulary):
    wanted = cls(vocabulary=vocabulary).fit(FIRST + SECOND)
    grown = cls(vocabulary=vocabulary)
    for documents in (FIRST, SECOND):
        with pytest.raises(OSError, match="went away"):
            grown.partial_fit(broken())
        grown.partial_fit(documents)
    with pytest.raises(OSError, match="went away"):
        grown.fit(broken())
    assert grown.vocabulary_ == wanted.vocabulary_
    assert (grown.transform(SECOND) != wanted.transform(SECOND)).nnz == 0


def test_what_could_not_be_fitted_may_learn_in_parts():
    vectorizer = CountVectorizer()
    with pytest.raises(ValueError, match="empty vocabulary"):
        vectorizer.fit([])
    assert vectorizer.partial_fit(FIRST).vocabulary_ == CountVectorizer().fit(FIRST).vocabulary_


@pytest.mark.parametrize("texts", [[""], FIRST])
def test_a_stream_without_terms_leaves_what_was_learnt(texts):
    vectorizer = TfidfVectorizer(min_df=2).fit(SECOND)
    before = vectorizer.transform(SECOND)
    with pytest.raises(ValueError, match=r"no terms remain|empty vocabulary"):
        vectorizer.fit(iter(texts))
    assert (vectorizer.transform(SECOND) != before).nnz == 0


@pytest.mark.parametrize("begin", ["fit", "partial_fit"])
def test_weights_set_by_hand_are_no_reason_to_forget(begin):
    vectorizer = getattr(TfidfVectorizer(vocabulary=GIVEN), begin)(FIRST)
    vectorizer.idf_ = np.array([5.0, 7.0])
    assert vectorizer.idf_.tolist() == [5.0, 7.0]
    with pytest.raises(ValueError, match="idf length = 1"):
        vectorizer.idf_ = np.array([5.0])
    wanted = TfidfVectorizer(vocabulary=GIVEN).fit(FIRST + SECOND)
    np.testing.assert_array_equal(vectorizer.partial_fit(SECOND).idf_, wanted.idf_)


@pytest.mark.parametrize(("first", "then"), [(None, GIVEN), (GIVEN, None), (["cat"], ["dog"])])
def test_another_vocabulary_in_the_middle_is_refused(first, then):
    vectorizer = TfidfVectorizer(vocabulary=first).partial_fit(FIRST)
    before = vectorizer.idf_
    with pytest.raises(ValueError, match="vocabulary was changed after documents had been seen"):
        vectorizer.set_params(vocabulary=then).partial_fit(SECOND)
    np.testing.assert_array_equal(vectorizer.idf_, before)


def test_a_part_can_be_merged_while_another_thread_asks_for_its_vocabulary():
    parts = [TfidfVectorizer().partial_fit([f"word{i} cat " * (40 - i)]) for i in range(30)]
    whole = TfidfVectorizer().partial_fit(["begins"])
    whole._tower.parts = [part._tower.parts[0] for part in parts]  # as of falling sizes
    merge, inside, go_on = Seen.merge, threading.Event(), threading.Event()

    def slow(self, later):
        inside.set()
        assert go_on.wait(30)
        return merge(self, later)

    Seen.merge = slow
    try:
        thread = threading.Thread(target=lambda: whole.vocabulary_)
        thread.start()
        assert inside.wait(30)
        assert len(whole._parts()) == len(parts)
    finally:
        go_on.set()
        thread.join()
        Seen.merge = merge
    assert len(whole.vocabulary_) == 31
    assert len(whole._tower.parts) == 1


def test_a_tower_gives_the_same_whole_every_time():
    towers = [Tower(CountVectorizer().partial_fit(FIRST)._parts()) for _ in range(2)]
    assert towers[0].whole() is towers[0].whole()
    assert towers[0].whole().n_documents == towers[1].whole().n_documents == 2


# ---- files


def state_of(vectorizer):
    return pickle.loads(pickle.dumps(vectorizer._get_state()))


@pytest.mark.parametrize("numbers", [np.ones(1, np.int64), np.ones(9, np.int64), np.ones(5), [1]])
@pytest.mark.parametrize("begin", ["fit", "partial_fit"])
@pytest.mark.parametrize("vocabulary", [None, GIVEN])
def test_counts_of_another_vocabulary_are_refused(begin, vocabulary, numbers):
    vectorizer = getattr(TfidfVectorizer(vocabulary=vocabulary), begin)(FIRST)
    state = state_of(vectorizer)
    TfidfVectorizer(vocabulary=vocabulary)._set_state(state)
    state["fitted" if begin == "fit" else "seen"]["in_documents"] = numbers
    with pytest.raises(ValueError, match="saved counts do not fit together"):
        TfidfVectorizer(vocabulary=vocabulary)._set_state(state)


@pytest.mark.parametrize("n_levels", [0, -1, -(10**9)])
@pytest.mark.parametrize("analyzer", ["word", "char", "char_wb"])
def test_a_vocabulary_without_its_levels_is_refused(analyzer, n_levels):
    state = state_of(CountVectorizer(analyzer=analyzer).fit(FIRST * 500))
    with pytest.raises(ValueError, match="saved vocabulary does not fit together"):
        CountVectorizer(analyzer=analyzer)._set_state(state | {"n_levels": n_levels})


@pytest.mark.parametrize("fixed", [True, None, "yes"])
def test_a_vocabulary_learnt_and_given_is_refused(fixed):
    state = state_of(CountVectorizer().fit(FIRST * 500))
    with pytest.raises(ValueError, match="both learnt and given"):
        CountVectorizer()._set_state(state | {"fixed_vocabulary_": fixed})


def test_counts_without_a_vocabulary_are_refused():
    state = state_of(TfidfVectorizer(min_df=9).partial_fit(FIRST))
    assert "vocabulary" in state["seen"]
    del state["seen"]["vocabulary"]
    with pytest.raises(ValueError, match="of no vocabulary"):
        TfidfVectorizer(min_df=9)._set_state(state)
    state = state_of(CountVectorizer().fit(FIRST))
    with pytest.raises(ValueError, match="do not fit together"):
        CountVectorizer()._set_state({"fitted": state["fitted"]})


@pytest.mark.parametrize("name", ["tfidf", "columns"])
def test_weights_and_columns_of_another_kind_are_refused(name):
    state = state_of(TfidfVectorizer(vocabulary=GIVEN).fit(FIRST))
    with pytest.raises(ValueError, match=r"no TfidfTransformer|no whole numbers"):
        TfidfVectorizer(vocabulary=GIVEN)._set_state(state | {name: np.ones(2)})
