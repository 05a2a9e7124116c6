"""Steps and models folded together: what becomes of signs, zeros and precision."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import (
    LogisticRegression,
    Perceptron,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, Normalizer
from sklearn.svm import LinearSVC

from textrep.sparse import NBSVM, CountVectorizer, HashingVectorizer, LogCountRatio, TfidfVectorizer
from textrep.sparse.fusing import fuse

TEXTS = [
    f"{a} {b} {c}" for a in ("cat", "dog") for b in "xy zz cat so".split() for c in ("", "dog")
]
LABELS = [text.count("cat") % 2 for text in TEXTS]


@pytest.mark.parametrize(
    "last",
    [
        [BernoulliNB()],
        [NBSVM()],
        [LogCountRatio(), LogisticRegression()],
        [Normalizer(), Binarizer(), LogisticRegression()],
    ],
    ids=["bernoulli", "nbsvm", "ratio", "again"],
)
@pytest.mark.parametrize("n_features", [1, 3, 16])
def test_a_sign_asked_for_twice_is_that_of_the_count(n_features, last):
    hashing = HashingVectorizer(n_features=n_features, token_pattern=r"\w+")
    pipeline = make_pipeline(hashing, Binarizer(), *last).fit(TEXTS, LABELS)
    assert (hashing.transform(TEXTS).data < 0).any()
    method = "predict_proba" if hasattr(pipeline, "predict_proba") else "decision_function"
    ours, wanted = getattr(fuse(pipeline), method)(TEXTS), getattr(pipeline, method)(TEXTS)
    np.testing.assert_allclose(ours, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "model",
    [
        SGDClassifier(random_state=0),
        SGDClassifier(random_state=0, fit_intercept=False),
        Perceptron(),
        LogisticRegression(),
        LogisticRegression(fit_intercept=False),
        LinearSVC(),
        LinearSVC(fit_intercept=False),
        RidgeClassifier(),
        Ridge(),
        Ridge(fit_intercept=False),
        MultinomialNB(),
        ComplementNB(),
    ],
    ids=repr,
)
@pytest.mark.parametrize("vectorizer", [TfidfVectorizer, CountVectorizer])
def test_scores_have_the_precision_that_they_have_in_the_pipeline(vectorizer, model):
    pipeline = make_pipeline(vectorizer(dtype=np.float32), model).fit(TEXTS, LABELS)
    method = next(
        name for name in ("decision_function", "predict_log_proba", "predict")
        if hasattr(pipeline, name)
    )  # fmt: skip
    ours, wanted = getattr(fuse(pipeline), method)(TEXTS), getattr(pipeline, method)(TEXTS)
    assert ours.dtype == wanted.dtype
    np.testing.assert_allclose(ours, wanted, rtol=1e-4, atol=1e-5)
