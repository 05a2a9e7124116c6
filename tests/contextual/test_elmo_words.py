"""Texts as the numbers of their words, and words as their bytes."""

from __future__ import annotations

import numpy as np
import pytest

from textrep import TextInputError
from textrep.contextual.elmo_words import (
    FIRST_BYTE,
    N_CHARACTERS,
    frequent_words,
    read_sentences,
    spell,
    targets_of_words,
)


def read(texts, max_length=100, max_word_length=8):
    return read_sentences(texts, str.split, max_length, max_word_length)


def spelled(row):
    """The bytes between the marks of a word."""
    inside = row[1 : list(row).index(2)]
    return bytes(int(number) - FIRST_BYTE for number in inside)


@pytest.mark.parametrize("word", ["a", "naïve", "文字", "\ud800", "", "\x00\x00", "12345678"])
def test_a_word_is_written_as_its_bytes(word):
    (row,) = spell([word], 12)
    assert spelled(row) == word.encode("utf-8", "surrogatepass")
    assert row.max() < N_CHARACTERS


def test_all_bytes_have_characters_of_their_own():
    everything = [chr(code) for code in range(0x250)]
    assert len(np.unique(spell(everything, 4), axis=0)) == len(everything)


def test_a_long_word_is_cut():
    (row,) = spell(["abcdefgh"], 3)
    assert spelled(row) == b"abc"


def test_words_are_numbered_as_they_come_and_the_mark_is_around_each_text():
    sentences = read(["b a b", "", "a c"])
    assert sentences.words == ["b", "a", "c"]
    assert [sentences.piece(i).tolist() for i in range(2)] == [[0, 1, 2, 1, 0], [0, 2, 3, 0]]
    assert sentences.lengths.tolist() == [5, 4]
    assert sentences.text.tolist() == [0, 2]
    assert sentences.n_words_of_text.tolist() == [3, 0, 2]


@pytest.mark.parametrize("max_length", [1, 2, 3, 7, 100])
def test_long_texts_are_cut_into_pieces_that_are_as_long_as_they_may_be(max_length):
    texts = [" ".join("abcdefg"[:n]) for n in (7, 0, 3, 1, 6)]
    sentences = read(texts, max_length=max_length)
    expected = [
        (number, words[first : first + max_length])
        for number, words in enumerate(map(str.split, texts))
        for first in range(0, len(words), max_length)
    ]
    pieces = [
        (int(text), [sentences.words[i - 1] for i in sentences.piece(number)[1:-1]])
        for number, text in enumerate(sentences.text)
    ]
    assert pieces == expected


def test_the_words_of_pieces_are_given_back():
    assert read(["a b c", "", "c"], max_length=2).token_lists() == [["a", "b"], ["c"], ["c"]]


def test_token_lists_are_taken_as_they_are():
    assert read([["a b", "c"]]).words == ["a b", "c"]


def test_no_texts_have_no_pieces():
    sentences = read([])
    assert (sentences.n_texts, len(sentences.text), len(sentences.ids)) == (0, 0, 0)


def test_the_vocabulary_is_the_most_frequent_words_that_are_frequent_enough():
    sentences = read(["a b c", "b c", "c d"])
    assert frequent_words(sentences, 2, 10) == ["c", "b"]
    assert frequent_words(sentences, 1, 3) == ["c", "b", "a"]


def test_other_words_are_one_target_and_the_mark_is_another():
    sentences = read(["a b a c"])
    assert targets_of_words(sentences, ["a", "c", "z"]).tolist() == [0, 2, 1, 3]


def test_other_texts_have_another_digest():
    digests = {read(texts).digest() for texts in (["a b"], ["a", "b"], ["a a"], ["a b", ""])}
    assert len(digests) == 3  # an empty text has nothing to learn from
    assert read(["a b"]).digest() == read(["a b"]).digest()


def test_what_is_no_text_is_refused():
    with pytest.raises(TextInputError, match=r"X\[1\] is None"):
        read(["a", None])
