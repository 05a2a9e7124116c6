"""Points stand where their figures say."""

from __future__ import annotations

import itertools

from tests.comparison.report.results import RUNGS, outcome
from textrep.comparison.report.roles import Roles
from textrep.comparison.report.scatter import scatter

OUTCOMES = [outcome(*rung) for rung in RUNGS]
ROLES = Roles(OUTCOMES[2], OUTCOMES[0], OUTCOMES[-1], (), {})


def drawn(outcomes=OUTCOMES, quantity=lambda o: o.documents_per_second):
    return scatter(outcomes, quantity, ROLES.kind)


def test_faster_rungs_stand_further_right_and_better_ones_higher():
    marks = {mark.label.text: mark for mark in drawn().marks}
    shown = [o for o in OUTCOMES if o.name in marks]
    by_speed = sorted(shown, key=lambda o: o.documents_per_second)
    by_quality = sorted(shown, key=lambda o: -o.accuracy)
    xs = [marks[o.name].x for o in by_speed]
    ys = [marks[o.name].y for o in by_quality]
    assert all(a < b for a, b in itertools.pairwise(xs))
    assert all(a < b for a, b in itertools.pairwise(ys))


def test_the_line_of_a_point_is_its_interval():
    figure = drawn()
    for mark in figure.marks:
        [found] = [o for o in OUTCOMES if o.name == mark.label.text]
        low, high = found.accuracy_interval
        assert (mark.bottom, mark.top) == (figure.y.at(low), figure.y.at(high))
        assert mark.top < mark.y < mark.bottom


def test_a_baseline_far_below_is_named_and_does_not_press_the_others_together():
    figure = drawn()
    assert [text.replace("\u00a0", " ") for text in figure.below] == ["majority (20.0 %)"]
    assert figure.y.low > 0.5


def test_the_recommended_rung_is_drawn_over_the_others():
    kinds = [mark.kind for mark in drawn().marks]
    assert kinds[-1] == "recommended"
    assert kinds.count("best") == 1


def test_rungs_without_the_quantity_are_left_out_and_one_alone_makes_no_figure():
    silent = outcome("silent", 0.9, speed=None)
    assert "silent" not in {mark.label.text for mark in drawn([*OUTCOMES, silent]).marks}
    assert drawn([OUTCOMES[0], silent]) is None
    assert drawn([], lambda o: o.fit_seconds) is None
