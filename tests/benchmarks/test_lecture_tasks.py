"""The pairs that the lecture's tasks are made of, from texts made up here."""

from __future__ import annotations

import importlib
import sys
import zipfile
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def tasks(monkeypatch):
    # Behind the packages: benchmarks/transformers.py has the name of one.
    monkeypatch.setattr("sys.path", [*sys.path, str(BENCHMARKS)])
    return importlib.import_module("lecture_tasks")


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("I am happy.", "Are you happy?"),
        ("I was working late.", "Were you working late?"),
        ("My brother bought a guitar.", "Did your brother buy a guitar?"),
        ("She plays the violin.", "Does she play the violin?"),
        ("Tom was born in Boston.", "Where was Tom born?"),
        ("The cat is on the table.", "Where is the cat?"),
        ("They left last week.", "When did they leave?"),
        ("It's not a problem.", "Is it not a problem?"),
        ("I've lost my key.", "Have you lost your key?"),
        ("She has never gone abroad.", "Has she never gone abroad?"),
        ("I have two daughters.", "Do you have two daughters?"),
        ("That's a good question.", "Is that a good question?"),
        ("There is no milk left.", "Is there no milk left?"),
        ("He can't swim.", "Can't he swim?"),
    ],
)
def test_a_question_is_what_grammar_makes_of_a_sentence(tasks, sentence, question):
    assert tasks.question_of(sentence) == question


@pytest.mark.parametrize(
    "sentence",
    [
        "Run!",
        "Who is it?",
        "You are free.",
        "I know that he is here.",
        "Yes, I do.",
        "Go home now.",
    ],
)
def test_no_question_is_made_of_what_the_rules_do_not_know(tasks, sentence):
    assert tasks.question_of(sentence) is None


def test_no_sentence_is_in_both_parts_and_the_parts_are_the_same_each_time(tasks, tmp_path):
    folder = tmp_path / "anki_fra_eng"
    folder.mkdir()
    lines = [f"Tom saw {'a very ' * (n % 3)}old house.\tTom\t{n}" for n in range(9)]
    lines += [f"I like {word}.\tx" for word in ("tea", "milk", "jazz", "snow", "cats")]
    with zipfile.ZipFile(folder / "fra-eng.zip", "w") as archive:
        archive.writestr("fra.txt", "\n".join(lines))
    found = tasks.question_pairs(line.split("\t")[0] for line in lines)
    assert len(found[0]) == len(set(found[0])) == 8
    train, test = tasks.split_pairs(found, 3)
    assert (len(train[0]), len(test[0])) == (5, 3)
    assert set(train[0]).isdisjoint(test[0])
    assert sorted(train[0] + test[0]) == sorted(found[0])
    assert tasks.split_pairs(found, 3) == (train, test)


def test_a_headline_ends_where_its_first_word_comes_again(tasks):
    story = "acme inc said it bought a paper mill for five mln dlrs in cash"
    wanted = f"acme acm buys a mill {story}"
    unknown = "acme acm buys a mill the company said it bought a paper mill"
    reported = f"acme said today {story}"
    assert tasks.headline_pairs([wanted, unknown, reported, wanted]) == (
        [story],
        ["acme acm buys a mill"],
    )


def test_rouge_l_is_the_f1_of_the_longest_common_subsequence(tasks):
    assert tasks.rouge_l(["the cat sat"], ["the cat sat"]) == 100
    # "a c" of three and of four words: precision 2/3, recall 2/4.
    expected = 100 * 2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4)
    assert tasks.rouge_l(["a b c"], ["d a c e"]) == pytest.approx(expected)
    assert tasks.rouge_l(["", "a"], ["a", "b"]) == 0
    assert tasks.lead("one two three", 2) == "one two"
