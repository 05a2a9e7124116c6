"""Wrong labels are found and counted; a weak classifier's mistakes are not taken for them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.model_selection import cross_val_predict
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from tests.comparison.health.tasks import clean_texts, task_of
from textrep.comparison import ComparisonError
from textrep.comparison.health import find_label_errors, out_of_fold
from textrep.sparse import CountVectorizer, TfidfVectorizer

CLASSES = ("a", "b", "c")


def simulated(rng, n, sharpness):
    """Calibrated probabilities, and labels drawn from them."""
    probabilities = softmax(rng.normal(0, sharpness, (n, 3)), axis=1)
    codes = np.array([rng.choice(3, p=row) for row in probabilities])
    return probabilities, codes


def shuffled(rng, codes, share):
    """Labels of which some are replaced by another class, and where."""
    at = rng.choice(len(codes), round(share * len(codes)), replace=False)
    wrong = codes.copy()
    wrong[at] = (wrong[at] + rng.integers(1, 3, len(at))) % 3
    return wrong, at


def names(codes):
    return np.array(CLASSES)[codes]


@pytest.mark.parametrize("share", [0.01, 0.03, 0.1])
def test_the_number_of_wrong_labels_is_estimated(share):
    rng = np.random.default_rng(0)
    probabilities, codes = simulated(rng, 8000, 12.0)
    labels, at = shuffled(rng, codes, share)
    found = find_label_errors(names(labels), probabilities, CLASSES)
    assert len(at) / 1.3 < found.estimated_count < len(at) * 1.3
    hits = np.isin(found.positions, at)
    assert hits.mean() > 0.75
    assert hits.sum() > 0.6 * len(at)
    assert f"About {found.estimated_count:,} of the 8,000 labels" in found.message


@pytest.mark.parametrize("sharpness", [1.0, 3.0, 12.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_calibrated_classifiers_own_mistakes_are_no_wrong_labels(seed, sharpness):
    rng = np.random.default_rng(seed)
    probabilities, codes = simulated(rng, 3000, sharpness)
    found = find_label_errors(names(codes), probabilities, CLASSES)
    assert found.positions == ()
    assert found.estimated_count == 0
    assert found.message.startswith("No label looks wrong")


def test_neither_does_a_temperature_off_by_far_make_labels_wrong():
    rng = np.random.default_rng(0)
    probabilities, codes = simulated(rng, 3000, 3.0)
    for temperature in (0.3, 3.0):
        heated = softmax(np.log(probabilities) / temperature, axis=1)
        assert find_label_errors(names(codes), heated, CLASSES).positions == ()


def test_of_each_named_document_it_says_what_was_given_and_what_is_likelier():
    rng = np.random.default_rng(0)
    probabilities, codes = simulated(rng, 4000, 12.0)
    labels, _ = shuffled(rng, codes, 0.02)
    found = find_label_errors(names(labels), probabilities, CLASSES, np.arange(4000) + 7)
    places = np.array(found.positions) - 7
    assert found.given == tuple(names(labels)[places].tolist())
    assert found.suggested == tuple(names(probabilities[places].argmax(axis=1)).tolist())
    right = np.array(found.suggested) == names(codes)[places]
    # As high as it is often right.
    assert abs(np.mean(found.confidence) - right.mean()) < 0.15
    json.dumps(found.to_dict())


def test_labels_that_no_class_was_learnt_of_are_not_judged():
    rng = np.random.default_rng(0)
    probabilities, codes = simulated(rng, 2000, 12.0)
    labels, _ = shuffled(rng, codes, 0.02)
    labels = names(labels).astype(object)
    labels[:100] = "unknown"
    found = find_label_errors(labels, probabilities, CLASSES)
    assert min(found.positions) >= 100
    assert "of the 1,900 labels" in found.message


def test_a_handful_of_labels_is_not_judged():
    found = find_label_errors(["a", "b"], [[0.1, 0.9], [0.9, 0.1]], ["a", "b"])
    assert found.message == "2 labels are too few to tell whether any of them is wrong."


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        ([[0.5, 0.5]], r"shape \(1, 2\); expected \(2, 2\)"),
        ([[0.5, 0.5], [np.nan, 0.5]], r"probabilities\[1, 0\] is nan; expected 0 to 1"),
    ],
)
def test_probabilities_that_are_none_are_refused(probabilities, message):
    with pytest.raises(ComparisonError, match=message):
        find_label_errors(["a", "b"], probabilities, ["a", "b"])


def test_one_in_a_hundred_shuffled_labels_is_found_from_texts_alone():
    texts, labels = clean_texts(2000)
    rng = np.random.default_rng(0)
    at = np.sort(rng.choice(2000, 20, replace=False))
    labels[at] = np.where(labels[at] == "law", "sport", "law")
    task = task_of(texts, labels)
    pipeline = make_pipeline(TfidfVectorizer(), LinearSVC(random_state=0))
    found = find_label_errors(labels, out_of_fold(pipeline, task), task.classes)
    assert sorted(found.positions) == at.tolist()
    assert found.estimated_count == pytest.approx(20, rel=0.5)


def test_predictions_out_of_fold_are_about_as_good_as_scikit_learns():
    texts, labels = clean_texts(400)
    # Half of the words are common, so that one in ten goes wrong.
    texts = [" ".join(text.split()[:8]) for text in texts]
    pipeline = make_pipeline(CountVectorizer(), MultinomialNB())
    task = task_of(texts, labels)
    answers = np.array(task.classes)[out_of_fold(pipeline, task).argmax(axis=1)]
    theirs = cross_val_predict(pipeline, texts, labels, cv=5)
    assert np.mean(answers == labels) == pytest.approx(np.mean(theirs == labels), abs=0.04)


def test_a_document_is_not_predicted_by_a_model_that_saw_its_copy():
    texts, labels = clean_texts(200)
    # Words of their own, under labels at random: whoever has not seen the copy can only guess.
    rng = np.random.default_rng(0)
    texts[:60] = [f"only{i % 30} solely{i % 30}" for i in range(60)]
    labels[:60] = np.tile(rng.choice(["law", "sport"], 30), 2)
    pipeline = make_pipeline(CountVectorizer(), MultinomialNB())
    task = task_of(texts, labels, n_test=50)
    answers = np.array(task.classes)[out_of_fold(pipeline, task).argmax(axis=1)]
    assert np.mean(answers[:60] == labels[:60]) < 0.8


def test_the_same_seed_gives_the_same_probabilities_and_a_rare_class_does_no_harm():
    texts, labels = clean_texts(200)
    labels = labels.astype(object)
    labels[0] = "tax"
    task = replace(task_of(texts, labels.astype(str), n_test=50), name="rare")
    pipeline = make_pipeline(CountVectorizer(), MultinomialNB())
    first = out_of_fold(pipeline, task, random_state=3)
    assert (first == out_of_fold(pipeline, task, random_state=3)).all()
    assert first.sum(axis=1) == pytest.approx(np.ones(200))


def test_one_fold_is_refused():
    with pytest.raises(ComparisonError, match="n_folds=1; expected a whole number from 2"):
        out_of_fold(MultinomialNB(), task_of(*clean_texts(40), n_test=10), n_folds=1)
