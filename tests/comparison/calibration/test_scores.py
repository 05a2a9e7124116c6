"""One score a class from any classifier."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.svm import SVC, LinearSVC

from textrep.comparison import ComparisonError
from textrep.comparison.calibration import scores_of, soften

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4))
TWO = np.array(["ham", "spam"])[(X[:, 0] > 0).astype(int)]
THREE = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.5, 0.5])]


@pytest.mark.parametrize("y", [TWO, THREE], ids=["two", "three"])
@pytest.mark.parametrize("model", [LogisticRegression(), GaussianNB(), DummyClassifier()], ids=repr)
def test_at_temperature_1_probabilities_are_those_of_the_classifier(model, y):
    model = model.fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = scores_of(model, X)
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(soften(scores, 1.0), model.predict_proba(X), atol=1e-12)


def test_of_two_classes_the_probability_is_the_logistic_function_of_the_decision_value():
    model = LinearSVC().fit(X, TWO)
    for temperature in (0.5, 1.0, 3.0):
        np.testing.assert_allclose(
            soften(scores_of(model, X), temperature)[:, 1],
            expit(model.decision_function(X) / temperature),
        )


@pytest.mark.parametrize("y", [TWO, THREE], ids=["two", "three"])
@pytest.mark.parametrize("model", [LinearSVC(), RidgeClassifier(), SVC()], ids=repr)
def test_the_highest_score_is_that_of_the_predicted_class(model, y):
    model = model.fit(X, y)
    highest = model.classes_[scores_of(model, X).argmax(axis=1)]
    np.testing.assert_array_equal(highest, model.predict(X))


def test_log_probabilities_that_are_too_small_for_probabilities_are_kept():
    model = MultinomialNB().fit([[5, 1], [1, 5]], ["ham", "spam"])
    assert model.predict_proba([[0, 1000]])[0, 0] == 0.0
    # The two words have probabilities 3/4 and 1/4 in one class, 1/4 and 3/4 in the other.
    np.testing.assert_allclose(scores_of(model, [[0, 1000]]), [[-1000 * np.log(3), 0.0]])


class OnlyPredicts(ClassifierMixin, BaseEstimator):
    """Answers by the sign of the first column."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[(np.asarray(X)[:, 0] > 0).astype(int)]


class OnlyProbabilities(OnlyPredicts):
    """Certain of its answers; without logarithms."""

    def predict_proba(self, X):
        return np.eye(2)[(np.asarray(X)[:, 0] > 0).astype(int)]


def test_a_classifier_that_only_predicts_scores_1_for_its_answer():
    assert scores_of(OnlyPredicts().fit(X, TWO), [[1.0], [-1.0]]).tolist() == [[0, 1], [1, 0]]


def test_probabilities_of_0_have_finite_scores():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = scores_of(OnlyProbabilities().fit(X, TWO), [[1.0]])
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(soften(scores, 1.0), [[0, 1]])


def test_scores_of_pairs_of_classes_are_refused():
    model = SVC(decision_function_shape="ovo").fit(X, np.digitize(X[:, 0], [-1, 0, 1]))
    with pytest.raises(ComparisonError, match=r"shape \(90, 6\), but has 4 classes"):
        scores_of(model, X)


def test_scores_that_are_no_numbers_are_refused():
    model = LogisticRegression().fit(X, TWO)
    model.intercept_[:] = np.nan
    with pytest.raises(ComparisonError, match="gives document 0 a score of nan"):
        scores_of(model, X)


def test_what_has_no_classes_is_refused():
    with pytest.raises(ComparisonError, match="LogisticRegression has no classes_"):
        scores_of(LogisticRegression(), X)
