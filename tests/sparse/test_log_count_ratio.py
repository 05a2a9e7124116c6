"""Log-count ratios and NB-SVM beside plain numpy and the formulas of Wang and Manning."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import check_estimator

import textrep
from textrep.core.labels import LabelError
from textrep.sparse import NBSVM, CountVectorizer, LogCountRatio, threads

TEXTS = ["good good film", "so good", "a fine film", "bad film", "so bad so so", "awful plot"]
LABELS = ["pos", "pos", "pos", "neg", "neg", "neg"]


def random_counts(n=60, m=25, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.poisson(0.4, size=(n, m)).astype(np.float64)
    return X, generator.integers(0, 2, size=n)


def ratio_by_hand(X, positive, alpha, binarize):
    """Section 2.1 of the paper, column by column."""
    F = (X > 0).astype(float) if binarize else X
    p, q = alpha + F[positive].sum(axis=0), alpha + F[~positive].sum(axis=0)
    return np.log((p / p.sum()) / (q / q.sum()))


@pytest.mark.parametrize("alpha", [1.0, 0.1])
@pytest.mark.parametrize("binarize", [True, False])
@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csr_array, sp.csc_array, np.asarray, list])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_ratios_and_weights_are_those_of_the_formula(alpha, binarize, kind, dtype):
    X, y = random_counts()
    wanted = ratio_by_hand(X, y == 1, alpha, binarize)
    given = X.astype(dtype).tolist() if kind is list else kind(X.astype(dtype))
    transformer = LogCountRatio(alpha=alpha, binarize=binarize)
    found = transformer.fit_transform(given, y)
    np.testing.assert_allclose(transformer.log_count_ratio_, wanted, rtol=1e-12, atol=1e-15)
    assert sp.issparse(found)
    assert found.format == "csr"
    single = dtype == np.float32 and kind is not list
    assert found.dtype == (np.float32 if single else np.float64)
    weighted = ((X > 0) if binarize else X) * wanted
    np.testing.assert_allclose(
        found.toarray(), weighted, rtol=1e-6 if single else 1e-12, atol=1e-7 if single else 1e-15
    )


def test_ratios_of_counts_are_the_weights_of_naive_bayes():
    X, y = random_counts()
    peer = MultinomialNB(alpha=0.5).fit(X, y)
    ratio = LogCountRatio(alpha=0.5, binarize=False).fit(X, y).log_count_ratio_
    np.testing.assert_allclose(ratio, peer.feature_log_prob_[1] - peer.feature_log_prob_[0])


@pytest.mark.parametrize("cores", [1, 2, 7])
def test_threads_change_nothing(cores, monkeypatch):
    X, y = random_counts()
    wanted = LogCountRatio(n_jobs=1).fit_transform(X, y)
    monkeypatch.setattr(threads, "BYTES_PER_THREAD", 8)
    monkeypatch.setattr(threads, "available_cores", lambda: cores)
    np.testing.assert_array_equal(LogCountRatio().fit_transform(X, y).toarray(), wanted.toarray())


def test_the_matrix_given_is_left_alone_unless_copying_is_switched_off():
    X, y = random_counts()
    given = sp.csr_matrix(X)
    transformer = LogCountRatio().fit(given, y)
    transformer.transform(given)
    np.testing.assert_array_equal(given.toarray(), X)
    weighted = transformer.transform(given, copy=False)
    assert np.shares_memory(weighted.data, given.data)


@pytest.mark.parametrize("binarize", [True, False])
def test_entries_stored_twice_or_as_zero_count_as_what_they_sum_to(binarize):
    odd = sp.csr_array(([1.0, 1.0, 1.0, 0.0, 3.0], [0, 1, 0, 0, 1], [0, 3, 5]), (2, 2))
    plain = np.array([[2.0, 1.0], [0.0, 3.0]])
    transformer = LogCountRatio(binarize=binarize).fit(odd, ["a", "b"])
    wanted = LogCountRatio(binarize=binarize).fit(plain, ["a", "b"])
    np.testing.assert_array_equal(transformer.log_count_ratio_, wanted.log_count_ratio_)
    np.testing.assert_array_equal(
        transformer.transform(odd).toarray(), wanted.transform(plain).toarray()
    )


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["b", "a"] * 3, np.str_),
        ([True, False] * 3, np.bool_),
        (np.array([3, -1] * 3), np.int64),
        ([1.0, 0.0] * 3, np.float64),
        (np.array(["b", "a"] * 3, dtype=object), str),
    ],
)
@pytest.mark.parametrize("estimator", [LogCountRatio, NBSVM])
def test_labels_of_any_type_come_back_as_they_were(labels, kind, estimator):
    X = CountVectorizer().fit_transform(TEXTS)
    fitted = estimator().fit(X, labels)
    np.testing.assert_array_equal(fitted.classes_, sorted(set(labels)))
    assert all(isinstance(label, kind) for label in fitted.classes_)
    if estimator is NBSVM:
        assert all(isinstance(label, kind) for label in fitted.predict(X))


def test_more_than_two_classes_are_refused_with_the_remedy():
    X, _ = random_counts()
    with pytest.raises(ValueError, match=r"y holds 3; use sklearn.multiclass.OneVsRestClassifier"):
        LogCountRatio().fit(X, np.arange(60) % 3)


def test_the_remedy_for_more_classes_works():
    X, _ = random_counts()
    y = np.array(["a", "b", "c"])[np.argmax(X[:, :3], axis=1)]
    remedy = OneVsRestClassifier(make_pipeline(LogCountRatio(), LinearSVC()))
    assert remedy.fit(sp.csr_matrix(X), y).score(sp.csr_matrix(X), y) > 0.9


@pytest.mark.parametrize("estimator", [LogCountRatio, NBSVM])
def test_wrong_labels_are_refused(estimator):
    X, y = random_counts()
    with pytest.raises(ValueError, match="y holds only 1 class, 'a'"):
        estimator().fit(X, ["a"] * 60)
    with pytest.raises(ValueError, match=f"This {estimator.__name__} estimator requires y"):
        estimator().fit(X, None)
    with pytest.raises(LabelError, match="y has 59 items"):
        estimator().fit(X, y[:-1])
    with pytest.raises(LabelError, match=r"y\[1\] is None"):
        estimator().fit(X[:2], ["a", None])


@pytest.mark.parametrize("estimator", [LogCountRatio, NBSVM])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: -X, "entries below zero"),
        (lambda X: X * np.nan, "NaN"),
        (lambda X: X[0], "2D array"),
        (lambda X: ["a text"] * 60, "could not convert|2D array"),
    ],
)
def test_what_is_no_matrix_of_counts_is_refused(estimator, change, message):
    X, y = random_counts()
    with pytest.raises(ValueError, match=message):
        estimator().fit(change(X), y)


@pytest.mark.parametrize("alpha", [0, -1, "1", float("nan")])
def test_smoothing_must_be_above_zero(alpha):
    X, y = random_counts()
    for estimator in (LogCountRatio, NBSVM):
        with pytest.raises(ValueError, match="The 'alpha' parameter"):
            estimator(alpha=alpha).fit(X, y)


def test_other_columns_than_in_fit_are_refused():
    X, y = random_counts()
    with pytest.raises(ValueError, match="X has 24 features, but LogCountRatio is expecting 25"):
        LogCountRatio().fit(X, y).transform(X[:, 1:])
    with pytest.raises(ValueError, match="X has 24 features, but NBSVM is expecting 25"):
        NBSVM().fit(X, y).predict(X[:, 1:])


def test_what_is_not_fitted_says_so():
    X, _ = random_counts()
    with pytest.raises(NotFittedError):
        LogCountRatio().transform(X)
    with pytest.raises(NotFittedError):
        NBSVM().predict(X)


def nbsvm_by_hand(X, positive, beta, C):
    """Section 2.3 of the paper with scikit-learn's support vector machine."""
    ratio = ratio_by_hand(X, positive, 1.0, True)
    svm = LinearSVC(C=C, random_state=0).fit((X > 0) * ratio, positive)
    w = svm.coef_[0]
    return (X > 0) @ (ratio * ((1 - beta) * np.abs(w).mean() + beta * w)) + svm.intercept_[0]


@pytest.mark.parametrize("beta", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("C", [0.1, 1.0])
def test_the_classifier_is_the_papers(beta, C):
    X, y = random_counts()
    wanted = nbsvm_by_hand(X, y == 1, beta, C)
    classifier = NBSVM(beta=beta, C=C, random_state=0).fit(sp.csr_matrix(X), y)
    found = classifier.decision_function(sp.csr_matrix(X))
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(classifier.predict(X), (found > 0).astype(int))


def test_several_classes_are_one_against_the_rest():
    X, _ = random_counts()
    y = np.array(["a", "b", "c"])[np.argmax(X[:, :3], axis=1)]
    classifier = NBSVM(random_state=0).fit(sp.csr_matrix(X), y)
    wanted = np.stack([nbsvm_by_hand(X, y == label, 0.25, 1.0) for label in "abc"], axis=1)
    found = classifier.decision_function(X)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(
        classifier.predict(X), np.array(["a", "b", "c"])[found.argmax(axis=1)]
    )
    assert classifier.coef_.shape == (3, X.shape[1])


def test_weights_of_classes_are_those_of_their_samples_repeated():
    X, y = random_counts()
    weighted = NBSVM(class_weight={0: 1.0, 1: 2.0}, beta=1.0, random_state=0, tol=1e-8)
    ratio = LogCountRatio().fit(X, y)
    svm = LinearSVC(random_state=0, tol=1e-8, max_iter=100_000)
    twice = np.concatenate([np.arange(60), np.flatnonzero(y == 1)])
    svm.fit(ratio.transform(X[twice]), y[twice])
    found = weighted.set_params(max_iter=100_000).fit(X, y).decision_function(X)
    np.testing.assert_allclose(found, svm.decision_function(ratio.transform(X)), atol=1e-4)


def test_whole_counts_can_be_classified_too():
    X, y = random_counts()
    classifier = NBSVM(binarize=False, beta=0.0).fit(X, y)
    scores = classifier.decision_function(X) - classifier.intercept_
    ratio = ratio_by_hand(X, y == 1, 1.0, False)
    np.testing.assert_allclose(np.corrcoef(scores, X @ ratio)[0, 1], 1.0)


def test_the_classifier_keeps_scikit_learns_contract():
    outside = {
        "check_classifier_data_not_an_array": "labels are read by check_labels, as in all textrep",
        "check_supervised_y_2d": "labels are read by check_labels, as in all textrep",
        "check_classifiers_regression_target": "labels are read by check_labels, as in all textrep",
        "check_class_weight_classifiers": "its data is below zero",
    }
    # its data are no counts: only how large a value is tells classes
    classifier = NBSVM(binarize=False, beta=1.0, max_iter=5000)
    check_estimator(classifier, expected_failed_checks=outside)


def test_they_work_in_pipelines_and_grid_searches():
    pipeline = make_pipeline(CountVectorizer(), NBSVM())
    search = GridSearchCV(pipeline, {"nbsvm__beta": [0.25, 1.0]}, cv=3, error_score="raise")
    assert search.fit(TEXTS, LABELS).best_estimator_.predict(["good"]).tolist() == ["pos"]
    assert clone(pipeline).get_params()["nbsvm__beta"] == 0.25


@pytest.mark.parametrize("labels", [LABELS, [1, 1, 2, 2, 3, 3], [True] * 3 + [False] * 3])
def test_copies_give_the_same_answers(labels, tmp_path):
    X = CountVectorizer().fit_transform(TEXTS)
    classifier = NBSVM(random_state=0).fit(X, labels)
    for copy in (
        pickle.loads(pickle.dumps(classifier)),
        textrep.load(classifier.save(tmp_path / "nbsvm.textrep")),
    ):
        np.testing.assert_array_equal(copy.predict(X), classifier.predict(X))
        assert copy.predict(X).dtype == classifier.predict(X).dtype
    if len(set(labels)) == 2:
        ratio = LogCountRatio().fit(X, labels)
        loaded = textrep.load(ratio.save(tmp_path / "ratio.textrep"))
        np.testing.assert_array_equal(loaded.transform(X).toarray(), ratio.transform(X).toarray())


def test_kernels_run_as_plain_python_too():
    from textrep.sparse.kernels import weights

    X, y = random_counts(20, 6)
    csr = sp.csr_array(X)
    for binarize in (False, True):
        sums = np.zeros((2, 6))
        weights.add_class_sums.py_func(csr.data, csr.indices, csr.indptr, y, binarize, sums)
        F = (X > 0).astype(float) if binarize else X
        np.testing.assert_array_equal(sums, [F[y == 0].sum(axis=0), F[y == 1].sum(axis=0)])
        scaled = csr.copy()
        weights.scale_columns.py_func(
            scaled.data, scaled.indices, 0, csr.nnz, np.arange(6.0), binarize
        )
        np.testing.assert_array_equal(scaled.toarray(), F * np.arange(6.0))


@pytest.mark.parametrize("ratio", [np.ones(1), np.ones((2, 2)), np.ones(3)])
def test_ratios_that_do_not_fit_the_columns_are_refused(ratio):
    weigher = LogCountRatio().fit([[1, 2], [0, 1]], [0, 1])
    weigher.log_count_ratio_ = ratio
    with pytest.raises(ValueError, match=r"log_count_ratio_ has the shape .* 2 columns"):
        weigher.transform([[1, 1]])


@pytest.mark.parametrize("copy", [True, False])
def test_a_matrix_that_cannot_be_written_to_is_weighed_in_a_copy(copy):
    X = sp.csr_array([[1.0, 2.0], [0.0, 3.0]])
    X.data.flags.writeable = False
    weigher = LogCountRatio().fit(X, [0, 1])
    wanted = weigher.transform(X.toarray())
    np.testing.assert_array_equal(weigher.transform(X, copy=copy).toarray(), wanted.toarray())
    assert X.data.tolist() == [1.0, 2.0, 3.0]
