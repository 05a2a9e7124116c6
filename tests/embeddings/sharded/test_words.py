"""One vocabulary for all parts, against a reader of the whole corpus."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep import Word2Vec
from textrep.core.partitions import Sent
from textrep.core.text import TextInputError
from textrep.embeddings import corpus as corpus_module
from textrep.embeddings.corpus import read_corpus
from textrep.embeddings.sharded.words import (
    corpus_of,
    merge_words,
    number_part,
    settle_words,
    words_of,
)
from textrep.embeddings.spool import Spool

SETTINGS = Sent(Word2Vec())
sentences = st.lists(st.lists(st.sampled_from(["a", "b", "ß", "文", "dd"]), max_size=4), max_size=9)


def numbered_parts(parts):
    return [number_part(SETTINGS, part, i) for i, part in enumerate(parts)]


def ids_of(*corpora):
    pieces = [corpus.read(i) for corpus in corpora for i in range(len(corpus.chunks))]
    return [number for piece in pieces for number in piece.tolist()]


@given(st.lists(sentences, min_size=1, max_size=5), st.integers(1, 3), st.integers(1, 4))
def test_parts_have_the_words_counts_and_numbers_of_the_whole(parts, min_count, most):
    parts.append([["a"] * min_count])  # so that a word is left
    numbered = numbered_parts(parts)
    whole = [sentence for part in parts for sentence in part]
    expected = read_corpus(whole, min_count=min_count, max_vocabulary=most, n_jobs=1)
    vocabulary = settle_words(merge_words([words_of(part) for part in numbered]), min_count, most)
    shards = [corpus_of(part, vocabulary) for part in numbered]
    assert vocabulary.words == expected.words
    assert vocabulary.counts.tolist() == expected.counts.tolist()
    assert vocabulary.n_raw == expected.n_raw
    assert ids_of(*shards) == ids_of(expected)
    assert sum(shard.n_sentences for shard in shards) == expected.n_sentences
    assert all(shard.n_tokens == expected.n_tokens for shard in shards)


def test_merging_groups_of_parts_changes_nothing():
    numbered = numbered_parts([[["b", "a"]], [["c", "b"]], [["a", "d"]], []])
    words = [words_of(part) for part in numbered]
    at_once = settle_words(merge_words(words), 1, None)
    by_groups = settle_words(merge_words([merge_words(words[:2]), merge_words(words[2:])]), 1, None)
    assert at_once.words == by_groups.words == ["b", "a", "c", "d"]
    assert at_once.counts.tolist() == by_groups.counts.tolist()


def test_a_part_can_be_numbered_again(monkeypatch):
    monkeypatch.setattr(corpus_module, "RENUMBERED_AT_ONCE", 5)
    (numbered,) = numbered_parts([[["a", "b", "a"], ["c", "a"]] * 9])
    vocabulary = settle_words(words_of(numbered), 1, 2)
    first, second = corpus_of(numbered, vocabulary), corpus_of(numbered, vocabulary)
    assert ids_of(first) == ids_of(second) == [0, 1, 0, -1, 0, -1] * 9


def test_a_corpus_is_pickled_with_its_numbers(monkeypatch):
    monkeypatch.setattr(Spool.__init__, "__defaults__", (64,))
    with read_corpus([["a", "b"], ["b"]] * 50, min_count=1) as corpus:
        assert not corpus._spool.in_memory
        copy = pickle.loads(pickle.dumps(corpus))
        expected = ids_of(corpus)
    assert ids_of(copy) == expected
    assert (copy.words, copy.chunks) == (corpus.words, corpus.chunks)


def test_what_is_no_sentence_is_named_with_its_part():
    with pytest.raises(TextInputError, match=r"partition 1: X\[2\] is 5"):
        numbered_parts([["a"], ["b", "c", 5]])
