"""The split into training and test part."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.comparison import ComparisonError, split_texts


def split(texts, labels, test_size=0.2, seed=0):
    return split_texts(texts, np.array(labels), test_size, np.random.default_rng(seed))


def test_every_class_gives_its_share_to_the_test_part():
    labels = ["a"] * 100 + ["b"] * 50 + ["c"] * 10
    _, test = split([f"text {i}" for i in range(160)], labels)
    assert Counter(np.array(labels)[test].tolist()) == {"a": 20, "b": 10, "c": 2}


@given(
    numbers=st.lists(st.integers(0, 30), min_size=4, max_size=80),
    test_size=st.floats(0.05, 0.95),
    seed=st.integers(0, 99),
)
def test_identical_texts_stay_on_one_side_and_both_sides_have_every_class(numbers, test_size, seed):
    texts = [f"{label}{number}" for number in numbers for label in "ab"]
    labels = [text[0] for text in texts]
    if len(set(numbers)) < 2:
        with pytest.raises(ComparisonError, match="class 'a' has 1 different text of its own"):
            split(texts, labels, test_size, seed)
        return
    train, test = split(texts, labels, test_size, seed)
    assert sorted([*train, *test]) == list(range(len(texts)))
    assert not {texts[i] for i in train} & {texts[i] for i in test}
    assert {labels[i] for i in train} == {labels[i] for i in test} == {"a", "b"}


def test_a_text_with_two_labels_stays_on_one_side_too():
    texts = ["same"] * 4 + [f"text {i}" for i in range(16)]
    labels = ["a", "b"] * 10
    for seed in range(20):
        _, test = split(texts, labels, seed=seed)
        assert len({texts[i] == "same" for i in test} & {True}) * 4 == sum(
            texts[i] == "same" for i in test
        )


def test_the_same_seed_gives_the_same_split_and_another_another():
    texts = [f"text {i}" for i in range(50)]
    labels = ["a", "b"] * 25
    assert split(texts, labels, seed=3)[1].tolist() == split(texts, labels, seed=3)[1].tolist()
    assert split(texts, labels, seed=3)[1].tolist() != split(texts, labels, seed=4)[1].tolist()


def test_a_class_whose_texts_all_belong_to_another_is_named():
    with pytest.raises(ComparisonError, match="class 'b' has 0 different texts of its own"):
        split(["x", "y", "x"], ["a", "a", "b"])


@pytest.mark.parametrize("test_size", [0, 1, -0.5, 20, float("nan")])
def test_a_share_must_lie_between_0_and_1(test_size):
    with pytest.raises(ComparisonError, match=r"test_size=.* must lie between 0 and 1"):
        split(["x", "y"], ["a", "a"], test_size)


@pytest.mark.parametrize("labels", [[0, 1] * 6, [True, False] * 6, [0.5, 1.5] * 6])
def test_labels_of_any_type_are_stratified(labels):
    _, test = split([f"text {i}" for i in range(12)], labels, 0.34)
    assert len(test) == 4
    assert len({labels[i] for i in test}) == 2
