"""Spelling beside published figures and brute force."""

from __future__ import annotations

import gzip
import importlib.resources
import pickle
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import textrep
from tests.preprocess import data
from textrep.preprocess import SpellingCorrector
from textrep.preprocess.dictionary import Dictionary, english_words
from textrep.preprocess.edits import WEIGHTS, score, slips

TEXT = "the quick brown fox jumps over the lazy dog and the other animals separate their access"


@pytest.fixture(scope="module")
def corrector():
    return SpellingCorrector().fit([TEXT])


# Norvig reports 75 % of 270 and 68 % of 400 for his corrector.
@pytest.mark.slow
@pytest.mark.parametrize(("number", "cases", "published"), [(1, 270, 0.75), (2, 400, 0.68)])
def test_the_test_sets_of_norvig_are_put_right_as_often_as_by_his(number, cases, published):
    folder = data.folder("spelling")
    pairs = []
    for line in (folder / f"spell-testset{number}.txt").read_text("utf-8").splitlines():
        right, _, wrong = line.partition(":")
        pairs += [(right.strip(), word) for word in wrong.split()]
    assert len(pairs) == cases
    with gzip.open(folder / "big.txt.gz", "rt", encoding="utf-8", errors="replace") as file:
        learnt = SpellingCorrector().fit([file.read()])
    for corrector in (learnt, SpellingCorrector(dictionary="english")):
        answers = corrector.correct_words([wrong for _, wrong in pairs])
        correct = sum(a == right for a, (right, _) in zip(answers, pairs, strict=True))
        assert correct / cases >= published


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("quikc", "quick"),  # swapped
        ("brwn", "brown"),  # missing
        ("juumps", "jumps"),  # extra
        ("lezy", "lazy"),  # replaced
        ("seperat", "separate"),  # two
        ("fox", "fox"),  # known
        ("zzzzzz", "zzzzzz"),  # near nothing
    ],
)
def test_slips_are_put_right(corrector, wrong, right):
    assert corrector.correct(wrong) == right


@cache
def distance(a, b):
    """Edit distance by its definition, of the optimal string alignment."""
    if not a or not b:
        return len(a) + len(b)
    ways = [distance(a[1:], b) + 1, distance(a, b[1:]) + 1, distance(a[1:], b[1:]) + (a[0] != b[0])]
    if len(a) > 1 and len(b) > 1 and a[0] == b[1] and a[1] == b[0]:
        ways.append(distance(a[2:], b[2:]) + 1)
    return min(ways)


SHORT = st.text(alphabet="abcé", min_size=1, max_size=6)


@given(SHORT, SHORT)
def test_slips_are_as_many_as_the_edit_distance(a, b):
    found = slips(a, b)
    marks = {"first letter": a[0] != b[0], "further": max(0, distance(a, b) - 1)}
    assert all(found[mark] == count for mark, count in marks.items())
    assert found.total() - sum(map(int, marks.values())) == distance(a, b)


@pytest.mark.parametrize(
    ("written", "candidate", "expected"),
    [
        ("acess", "access", {"double missing"}),
        ("acccess", "access", {"double extra"}),
        ("axcess", "access", {"other"}),
        ("eccess", "access", {"vowel", "first letter"}),
        ("acecss", "access", {"swapped"}),
        ("acces", "access", {"double missing"}),
        ("accesst", "access", {"extra"}),
        ("acess", "aces", {"double extra"}),
        ("cafè", "café", {"vowel"}),
    ],
)
def test_slips_have_their_kinds(written, candidate, expected):
    assert set(slips(written, candidate)) == expected <= set(WEIGHTS)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(SHORT, st.integers(1, 99), min_size=1, max_size=8), SHORT, st.integers(1, 3))
def test_of_the_words_near_enough_the_best_one_is_chosen(words, word, largest):
    corrector = SpellingCorrector(dictionary=words, max_edit_distance=largest)
    letters = set("".join(words))
    near = [
        known
        for known in words
        if distance(word, known) <= min(largest, len(word) - 1) and letters.issuperset(word)
    ]
    expected = word
    if word not in words and near:
        expected = min(near, key=lambda known: (-score(word, known, words[known]), known))
    assert corrector.correct(word) == expected


def test_case_and_all_between_the_words_is_kept(corrector):
    texts = ["Teh QUIKC brwn-fox,\n jumpps\tover 3 lazyy dgos!", ""]
    assert corrector.transform(texts) == ["The QUICK brown-fox,\n jumps\tover 3 lazy dog!", ""]


@pytest.mark.parametrize(
    "word", ["", "x", "7", "1st", "2nd", "文字", "naïve", "\ud800", "te\udfffh", "_", "qu_ck", "🙂"]
)
def test_what_is_no_misspelt_word_is_left_alone(corrector, word):
    assert corrector.correct(word) == word
    assert SpellingCorrector(dictionary="english").correct(word) == word


def test_long_tokens_are_neither_learnt_nor_looked_up(monkeypatch):
    corrector = SpellingCorrector().fit([TEXT, "z" * 100_000])
    assert "z" * 100_000 not in corrector.words_
    asked = []
    monkeypatch.setattr(Dictionary, "_correct", lambda self, word: asked.append(word) or word)
    word = "thee" * 250_000
    assert corrector.correct_words([word, "thee"]) == [word, "thee"]
    assert asked == ["thee"]


def test_words_of_other_alphabets_are_put_right_where_they_were_learnt():
    corrector = SpellingCorrector().fit(["schöne Häuser", "красивые дома"])
    assert corrector.transform(["schönne Häusre красвые"]) == ["schöne Häuser красивые"]


def test_counts_are_those_of_the_texts_in_lower_case():
    texts = ["So so MUCH, much 2nd text.", "Much ado"]
    words = SpellingCorrector().fit(texts).words_
    assert words == {"so": 2, "much": 3, "text": 1, "ado": 1}
    assert SpellingCorrector(min_count=2).fit(texts).words_ == {"so": 2, "much": 3}
    counted = Counter(["So", "so", "much", "2nd"])
    assert SpellingCorrector().fit_counts(counted).words_ == {"so": 2, "much": 1}


def test_the_dictionary_of_the_library_is_that_of_symspellpy():
    from symspellpy import SymSpell

    peer = SymSpell()
    file = importlib.resources.files("symspellpy") / "frequency_dictionary_en_82_765.txt"
    peer.load_dictionary(file, 0, 1, encoding="utf-8-sig")
    assert dict(english_words()) == peer.words


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"dictionary": "german"}, "dictionary='german'"),
        ({"dictionary": ["the"]}, "dictionary="),
        ({"dictionary": {}}, "dictionary is empty"),
        ({"dictionary": {"the": 0}}, r"dictionary\['the'\] is 0"),
        ({"dictionary": {"the": True}}, "is True"),
        ({"dictionary": {3: 1}}, "the word 3"),
        ({"max_edit_distance": 0}, "max_edit_distance=0; expected an int from 1 to 3"),
        ({"max_edit_distance": 4}, "max_edit_distance=4"),
        ({"max_edit_distance": "2"}, "max_edit_distance='2'"),
        ({"min_count": 0}, "min_count=0"),
        ({"min_count": 1.5}, "min_count=1.5"),
        ({"token_pattern": "("}, "token_pattern"),
    ],
)
def test_wrong_parameters_are_named(parameters, named):
    with pytest.raises(ValueError, match=named):
        SpellingCorrector(**parameters).fit([TEXT])


def test_texts_without_words_are_refused():
    with pytest.raises(ValueError, match="no word to learn"):
        SpellingCorrector().fit(["", "1 2 3"])
    with pytest.raises(ValueError, match="min_count=9"):
        SpellingCorrector(min_count=9).fit([TEXT])


def test_without_words_it_says_so():
    for method, given_ in (("transform", [TEXT]), ("correct", "the"), ("correct_words", ["the"])):
        with pytest.raises(NotFittedError, match="call fit"):
            getattr(SpellingCorrector(), method)(given_)


def test_fitting_again_forgets_the_words_before():
    corrector = SpellingCorrector().fit(["apple"])
    assert corrector.correct("aple") == "apple"
    assert corrector.fit(["maple"]).correct("aple") == "maple"
    assert corrector.set_params(max_edit_distance=1).correct("mapel") == "maple"


def test_copies_answer_alike(corrector, tmp_path):
    loaded = textrep.load(corrector.save(tmp_path / "words.textrep"))
    pickled = pickle.loads(pickle.dumps(corrector))
    for copy in (loaded, pickled):
        assert copy.words_ == corrector.words_
        assert copy.transform(["teh quikc"]) == ["the quick"]
    assert not hasattr(clone(corrector), "words_")
    # The index would be a hundred times the words.
    assert "_index" not in pickled.__getstate__()


@pytest.mark.parametrize("words", [{"the": -1}, {"the": "1"}, {}, ["the"], {"": 1}])
def test_a_file_with_wrong_words_is_refused(corrector, tmp_path, words):
    path = SpellingCorrector().fit(["the"]).save(tmp_path / "words.textrep")
    assert textrep.load(data.with_state(path, words_={"a": 1})).words_ == {"a": 1}
    with pytest.raises(textrep.PersistError, match="words"):
        textrep.load(data.with_state(path, words_=words))


def test_threads_that_share_a_corrector_get_the_same_words():
    wrong = ["quikc", "brwn", "jummps", "lzay", "seperate", "acess", "anmials", "teh"] * 8
    expected = SpellingCorrector().fit([TEXT]).correct_words(wrong)
    shared = SpellingCorrector().fit([TEXT])
    with ThreadPoolExecutor(8) as pool:
        for answer in pool.map(lambda _: shared.correct_words(wrong), range(16)):
            assert answer == expected


def test_a_clone_without_words_says_how_to_keep_them():
    corrector = SpellingCorrector().fit(["the cat sat on the mat"])
    with pytest.raises(NotFittedError, match=r"dictionary=fitted\.words_"):
        clone(textrep.CountVectorizer(spelling=corrector)).fit(["teh cta"] * 99)
    kept = SpellingCorrector(dictionary=corrector.words_)
    vectorizer = clone(textrep.CountVectorizer(spelling=kept)).fit(["teh cta"] * 99)
    assert vectorizer.vocabulary_ == {"the": 1, "cat": 0}
