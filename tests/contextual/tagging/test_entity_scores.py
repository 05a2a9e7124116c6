"""Entities and their scores: equal to seqeval's, which are the script's of CoNLL."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.contextual.tagging.entity_scores import Entity, entities, entity_scores, split_tag

seqeval = pytest.importorskip("seqeval.metrics")
get_entities = pytest.importorskip("seqeval.metrics.sequence_labeling").get_entities

TAGS = st.sampled_from(
    ["O", "B-A", "I-A", "E-A", "S-A", "B-B", "I-B", "E-B", "S-B", "B-C-D", "I-C-D", "B", "I"]
)


@st.composite
def tagged(draw):
    lengths = draw(st.lists(st.integers(0, 8), min_size=1, max_size=5))
    rows = [[draw(st.lists(TAGS, min_size=n, max_size=n)) for n in lengths] for _ in range(2)]
    return rows


@given(st.lists(TAGS, max_size=12))
def test_entities_are_those_of_seqeval_whatever_the_tags(tags):
    ours = [(entity.type, entity.start, entity.stop - 1) for entity in entities(tags)]
    assert ours == get_entities(tags)


@given(tagged())
def test_scores_are_those_of_seqeval(rows):
    true, predicted = rows
    ours = entity_scores(true, predicted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not any(true) and not any(predicted):
            return  # seqeval has nothing to divide
        for value, name in zip(ours[:3], ("precision", "recall", "f1"), strict=True):
            measure = getattr(seqeval, f"{name}_score")
            assert value == pytest.approx(measure(true, predicted, zero_division=0))
        if not ours.by_type:
            return
        report = seqeval.classification_report(
            true, predicted, output_dict=True, zero_division=0, digits=12
        )
    for kind, scores in ours.by_type.items():
        theirs = report[kind]
        assert scores.precision == pytest.approx(theirs["precision"])
        assert scores.recall == pytest.approx(theirs["recall"])
        assert scores.f1 == pytest.approx(theirs["f1-score"])
        assert scores.support == theirs["support"]


def test_an_entity_counts_only_with_all_its_words_and_its_type():
    true = [["B-PER", "I-PER", "O", "B-LOC"]]
    assert entity_scores(true, true).f1 == 1
    assert entity_scores(true, [["B-PER", "O", "O", "B-LOC"]])[:3] == (0.5, 0.5, 0.5)
    assert entity_scores(true, [["B-ORG", "I-ORG", "O", "B-LOC"]])[:3] == (0.5, 0.5, 0.5)


def test_nothing_found_scores_nothing():
    scores = entity_scores([["B-PER"]], [["O"]])
    assert scores[:4] == (0, 0, 0, 1)
    assert entity_scores([["O"]], [["O"]])[:4] == (0, 0, 0, 0)


def test_entities_do_not_go_on_into_the_next_sentence():
    one = [["B-PER"], ["I-PER"]]
    assert entity_scores(one, one).support == 2
    assert entities(["I-PER"]) == [Entity("PER", 0, 1)]


@pytest.mark.parametrize("wrong", ["NOUN", "", "B-", "O-PER", "X-PER", "b-PER"])
def test_what_is_no_tag_of_an_entity_is_refused(wrong):
    with pytest.raises(ValueError, match="no tag of an entity"):
        split_tag(wrong)


def test_tags_that_do_not_belong_together_are_refused_with_their_place():
    with pytest.raises(ValueError, match="sentence 1 has 1 words in true, but 2 in predicted"):
        entity_scores([["O"], ["O"]], [["O"], ["O", "O"]])
    with pytest.raises(ValueError, match="true has 1 sentences, but predicted has 2"):
        entity_scores([["O"]], [["O"], ["O"]])
    with pytest.raises(ValueError, match=r"true\[0\] is 'O' \(str\); expected a list of tags"):
        entity_scores(["O"], [["O"]])
