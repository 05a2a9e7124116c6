"""Names beside points do not cover each other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from textrep.comparison.report.labelling import Box, place_labels

BOUNDS = Box(50.0, 10.0, 450.0, 280.0)


def placed(points, texts, lines=()):
    return place_labels(points, texts, lines, BOUNDS)


@pytest.mark.parametrize("seed", range(5))
def test_names_of_thirteen_rungs_in_a_cluster_do_not_touch(seed):
    rng = np.random.default_rng(seed)
    points = [
        (float(x), float(y)) for x, y in rng.normal((250, 140), (80, 40), (13, 2)).clip(60, 270)
    ]
    labels = placed(points, ["tfidf-bigram-svm"] * 13)
    for a, b in itertools.combinations(labels, 2):
        assert a.box.overlap(b.box) == 0.0
    for label in labels:
        assert label.box.overlap(BOUNDS) == pytest.approx(label.box.area)


def test_names_keep_clear_of_other_points():
    points = [(200.0, 100.0), (215.0, 100.0)]
    labels = placed(points, ["first", "second"])
    for label, (x, y) in itertools.product(labels, points):
        assert not (label.box.left < x < label.box.right and label.box.top < y < label.box.bottom)


def test_a_name_that_stands_far_from_its_point_is_tied_to_it_by_a_line():
    crowd = [(200.0 + i, 100.0 + i) for i in range(10)]
    labels = placed(crowd, ["name-of-a-rung"] * 10)
    for label, (x, y) in zip(labels, crowd, strict=True):
        centre = ((label.box.left + label.box.right) / 2, (label.box.top + label.box.bottom) / 2)
        gap_x = max(label.box.left - x, x - label.box.right, 0.0)
        gap_y = max(label.box.top - y, y - label.box.bottom, 0.0)
        if np.hypot(gap_x, gap_y) > 15.0:
            assert label.leader is not None, centre


def test_lines_to_names_do_not_run_across_other_names():
    crowd = [(200.0 + 3 * i, 140.0 + 7 * (i % 3)) for i in range(8)]
    labels = placed(crowd, ["name-of-a-rung"] * 8)
    for label, (x, y) in zip(labels, crowd, strict=True):
        if label.leader is None:
            continue
        shares = np.linspace(0.0, 1.0, 50)
        line = [(x + s * (label.leader[0] - x), y + s * (label.leader[1] - y)) for s in shares]
        others = [other.box for other in labels if other is not label]
        assert not [box for box in others for stop in line if box.holds(stop)]


def test_a_name_gives_way_to_a_line_where_there_is_room():
    line = Box(220.0, 50.0, 222.0, 150.0)
    [label] = placed([(200.0, 100.0)], ["bow-logreg"], [line])
    assert label.box.overlap(line) == 0.0


def test_a_lone_point_has_its_name_on_its_right():
    [label] = placed([(100.0, 100.0)], ["nb"])
    assert label.box.left > 100.0
    assert label.leader is None
