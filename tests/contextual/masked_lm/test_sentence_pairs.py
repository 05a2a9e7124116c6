"""Half of the pairs are wrong, and the wrong ones are of another document, or in another order."""

from __future__ import annotations

import numpy as np
import pytest

from textrep.contextual.masked_lm.masking import IGNORED
from textrep.contextual.masked_lm.sentence_pairs import RIGHT, WRONG, draw_pairs, sentences_of

ROOM = 24


def documents(n=60, seed=0):
    """Document d consists of the numbers 1000 d, 1000 d + 1, ..., in sentences."""
    rng = np.random.default_rng(seed)
    made = []
    for d in range(1, n + 1):
        sizes = rng.integers(1, 12, rng.integers(1, 9))
        numbers = np.arange(1000 * d, 1000 * d + sizes.sum(), dtype=np.int32)
        made.append(np.split(numbers, np.cumsum(sizes)[:-1]))
    return made


def drawn(kind, made=None, n_epochs=20, **given):
    """Pairs of several epochs."""
    found = []
    for epoch in range(n_epochs):
        pairs = draw_pairs(
            made or documents(), kind, room=ROOM, random=np.random.default_rng(epoch), **given
        )
        found += list(zip(pairs.firsts, pairs.seconds, pairs.labels.tolist(), strict=True))
    return found


@pytest.mark.parametrize("kind", ["nsp", "sop"])
def test_half_of_the_pairs_are_wrong(kind):
    labels = np.array([label for *_, label in drawn(kind)])
    labels = labels[labels != IGNORED]
    assert abs(labels.mean() - 0.5) < 4 * 0.5 / len(labels) ** 0.5


def test_half_are_wrong_where_documents_have_a_single_sentence():
    single = [[sentences[0]] for sentences in documents() if len(sentences[0]) > 1]
    labels = np.array([label for *_, label in drawn("nsp", single)])
    assert abs(labels.mean() - 0.5) < 4 * 0.5 / len(labels) ** 0.5


@pytest.mark.parametrize("kind", ["nsp", "sop"])
def test_right_pairs_follow_without_a_gap(kind):
    for first, second, label in drawn(kind):
        if label == RIGHT:
            assert second[0] == first[-1] + 1


def test_wrong_seconds_are_of_another_document():
    wrong = [(a, b) for a, b, label in drawn("nsp") if label == WRONG]
    assert wrong
    for first, second in wrong:
        assert len(set((first // 1000).tolist())) == len(set((second // 1000).tolist())) == 1
        assert first[0] // 1000 != second[0] // 1000


def test_a_copy_of_a_document_is_not_another_one():
    twice = documents(2) * 10
    for first, second, label in drawn("nsp", twice):
        if label == WRONG:
            assert first[0] // 1000 != second[0] // 1000


def test_wrong_order_is_the_right_one_turned_round():
    for first, second, label in drawn("sop"):
        if label == WRONG:
            assert first[0] == second[-1] + 1


@pytest.mark.parametrize("kind", ["nsp", "sop"])
def test_pairs_fit_and_have_two_sides(kind):
    for first, second, label in drawn(kind):
        assert len(first) >= 1
        if label == IGNORED:
            assert second is None
            assert len(first) == 1
        else:
            assert len(second) >= 1
            assert len(first) + len(second) <= ROOM


def test_all_tokens_come_up_in_an_order_task():
    made = [[s for s in sentences if len(s) <= 6] for sentences in documents()]
    everything = {int(i) for sentences in made for s in sentences for i in s}
    seen = {
        int(i)
        for a, b, _ in drawn("sop", made, 30)
        for part in (a, b)
        if part is not None
        for i in part
    }
    assert len(seen) > 0.95 * len(everything)


def test_a_single_sentence_is_divided_between_words():
    sentence = [[np.arange(10, 20, dtype=np.int32)], [np.arange(30, 40, dtype=np.int32)]]
    for first, _, label in drawn("nsp", sentence, word_starts=lambda ids: ids % 5 == 0):
        if label == RIGHT:
            assert len(first) == 5


def test_a_document_has_no_other_where_it_is_the_only_one():
    with pytest.raises(ValueError, match="at least two different documents"):
        draw_pairs(documents(1) * 3, "nsp", room=ROOM, random=np.random.default_rng(0))
    assert drawn("sop", documents(1))


def test_sentences_end_with_marks_and_lines():
    text = "One is. Two is?  Three!\n\nFour, e.g.this\nfive"
    assert sentences_of(text) == ["One is.", "Two is?", "Three!", "Four, e.g.this", "five"]
    assert sentences_of(" \n ") == []
