"""The switches of the cleaner, alone and together."""

from __future__ import annotations

import pickle
import string
import sys
import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.feature_extraction import text as sklearn_text
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import textrep
from textrep.preprocess import TextCleaner, stop_words
from textrep.preprocess.characters import strip_accents_ascii, strip_accents_unicode

OFF = {"case": None, "whitespace": False}


def clean(text, **parameters):
    """One text, with nothing on but what is named."""
    return TextCleaner(**{**OFF, **parameters}).transform([text])[0]


@given(st.text())
def test_with_all_switches_off_nothing_changes(text):
    assert clean(text) == text


@pytest.mark.parametrize(
    ("parameters", "text", "expected"),
    [
        ({"html": True}, "a <b>B</b><br />c &lt; d < e", "a B\nc < d < e"),
        ({"normalize": "NFC"}, "e\u0301", "é"),
        ({"normalize": "NFKC"}, "ﬁne №½", "fine No1⁄2"),
        ({"urls": ""}, "see http://a.org/b?c=d, or (www.e.com).", "see , or ()."),
        ({"urls": "URL"}, "HTTPS://A.org and ftp://b.c/d_e-f~g", "URL and URL"),
        ({"urls": "URL"}, "http:// www. swww.com a.b", "http:// www. swww.com a.b"),
        ({"emails": "MAIL"}, "to a.b+c@d-e.co.uk.", "to MAIL."),
        ({"emails": "MAIL"}, "@user a@b user@ a@b.", "@user a@b user@ a@b."),
        ({"case": "lower"}, "ÀÉ ẞ İ", "àé ß i̇"),
        ({"case": "fold"}, "Straße ẞ", "strasse ss"),
        ({"strip_accents": "unicode"}, "naïve Ç 文 ﬁ", "naive C 文 fi"),
        ({"strip_accents": "ascii"}, "naïve Ç 文 ﬁ", "naive C  fi"),
        ({"stop_words": "english"}, "The day and (THE) night, thes", " day  () night, thes"),
        ({"stop_words": ["don't", "he"]}, "Don't, he's not hell", ", 's not hell"),
        ({"punctuation": ""}, "it's (so) much... «text» — ¿no?", "its so much text  no"),
        ({"punctuation": " "}, "it's... done!", "it s  done "),
        ({"symbols": ""}, "1 + 1 = 2 € $5 🙂 a~b ^", "1  1  2  5  ab "),
        ({"digits": ""}, "a1b22 ٣٤ ½²", "ab  ½²"),
        ({"digits": "0"}, "in 1984, 3.14", "in 0, 0.0"),
        ({"digits": r"\d\1"}, "a1", r"a\d\1"),
        ({"whitespace": True}, "\t a\u00a0\u2003 b\r\n\x85c \n", "a b c"),
    ],
)
def test_each_switch_does_its_own(parameters, text, expected):
    assert clean(text, **parameters) == expected


def test_steps_are_taken_in_the_order_of_the_parameters():
    cleaner = TextCleaner(
        html=True,
        normalize="NFKC",
        urls="URL",
        emails=" ",
        case="lower",
        strip_accents="unicode",
        stop_words=["DÉJÀ", "Url"],
        punctuation=" ",
        symbols="",
        digits="<n>",
        whitespace=True,
    )
    texts = [
        # An entity makes the address; the address is a stop word by the time of those.
        "<p>D&eacute;j&agrave; VU&#33;</p> http&#58;//a.org <i>me@b.org</i> ＡＢＣ-１２ $3",
        "",
    ]
    assert cleaner.fit_transform(texts) == ["vu abc <n> <n>", ""]
    assert list(TextCleaner().get_params(deep=False)) == sorted(TextCleaner().get_params())


def test_a_language_is_cleaned_before_its_stop_words_are_looked_for():
    text = "ÉTÉ et hiver"
    assert clean(text, strip_accents="unicode", case="lower", stop_words=["été", "et"]).split() == [
        "hiver"
    ]


@given(st.text())
def test_accents_are_stripped_as_scikit_learn_does(text):
    assert strip_accents_unicode(text) == sklearn_text.strip_accents_unicode(text)
    assert strip_accents_ascii(text) == sklearn_text.strip_accents_ascii(text)


def test_every_character_is_in_the_class_that_unicode_puts_it_in():
    every = [chr(code) for code in range(sys.maxunicode + 1)]
    category = [unicodedata.category(character)[0] for character in every]
    # With and without characters beyond U+FFFF, which take another way.
    for stop in (0x10000, len(every)):
        text = "".join(every[:stop])
        for name, initial in (("punctuation", "P"), ("symbols", "S")):
            kept = [c for c, kind in zip(every[:stop], category, strict=False) if kind != initial]
            assert clean(text, **{name: ""}) == "".join(kept)
        assert strip_accents_unicode(text) == sklearn_text.strip_accents_unicode(text)


def test_punctuation_and_symbols_together_are_those_of_the_string_module():
    assert clean(string.punctuation, punctuation="", symbols="") == ""


SWITCHES = st.fixed_dictionaries(
    {},
    optional={
        "html": st.booleans(),
        "normalize": st.sampled_from([None, "NFC", "NFD", "NFKC", "NFKD"]),
        "urls": st.sampled_from(["", " ", "U", "\n"]),
        "emails": st.sampled_from(["", " ", "E"]),
        "case": st.sampled_from([None, "lower", "fold"]),
        "strip_accents": st.sampled_from([None, "ascii", "unicode"]),
        "stop_words": st.sampled_from([["the", "don't", "σας"], "english"]),
        "punctuation": st.sampled_from(["", " ", " ", "\n", ". "]),
        "symbols": st.sampled_from(["", " ", " "]),
        "digits": st.sampled_from(["", "0", "\n0 "]),
    },
)
FRAGMENTS = st.sampled_from(
    "the don't THE The, http://a.b/c. www.x.y me@b.c 12 3.4 <b> </p> <br/> &amp; a<b ΣΑΣ σας ﬁ´ é "
    "e\u0301 \u0301 \u0327 İ ß ẞ ... -- ' ’ _ $ 🙂 \U00010400 \u1680 \u2003 \x85 \x1c \xa0".split(
        " "
    )
)
PIECES = st.lists(st.one_of(FRAGMENTS, st.text(max_size=3), st.sampled_from(" \n\t_\x01-"))).map(
    "".join
)


@given(SWITCHES, st.lists(PIECES, max_size=3))
def test_the_short_cut_gives_the_same_answers(switches, texts):
    # It is taken only where white space is collapsed.
    plain = [text.encode("ascii", "ignore").decode() for text in texts]
    for given_ in (texts, plain):
        apart = TextCleaner(**switches, whitespace=False).transform(given_)
        together = TextCleaner(**switches, whitespace=True).transform(given_)
        assert together == [" ".join(text.split()) for text in apart]


@given(st.text(alphabet="ab.,!?+=🙂\U00010400€"))
def test_a_run_is_replaced_once(text):
    expected = "".join(
        # The definition: one mark for each longest run of punctuation.
        character
        if unicodedata.category(character)[0] != "P"
        else ("#" if place == 0 or unicodedata.category(text[place - 1])[0] != "P" else "")
        for place, character in enumerate(text)
    )
    assert clean(text, punctuation="#") == expected


@given(st.text(alphabet="the and not of day \u00e9'\n.,", max_size=60))
def test_what_is_left_has_the_tokens_that_a_vectoriser_keeps(text):
    analyze = sklearn_text.CountVectorizer(stop_words="english").build_analyzer()
    plain = sklearn_text.CountVectorizer().build_analyzer()
    assert plain(clean(text, case="lower", stop_words="english")) == analyze(text)


def test_stop_words_can_be_any_collection():
    for words in (["the"], ("the",), {"the"}, frozenset({"the"}), np.array(["the"])):
        assert clean("the day", stop_words=words) == " day"
    assert stop_words("english") >= {"the"}


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"html": "yes"}, "html='yes'; expected False or True"),
        ({"whitespace": 1}, "whitespace=1"),
        ({"normalize": "NFX"}, "normalize='NFX'; expected None, 'NFC'"),
        ({"case": "upper"}, "case='upper'; expected None, 'lower' or 'fold'"),
        ({"case": []}, r"case=\[\]"),
        ({"strip_accents": "greek"}, "strip_accents='greek'"),
        ({"punctuation": True}, "punctuation=True; expected None to keep them, or a str"),
        ({"digits": 0}, "digits=0"),
        ({"urls": b""}, "urls=b''"),
        ({"stop_words": 3}, "stop_words=3"),
        ({"stop_words": ["a", 3]}, r"stop_words\[1\] is 3"),
        ({"stop_words": iter(["a"])}, "only once; give a list"),
    ],
)
def test_wrong_parameters_are_named(parameters, named):
    for method in ("fit", "transform"):
        with pytest.raises(ValueError, match=named):
            getattr(TextCleaner(**parameters), method)(["a text"])


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("a text", "single str"),
        (None, "None"),
        (["a", None], r"texts\[1\] is None"),
        (["a", float("nan")], r"texts\[1\] is nan"),
        (pd.DataFrame({"a": ["b"]}), "Select a column"),
    ],
)
def test_what_is_no_text_is_named(wrong, named):
    for method in ("fit", "transform", "fit_transform"):
        with pytest.raises(textrep.TextInputError, match=named):
            getattr(TextCleaner(), method)(wrong)


def test_halves_of_surrogate_pairs_are_kept():
    everything = {
        "html": True,
        "case": "lower",
        "urls": "",
        "emails": "",
        "punctuation": "",
        "symbols": "",
        "digits": "",
        "stop_words": "english",
        "whitespace": True,
    }
    assert clean("A \ud800, the \udfff\U0001f642 b", **everything) == "\ud800 \udfff b"


def test_a_long_run_is_not_searched_from_each_of_its_places():
    # Quadratic search would take hours.
    for piece in ("a", "a.", "@", "a@", "www.", "http://", "http://!", "'", "a'", "."):
        text = piece * (2**20 // len(piece))
        assert isinstance(clean(text, urls="", emails="", stop_words=["b"], punctuation=""), str)


def test_copies_answer_alike(tmp_path):
    cleaner = TextCleaner(stop_words=["so"], digits="0", html=True)
    texts = ["So <b>much</b> 12"]
    copies = [
        clone(cleaner),
        pickle.loads(pickle.dumps(cleaner)),
        textrep.load(cleaner.save(tmp_path / "cleaner.textrep")),
    ]
    for copy in copies:
        assert copy.get_params() == cleaner.get_params()
        assert copy.transform(texts) == cleaner.transform(texts) == ["much 0"]


def test_it_stands_before_a_vectoriser_in_a_pipeline():
    texts = ["good &amp; <b>fine</b>", "bad"] * 4
    pipeline = make_pipeline(
        TextCleaner(html=True), textrep.TfidfVectorizer(), LogisticRegression()
    )
    pipeline.fit(texts, [1, 0] * 4)
    assert set(pipeline[1].vocabulary_) == {"good", "fine", "bad"}
    assert list(pipeline.predict(["<i>good</i>"])) == [1]
    pipeline.set_params(textcleaner__case=None)
    assert pipeline.get_params()["textcleaner__case"] is None
