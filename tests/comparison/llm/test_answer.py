"""Labels found in what a model says."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from textrep.comparison.llm.answer import LabelReader

WORDS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)
LABELS = st.lists(WORDS, min_size=2, max_size=6, unique_by=str.casefold)
ANY_LABELS = st.one_of(
    st.lists(st.text(min_size=1).map(str.strip).filter(bool), min_size=2, unique=True),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, unique=True),
    st.just([False, True]),
)


def read(answer, labels=("ham", "spam")):
    found = LabelReader(labels).read(answer)
    return None if found is None else labels[found]


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("spam", "spam"),
        (" Spam.\n", "spam"),
        ('"SPAM"', "spam"),
        ("**spam**", "spam"),
        ('{"label": "spam"}', "spam"),
        ('```json\n{"label": "Spam"}\n```', "spam"),
        ("The answer is spam.", "spam"),
        ("Spam, since it says so: spam!", "spam"),
        ("<think>It might be ham.</think>\nspam", "spam"),
        ("ham or spam", None),
        ("spammer", None),
        ("non-spam", None),
        ("", None),
        ("I cannot tell.", None),
        ('{"labels": ["spam"]}', "spam"),
        ('{"label": "eggs", "not": "spam"}', None),
        ('{"class": 3}', None),
        (None, None),
    ],
)
def test_an_answer_names_a_label_or_none(answer, label):
    assert read(answer) == label


def test_a_label_inside_of_another_is_not_mentioned():
    assert read("That is not spam", ("spam", "not spam")) == "not spam"


def test_case_tells_labels_apart_that_differ_in_nothing_else():
    assert read("us", ("US", "us")) == "us"
    assert read("Us", ("US", "us")) is None


@pytest.mark.parametrize(
    ("answer", "labels", "label"),
    [
        ("-1", [-1, 1], -1),
        ("The label is -1.", [-1, 1], -1),
        ('{"label": 1}', [-1, 1], 1),
        ("0.5", [0, 5], None),
        ("1", [0.0, 1.0], 1.0),
        ("1.0", [0.0, 1.0], 1.0),
        ("true", [False, True], True),
        ('{"label": false}', [False, True], False),
    ],
)
def test_labels_keep_their_type(answer, labels, label):
    found = read(answer, labels)
    assert found == label
    assert type(found) is type(label)


@given(labels=ANY_LABELS, data=st.data())
def test_a_label_itself_is_always_found(labels, data):
    position = data.draw(st.integers(0, len(labels) - 1))
    reader = LabelReader(labels)
    assert reader.read(reader.names[position]) == position
    assert reader.read(f"  {reader.names[position]}\n") == position


@given(labels=LABELS, data=st.data())
def test_a_label_is_found_in_quotes_json_another_case_and_a_sentence(labels, data):
    position = data.draw(st.integers(0, len(labels) - 1))
    label = labels[position]
    assume(not {"the", "class", "is", "label", "json"} & {word.casefold() for word in labels})
    reader = LabelReader(labels)
    for answer in (
        f'"{label}".',
        f"**{label.swapcase()}**",
        json.dumps({"label": label}),
        f"The class is {label}.",
    ):
        assert reader.read(answer) == position


@given(labels=LABELS, answer=st.text())
def test_no_answer_raises_or_names_a_label_that_is_not_there(labels, answer):
    found = LabelReader(labels).read(answer)
    assert found is None or labels[found].casefold() in answer.casefold()


def test_labels_that_no_answer_can_tell_apart_are_refused():
    for labels in (["a", "a "], ["", "b"]):
        with pytest.raises(ValueError, match="rename it"):
            LabelReader(labels)


@pytest.mark.parametrize("piece", ["<think>", "``` ", "{", "spa", " \n"])
def test_the_time_for_a_long_answer_does_not_grow_with_its_square(piece):
    # Quadratic time would be hours.
    assert read(piece * 500_000) is None
