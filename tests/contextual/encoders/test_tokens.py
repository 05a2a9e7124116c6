"""Texts as encoders read them, beside transformers' own tokenizers."""

from __future__ import annotations

import functools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from tests.contextual.encoders.toys import TEXTS, tokenizer_for
from textrep.contextual.encoders import ARCHITECTURES, EncoderTokenizer
from textrep.contextual.encoders.layouts import cut_longest_first
from textrep.core.text import TextInputError
from textrep.preprocess import SubwordTokenizer

transformers = pytest.importorskip("transformers")

PAIRS = [text[::-1] for text in TEXTS]
kept_tokenizer = functools.cache(tokenizer_for)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_saved_files_give_transformers_the_same_ids_and_types(architecture, tmp_path):
    ours = tokenizer_for(architecture)
    ours.save(tmp_path, max_length=12)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for pairs in (None, PAIRS):
        rows = ours.rows(TEXTS, pairs, max_length=12)
        encoded = theirs(TEXTS, pairs, truncation=True, max_length=12)
        assert [row.ids.tolist() for row in rows] == encoded["input_ids"]
        if "token_type_ids" in encoded:
            assert [row.types.tolist() for row in rows] == encoded["token_type_ids"]
    assert theirs.mask_token_id == ours.mask_id
    assert theirs.pad_token_id == ours.pad_id
    assert theirs.model_max_length == 12


@pytest.mark.parametrize("architecture", ["bert", "roberta", "xlnet"])
def test_what_transformers_loaded_reads_as_before(architecture, tmp_path):
    ours = tokenizer_for(architecture)
    ours.save(tmp_path)
    again = EncoderTokenizer(transformers.AutoTokenizer.from_pretrained(tmp_path))
    assert again.layout == ours.layout
    for mine, other in zip(
        ours.rows(TEXTS, PAIRS, max_length=20), again.rows(TEXTS, PAIRS, max_length=20), strict=True
    ):
        assert mine.ids.tolist() == other.ids.tolist()
        assert mine.types.tolist() == other.types.tolist()


def test_the_longer_of_a_pair_is_cut_first_as_one_token_at_a_time():
    for first in range(0, 9):
        for second in range(0, 9):
            for room in range(2, 12):
                kept = [first, second]
                while sum(kept) > room:
                    kept[0 if kept[0] > kept[1] else 1] -= 1
                found = cut_longest_first(first, second, room)
                assert sum(found) == min(room, first + second)
                assert sorted(found) == sorted(kept)
                assert found[0] <= first
                assert found[1] <= second


def test_words_begin_where_pieces_do_not_go_on():
    tokenizer = EncoderTokenizer(
        SubwordTokenizer(
            model="wordpiece",
            vocab_size=60,
            special_tokens=("[PAD]", "[CLS]", "[SEP]", "[MASK]"),
        ).fit(TEXTS)
    )
    row = tokenizer.rows(["little fox, lazy"], max_length=40)[0]
    words = [tokenizer.tokens[i] for i in row.ids]
    assert any(word.startswith("##") for word in words)
    assert tokenizer.word_starts(row.ids).tolist() == [not w.startswith("##") for w in words]


@pytest.mark.parametrize("architecture", ["albert", "roberta"])
def test_words_begin_at_spaces_where_there_are_no_hashes(architecture):
    tokenizer = tokenizer_for(architecture)
    row = tokenizer.rows(["banana flies xyzzy"], max_length=40)[0]
    mark = "▁" if architecture == "albert" else "Ġ"
    words = [tokenizer.tokens[i] for i in row.ids]
    starts = tokenizer.word_starts(row.ids)
    assert starts.sum() == 2 + 3  # two special tokens and three words
    assert all(starts[i] for i, word in enumerate(words) if word.startswith(mark))


def test_a_text_that_spells_special_tokens_out_has_none():
    tokenizer = tokenizer_for("bert")
    row = tokenizer.pieces(["so [MASK] [CLS] [SEP] [PAD]"])[0]
    # [UNK] stands for the brackets, which no text had.
    assert not np.isin(row, np.setdiff1d(tokenizer.special_ids, [tokenizer.unk_id])).any()


@pytest.mark.parametrize("architecture", ["bert", "albert", "roberta"])
def test_the_mask_token_is_read_where_it_is_asked_for_and_no_other(architecture):
    tokenizer = tokenizer_for(architecture)
    text = f"so {tokenizer.mask_token} text"
    found = tokenizer.pieces([text], masked=True)[0]
    assert (found == tokenizer.mask_id).sum() == 1
    around = tokenizer.pieces([f"{tokenizer.tokens[tokenizer.sep_id]} text"], masked=True)[0]
    assert tokenizer.sep_id not in around


def test_special_and_ordinary_tokens_are_all_there_are():
    tokenizer = tokenizer_for("bert")
    both = np.concatenate([tokenizer.special_ids, tokenizer.ordinary_ids])
    assert sorted(both.tolist()) == list(range(tokenizer.size))
    assert {tokenizer.pad_id, tokenizer.cls_id, tokenizer.sep_id, tokenizer.mask_id} <= set(
        tokenizer.special_ids.tolist()
    )


def test_pickle_state_and_copies_read_alike():
    tokenizer = tokenizer_for("albert")
    for again in (
        pickle.loads(pickle.dumps(tokenizer)),
        EncoderTokenizer.from_state(tokenizer.state()),
        clone(tokenizer, safe=False),
    ):
        assert again.pieces(TEXTS)[1].tolist() == tokenizer.pieces(TEXTS)[1].tolist()
        assert again.layout == tokenizer.layout


def test_what_is_no_tokenizer_of_an_encoder_is_refused():
    plain = SubwordTokenizer(model="wordpiece", vocab_size=60).fit(TEXTS)
    with pytest.raises(ValueError, match="no pad token"):
        EncoderTokenizer(plain)
    with pytest.raises(ValueError, match="tokenizer must be"):
        EncoderTokenizer(3)
    with pytest.raises(ValueError, match="layout"):
        EncoderTokenizer.from_state({**tokenizer_for("bert").state(), "layout": "t5"})
    with pytest.raises(ValueError, match="state"):
        EncoderTokenizer.from_state({})


def test_wrong_texts_and_lengths_are_refused():
    tokenizer = tokenizer_for("bert")
    with pytest.raises(TextInputError):
        tokenizer.rows(["so", None], max_length=8)
    with pytest.raises(ValueError, match="max_length must be an integer of at least 3"):
        tokenizer.rows(["so"], max_length=2)
    with pytest.raises(ValueError, match="1 texts and 2 second"):
        tokenizer.rows(["so"], ["much", "text"], max_length=9)
    assert len(tokenizer.rows(["so much text"], max_length=3)[0].ids) == 3
    assert tokenizer.rows([""], max_length=8)[0].ids.tolist() == [
        tokenizer.cls_id,
        tokenizer.sep_id,
    ]


WORDS = st.sampled_from(
    ["so", "much", "text", "[MASK]", "日本語", "x" * 90, " ", "\n", "\u00a0", ""]
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(WORDS, max_size=40).map(" ".join), min_size=1, max_size=4),
    st.sampled_from(["bert", "albert", "roberta", "xlnet"]),
    st.integers(3, 20),
    st.booleans(),
)
def test_rows_of_the_beginning_of_a_text_are_those_of_all_of_it(texts, layout, length, masked):
    tokenizer = kept_tokenizer(layout)
    rows = tokenizer.rows(texts, max_length=length, masked=masked)
    whole = tokenizer.pieces(texts, masked=masked)
    expected = [tokenizer.row(pieces, max_length=length) for pieces in whole]
    assert [row.ids.tolist() for row in rows] == [row.ids.tolist() for row in expected]


def test_the_same_texts_give_the_same_tokenizer():
    one, other = (EncoderTokenizer.train(TEXTS, vocab_size=80).state() for _ in range(2))
    assert one == other
