"""Axes hold all values between round ticks."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from textrep.comparison.report.scales import log_axis, share_axis

SHARES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20)
QUANTITIES = st.lists(st.floats(1e-4, 1e9), min_size=1, max_size=20)


def linear(values):
    return share_axis(values, 300.0, 10.0)


@given(SHARES)
def test_a_linear_axis_covers_its_values_and_stays_within_its_limits(values):
    axis = linear(values)
    assert 0.0 <= axis.low < axis.high <= 1.0
    assert axis.low <= min(values) + 1e-9
    assert axis.high >= max(values) - 1e-9


@given(SHARES)
def test_ticks_of_a_linear_axis_are_equally_far_apart(values):
    places = [place for place, _ in linear(values).ticks]
    gaps = [a - b for a, b in itertools.pairwise(places)]
    assert gaps == pytest.approx([gaps[0]] * len(gaps), abs=0.03)
    assert places[0] == 300.0
    assert places[-1] == 10.0


@given(QUANTITIES)
@example([math.nextafter(1e9, 0)])  # 9 is the logarithm of both, rounded
@example([math.nextafter(1e9, 1e10)])
@example([1e-3, math.nextafter(1e9, 1e10)])
def test_a_logarithmic_axis_covers_its_values_with_two_ticks_at_least(values):
    axis = log_axis(values, 0.0, 400.0, inscribe=repr)
    assert axis.low <= min(values)
    assert axis.high >= max(values)
    assert 2 <= len(axis.ticks) <= 14


@given(QUANTITIES)
def test_places_on_a_logarithmic_axis_rise_with_the_values(values):
    axis = log_axis(values, 0.0, 400.0, inscribe=repr)
    places = [axis.at(value) for value in sorted(values)]
    assert places == sorted(places)


def test_places_on_a_logarithmic_axis_are_those_of_the_closed_form():
    axis = log_axis([2.0, 900.0], 50.0, 450.0, inscribe=repr)
    low, high = math.log(axis.low), math.log(axis.high)
    expected = 50.0 + 400.0 * (math.log(30.0) - low) / (high - low)
    assert axis.at(30.0) == pytest.approx(expected, abs=0.01)


def test_one_value_still_makes_an_axis():
    assert linear([1.0]).low < 1.0
    assert linear([0.0]).high > 0.0
    assert len(log_axis([10.0], 0.0, 1.0, inscribe=repr).ticks) == 2
