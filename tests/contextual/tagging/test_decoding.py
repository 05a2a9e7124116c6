"""The best tags that follow the rules, against all tags that there are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from textrep.contextual.tagging.decoding import allowed_moves, best_path, is_iob2, may_follow

TAGS = ["O", "B-A", "I-A", "B-B", "I-B"]


@pytest.mark.parametrize("n_words", [1, 2, 4])
def test_the_best_path_is_that_of_a_brute_force(n_words):
    random = np.random.default_rng(n_words)
    first, moves = allowed_moves(TAGS)
    for _ in range(20):
        scores = random.normal(size=(n_words, len(TAGS)))
        paths = [
            path
            for path in itertools.product(range(len(TAGS)), repeat=n_words)
            if is_valid([TAGS[i] for i in path])
        ]
        best = max(paths, key=lambda path: scores[range(n_words), path].sum())
        assert best_path(scores, first, moves).tolist() == list(best)


def is_valid(tags):
    before = ["O", *tags[:-1]]
    return all(
        tag[0] != "I" or (previous[2:] == tag[2:] and previous != "O")
        for previous, tag in zip(before, tags, strict=True)
    )


def test_without_words_there_is_no_path():
    assert best_path(np.zeros((0, 5)), *allowed_moves(TAGS)).tolist() == []


def test_inside_follows_only_its_own_entity():
    assert may_follow("B-A", "I-A")
    assert may_follow("I-A", "I-A")
    assert not may_follow("B-B", "I-A")
    assert not may_follow("O", "I-A")
    assert may_follow("I-A", "B-B")


def test_other_schemes_are_not_taken_for_iob2():
    assert is_iob2([["O", "B-A", "I-A"], []])
    assert not is_iob2([["I-A"]])  # IOB1
    assert not is_iob2([["S-A"]])
    assert not is_iob2([["NOUN", "VERB"]])
    assert not is_iob2([["O", "O"]])
