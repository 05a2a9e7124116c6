"""What dedupe takes out, and what it never touches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.comparison.health.tasks import clean_texts, folded, task_of
from textrep.comparison import ComparisonError
from textrep.comparison.health import dedupe, examine
from textrep.comparison.health.copies import normalised

LONG = " ".join(f"word{i}" for i in range(50))


def planted():
    """A task with each of the defects once."""
    texts, labels = clean_texts()
    texts[0] = ""
    texts[400], labels[400] = texts[1].upper(), labels[1]  # a copy across
    texts[2], texts[401], labels[401] = LONG, LONG + " more", labels[2]  # a near copy across
    texts[4], labels[4] = texts[3], labels[3]  # a copy in the training part
    texts[5:8], labels[5:8] = ["torn between"] * 3, ["law", "law", "sport"]
    texts[8:10], labels[8:10] = ["undecided"] * 2, ["law", "sport"]
    texts[411], labels[411] = texts[410], labels[410]  # a copy in the test part
    return task_of(texts, labels)


def test_every_defect_of_the_training_part_goes_and_the_given_test_part_stays():
    task = planted()
    cleaned, sentence = dedupe(task, examine(task))
    gone = [i for i in range(600) if task.origin(i) not in set(cleaned.origins)]
    assert gone == [0, 1, 2, 4, 6, 7, 8, 9]
    assert sentence == (
        "Taken out: 1 empty text, 3 texts with conflicting labels, 2 copies of test texts, "
        "2 copies of others from the training part."
    )
    assert [cleaned.texts[i] for i in cleaned.tested] == [task.texts[i] for i in task.tested]
    assert not any(finding.fixed_by_dedupe for finding in examine(cleaned).findings)


def test_of_a_test_part_that_was_drawn_one_of_each_stays():
    cleaned, sentence = dedupe(planted(), given_test=False)
    assert len(cleaned.tested) == 199
    assert sentence.endswith("; 1 copy of another from the test part.")


def test_columns_and_origins_go_with_their_documents():
    texts, labels = clean_texts()
    texts[3] = texts[2]
    labels[3] = labels[2]
    task = task_of(
        texts,
        labels,
        numeric={"number": np.arange(600.0)},
        categorical={"name": np.array([f"n{i}" for i in range(600)], dtype=object)},
        origins=[f"row {i}" for i in range(600)],
    )
    cleaned, _ = dedupe(task)
    rest = [i for i in range(600) if i != 3]
    assert cleaned.numeric["number"].tolist() == rest
    assert cleaned.categorical["name"].tolist() == [f"n{i}" for i in rest]
    assert cleaned.origins == [f"row {i}" for i in rest]
    assert cleaned.labels.tolist() == labels[rest].tolist()


def test_with_folds_one_of_each_stays_in_all():
    texts, labels = clean_texts()
    texts[1], labels[1] = texts[0], labels[0]
    texts[2], texts[3], labels[3] = LONG, LONG + " more", labels[2]
    cleaned, sentence = dedupe(folded(texts, labels))
    assert sentence == "Taken out: 1 copy of another, 1 near copy of another."
    assert len(cleaned.texts) == 598
    assert sorted(np.concatenate([split.test for split in cleaned.splits])) == list(range(598))
    for split in cleaned.splits:
        assert not set(split.train.tolist()) & set(split.test.tolist())


def test_a_task_without_defects_is_given_back():
    task = task_of(*clean_texts())
    assert dedupe(task, examine(task)) == (task, "There was nothing to take out.")


def test_a_class_that_would_vanish_is_an_error_that_names_it():
    texts, labels = clean_texts()
    labels = labels.astype(object)
    labels[[0, 400]] = "tax"
    texts[0] = texts[400]
    with pytest.raises(ComparisonError, match="1 text that is all that the training part has of"):
        dedupe(task_of(texts, labels.astype(str)))


words = st.lists(st.sampled_from(["a", "b", "A ", "c d", "", " "]), min_size=6, max_size=30)


@given(texts=words, seed=st.integers(0, 9))
def test_nothing_learnt_is_empty_tested_contradicted_or_there_twice(texts, seed):
    labels = np.random.default_rng(seed).integers(2, size=len(texts))
    task = task_of(texts, labels, n_test=3)
    try:
        cleaned, _ = dedupe(task)
    except ComparisonError:
        return
    learnt = [normalised(cleaned.texts[i]) for i in cleaned.learnt]
    tested = [normalised(cleaned.texts[i]) for i in cleaned.tested]
    assert len(set(learnt)) == len(learnt)
    assert not {"", *tested} & set(learnt)
    assert [task.texts[i] for i in task.tested] == [cleaned.texts[i] for i in cleaned.tested]
    assert set(labels[task.learnt]) == set(cleaned.labels[cleaned.learnt])
