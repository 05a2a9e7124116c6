"""The temperature under which held-out labels are likeliest."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from textrep.comparison import ComparisonError
from textrep.comparison.calibration import find_temperature
from textrep.comparison.calibration.temperature import best_temperature


def drawn(scores, rng):
    """Labels drawn from the softmax of scores."""
    shares = softmax(scores, axis=1).cumsum(axis=1)
    return (rng.random((len(scores), 1)) > shares).sum(axis=1)


@pytest.mark.parametrize("temperature", [0.05, 1.0, 40.0])
def test_the_temperature_that_labels_were_drawn_at_is_found(temperature):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(20_000, 4)) * 2
    found = best_temperature(scores * temperature, drawn(scores, rng))
    assert found == pytest.approx(temperature, rel=0.05)


def test_no_other_temperature_has_a_lower_log_loss():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(500, 3)) * 3
    labels = drawn(scores / 2, rng)
    losses = {
        temperature: log_loss(labels, softmax(scores / temperature, axis=1))
        for temperature in np.geomspace(0.2, 20, 400)
    }
    # The document of unknown class moves it a little.
    assert best_temperature(scores, labels) == pytest.approx(min(losses, key=losses.get), rel=0.05)


def test_a_classifier_without_mistakes_is_as_sure_as_one_more_document_allows():
    # Labels smoothed by s = 1 / 10 over 2 classes: p = 1 - s / 2, so T = 1 / log(p / (1 - p)).
    scores = np.array([[1.0, 0.0]] * 9)
    share = 1 - 1 / 20
    expected = 1 / np.log(share / (1 - share))
    assert best_temperature(scores, np.zeros(9, int)) == pytest.approx(expected, rel=1e-3)


def test_scores_that_say_nothing_are_flattened():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 2000)
    assert best_temperature(rng.normal(size=(2000, 2)), labels) > 10


TEXTS = [f"{noun} {i % 40}" for i, noun in enumerate(["apple", "pear"] * 60)]
LABELS = ["a", "p"] * 60


class Remembering(ClassifierMixin, BaseEstimator):
    """Keeps what every fit and every prediction of its clones was given."""

    fits: list = []  # noqa: RUF012
    asked: list = []  # noqa: RUF012

    def fit(self, X, y):
        self.fits.append(list(X))
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        self.asked.append(list(X))
        return self.classes_[np.zeros(len(X), int)]


@pytest.fixture
def remembering():
    Remembering.fits, Remembering.asked = [], []
    return Remembering()


def test_it_is_measured_on_texts_that_the_clone_has_not_seen(remembering):
    find_temperature(remembering, TEXTS, LABELS, holdout=0.25, random_state=0)
    (fitted,), (asked,) = remembering.fits, remembering.asked
    assert sorted(fitted + asked) == sorted(TEXTS)
    assert not set(fitted) & set(asked)
    assert len(asked) == pytest.approx(30, abs=3)
    assert not hasattr(remembering, "classes_")


def test_equal_texts_in_the_first_column_of_a_table_stay_together(remembering):
    table = np.empty((120, 2), dtype=object)
    table[:, 0], table[:, 1] = TEXTS, range(120)
    find_temperature(remembering, table, LABELS, random_state=0)
    fitted = {row[0] for row in remembering.fits[0]}
    assert not fitted & {row[0] for row in remembering.asked[0]}


def test_numbers_are_split_as_they_come():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(400, 2))
    y = rng.random(400) < softmax(np.column_stack([X[:, 0] * 0, X[:, 0] * 2]), axis=1)[:, 1]
    found = find_temperature(LogisticRegression(), X, y, random_state=0)
    assert found.note == ""
    assert found.value == pytest.approx(1.0, abs=0.5)


def test_the_seed_decides_the_temperature():
    model = make_pipeline(CountVectorizer(), LinearSVC(C=0.01))
    noisy = ["a", "p"] * 50 + ["p", "a"] * 10
    found = {
        seed: find_temperature(model, TEXTS, noisy, random_state=seed).value for seed in range(3)
    }
    assert find_temperature(model, TEXTS, noisy, random_state=1).value == found[1]
    assert len(set(found.values())) > 1


@pytest.mark.parametrize(
    ("texts", "labels", "note"),
    [
        (TEXTS[:10], LABELS[:10], "only 2 samples to measure it on; 10 are needed"),
        ([*TEXTS, "fig"], [*LABELS, "f"], "class 'f' has 1 different text of its own"),
    ],
)
def test_too_little_data_leave_it_at_1_and_say_so(texts, labels, note):
    model = make_pipeline(CountVectorizer(), LinearSVC())
    found = find_temperature(model, texts, labels)
    assert found.value == 1.0
    assert note in found.note


def test_a_part_that_is_too_small_to_fit_leaves_it_at_1_and_says_so():
    # Every term of the part is in fewer documents than asked for.
    model = make_pipeline(CountVectorizer(min_df=55), LinearSVC())
    found = find_temperature(model, TEXTS, LABELS)
    assert found.value == 1.0
    assert "cannot be fitted on a part of the data" in found.note


@pytest.mark.parametrize("holdout", [0, 1, -0.1, "0.2", None])
def test_a_holdout_that_is_no_share_is_refused(holdout):
    with pytest.raises(ComparisonError, match="holdout="):
        find_temperature(LinearSVC(), TEXTS, LABELS, holdout=holdout)
