"""The strongest terms of each class, against coefficients read by hand."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.feature_extraction.text
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.svm import LinearSVC

from textrep.comparison.features import with_columns
from textrep.comparison.report.terms import count_terms, linear_terms
from textrep.comparison.rungs import RUNGS
from textrep.comparison.split import Split
from textrep.comparison.task import Task
from textrep.sparse import (
    NBSVM,
    BM25Vectorizer,
    CountVectorizer,
    HashingVectorizer,
    LogCountRatio,
    TfidfVectorizer,
)

TEXTS = [
    f"{kind} {noun} {extra}"
    for extra in ("today", "again", "yesterday", "soon")
    for kind, noun in (
        ("sweet", "apple"), ("sour", "apple"), ("grey", "stone"), ("hard", "stone"),
        ("cold", "river"), ("deep", "river"),
    )
]  # fmt: skip
LABELS = np.array(["fruit", "fruit", "rock", "rock", "water", "water"] * 4)
TWO = np.where(LABELS == "fruit", "fruit", "other")


def fitted(*steps, labels=LABELS):
    return make_pipeline(*steps).fit(TEXTS, labels)


def by_hand(names, weights, n):
    """The n greatest weights above 0 and their names."""
    pairs = sorted(zip(weights, range(len(names)), strict=True), key=lambda pair: -pair[0])
    return [(str(names[i]), pytest.approx(weight)) for weight, i in pairs[:n] if weight > 0]


@pytest.mark.parametrize("vectorizer", [TfidfVectorizer(), CountVectorizer(), BM25Vectorizer()])
def test_of_several_classes_each_has_the_coefficients_of_its_row(vectorizer):
    model = fitted(vectorizer, Normalizer(), LinearSVC(random_state=0))
    names, classifier = model[0].get_feature_names_out(), model[-1]
    found = linear_terms(model, 4)
    assert list(found) == ["fruit", "rock", "water"]
    for label, row in zip(classifier.classes_, classifier.coef_, strict=True):
        assert [weight for _, weight in found[label]] == [w for _, w in by_hand(names, row, 4)]
        weights = dict(zip(names, row, strict=True))
        assert all(weight == pytest.approx(weights[term]) for term, weight in found[label])


def test_of_two_classes_the_first_has_the_coefficients_below_zero():
    model = fitted(TfidfVectorizer(), LogisticRegression(), labels=TWO)
    weights = dict(zip(model[0].get_feature_names_out(), model[-1].coef_[0], strict=True))
    found = linear_terms(model, 100)
    assert dict(found["other"]) == pytest.approx({t: w for t, w in weights.items() if w > 0})
    assert dict(found["fruit"]) == pytest.approx({t: -w for t, w in weights.items() if w < 0})
    assert found["fruit"][0][0] == "apple"


def test_one_against_the_rest_has_the_coefficients_of_each_estimator():
    model = fitted(CountVectorizer(), OneVsRestClassifier(LogisticRegression()))
    names = model[0].get_feature_names_out()
    for label, one in zip(model[-1].classes_, model[-1].estimators_, strict=True):
        weights = dict(zip(names, one.coef_[0], strict=True))
        top = linear_terms(model, 1)[label]
        assert top[0][1] == pytest.approx(max(weights.values()))


def test_naive_bayes_terms_are_those_that_add_most_to_the_divergence():
    model = fitted(CountVectorizer(), MultinomialNB())
    names = model[0].get_feature_names_out()
    p = np.exp(model[-1].feature_log_prob_)
    p, q = p[0], (p[1] + p[2]) / 2
    more = p > 1.001 * q
    expected = dict(zip(names[more], (p * np.log(p / q))[more], strict=True))
    assert dict(linear_terms(model, 100)["fruit"]) == pytest.approx(expected)


def test_a_log_count_ratio_is_part_of_the_weight():
    model = fitted(CountVectorizer(), LogCountRatio(), LinearSVC(random_state=0), labels=TWO)
    row = model[-1].coef_[0] * model[1].log_count_ratio_
    weights = dict(zip(model[0].get_feature_names_out(), row, strict=True))
    found = linear_terms(model, 3)
    assert all(weight == pytest.approx(weights[term]) for term, weight in found["other"])
    inside = OneVsRestClassifier(make_pipeline(LogCountRatio(), LinearSVC(random_state=0)))
    assert linear_terms(fitted(CountVectorizer(), inside), 1)["rock"][0][0] == "stone"
    assert linear_terms(fitted(CountVectorizer(), NBSVM()), 1)["water"][0][0] == "river"


def test_scikit_learns_own_vectorisers_are_read_too():
    vectorizer = sklearn.feature_extraction.text.TfidfVectorizer()
    ours = fitted(TfidfVectorizer(), LinearSVC(random_state=0))
    theirs = fitted(vectorizer, LinearSVC(random_state=0))
    assert {label: terms[0][0] for label, terms in linear_terms(theirs, 1).items()} == {
        label: terms[0][0] for label, terms in linear_terms(ours, 1).items()
    }


def test_columns_that_were_not_selected_have_no_terms():
    model = fitted(CountVectorizer(), SelectKBest(chi2, k=3), LinearSVC())
    terms = {term for found in linear_terms(model).values() for term, _ in found}
    assert terms <= {"apple", "stone", "river"}


def test_of_a_table_the_further_columns_have_their_names_beside_the_terms():
    table = np.empty((len(TEXTS), 3), dtype=object)
    table[:, 0] = TEXTS
    table[:, 1] = [float(label == "rock") for label in LABELS]
    table[:, 2] = ["wet" if label == "water" else "dry" for label in LABELS]
    texts = make_pipeline(TfidfVectorizer(), LinearSVC(random_state=0))
    model = with_columns(texts, n_numeric=1, n_categorical=1).fit(table, LABELS)
    found = linear_terms(model, 100, ["price", "state"])
    assert len(model[-1].coef_[0]) >= len(found["water"])
    assert "state_wet" in dict(found["water"][:3])
    assert dict(found["water"])["state_wet"] == pytest.approx(
        model[-1].coef_[2][list(model[:-1].get_feature_names_out(["text", "price", "state"])).index(
            "categorical__state_wet")]
    )  # fmt: skip
    assert any(term.startswith("price") for term, _ in found["rock"])
    assert "river" in dict(found["water"])


def test_what_is_not_linear_on_terms_is_refused():
    rungs = {rung.name: rung for rung in RUNGS}
    assert linear_terms(None) is None
    assert linear_terms(rungs["majority"].factory(0).fit(TEXTS, LABELS)) is None
    assert linear_terms(fitted(HashingVectorizer(), LinearSVC())) is None
    assert linear_terms(rungs["lsa-logreg"].factory(0).fit(TEXTS, LABELS)) is None


def test_without_a_linear_model_the_words_of_the_training_texts_are_counted():
    half = np.arange(12)
    task = Task("t", TEXTS, LABELS, (Split(half, np.arange(12, 24)),))
    counts = CountVectorizer().fit([TEXTS[i] for i in half])
    found = count_terms(task, 1)
    assert {label: terms[0][0] for label, terms in found.items()} == {
        "fruit": "apple", "rock": "stone", "water": "river",
    }  # fmt: skip
    matrix = counts.transform([TEXTS[i] for i in half]).toarray()
    column = counts.vocabulary_["apple"]
    inside = matrix[LABELS[half] == "fruit"].sum(axis=0) + 1
    others = [matrix[LABELS[half] == other].sum(axis=0) + 1 for other in ("rock", "water")]
    p = inside[column] / inside.sum()
    q = np.mean([other[column] / other.sum() for other in others])
    assert found["fruit"][0][1] == pytest.approx(p * np.log(p / q))


def test_texts_without_words_have_no_terms():
    splits = (Split(np.array([0, 1]), np.array([2])),)
    assert count_terms(Task("t", ["!", "?", "!"], np.array(["a", "b", "a"]), splits)) == {}
