"""Learning curves, and the names at their ends."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tests.comparison.report.results import outcome
from textrep.comparison.report.curves import learning_curves, spread


@given(st.lists(st.floats(0.0, 300.0), max_size=25), st.floats(1.0, 40.0))
def test_names_keep_their_order_and_their_distance_within_the_figure(wanted, gap):
    heights = spread(wanted, gap, 0.0, 300.0)
    gap = min(gap, 300.0 / max(1, len(wanted) - 1))
    pairs = sorted(zip(wanted, heights, strict=True))
    for (_, a), (_, b) in itertools.pairwise(pairs):
        assert b - a >= gap - 0.03
    assert all(-0.01 <= height <= 300.01 for height in heights)


@given(st.lists(st.integers(0, 20), unique=True, max_size=15))
def test_names_that_do_not_touch_stay_where_they_want_to_be(numbers):
    wanted = [15.0 * number for number in numbers]
    assert spread(wanted, 15.0, 0.0, 300.0) == wanted


def test_curves_rise_where_accuracy_does_and_are_read_from_few_texts_to_many():
    figure = learning_curves(
        [outcome("a", 0.9, learning_curve=((100, 0.9), (25, 0.7), (50, 0.8)))], "a"
    )
    [curve] = figure.curves
    assert [x for x, _ in curve.places] == sorted(x for x, _ in curve.places)
    assert [y for _, y in curve.places] == sorted((y for _, y in curve.places), reverse=True)
    assert figure.sizes == (25, 50, 100)
    [(_, cells)] = figure.table
    assert [cell.replace("\u00a0", " ") for cell in cells] == ["70.0 %", "80.0 %", "90.0 %"]


def test_without_two_sizes_there_are_no_curves():
    assert learning_curves([outcome("a", 0.9)], None) is None
    assert learning_curves([outcome("a", 0.9, learning_curve=((10, 0.9),))], None) is None


def test_curves_beyond_the_palette_are_dashed_so_that_no_two_look_alike():
    outcomes = [outcome(f"r{i}", 0.9, learning_curve=((10, 0.5), (20, 0.6))) for i in range(14)]
    curves = learning_curves(outcomes, None).curves
    assert len({(curve.colour, curve.dashed) for curve in curves}) == 14


def test_a_curve_far_below_is_named_and_keeps_its_row():
    curve = ((10, 0.5), (20, 0.9))
    names = {"a": 0.9, "far": 0.1, "b": 0.89, "c": 0.88}
    figure = learning_curves([outcome(n, a, learning_curve=curve) for n, a in names.items()], "a")
    assert [drawn.name for drawn in figure.curves] == ["b", "c", "a"]
    assert figure.below == ("far",)
    assert [name for name, _ in figure.table] == list(names)
