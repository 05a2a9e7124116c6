"""Fused pipelines beside the pipelines that they are made of, and beside scikit-learn's."""

from __future__ import annotations

import importlib.util
import os
import pickle
import random
import re
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction import text as theirs
from sklearn.feature_selection import SelectKBest, chi2, f_classif
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    Perceptron,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    MaxAbsScaler,
    Normalizer,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC, LinearSVR

import textrep
from textrep import sparse as ours
from textrep.sparse import scoring, threads
from textrep.sparse.analysis import WORD_PATTERNS
from textrep.sparse.folding import FusionError
from textrep.sparse.fusing import FusedPipeline, fuse
from textrep.sparse.kernels import fused as kernels
from textrep.sparse.matrix import KERNEL_DTYPES

_SPEC = importlib.util.spec_from_file_location(
    "differential", Path(__file__).with_name("differential.py")
)
assert _SPEC is not None
differential = importlib.util.module_from_spec(_SPEC)
sys.modules["differential"] = differential
_SPEC.loader.exec_module(differential)

TEXTS = [
    "It was the best of times, it was the worst of times,",
    "it was the age of wisdom, it was the age of foolishness,",
    "it was the epoch of belief, it was the epoch of incredulity,",
    "it was the season of Light, it was the season of Darkness,",
    "we had everything before us, we had nothing before us,",
    "we were all going direct to Heaven,",
    "we were all going direct the other way.",
    "Ähnlich naïve 文字 ging es weiter.",
    "",
]
LABELS = ["light", "dark", "dusk"] * 3
LABELS_OF_TWO = ["dark" if label == "dark" else "light" for label in LABELS]
NUMBERS = np.arange(9.0) % 4
UNSEEN = [
    "the worst of the worst",
    "",
    "weiter 文字 weiter",
    "nothing known",
    "x",
    "we we we we us",
]

CLASSIFIERS = [
    LogisticRegression(),
    LogisticRegression(fit_intercept=False),
    LinearSVC(),
    SGDClassifier(loss="log_loss", random_state=0),
    SGDClassifier(loss="modified_huber", random_state=0),
    Perceptron(),
    RidgeClassifier(),
    MultinomialNB(),
    ComplementNB(),
    BernoulliNB(),
    BernoulliNB(binarize=None),
    OneVsRestClassifier(LinearSVC()),
    OneVsRestClassifier(LogisticRegression()),
    OneVsRestClassifier(MultinomialNB()),
    OneVsOneClassifier(LinearSVC()),
    CalibratedClassifierCV(LinearSVC(), cv=2),
]
METHODS = ("decision_function", "predict_proba", "predict_log_proba")


@pytest.fixture(autouse=True)
def _calm():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def assert_alike(fused, pipeline, texts, rtol=1e-12):
    """Labels equal, everything else to rounding."""
    wanted = pipeline.predict(texts)
    got = fused.predict(texts)
    assert got.dtype == wanted.dtype
    if is_regressor(pipeline):
        np.testing.assert_allclose(got, wanted, rtol=rtol, atol=rtol)
    else:
        np.testing.assert_array_equal(got, wanted)
    for method in METHODS:
        assert hasattr(fused, method) == hasattr(pipeline, method)
        if hasattr(pipeline, method):
            wanted, got = getattr(pipeline, method)(texts), getattr(fused, method)(texts)
            assert np.shape(got) == np.shape(wanted)
            assert np.asarray(got).dtype == np.asarray(wanted).dtype
            np.testing.assert_allclose(got, wanted, rtol=rtol, atol=rtol)


def shown_as(steps):
    """Its repr, but for addresses, by which the workers of a parallel run would tell the tests
    apart.
    """
    return re.sub(r"<function (\w+) at \w+>", r"\1", repr(steps))


@pytest.mark.parametrize("model", CLASSIFIERS, ids=shown_as)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_every_linear_classifier_answers_as_in_its_pipeline(model, n_classes):
    pipeline = make_pipeline(ours.TfidfVectorizer(ngram_range=(1, 2)), clone(model))
    labels = LABELS if n_classes == 3 else LABELS_OF_TWO
    pipeline.fit(TEXTS, labels)
    fused = fuse(pipeline)
    assert_alike(fused, pipeline, TEXTS + UNSEEN)
    np.testing.assert_array_equal(fused.classes_, pipeline.classes_)
    assert fused.score(TEXTS, labels) == pipeline.score(TEXTS, labels)
    assert is_classifier(fused)


@pytest.mark.parametrize(
    "model",
    [
        LinearRegression(),
        Ridge(),
        SGDRegressor(random_state=0),
        LinearSVR(),
        PoissonRegressor(),
    ],
    ids=shown_as,
)
def test_every_linear_regressor_answers_as_in_its_pipeline(model):
    pipeline = make_pipeline(ours.CountVectorizer(), model).fit(TEXTS, NUMBERS)
    fused = fuse(pipeline)
    assert_alike(fused, pipeline, TEXTS + UNSEEN)
    assert fused.score(TEXTS, NUMBERS) == pytest.approx(pipeline.score(TEXTS, NUMBERS))
    assert is_regressor(fused)
    assert not hasattr(fused, "classes_")


def test_several_targets_and_labels_at_once():
    two = np.column_stack([NUMBERS, NUMBERS[::-1]])
    pipeline = make_pipeline(ours.TfidfVectorizer(), Ridge()).fit(TEXTS, two)
    assert_alike(fuse(pipeline), pipeline, UNSEEN)
    several = (two > 1).astype(int)
    for model in (OneVsRestClassifier(LinearSVC()), RidgeClassifier()):
        pipeline = make_pipeline(ours.TfidfVectorizer(), model).fit(TEXTS, several)
        assert_alike(fuse(pipeline), pipeline, UNSEEN)
    pipeline = make_pipeline(ours.TfidfVectorizer(), MultiOutputClassifier(LinearSVC()))
    pipeline.fit(TEXTS, several)
    np.testing.assert_array_equal(fuse(pipeline).predict(UNSEEN), pipeline.predict(UNSEEN))


def test_a_label_that_every_text_has_stays_constant():
    constant = np.column_stack([np.ones(9, int), NUMBERS > 1])
    pipeline = make_pipeline(ours.TfidfVectorizer(), OneVsRestClassifier(LogisticRegression()))
    assert_alike(fuse(pipeline.fit(TEXTS, constant)), pipeline, UNSEEN)


def test_sparsified_coefficients_are_read():
    pipeline = make_pipeline(ours.TfidfVectorizer(), SGDClassifier(penalty="l1", random_state=0))
    pipeline.fit(TEXTS, LABELS)
    pipeline[-1].sparsify()
    assert_alike(fuse(pipeline), pipeline, UNSEEN)


MIDDLES = [
    [],
    [theirs.TfidfTransformer(sublinear_tf=True)],
    [ours.TfidfTransformer(norm="l1", smooth_idf=False)],
    [ours.TfidfTransformer(norm=None), MaxAbsScaler()],
    [ours.TfidfTransformer(relative_tf=True, norm=None, plus_one=False)],
    [ours.TfidfTransformer(relative_tf=True, norm="l2")],
    [ours.TfidfTransformer(), MaxAbsScaler(), Normalizer("l1")],
    [MaxAbsScaler()],
    [StandardScaler(with_mean=False), Normalizer("max")],
    [StandardScaler(with_mean=False, with_std=False)],
    [Normalizer(), ours.TfidfTransformer(), Normalizer("l1"), MaxAbsScaler()],
    [Binarizer()],
    [ours.TfidfTransformer(), Binarizer(), ours.TfidfTransformer(norm=None), Normalizer()],
    [SelectKBest(chi2, k=12), ours.TfidfTransformer()],
    [ours.TfidfTransformer(), SelectKBest(chi2, k=12), MaxAbsScaler(), SelectKBest(chi2, k=5)],
    ["passthrough", Pipeline([("inner", MaxAbsScaler()), ("none", None)])],
]


@pytest.mark.parametrize("middle", MIDDLES, ids=shown_as)
@pytest.mark.parametrize("binary", [False, True])
def test_transformers_between_are_folded(middle, binary):
    steps = [clone(step) if step != "passthrough" else step for step in middle]
    vectorizer = ours.CountVectorizer(ngram_range=(1, 2), binary=binary)
    pipeline = make_pipeline(vectorizer, *steps, LogisticRegression()).fit(TEXTS, LABELS)
    assert_alike(fuse(pipeline), pipeline, TEXTS + UNSEEN)


@pytest.mark.parametrize("middle", [m for m in MIDDLES if "chi2" not in repr(m)][2:], ids=shown_as)
@pytest.mark.parametrize("alternate_sign", [False, True])
def test_transformers_after_hashing_are_folded(middle, alternate_sign):
    steps = [clone(step) if step != "passthrough" else step for step in middle]
    vectorizer = ours.HashingVectorizer(
        n_features=16, norm=None, alternate_sign=alternate_sign, ngram_range=(1, 2)
    )
    pipeline = make_pipeline(vectorizer, *steps, LogisticRegression()).fit(TEXTS, LABELS)
    assert_alike(fuse(pipeline), pipeline, TEXTS + UNSEEN)


@pytest.mark.parametrize("binarize", [False, True])
@pytest.mark.parametrize(
    "steps",
    [
        (ours.LogCountRatio(), LinearSVC()),
        (MaxAbsScaler(), ours.LogCountRatio(), Normalizer(), LogisticRegression()),
        (ours.NBSVM(random_state=0),),
        (ours.TfidfTransformer(), ours.NBSVM(random_state=0)),
        (SelectKBest(chi2, k=9), ours.LogCountRatio(), SelectKBest(f_classif, k=5), LinearSVC()),
    ],
    ids=shown_as,
)
def test_log_count_ratios_are_folded(steps, binarize):
    steps = [clone(step) for step in steps]
    for step in steps:
        if "binarize" in step.get_params():
            step.set_params(binarize=binarize)
    pipeline = make_pipeline(ours.CountVectorizer(ngram_range=(1, 2)), *steps)
    assert_alike(fuse(pipeline.fit(TEXTS, LABELS_OF_TWO)), pipeline, TEXTS + UNSEEN)


def test_nbsvm_of_many_classes_is_fused():
    pipeline = make_pipeline(ours.CountVectorizer(), ours.NBSVM(random_state=0))
    assert_alike(fuse(pipeline.fit(TEXTS, LABELS)), pipeline, TEXTS + UNSEEN)


def random_model(rng):
    return rng.choice(
        (
            LogisticRegression(max_iter=20),
            LinearSVC(max_iter=50),
            RidgeClassifier(),
            BernoulliNB(),
            OneVsRestClassifier(Perceptron(max_iter=5)),
        )
    )


@pytest.mark.parametrize("seed", range(150))
def test_random_pipelines_on_random_unicode_answer_alike(seed, monkeypatch):
    # the vectoriser's parameters, and the documents, are those of the vectorisers' own test
    name, parameters, documents, others = differential.random_case(seed)
    rng = random.Random(seed)
    if name == "HashingVectorizer":  # as many as a model has coefficients for
        parameters["n_features"] = min(parameters["n_features"], 2**10)
    if seed % 5 == 0:  # several threads
        monkeypatch.setattr(threads, "BYTES_PER_THREAD", 8)
        monkeypatch.setattr(scoring, "BYTES_PER_THREAD", 8)
    if seed % 3 == 0:  # hash tables
        monkeypatch.setattr(scoring, "DENSE_NUMBERS", 0)
    documents = documents * 3
    labels = [rng.choice("abc") for _ in documents[2:]] + ["a", "b"]
    vectorizer = getattr((ours, theirs)[seed % 2], name)(**parameters)
    pipeline = make_pipeline(vectorizer, random_model(rng))
    try:
        pipeline.fit(documents, labels)
    except ValueError:  # nothing to learn from
        return
    try:
        fused = fuse(pipeline)
    except FusionError:
        uncovered = vectorizer.token_pattern not in WORD_PATTERNS
        assert uncovered or np.dtype(vectorizer.dtype) not in KERNEL_DTYPES
        return
    if seed % 4 == 1:
        fused = pickle.loads(pickle.dumps(fused))
    try:
        wanted = pipeline.predict(others)
    except (ValueError, UnicodeError) as error:
        with pytest.raises(type(error), match=re.escape(str(error)[:20])):
            fused.predict(others)
        return
    if vectorizer.dtype == np.float32:  # the pipeline rounds each weight
        tolerance = 1e-4
    else:
        tolerance = 1e-11
        np.testing.assert_array_equal(fused.predict(others), wanted)
    np.testing.assert_allclose(
        scores_of(fused, others), scores_of(pipeline, others), rtol=tolerance, atol=tolerance
    )


def scores_of(model, texts):
    name = "decision_function" if hasattr(model, "decision_function") else "predict_log_proba"
    return getattr(model, name)(texts)


def test_single_precision_answers_in_the_precision_of_the_pipeline():
    vectorizer = ours.TfidfVectorizer(dtype=np.float32)
    pipeline = make_pipeline(vectorizer, LogisticRegression()).fit(TEXTS, LABELS)
    fused = fuse(pipeline)
    # float32 from scikit-learn 1.8 on
    assert fused.decision_function(TEXTS).dtype == pipeline.decision_function(TEXTS).dtype
    assert_alike(fused, pipeline, TEXTS + UNSEEN, rtol=1e-5)


def test_scikit_learns_own_fitted_pipeline_is_fused_too():
    for vectorizer in (
        theirs.TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        theirs.CountVectorizer(analyzer="char_wb", ngram_range=(2, 4)),
        theirs.HashingVectorizer(n_features=2**8),
    ):
        pipeline = make_pipeline(vectorizer, LinearSVC()).fit(TEXTS, LABELS)
        assert_alike(fuse(pipeline), pipeline, TEXTS + UNSEEN)


def test_stems_and_stop_words_are_those_of_the_vectorizer():
    vectorizer = ours.TfidfVectorizer(stop_words=["the", "of"], stemmer=lambda word: word[:3])
    pipeline = make_pipeline(vectorizer, LinearSVC()).fit(TEXTS, LABELS)
    assert_alike(fuse(pipeline), pipeline, TEXTS + UNSEEN)


@pytest.mark.parametrize(
    "container", [list, tuple, iter, np.array, pd.Series, pl.Series, pa.array, "arrow", "bytes"]
)
def test_texts_come_in_any_container(container):
    pipeline = make_pipeline(ours.TfidfVectorizer(), LinearSVC()).fit(TEXTS, LABELS)
    wanted = pipeline.decision_function(TEXTS)
    if container == "arrow":
        texts = pd.Series(TEXTS, dtype=pd.ArrowDtype(pa.string()))
    elif container == "bytes":
        texts = [text.encode() for text in TEXTS]
    else:
        texts = container(TEXTS)
    np.testing.assert_allclose(fuse(pipeline).decision_function(texts), wanted, rtol=1e-12)


@pytest.mark.parametrize("bad", ["a text", [None], ["x", float("nan")], [3], [["a"], ["b"]], []])
@pytest.mark.parametrize("kind", ["CountVectorizer", "HashingVectorizer"])
def test_bad_input_gets_the_error_of_the_pipeline(bad, kind):
    pipeline = make_pipeline(getattr(ours, kind)(), LinearSVC()).fit(TEXTS, LABELS)
    with pytest.raises(ValueError) as wanted:  # noqa: PT011  whatever it says
        pipeline.predict(bad)
    with pytest.raises(type(wanted.value)) as got:
        fuse(pipeline).predict(bad)
    if bad != []:  # whose message counts the columns
        assert str(got.value) == str(wanted.value)


def test_documents_that_the_kernels_leave_to_python_get_the_same_answer():
    class Shouting(str):
        def lower(self):
            return "worst"

    pipeline = make_pipeline(ours.CountVectorizer(), LinearSVC()).fit(TEXTS, LABELS)
    odd = [Shouting("BEST"), "times"]
    np.testing.assert_allclose(
        fuse(pipeline).decision_function(odd), pipeline.decision_function(odd)
    )


# ---- what cannot be fused


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([("count", ours.CountVectorizer()), ("svd", TruncatedSVD(2)), ("svm", LinearSVC())],
         "step 'svd' .TruncatedSVD.: it is no vectoriser"),
        ([("count", ours.CountVectorizer()), ("f", FunctionTransformer()), ("m", LinearSVC())],
         "step 'f' .FunctionTransformer."),
        ([("count", ours.CountVectorizer(tokenizer=str.split)), ("svm", LinearSVC())],
         "step 'count' .CountVectorizer.: its parameters ask for more"),
        ([("count", ours.CountVectorizer(dtype=np.uint8)), ("svm", LinearSVC())],
         "step 'count' .CountVectorizer.: dtype is"),
        ([("count", ours.CountVectorizer()), ("forest", RandomForestClassifier(3))],
         "step 'forest' .RandomForestClassifier.: it is not a linear model"),
        ([("count", ours.CountVectorizer()), ("svc", SVC())], "step 'svc' .SVC."),
        ([("count", ours.CountVectorizer()), ("scale", MaxAbsScaler())],
         "step 'scale' .MaxAbsScaler.: it is not a linear model"),
        ([("count", ours.CountVectorizer())], "step 'count' .*a linear model must follow"),
        ([("count", ours.CountVectorizer()), ("b", Binarizer(threshold=1)), ("m", LinearSVC())],
         "step 'b' .Binarizer.: threshold is 1"),
        ([("count", ours.CountVectorizer()), ("nb", BernoulliNB(binarize=2.0))],
         "step 'nb' .BernoulliNB.: binarize=2.0"),
        ([("c", ours.TfidfVectorizer()), ("t", ours.TfidfTransformer(sublinear_tf=True)),
          ("m", LinearSVC())], "step 't' .TfidfTransformer.: sublinear_tf"),
        ([("c", ours.TfidfVectorizer()), ("m", OneVsRestClassifier(BernoulliNB()))],
         "step 'm' .BernoulliNB.: binarize=0.0"),
        ([("h", ours.HashingVectorizer(n_features=4, norm=None)),
          ("s", Normalizer()), ("m", BernoulliNB(binarize=1.0))], "step 'm' .BernoulliNB."),
        ([("c", ours.TfidfVectorizer()), ("m", OneVsRestClassifier(SVC()))], "step 'm' .SVC."),
    ],
)  # fmt: skip
def test_an_error_names_the_step_that_cannot_be_fused(steps, message):
    pipeline = Pipeline(steps)
    pipeline.fit(TEXTS, LABELS)
    with pytest.raises(FusionError, match=message):
        fuse(pipeline)


@pytest.mark.parametrize("last", [ours.NBSVM(), ours.LogCountRatio()], ids=shown_as)
def test_what_takes_counts_is_given_nothing_below_zero(last):
    vectorizer = ours.HashingVectorizer(n_features=64, norm=None, alternate_sign=False)
    pipeline = make_pipeline(vectorizer, clone(last), LinearSVC())
    if isinstance(last, ours.NBSVM):
        pipeline = pipeline[:-1]
    fused = fuse(pipeline.fit(TEXTS, LABELS_OF_TWO))
    assert_alike(fused, pipeline, UNSEEN)
    pipeline.set_params(hashingvectorizer__alternate_sign=True)
    with pytest.raises(FusionError, match="what reaches it can be below zero"):
        fuse(pipeline)


def test_steps_of_other_peoples_classes_are_refused():
    class Doubling(LogisticRegression):
        def decision_function(self, X):
            return 2 * super().decision_function(X)

    pipeline = make_pipeline(ours.CountVectorizer(), Doubling()).fit(TEXTS, LABELS)
    with pytest.raises(FusionError, match=r"step 'doubling' .Doubling.: what a class of your own"):
        fuse(pipeline)
    pipeline = make_pipeline(ours.CountVectorizer(), OneVsRestClassifier(Doubling()))
    with pytest.raises(FusionError, match=r"step 'onevsrestclassifier' .Doubling."):
        fuse(pipeline.fit(TEXTS, LABELS))


def test_dense_models_and_things_that_are_no_pipeline_are_refused():
    pipeline = make_pipeline(
        ours.CountVectorizer(), FunctionTransformer(lambda X: X.toarray()), GaussianNB()
    ).fit(TEXTS, LABELS)
    with pytest.raises(FusionError, match="functiontransformer"):
        fuse(pipeline)
    with pytest.raises(FusionError, match=r"takes a scikit-learn Pipeline.*got LinearSVC"):
        fuse(LinearSVC())
    search = GridSearchCV(make_pipeline(ours.CountVectorizer(), LinearSVC()), {}, cv=2)
    with pytest.raises(FusionError, match="fuse its best_estimator_"):
        fuse(search.fit(TEXTS[:8], ["a", "b"] * 4))
    numbers = make_pipeline(MaxAbsScaler(), LinearSVC()).fit(np.eye(9), LABELS)
    with pytest.raises(FusionError, match="the first step must be a CountVectorizer"):
        fuse(numbers)


def test_what_is_not_fitted_says_so():
    with pytest.raises(NotFittedError):
        fuse(make_pipeline(ours.TfidfVectorizer(), LinearSVC()))
    vectorizer = ours.TfidfVectorizer().fit(TEXTS)
    with pytest.raises(NotFittedError):
        fuse(make_pipeline(vectorizer, LinearSVC()))
    with pytest.raises(NotFittedError):
        FusedPipeline(pipeline=make_pipeline(vectorizer, LinearSVC())).predict(TEXTS)


def test_a_model_of_another_vocabulary_is_refused():
    pipeline = make_pipeline(ours.TfidfVectorizer(), LinearSVC()).fit(TEXTS, LABELS)
    pipeline[0].fit(TEXTS[:2])
    with pytest.raises(FusionError, match=r"knows \d+ columns and is given \d+; fit"):
        fuse(pipeline)


def test_infinite_weights_are_refused():
    vectorizer = ours.TfidfVectorizer(vocabulary=["times", "never"], smooth_idf=False)
    pipeline = make_pipeline(vectorizer, LinearSVC()).fit(TEXTS, LABELS)
    with pytest.raises(FusionError, match="idf_ is not one finite number"):
        fuse(pipeline)


def test_columns_put_into_the_vocabulary_by_hand_are_not_followed():
    vectorizer = ours.CountVectorizer(analyzer="char_wb", vocabulary={"a": 0, "b": 1})
    pipeline = make_pipeline(vectorizer, LinearSVC()).fit(TEXTS, LABELS)
    pipeline.predict(TEXTS)
    del vectorizer.vocabulary_["b"]
    vectorizer.vocabulary_["w"] = 10**6
    vectorizer.set_params(ngram_range=(1, 2))  # so that its look-ups are made anew
    with pytest.raises(FusionError, match="edited in place"):
        fuse(pipeline)


# ---- the estimator


def test_it_is_fitted_as_an_estimator_and_searched():
    pipeline = make_pipeline(ours.TfidfVectorizer(), LogisticRegression())
    model = FusedPipeline(pipeline=pipeline)
    assert model.fit(TEXTS, LABELS) is model
    assert not hasattr(pipeline[0], "vocabulary_")  # a clone was fitted
    assert_alike(model, clone(pipeline).fit(TEXTS, LABELS), UNSEEN)
    search = GridSearchCV(model, {"pipeline__logisticregression__C": [0.1, 10.0]}, cv=2)
    assert set(search.fit(TEXTS[:8], ["a", "b"] * 4).predict(UNSEEN)) <= {"a", "b"}
    assert isinstance(clone(model), BaseEstimator)


def test_a_pickle_answers_alike_and_holds_no_tables():
    pipeline = make_pipeline(ours.TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression())
    fused = fuse(pipeline.fit(TEXTS, LABELS))
    again = pickle.loads(pickle.dumps(fused))
    np.testing.assert_array_equal(again.predict_proba(UNSEEN), fused.predict_proba(UNSEEN))
    assert len(pickle.dumps(fused)) < 2 * len(pickle.dumps(pipeline))


def test_a_saved_file_answers_alike(tmp_path, monkeypatch):
    monkeypatch.setattr(ours, "FusedPipeline", FusedPipeline, raising=False)
    pipeline = make_pipeline(ours.TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression())
    fused = fuse(pipeline.fit(TEXTS, LABELS))
    loaded = textrep.load(fused.save(tmp_path / "model.textrep"))
    np.testing.assert_array_equal(loaded.predict_proba(UNSEEN), fused.predict_proba(UNSEEN))
    assert loaded.classes_.tolist() == ["dark", "dusk", "light"]
    unfitted = FusedPipeline(pipeline=clone(pipeline))
    with pytest.raises(NotFittedError):
        textrep.load(unfitted.save(tmp_path / "model.textrep")).predict(TEXTS)


def test_many_threads_get_the_same_answers():
    pipeline = make_pipeline(ours.TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression())
    fused = pickle.loads(pickle.dumps(fuse(pipeline.fit(TEXTS, LABELS))))
    wanted = pipeline.predict_proba(TEXTS)
    answers = []

    def ask():
        for _ in range(20):
            answers.append(fused.predict_proba(TEXTS))

    workers = [threading.Thread(target=ask) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(answers) == 80
    for answer in answers:
        np.testing.assert_allclose(answer, wanted, rtol=1e-12)


# ---- the kernels


@settings(deadline=None)
@given(
    documents=st.lists(st.lists(st.integers(-1, 5), max_size=60), min_size=1, max_size=5),
    kind=st.sampled_from([kernels.COUNT, kernels.ONE, kernels.LOGARITHM]),
    norm=st.sampled_from([0, 1, 2, 3]),
    dense=st.booleans(),
)
def test_scores_are_those_of_a_brute_force(documents, kind, norm, dense):
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(6, 3))
    bounds = np.cumsum([0, *(len(document) + 1 for document in documents)])
    ranks = np.array([r for document in documents for r in [*document, -1]], dtype=np.int32)
    got = kernels.score_ngrams(
        ranks[None, :], 0, np.zeros(1, np.int64), bounds, weights, kind, norm, 6 * dense
    )
    for document, scores in zip(documents, got, strict=True):
        row = np.zeros(6)
        for number in document:
            if number >= 0:
                row[number] += 1
        if kind == kernels.ONE:
            row = (row > 0).astype(float)
        elif kind == kernels.LOGARITHM:
            row[row > 0] = 1 + np.log(row[row > 0])
        wanted = row @ weights[:, 1:]
        sizes = abs(row * weights[:, 0])
        size = [1.0, sizes.sum(), np.sqrt((sizes**2).sum()), sizes.max()][norm]
        np.testing.assert_allclose(scores, wanted / (size or 1.0), rtol=1e-12, atol=1e-14)


def test_counts_past_the_table_of_logarithms_are_right():
    texts = ["a b", "a " * 1000 + "b"]
    vectorizer = ours.TfidfVectorizer(sublinear_tf=True, norm=None, token_pattern=r"\w+")
    pipeline = make_pipeline(vectorizer, Ridge()).fit(texts, [0.0, 1.0])
    assert_alike(fuse(pipeline), pipeline, [*texts, "a " * 255, "a " * 256])


SCRIPT = """
import numpy as np
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from textrep import sparse
from textrep.sparse import scoring, short
from textrep.sparse.fusing import fuse
short.TINY_CHARACTERS = 0
texts = ["the best of times", "naïve ΣΑΣ seventeencharslong a_b", "", "the the x"]
for name in ("TfidfVectorizer", "HashingVectorizer"):
    for analyzer in ("word", "char", "char_wb"):
        for dense in (0, 1 << 17):
            scoring.DENSE_NUMBERS = dense
            parameters = {"analyzer": analyzer, "ngram_range": (1, 2)}
            if name == "HashingVectorizer":
                parameters["n_features"] = 64
            vectorizer = getattr(sparse, name)(**parameters)
            pipeline = make_pipeline(vectorizer, RidgeClassifier()).fit(texts, [0, 1, 2, 0])
            wanted = pipeline.decision_function(texts[::-1])
            got = fuse(pipeline).decision_function(texts[::-1])
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-14)
print("the same")
"""


def test_kernels_give_the_same_answers_as_plain_python():
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert run.stdout == "the same\n", run.stderr


@pytest.mark.skipif("TEXTREP_DATA" not in os.environ, reason="TEXTREP_DATA names no data sets")
def test_reviews_get_the_labels_that_scikit_learn_gives():
    try:
        corpus = textrep.load_corpus("imdb")
    except OSError as error:
        pytest.skip(f"no imdb: {error}")
    train, test = corpus.part("train"), corpus.part("test")
    texts, labels = list(train.texts)[::25], list(train.labels)[::25]
    pipeline = make_pipeline(theirs.TfidfVectorizer(ngram_range=(1, 2)), LinearSVC())
    pipeline.fit(texts, labels)
    assert_alike(fuse(pipeline), pipeline, list(test.texts)[::25])


def test_bm25_weighs_in_a_way_of_its_own_and_is_refused():
    pipeline = make_pipeline(textrep.BM25Vectorizer(), LinearSVC()).fit(["a bc", "b de"], [0, 1])
    with pytest.raises(FusionError, match=r"step 'bm25vectorizer' .*must be a CountVectorizer"):
        fuse(pipeline)


def test_parameters_changed_after_fusing_are_told():
    pipeline = make_pipeline(textrep.TfidfVectorizer(), LinearSVC()).fit(["a bc", "b de"], [0, 1])
    fused = fuse(pipeline)
    pipeline[0].set_params(analyzer=str.split)
    with pytest.raises(FusionError, match="were changed after fuse"):
        fused.predict(["bc"])
