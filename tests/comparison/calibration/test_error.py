"""How far probabilities are from the accuracy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from textrep.comparison import ComparisonError
from textrep.comparison.calibration import calibration_error, reliability


def sample(n, seed, sure=1.0):
    """Labels drawn from probabilities, and these raised to a power."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet([1.0, 1.0, 1.0], n)
    truth = (rng.random((n, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    powered = shares**sure
    return np.array(["x", "y", "z"])[truth], powered / powered.sum(axis=1, keepdims=True)


CLASSES = ["x", "y", "z"]


@given(n=st.integers(1, 200), n_bins=st.integers(1, 20), seed=st.integers(0, 50))
def test_the_curve_is_that_of_sklearn_with_quantiles(n, n_bins, seed):
    truth, shares = sample(n, seed)
    right = np.array(CLASSES)[shares.argmax(axis=1)] == truth
    accuracy, confidence = calibration_curve(
        right, shares.max(axis=1), n_bins=n_bins, strategy="quantile"
    )
    bins = reliability(truth, shares, CLASSES, n_bins)
    np.testing.assert_allclose([one.accuracy for one in bins], accuracy)
    np.testing.assert_allclose([one.mean_confidence for one in bins], confidence)


def test_bins_hold_equally_many():
    bins = reliability(*sample(600, seed=0), CLASSES, 6)
    assert [one.count for one in bins] == pytest.approx([100] * 6, abs=1)


@pytest.mark.parametrize("n_bins", [1, 4, 15])
def test_the_error_is_that_of_bins_made_by_sorting(n_bins):
    truth, shares = sample(300, seed=1, sure=3.0)
    confidence = shares.max(axis=1)
    right = np.array(CLASSES)[shares.argmax(axis=1)] == truth
    # Without ties, sorting and cutting makes the same bins but for one document at each border.
    expected = sum(
        len(part) / 300 * abs(confidence[part].mean() - right[part].mean())
        for part in np.array_split(confidence.argsort(), n_bins)
    )
    assert calibration_error(truth, shares, CLASSES, n_bins) == pytest.approx(expected, abs=0.01)


def test_calibrated_probabilities_have_the_error_of_chance():
    n = 20_000
    assert calibration_error(*sample(n, seed=2), CLASSES) < 2 * 0.4 * np.sqrt(15 / n)


def test_being_too_sure_shows():
    assert calibration_error(*sample(5000, seed=3, sure=4.0), CLASSES) > 0.1


def test_documents_of_equal_confidence_share_a_bin():
    truth = ["x"] * 30 + ["y"] * 10
    shares = [[0.75, 0.25, 0.0]] * 40
    (only,) = reliability(truth, shares, CLASSES)
    assert (only.count, only.mean_confidence, only.accuracy) == (40, 0.75, 0.75)
    assert calibration_error(truth, shares, CLASSES) == 0.0


def test_a_class_that_was_never_learnt_is_never_right():
    assert calibration_error(["new"], [[0.25, 0.75, 0.0]], CLASSES) == 0.75


@pytest.mark.parametrize(
    ("truth", "shares", "message"),
    [
        ([], np.empty((0, 3)), "at least one document"),
        (["x"], [[1.0, 0.0]], r"shape \(1, 2\); expected \(1, 3\)"),
        (["x"], [[1.0, 0.0, 1.5]], r"probabilities\[0, 2\] is 1.5; expected 0 to 1"),
        (["x"], [[np.nan, 0.0, 1.0]], r"probabilities\[0, 0\] is nan"),
    ],
)
def test_what_are_no_probabilities_of_the_classes_is_refused(truth, shares, message):
    with pytest.raises(ComparisonError, match=message):
        calibration_error(truth, shares, CLASSES)


@pytest.mark.parametrize("n_bins", [0, -1, 1.5, None])
def test_a_number_of_bins_that_is_none_is_refused(n_bins):
    with pytest.raises(ComparisonError, match="n_bins="):
        reliability(["x"], [[1.0, 0.0, 0.0]], CLASSES, n_bins)
