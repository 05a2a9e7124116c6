"""Words and their pieces: none is lost, each is tagged once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.contextual.encoders import Encoder, EncoderTokenizer
from textrep.contextual.tagging.alignment import of_sentences, tagged_rows, windows, word_pieces
from textrep.contextual.tagging.module import NO_TAG, tag_collator

TEXTS = ["Ada Lovelace wrote unbelievable programmes", "the river Themse flows to the sea"] * 4
SENTENCES = [text.split() for text in TEXTS[:2]]


def tokenizer_of(architecture):
    size = 300 if architecture == "roberta" else 70
    return EncoderTokenizer.train(
        TEXTS, architecture=architecture, vocab_size=size, lowercase=False
    )


@given(st.lists(st.integers(1, 6), max_size=40), st.integers(6, 20))
def test_windows_hold_what_fits_and_tag_each_word_once(n_pieces, size):
    found = windows(n_pieces, size)
    tagged = [word for window in found for word in range(window.first, window.last)]
    assert tagged == list(range(len(n_pieces)))
    for window in found:
        assert window.start <= window.first <= window.last <= window.stop
        assert sum(n_pieces[window.start : window.stop]) <= size
    if n_pieces and sum(n_pieces) <= size:
        assert len(found) == 1


def test_a_word_is_tagged_where_more_of_its_surroundings_are_read():
    for before, after in zip(windows([1] * 100, 20)[:-1], windows([1] * 100, 20)[1:], strict=True):
        shared = range(after.start, before.stop)
        assert len(shared) == 5
        assert after.first - after.start in (2, 3)


@pytest.mark.parametrize("architecture", ["bert", "albert", "roberta"])
def test_pieces_of_words_are_those_of_the_whole_text(architecture):
    tokenizer = tokenizer_of(architecture)
    found = word_pieces(tokenizer, SENTENCES)
    for words, whole in zip(found, tokenizer.pieces(TEXTS[:2]), strict=True):
        assert np.concatenate(words).tolist() == whole.tolist()


def test_a_word_without_pieces_is_unknown():
    tokenizer = tokenizer_of("bert")
    ((blank, space, word),) = word_pieces(tokenizer, [["\u200b", " ", "Ada"]])
    assert blank.tolist() == space.tolist() == [tokenizer.unk_id]
    assert len(word)


@pytest.mark.parametrize("architecture", ["bert", "xlnet"])
@pytest.mark.parametrize("max_length", [5, 9, 64])
def test_the_first_piece_of_each_word_has_its_tag_and_nothing_else_has(architecture, max_length):
    tokenizer = tokenizer_of(architecture)
    size = {"num_layers": 1, "hidden_size": 8}
    encoder = Encoder.new(architecture, size, tokenizer, max_length=64)
    rows = tagged_rows(tokenizer, SENTENCES, max_length=max_length, cls_last=encoder.cls_last)
    tags = [np.arange(len(words)) for words in SENTENCES]
    batch = tag_collator(encoder, rows, tags)(np.arange(len(rows)))
    pieces = word_pieces(tokenizer, SENTENCES)
    seen = [[], []]
    for row, ids, labels in zip(rows, batch.rows.ids.numpy(), batch.tags.numpy(), strict=True):
        assert len(row.row.ids) <= max_length
        for place in np.flatnonzero(labels != NO_TAG):
            word = labels[place]
            assert ids[place] == pieces[row.sentence][word][0]
            seen[row.sentence].append(word)
    assert seen == [list(range(len(words))) for words in SENTENCES]


def test_labels_are_placed_as_transformers_documents_it(tmp_path):
    from transformers import AutoTokenizer

    tokenizer = tokenizer_of("bert")
    tokenizer.save(tmp_path)
    fast = AutoTokenizer.from_pretrained(tmp_path)
    given = fast(SENTENCES[0], is_split_into_words=True)
    (row, *_) = tagged_rows(tokenizer, SENTENCES, max_length=64, cls_last=False)
    assert row.row.ids.tolist() == given["input_ids"]
    numbers = given.word_ids()
    first = [i for i, n in enumerate(numbers) if n is not None and n not in numbers[:i]]
    assert row.places.tolist() == first


def test_what_windows_say_is_put_together_by_sentence():
    tokenizer = tokenizer_of("bert")
    sentences = [["Ada"] * 30, [], ["sea"]]
    rows = tagged_rows(tokenizer, sentences, max_length=8, cls_last=False)
    values = [range(row.window.first, row.window.last) for row in rows]
    assert of_sentences(rows, values, 3) == [list(range(30)), [], [0]]
