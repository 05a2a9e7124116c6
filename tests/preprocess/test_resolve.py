"""What `stemmer=` and `spelling=` can be."""

from __future__ import annotations

import pytest
from nltk.stem import PorterStemmer, SnowballStemmer
from sklearn.exceptions import NotFittedError

from textrep.preprocess import SpellingCorrector, Stemmer, resolve_spelling, resolve_stemmer

WORDS = ["running", "flies"]


@pytest.mark.parametrize("resolve", [resolve_stemmer, resolve_spelling])
def test_none_is_none(resolve):
    assert resolve(None) is None


@pytest.mark.parametrize(
    "value",
    ["english", Stemmer(), SnowballStemmer("english"), SnowballStemmer("english").stem],
    ids=["language", "Stemmer", "object with stem", "function"],
)
def test_a_stemmer_can_be_any_of_these(value):
    assert resolve_stemmer(value)(WORDS) == ["run", "fli"]


def test_a_spelling_corrector_can_be_any_of_these():
    class Corrects:
        def correct(self, word):
            return {"teh": "the"}.get(word, word)

    fitted = SpellingCorrector().fit(["the"])
    given = SpellingCorrector(dictionary={"the": 1})
    for value in (fitted, given, Corrects(), Corrects().correct, "english"):
        assert resolve_spelling(value)(["teh", "the"]) == ["the", "the"]


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("klingon", "stemmer='klingon'.*known are arabic"),
        (Stemmer(language="klingon"), "language='klingon'"),
        (Stemmer, r"stemmer=Stemmer is a class.*Stemmer\(\)"),
        (PorterStemmer, "is a class"),
        (3, r"stemmer=3 \(int\); expected the name of a language"),
        (["run"], r"stemmer=\['run'\] \(list\)"),
    ],
)
def test_what_is_no_stemmer_is_refused(value, named):
    with pytest.raises(ValueError, match=named):
        resolve_stemmer(value)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("german", "spelling='german'.*fit a SpellingCorrector"),
        (SpellingCorrector, "is a class"),
        (SpellingCorrector(dictionary="german"), "dictionary='german'"),
        ({"teh": "the"}, r"\(dict\); expected 'english', a SpellingCorrector"),
    ],
)
def test_what_is_no_spelling_corrector_is_refused(value, named):
    with pytest.raises(ValueError, match=named):
        resolve_spelling(value)


def test_a_corrector_that_knows_no_words_is_refused():
    with pytest.raises(NotFittedError, match="dictionary='english'"):
        resolve_spelling(SpellingCorrector())


def test_answers_that_are_no_words_are_named():
    with pytest.raises(ValueError, match=r"stemmer gave None \(NoneType\) for the word 'flies'"):
        resolve_stemmer({"running": "run"}.get)(WORDS)

    class Drops:
        def stem_words(self, words):
            return words[1:]

    with pytest.raises(ValueError, match="1 answers to 2 words"):
        resolve_stemmer(Drops())(WORDS)
