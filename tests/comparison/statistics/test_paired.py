"""McNemar's exact test and Holm's correction."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from textrep.comparison import ComparisonError
from textrep.comparison.statistics import holm, mcnemar
from textrep.comparison.statistics.paired import mcnemar_of_counts


@given(only_a=st.integers(0, 300), only_b=st.integers(0, 300))
def test_the_p_value_is_that_of_the_binomial_test_of_the_discordant_documents(only_a, only_b):
    ours = mcnemar_of_counts(only_a, only_b)
    both = only_a + only_b
    peer = binomtest(only_a, both, 0.5).pvalue if both else 1.0
    assert ours == pytest.approx(peer, rel=1e-9)


def test_the_p_value_counts_all_ways_in_which_the_winners_can_fall():
    a = np.array([1, 1, 1, 1, 0, 1, 1, 0], dtype=bool)
    b = np.array([0, 0, 0, 0, 1, 1, 1, 0], dtype=bool)
    observed = abs(int(a.sum()) - int(b.sum()))
    ways = [abs(sum(signs)) for signs in itertools.product([1, -1], repeat=5)]
    assert mcnemar(a, b) == pytest.approx(np.mean([way >= observed for way in ways]))


def test_documents_on_which_both_agree_do_not_count():
    a, b = [True, True, True, False], [False, True, False, False]
    more = [True] * 50 + [False] * 50
    assert mcnemar(a + more, b + more) == mcnemar(a, b)


def test_it_does_not_matter_which_is_named_first():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 60)) < [[0.9], [0.6]]
    assert mcnemar(a, b) == mcnemar(b, a) < 0.01


def test_the_same_answers_are_not_told_apart():
    assert mcnemar([True, False], [True, False]) == 1.0
    assert mcnemar([], []) == 1.0


def test_lengths_that_differ_are_refused():
    with pytest.raises(ComparisonError, match=r"shape \(2,\) and correct_b \(1,\)"):
        mcnemar([True, False], [True])


EQUAL_PAIRS = list(itertools.product([100, 300, 1000], [0.7, 0.85, 0.95], [0.0, 0.5, 0.9]))
"""Documents, accuracy of both rungs, and the correlation between their being right."""


def discordant_share(accuracy, correlation):
    return 2 * accuracy * (1 - accuracy) * (1 - correlation)


@pytest.mark.parametrize(("n", "accuracy", "correlation"), EQUAL_PAIRS)
def test_the_chance_to_call_two_equal_rungs_different_is_at_most_5_percent(
    n, accuracy, correlation
):
    chance = 0.0
    for both in range(n + 1):
        only_a = np.arange(both + 1)
        rejected = mcnemar_of_counts(only_a, both - only_a) <= 0.05
        weight = binom.pmf(both, n, discordant_share(accuracy, correlation))
        chance += weight * binom.pmf(only_a, both, 0.5)[rejected].sum()
    assert chance <= 0.05


def test_two_equal_rungs_are_called_different_in_at_most_5_percent_of_trials():
    rng = np.random.default_rng(0)
    different = []
    for n, accuracy, correlation in EQUAL_PAIRS:
        share = discordant_share(accuracy, correlation) / 2
        only_a, only_b, _ = rng.multinomial(n, [share, share, 1 - 2 * share], size=1000).T
        different.append(mcnemar_of_counts(only_a, only_b) <= 0.05)
    assert np.mean(different) <= 0.05
    # 1,000 trials at exactly 5 % give more than 7.2 % once in a thousand times.
    assert np.mean(different, axis=1).max() < 0.072


def stepwise(p_values):
    """Holm's method as his paper tells it: for each level, reject in turn until one stands."""
    order = np.argsort(p_values, kind="stable")

    def rejected(level):
        found = set()
        for step, at in enumerate(order):
            if p_values[at] > level / (len(p_values) - step):
                break
            found.add(at)
        return found

    return rejected


@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=8), level=st.floats(0.001, 0.999))
def test_holm_rejects_what_going_through_the_steps_rejects(p_values, level):
    corrected = holm(p_values)
    # A value that is equal to the level up to rounding can fall on either side.
    if not np.isclose(corrected, level, rtol=1e-9).any():
        assert set(np.flatnonzero(corrected <= level)) == stepwise(p_values)(level)


def test_holm_multiplies_each_by_the_number_that_is_left():
    np.testing.assert_allclose(holm([0.04, 0.001, 0.9, 0.02]), [0.08, 0.004, 0.9, 0.06])


def test_holm_takes_families_in_rows():
    rows = np.random.default_rng(0).random((5, 4)) ** 3
    np.testing.assert_array_equal(holm(rows), [holm(row) for row in rows])


def test_holm_of_nothing_is_nothing():
    assert holm([]).shape == (0,)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan])
def test_what_is_no_p_value_is_refused(wrong):
    with pytest.raises(ComparisonError, match="0 to 1"):
        holm([0.5, wrong])
