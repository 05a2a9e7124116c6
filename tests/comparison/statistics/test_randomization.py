"""The paired test for macro-F1."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.metrics import f1_score

from textrep.comparison import ComparisonError
from textrep.comparison.statistics import approximate_randomization, mcnemar


def macro_f1(truth, predicted):
    return f1_score(truth, predicted, average="macro", zero_division=0.0)


def answers(n, k, accuracies, seed):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    drawn = [
        np.where(rng.random(n) < accuracy, truth, rng.integers(0, k, n)) for accuracy in accuracies
    ]
    return truth, *drawn


@pytest.mark.parametrize("seed", range(4))
def test_it_comes_near_the_p_value_over_all_exchanges(seed):
    truth, a, b = answers(14, 3, (0.9, 0.4), seed)
    observed = abs(macro_f1(truth, a) - macro_f1(truth, b))
    differ = np.flatnonzero(a != b)
    reached = []
    for swaps in itertools.product([False, True], repeat=len(differ)):
        first, second = a.copy(), b.copy()
        at = differ[list(swaps)]
        first[at], second[at] = b[at], a[at]
        reached.append(abs(macro_f1(truth, first) - macro_f1(truth, second)) >= observed - 1e-12)
    exact = np.mean(reached)
    ours = approximate_randomization(truth, a, b, random_state=seed)
    assert ours == pytest.approx(exact, rel=0.3, abs=0.004)


def test_with_two_balanced_classes_it_agrees_with_mcnemar():
    truth, a, b = answers(600, 2, (0.75, 0.6), seed=1)
    ours = approximate_randomization(truth, a, b)
    assert ours == pytest.approx(mcnemar(a == truth, b == truth), rel=0.5)


def test_a_large_difference_has_the_smallest_p_value():
    truth = np.array([0, 1] * 200)
    assert approximate_randomization(truth, truth, truth * 0, n_resamples=199) == 1 / 200


def test_identical_answers_are_not_told_apart():
    assert approximate_randomization(["a", "b"], ["a", "a"], ["a", "a"]) == 1.0


def test_labels_of_any_kind_give_the_same_p_value():
    truth, a, b = answers(80, 3, (0.9, 0.8), seed=2)
    names = np.array(["x", "y", "z"])
    assert approximate_randomization(names[truth], names[a], names[b]) == (
        approximate_randomization(truth, a, b)
    )


def test_lengths_that_differ_are_refused():
    with pytest.raises(ComparisonError, match=r"shapes \(2,\), \(2,\), \(1,\)"):
        approximate_randomization(["a", "b"], ["a", "b"], ["a"])


def test_no_resamples_are_refused():
    with pytest.raises(ComparisonError, match="n_resamples=0"):
        approximate_randomization(["a"], ["a"], ["a"], n_resamples=0)


def test_equal_rungs_are_called_different_in_about_5_percent_of_trials():
    found = []
    for seed in range(1000):
        truth, a, b = answers(200, 3, (0.7, 0.7), seed)
        p_value = approximate_randomization(truth, a, b, n_resamples=999, random_state=seed)
        found.append(p_value <= 0.05)
    # 1,000 trials at 5 % give more than 7.2 % once in a thousand times.
    assert np.mean(found) < 0.072
