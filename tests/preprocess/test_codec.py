"""`TextCodec`: what becomes of texts at each level, there and back."""

from __future__ import annotations

import copy
import json
import pickle
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrep.core.text import TextInputError
from textrep.preprocess import TextCodec
from textrep.preprocess.codec import LEVELS, SPECIALS

TEXTS = [
    "So much text, so little time!",
    "Ähnlich naïve 文字 ging es weiter; don't <eos> ask.",
    "",
    "so much (so very much) of it",
]

EVERY_CHARACTER_TWICE = "".join(map(chr, range(32, 0x250))) * 2


def codec_of(level, texts=TEXTS, **params):
    return TextCodec(level=level, vocab_size=300, **params).fit(texts)


every_level = pytest.mark.parametrize("level", LEVELS)

CHARACTERS = codec_of("character", [EVERY_CHARACTER_TWICE])
SUBWORDS = codec_of("subword")
texts_of_known_characters = st.text(st.sampled_from(EVERY_CHARACTER_TWICE))
any_text = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts_of_known_characters)
def test_characters_come_back_as_they_were(text):
    assert CHARACTERS.decode(CHARACTERS.encode(text)) == text


@given(any_text)
@settings(deadline=None)
def test_subwords_give_back_any_text_and_know_all_of_it(text):
    ids = SUBWORDS.encode(text)
    assert (ids >= len(SPECIALS)).all()
    assert SUBWORDS.decode(ids) == text


@given(any_text)
def test_bytes_are_those_of_utf_8_whatever_was_learnt(text):
    codec = codec_of("byte", [""])
    assert (codec.encode(text) - len(SPECIALS)).tolist() == list(text.encode())
    assert codec.decode(codec.encode(text)) == text
    assert len(codec) == 256 + len(SPECIALS)


def test_bytes_are_shown_as_those_of_subwords_are():
    units = codec_of("byte").words[len(SPECIALS) :]
    assert set(units) <= set(codec_of("subword", ["so much"]).words)
    assert codec_of("byte").tokens("ä b") == ["Ã", "¤", "Ġ", "b"]


def test_half_a_surrogate_pair_or_half_a_character_of_bytes_is_a_replacement():
    codec = codec_of("byte")
    assert codec.decode(codec.encode("a\ud800")) == "a\ufffd"
    assert codec.decode(codec.encode("ä")[:1]) == "\ufffd"


@given(st.lists(st.sampled_from(["so", "much", "text", "don't", "it", "文字"])))
def test_words_come_back_with_single_spaces(words):
    for level in ("word", "whitespace"):
        codec = codec_of(level, [*TEXTS, "text it so 文字"])
        assert codec.decode(codec.encode("  ".join(words))) == " ".join(words)


@every_level
def test_the_first_numbers_are_the_specials_and_no_text_is_encoded_to_them(level):
    spelled = " ".join(SPECIALS)
    codec = codec_of(level, [*TEXTS, spelled])
    assert (codec.PAD, codec.UNK, codec.BOS, codec.EOS) == (0, 1, 2, 3)
    assert codec.words[:4] == list(SPECIALS)
    assert codec.encode(spelled).min() >= 4


@every_level
def test_a_text_that_was_never_seen_has_numbers(level):
    codec = codec_of(level)
    for text in ("☃ ☃☃", "", "\ud800", "a\x00b", "😀" * 3, " "):
        ids = codec.encode(text)
        assert ids.dtype == np.int32
        assert ids.max(initial=0) < len(codec)
        assert isinstance(codec.decode(ids), str)


@pytest.mark.parametrize("level", [level for level in LEVELS if level != "byte"])
def test_units_stand_by_falling_frequency_and_else_in_the_order_met(level):
    codec = codec_of(level)
    counts = Counter(number for text in TEXTS for number in codec.encode(text).tolist())
    frequencies = [counts[number] for number in range(4, len(codec))]
    assert frequencies == sorted(frequencies, reverse=True)
    assert codec_of("whitespace", ["b a", "c a"]).words[4:] == ["a", "b", "c"]


def test_the_number_of_characters_and_words_is_a_count_of_the_standard_library():
    assert codec_of("character").words[4:] == [
        unit for unit, _ in Counter("".join(TEXTS)).most_common()
    ]
    lowered = codec_of("whitespace", lowercase=True)
    assert lowered.words[4:] == [
        u for u, _ in Counter(" ".join(TEXTS).lower().split()).most_common()
    ]


def test_rare_words_and_those_beyond_the_limit_are_unknown():
    codec = codec_of("word", ["a a a b b c"], min_count=2)
    assert codec.words[4:] == ["a", "b"]
    assert codec.encode("a c").tolist() == [4, codec.UNK]
    assert codec.decode([4, codec.UNK]) == "a <unk>"
    assert codec_of("word", ["a a a b b c"], max_vocabulary=1).words[4:] == ["a"]
    assert codec_of("character", ["ab"]).decode([1, 4]) == "\ufffda"


def test_padding_start_and_end_are_left_out_of_the_text():
    assert codec_of("character", ["ab"]).decode([2, 4, 5, 3, 0]) == "ab"
    assert SUBWORDS.decode([2, *SUBWORDS.encode("so"), 3, 0]) == "so"


def test_words_are_cut_at_punctuation_and_apostrophes_stay_inside():
    assert codec_of("word").tokens("Don't stop—it's 3.5!") == [
        *("Don't", "stop", "—", "it's", "3", ".", "5", "!")
    ]
    assert codec_of("word", token_pattern=r"(\w)\w*").tokens("So much") == ["S", "m"]
    assert codec_of("whitespace").tokens("<unk> N 's") == ["<unk>", "N", "'s"]


@every_level
def test_all_texts_at_once_are_each_text_alone(level):
    codec = codec_of(level)
    texts = TEXTS * 1500  # more than are numbered at a time
    for ids, text in zip(codec.encode_all(texts)[-5:], texts[-5:], strict=True):
        np.testing.assert_array_equal(ids, codec.encode(text))
    assert codec.encode_all([]) == []


@every_level
def test_its_state_is_json_and_makes_the_same_codec(level):
    codec = codec_of(level, lowercase=True)
    state = json.loads(json.dumps(codec.state()))
    for other in (
        TextCodec.from_state(state),
        pickle.loads(pickle.dumps(codec)),
        copy.deepcopy(codec),
    ):
        assert other.words == codec.words
        assert other.state() == codec.state()
        np.testing.assert_array_equal(other.encode(TEXTS[1]), codec.encode(TEXTS[1]))
        assert other.decode(other.encode(TEXTS[3])) == codec.decode(codec.encode(TEXTS[3]))


@pytest.mark.parametrize(
    "change",
    [
        {"words": ["a", "a"]},
        {"words": []},
        {"words": ["a", 3]},
        {"words": "ab"},
        {"level": "letters"},
        {"min_count": 0},
        {"level": "character", "words": ["ab"]},
        {"level": "subword"},
        {"level": "subword", "tokenizer": "{}", "order": [0]},
    ],
)
def test_a_state_that_is_none_is_refused(change):
    with pytest.raises(ValueError, match=r"TextCodec|expected|must be"):
        TextCodec.from_state({**codec_of("word").state(), **change})
    with pytest.raises(ValueError, match="state"):
        TextCodec.from_state({"level": "word"})


def test_an_order_of_subwords_that_is_none_is_refused():
    state = SUBWORDS.state()
    with pytest.raises(ValueError, match="order"):
        TextCodec.from_state({**state, "order": [0] * len(state["order"])})


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"level": "letter"}, "level='letter'"),
        ({"lowercase": 1}, "lowercase"),
        ({"min_count": 0}, "min_count"),
        ({"max_vocabulary": 0}, "max_vocabulary"),
        ({"level": "subword", "vocab_size": 259}, "vocab_size must be an integer of at least 260"),
        ({"token_pattern": "("}, "token_pattern"),
        ({"token_pattern": r"(\w)(\w)"}, "2 groups"),
        ({"token_pattern": 3}, "token_pattern"),
    ],
)
def test_a_parameter_out_of_range_is_named(params, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        TextCodec(**params)


@every_level
def test_wrong_texts_get_a_clear_error(level):
    for wrong in ("text", None, [None], [3], []):
        with pytest.raises(TextInputError):
            TextCodec(level=level).fit(wrong)
    with pytest.raises(ValueError, match="call fit"):
        TextCodec(level=level).encode("text")


def test_texts_without_a_unit_get_a_clear_error():
    for level in ("character", "word", "whitespace"):
        with pytest.raises(ValueError, match=level):
            TextCodec(level=level).fit(["", ""])
    with pytest.raises(ValueError, match="min_count=9"):
        TextCodec(min_count=9).fit(TEXTS)


def test_half_a_surrogate_pair_is_a_character_but_no_subword():
    assert codec_of("character", ["a\ud800"]).decode([5]) == "\ud800"
    with pytest.raises(TextInputError, match="surrogate"):
        codec_of("subword", ["a\ud800"])


def test_a_number_without_a_unit_is_refused():
    for ids in ([4, 1000], [-1]):
        with pytest.raises(ValueError, match="expected a number of 0 to"):
            codec_of("word").decode(ids)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("text", [None, b"so", ["so"], 3, float("nan")])
def test_a_single_text_is_a_str(level, text):
    codec = TextCodec(level=level, vocab_size=300).fit(["so much"])
    for method in (codec.encode, codec.tokens):
        with pytest.raises(TextInputError, match="text must be a single str here"):
            method(text)
