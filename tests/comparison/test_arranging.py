"""From texts or a corpus to the task of a comparison."""

from __future__ import annotations

import numpy as np
import pytest

from textrep.comparison import ComparisonError
from textrep.comparison.arranging import Division, Given, arrange
from textrep.data import Corpus

TEXTS = [f"{noun} {i}" for i in range(10) for noun in ("apple", "stone")]
LABELS = ["fruit", "rock"] * 10


def task_of(given, test=None, **division):
    division = {"rng": np.random.default_rng(0)} | division
    return arrange(given, test, Division(**division), None)


def test_texts_are_divided():
    task = task_of(Given(TEXTS, LABELS), test_size=0.3)
    assert (len(task.splits[0].train), len(task.tested), task.folds) == (14, 6, 0)
    assert task.inputs(task.tested) == [TEXTS[i] for i in task.tested]
    assert task.truth.tolist() == [LABELS[i] for i in task.tested]


def test_every_document_is_tested_once_in_folds():
    task = task_of(Given(TEXTS, LABELS), folds=5)
    assert task.folds == 5
    assert task.tested.tolist() == list(range(20))
    for split in task.splits:
        assert not set(split.train) & set(split.test)
        assert sorted(np.unique(task.labels[split.test])) == ["fruit", "rock"]


def test_equal_texts_stand_in_one_fold():
    texts = ["same"] * 5 + [f"other {i}" for i in range(15)]
    task = task_of(Given(texts, ["a"] * 10 + ["b"] * 10), folds=4)
    holders = [split for split in task.splits if set(split.test) & set(range(5))]
    assert len(holders) == 1
    assert set(range(5)) <= set(holders[0].test)


@pytest.mark.parametrize("part", ["test", "validation"])
def test_the_split_of_a_corpus_is_used(part):
    split = ["train"] * 12 + [part] * 8
    task = task_of(Given(Corpus("fruit", TEXTS, LABELS, split=split)))
    assert task.splits[0].train.tolist() == list(range(12))
    assert task.tested.tolist() == list(range(12, 20))
    assert task.origin(0) == "train document 0"
    assert task.origin(19) == f"{part} document 7"


def test_a_test_part_comes_before_a_validation_part():
    split = ["train"] * 10 + ["validation"] * 6 + ["test"] * 4
    task = task_of(Given(Corpus("fruit", TEXTS, LABELS, split=split)))
    assert [task.texts[i] for i in task.tested] == TEXTS[16:]


def test_folds_take_all_documents_of_a_corpus():
    split = ["train"] * 12 + ["test"] * 8
    assert len(task_of(Given(Corpus("fruit", TEXTS, LABELS, split=split)), folds=2).tested) == 20


def test_a_test_corpus_brings_its_columns():
    learnt = Corpus("fruit", TEXTS, LABELS, columns={"weight": ["1"] * 20, "shop": ["x"] * 20})
    tested = Corpus("more", ["apple"], ["fruit"], columns={"weight": ["2.5"], "shop": ["y"]})
    task = task_of(
        Given(learnt, None, ["weight"], ["shop"]), Given(tested, None, ["weight"], ["shop"])
    )
    assert task.inputs(task.tested).tolist() == [["apple", 2.5, "y"]]
    assert task.name == "fruit"


def test_columns_that_are_not_learnt_from_follow_their_documents():
    split = ["train", "train", "test", "test"] * 5
    corpus = Corpus("fruit", TEXTS, LABELS, split=split, columns={"row": list(range(20))})
    task = task_of(Given(corpus))
    assert task.unused["row"].tolist() == [TEXTS.index(text) for text in task.texts]
    assert not task.has_columns
    learnt = Given(Corpus("a", TEXTS, LABELS, columns={"row": [1] * 20, "only": [2] * 20}))
    tested = Given(Corpus("b", ["x"], ["fruit"], columns={"row": [3]}))
    unused = task_of(learnt, tested).unused
    assert unused["row"].tolist() == [1] * 20 + [3]
    assert unused["only"].tolist() == [2] * 20 + [None]


def test_columns_of_one_part_only_are_refused():
    learnt = Given(TEXTS, LABELS, {"weight": list(range(20))})
    with pytest.raises(ComparisonError, match="numeric has the columns 'weight' to learn from"):
        task_of(learnt, Given(["x"], ["fruit"]))


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        (1, "folds is 1; expected an int of at least 2"),
        (2.5, "folds is 2.5"),
        (True, "folds is True"),
        ("3", "folds is '3'"),
        (11, "class 'fruit' has 10 different texts of its own; 11 are needed, one for each fold"),
    ],
)
def test_folds_that_are_none_are_refused(folds, message):
    with pytest.raises(ComparisonError, match=message):
        task_of(Given(TEXTS, LABELS), folds=folds)


def test_folds_and_a_test_part_exclude_each_other():
    with pytest.raises(ComparisonError, match="exclude each other"):
        task_of(Given(TEXTS, LABELS), Given(["x"], ["fruit"]), folds=2)
