"""Confidence intervals of accuracy and macro-F1."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm
from sklearn.metrics import f1_score

from textrep.comparison import ComparisonError
from textrep.comparison.statistics import accuracy_interval, macro_f1_interval
from textrep.comparison.statistics.f_scores import macro_f1_of_counts


@given(n=st.integers(1, 5000), share=st.floats(0, 1), level=st.floats(0.5, 0.999))
def test_the_accuracy_interval_is_that_of_scipy(n, share, level):
    n_correct = round(share * n)
    peer = binomtest(n_correct, n).proportion_ci(level, method="wilson")
    np.testing.assert_allclose(
        accuracy_interval(n_correct, n, level=level), (peer.low, peer.high), atol=1e-12
    )


@pytest.mark.parametrize(("n_correct", "n"), [(0, 30), (30, 30), (81, 90)])
def test_the_ends_are_the_accuracies_whose_score_test_just_rejects(n_correct, n):
    z = norm.ppf(0.975)
    for end in accuracy_interval(n_correct, n):
        if 0 < end < 1:
            score = (n_correct / n - end) / np.sqrt(end * (1 - end) / n)
            assert abs(score) == pytest.approx(z)


def test_nothing_and_everything_right_end_at_0_and_1():
    assert accuracy_interval(0, 50)[0] == 0.0
    assert accuracy_interval(50, 50)[1] == 1.0


@pytest.mark.parametrize("accuracy", [0.5, 0.8, 0.95])
def test_the_accuracy_interval_covers_the_truth_about_95_times_of_100(accuracy):
    n = 200
    possible = np.arange(n + 1)
    ends = np.array([accuracy_interval(k, n) for k in possible])
    covers = (ends[:, 0] <= accuracy) & (accuracy <= ends[:, 1])
    assert binom.pmf(possible, n, accuracy)[covers].sum() == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("n_correct", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_numbers_that_are_no_counts_are_refused(n_correct, n):
    with pytest.raises(ComparisonError, match=f"n_correct={n_correct} of n={n}"):
        accuracy_interval(n_correct, n)


@pytest.mark.parametrize("level", [0, 1, 95, "high"])
def test_a_level_that_is_no_share_is_refused(level):
    with pytest.raises(ComparisonError, match="level="):
        accuracy_interval(1, 2, level=level)
    with pytest.raises(ComparisonError, match="level="):
        macro_f1_interval(["a"], ["a"], level=level)


@given(
    pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30),
)
def test_macro_f1_of_counts_is_that_of_sklearn(pairs):
    truth, predicted = np.array(pairs).T
    hits = np.bincount(truth[truth == predicted], minlength=5)
    ours = macro_f1_of_counts(
        hits, np.bincount(predicted, minlength=5), np.bincount(truth, minlength=5)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = f1_score(truth, predicted, average="macro", zero_division=0.0)
    assert ours == pytest.approx(peer)


def labelled(n, k, accuracy, seed):
    rng = np.random.default_rng(seed)
    # Classes of unequal size, as they are.
    truth = np.minimum(rng.geometric(0.4, n) - 1, k - 1)
    return truth, np.where(rng.random(n) < accuracy, truth, rng.integers(0, k, n))


def test_the_macro_f1_interval_is_that_of_a_bootstrap_of_documents():
    truth, predicted = labelled(150, 4, 0.7, seed=0)
    rng = np.random.default_rng(1)
    scores = []
    for _ in range(1000):
        drawn = rng.integers(0, len(truth), len(truth))
        scores.append(f1_score(truth[drawn], predicted[drawn], average="macro", zero_division=0.0))
    ours = macro_f1_interval(truth, predicted, n_resamples=20_000)
    # The quantiles of 1,000 resamples are known to about 0.004.
    np.testing.assert_allclose(ours, np.quantile(scores, [0.025, 0.975]), atol=0.012)


def test_labels_of_any_kind_give_the_same_macro_f1_interval():
    truth, predicted = labelled(60, 3, 0.8, seed=2)
    names = np.array(["x", "y", "z"])
    assert macro_f1_interval(names[truth], names[predicted]) == macro_f1_interval(truth, predicted)


def test_the_seed_decides_the_macro_f1_interval():
    truth, predicted = labelled(60, 3, 0.8, seed=2)
    first, again = (macro_f1_interval(truth, predicted, random_state=5) for _ in range(2))
    assert first == again != macro_f1_interval(truth, predicted, random_state=6)


def test_no_mistake_has_an_interval_of_no_width():
    assert macro_f1_interval(["a", "b"], ["a", "b"]) == (1.0, 1.0)


def test_resamples_in_several_parts_are_as_many(monkeypatch):
    from textrep.comparison.statistics import intervals

    truth, predicted = labelled(60, 3, 0.8, seed=2)
    whole = macro_f1_interval(truth, predicted)
    monkeypatch.setattr(intervals, "_CELLS_AT_ONCE", 50)
    np.testing.assert_allclose(macro_f1_interval(truth, predicted), whole, atol=0.02)


@pytest.mark.parametrize(
    ("truth", "predicted"), [([], []), (["a"], ["a", "b"]), ([["a"]], [["a"]])]
)
def test_labels_that_do_not_go_together_are_refused(truth, predicted):
    with pytest.raises(ComparisonError, match="one label of both for each document"):
        macro_f1_interval(truth, predicted)


def test_no_resamples_are_refused():
    with pytest.raises(ComparisonError, match="n_resamples=0"):
        macro_f1_interval(["a"], ["a"], n_resamples=0)


def test_the_macro_f1_interval_covers_the_truth_about_95_times_of_100():
    everything = labelled(400_000, 4, 0.7, seed=3)
    true_score = f1_score(*everything, average="macro")
    covered = []
    for seed in range(1000):
        lower, upper = macro_f1_interval(*labelled(500, 4, 0.7, seed=100 + seed), n_resamples=500)
        covered.append(lower <= true_score <= upper)
    assert 0.925 < np.mean(covered) < 0.97
