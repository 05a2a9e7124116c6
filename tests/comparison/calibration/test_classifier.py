"""`TemperatureScaledClassifier` beyond the contract of all estimators."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import textrep
from textrep import TemperatureScaledClassifier
from textrep.comparison import ComparisonError
from textrep.comparison.calibration import calibration_error, find_temperature


def corpus(n, seed):
    """Documents of ten words drawn for their class, many of which the two share."""
    rng = np.random.default_rng(seed)
    labels = np.array(["news", "sport"])[rng.integers(0, 2, n)]
    weights = 1 / np.arange(1, 201)
    tilted = weights * np.exp(rng.normal(0, 0.4, 200))
    words = {
        "news": weights / weights.sum(),
        "sport": tilted / tilted.sum(),
    }
    texts = [" ".join(f"w{i}" for i in rng.choice(200, 40, p=words[label])) for label in labels]
    return texts, labels


TEXTS, LABELS = corpus(1200, seed=0)
TRAIN, TEST = slice(0, 600), slice(600, None)

PIPELINES = {
    "svm": make_pipeline(textrep.TfidfVectorizer(), LinearSVC()),
    "naive Bayes": make_pipeline(textrep.CountVectorizer(), MultinomialNB(alpha=0.03)),
    "logistic": make_pipeline(
        textrep.CountVectorizer(), LogisticRegression(C=100.0, max_iter=1000)
    ),
}


@pytest.fixture(scope="module", params=PIPELINES)
def model(request):
    wrapped = TemperatureScaledClassifier(estimator=PIPELINES[request.param], random_state=0)
    return wrapped.fit(TEXTS[TRAIN], LABELS[TRAIN])


def test_the_answers_are_those_of_the_classifier_by_itself(model):
    alone = model.estimator.fit(TEXTS[TRAIN], LABELS[TRAIN])
    np.testing.assert_array_equal(model.predict(TEXTS[TEST]), alone.predict(TEXTS[TEST]))
    assert model.score(TEXTS[TEST], LABELS[TEST]) == accuracy_score(
        LABELS[TEST], alone.predict(TEXTS[TEST])
    )


def test_the_likeliest_class_is_the_answer(model):
    shares = model.predict_proba(TEXTS[TEST])
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    likeliest = model.classes_[shares.argmax(axis=1)]
    np.testing.assert_array_equal(likeliest, model.predict(TEXTS[TEST]))


def test_probabilities_are_nearer_to_the_accuracy_than_those_of_temperature_1(model):
    plain = TemperatureScaledClassifier.around(model.estimator_, 1.0)
    before, after = (
        calibration_error(LABELS[TEST], one.predict_proba(TEXTS[TEST]), model.classes_)
        for one in (plain, model)
    )
    assert after < before
    # Chance leaves about 0.4 sqrt(15 bins / 600 texts).
    assert after < 2 * 0.4 * np.sqrt(15 / 600)


def test_the_temperature_is_the_one_that_find_temperature_finds(model):
    found = find_temperature(model.estimator, TEXTS[TRAIN], LABELS[TRAIN], random_state=0)
    assert (model.temperature_, model.temperature_note_) == found


def test_a_fitted_classifier_is_wrapped_without_fitting_it_again(model):
    around = TemperatureScaledClassifier.around(model.estimator_, model.temperature_)
    assert around.estimator_ is model.estimator_
    np.testing.assert_array_equal(
        around.predict_proba(TEXTS[TEST]), model.predict_proba(TEXTS[TEST])
    )


def test_it_is_saved_without_pickle_and_loaded_with_the_same_probabilities(model, tmp_path):
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    assert loaded.temperature_ == model.temperature_
    np.testing.assert_array_equal(
        loaded.predict_proba(TEXTS[TEST]), model.predict_proba(TEXTS[TEST])
    )


@pytest.mark.parametrize(
    ("name", "value"), [("temperature_", -1.0), ("temperature_", "hot"), ("estimator_", None)]
)
def test_a_file_with_a_state_that_cannot_be_is_refused(name, value, tmp_path):
    broken = TemperatureScaledClassifier.around(PIPELINES["svm"].fit(["aa bb", "cc"], [0, 1]), 1.0)
    setattr(broken, name, value)
    path = broken.save(tmp_path / "model.textrep")
    with pytest.raises(textrep.PersistError, match=r"a finite number above 0|not a fitted"):
        textrep.load(path)


@pytest.mark.parametrize("temperature", [0, -1.0, float("nan"), float("inf"), None, True])
def test_a_temperature_that_is_none_is_refused(temperature):
    fitted = PIPELINES["svm"].fit(["aa bb", "cc dd"], [0, 1])
    with pytest.raises(ComparisonError, match=f"temperature={temperature}: expected a finite"):
        TemperatureScaledClassifier.around(fitted, temperature)


def test_a_classifier_that_is_not_fitted_cannot_be_wrapped_as_if_it_were():
    with pytest.raises(ComparisonError, match="is not a fitted classifier; fit it first"):
        TemperatureScaledClassifier.around(LinearSVC(), 1.0)


def test_a_holdout_that_is_no_share_is_refused_before_anything_is_fitted():
    with pytest.raises(ComparisonError, match="holdout=2"):
        TemperatureScaledClassifier(estimator=object(), holdout=2).fit(TEXTS, LABELS)


def test_a_fit_that_fails_leaves_the_one_before(model):
    before = model.predict_proba(TEXTS[TEST])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(TEXTS[:3], LABELS[:2])
    np.testing.assert_array_equal(model.predict_proba(TEXTS[TEST]), before)


def test_too_few_texts_leave_a_note():
    few = TemperatureScaledClassifier(estimator=PIPELINES["svm"]).fit(TEXTS[:12], LABELS[:12])
    assert few.temperature_ == 1.0
    assert few.temperature_note_
