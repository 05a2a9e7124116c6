"""The recommendation in words."""

from __future__ import annotations

import numpy as np
import pytest

from tests.comparison.statistics.contests import contest, with_mistakes
from textrep.comparison import Outcome
from textrep.comparison.statistics import recommend

TRUTH = np.arange(2000) % 2
SMALL = np.array([0] * 30 + [1] * 10)
FAST = {"fit_seconds": 0.8, "model_bytes": 1_000_000}
SLOW = {"fit_seconds": 9.9, "model_bytes": 5_000_000}

CASES = {
    "cheaper, not told apart": (
        TRUTH,
        {
            "svm": (with_mistakes(TRUTH, range(176)), FAST),
            "chars": (with_mistakes(TRUTH, range(100, 270)), SLOW),
        },
        "Take svm: 91.2 % of 2,000 test texts right (95 % interval 89.9 to 92.4), not told apart "
        "from the best, chars (91.5 %, p = 0.72), at 1/12 of its time (0.8 s against 9.9 s) and "
        "at 1/5 of its size.",
    ),
    "best, cheaper ones worse": (
        TRUTH,
        {
            "majority": (TRUTH * 0, {"fit_seconds": 0.01}),
            "bow": (with_mistakes(TRUTH, range(250)), FAST),
            "chars": (with_mistakes(TRUTH, range(100, 270)), SLOW),
        },
        "Take chars: 91.5 % of 2,000 test texts right (95 % interval 90.2 to 92.6), the best of 3 "
        "methods; the best of the cheaper ones, bow, is worse by 4.0 points (p < 0.001 after "
        "Holm's correction for 3 pairs).",
    ),
    "best, cheapest of the tied": (
        TRUTH,
        {
            "majority": (TRUTH * 0, {"fit_seconds": 0.01}),
            "svm": (with_mistakes(TRUTH, range(170)), FAST),
            "chars": (with_mistakes(TRUTH, range(100, 276)), SLOW),
        },
        "Take svm: 91.5 % of 2,000 test texts right (95 % interval 90.2 to 92.6), the best of 3 "
        "methods and the cheapest of the 2 that are not told apart; the only cheaper one, always "
        "answering 0, is worse by 41.5 points (p < 0.001 after Holm's correction for 3 pairs); "
        "with 2,000 test texts a difference of less than 2.3 points would not show.",
    ),
    "best and cheapest, others worse": (
        TRUTH,
        {
            "svm": (with_mistakes(TRUTH, range(100)), FAST),
            "chars": (with_mistakes(TRUTH, range(150)), SLOW),
        },
        "Take svm: 95.0 % of 2,000 test texts right (95 % interval 94.0 to 95.9), the best of 2 "
        "methods; the next, chars, is worse by 2.5 points (p < 0.001).",
    ),
    "best and cheapest, others tied": (
        TRUTH,
        {
            "svm": (with_mistakes(TRUTH, range(100)), FAST),
            "chars": (with_mistakes(TRUTH, range(101)), SLOW),
        },
        "Take svm: 95.0 % of 2,000 test texts right (95 % interval 94.0 to 95.9), the best and the "
        "cheapest of 2 methods that are not told apart.",
    ),
    "nothing beats the majority": (
        SMALL,
        {
            "majority": (SMALL * 0, FAST),
            "svm": (with_mistakes(SMALL, range(9)), SLOW),
        },
        "No method is told apart from always answering 0, which gets 75.0 % of 40 test texts right "
        "(95 % interval 59.8 to 85.8): the best, svm, gets 77.5 % (p = 1); with only 40 test texts "
        "a difference of less than 30 points would not show, so collect more before you choose.",
    ),
    "the majority is the best": (
        SMALL,
        {
            "svm": (with_mistakes(SMALL, range(20)), SLOW),
            "majority": (SMALL * 0, FAST),
        },
        "No method does better than always answering 0, which gets 75.0 % of 40 test texts right "
        "(95 % interval 59.8 to 85.8); with only 40 test texts a difference of less than 37 points "
        "would not show, so collect more before you choose.",
    ),
    "few": (
        SMALL,
        {
            "svm": (with_mistakes(SMALL, range(3)), FAST),
            "chars": (with_mistakes(SMALL, range(2, 4)), SLOW),
        },
        "Take svm: 92.5 % of 40 test texts right (95 % interval 80.1 to 97.4), not told apart from "
        "the best, chars (95.0 %, p = 1), at 1/12 of its time (0.8 s against 9.9 s) and at 1/5 of "
        "its size; with only 40 test texts a difference of less than 18 points would not show, so "
        "treat this as a first guess.",
    ),
    "no faster": (
        TRUTH,
        {
            "small": (with_mistakes(TRUTH, range(101)), {**FAST, "fit_seconds": 9.8}),
            "large": (with_mistakes(TRUTH, range(100)), SLOW),
        },
        "Take small: 95.0 % of 2,000 test texts right (95 % interval 93.9 to 95.8), not told apart "
        "from the best, large (95.0 %, p = 1), in about the same time (9.8 s against 9.9 s) and at "
        "1/5 of its size.",
    ),
    "one document": (
        [1],
        {"svm": ([1], FAST), "chars": ([0], SLOW)},
        "No method does better than always answering 1, which gets 100.0 % of 1 test text right "
        "(95 % interval 20.7 to 100.0); with only 1 test text no difference would show, so collect "
        "more before you choose.",
    ),
    "one rung": (
        TRUTH,
        {"svm": (with_mistakes(TRUTH, range(100)), FAST)},
        "Take svm: 95.0 % of 2,000 test texts right (95 % interval 94.0 to 95.9); it is the only "
        "method with figures.",
    ),
    "no mistakes": (
        TRUTH,
        {"svm": (TRUTH, FAST), "chars": (TRUTH, SLOW)},
        "Take svm: 100.0 % of 2,000 test texts right (95 % interval 99.8 to 100.0), the best and "
        "the cheapest of 2 methods that are not told apart.",
    ),
    "free against paid": (
        TRUTH,
        {
            "svm": (with_mistakes(TRUTH, range(101)), {**FAST, "fit_seconds": 20.0}),
            "llm": (with_mistakes(TRUTH, range(100)), {**SLOW, "cost": 3.4}),
        },
        "Take svm: 95.0 % of 2,000 test texts right (95 % interval 93.9 to 95.8), not told apart "
        "from the best, llm (95.0 %, p = 1), at no cost (against 3.40), at twice its time (20 s "
        "against 9.9 s) and at 1/5 of its size.",
    ),
}


@pytest.mark.parametrize(("truth", "rungs", "expected"), CASES.values(), ids=list(CASES))
def test_the_sentence_says_what_was_found_with_its_numbers(truth, rungs, expected):
    assert recommend(*contest(truth, rungs)).sentence == expected


def test_the_baseline_alone_is_not_called_a_method_to_take():
    truth = np.array(["ham"] * 9 + ["spam"])
    outcome = Outcome("majority", "", "ok", 0.9, 0.47, 0.1, 10.0)
    found = recommend([outcome], {"majority": ["ham"] * 10}, truth)
    assert found.sentence.startswith(
        "Only always answering 'ham' has figures, which looks at no text: 90.0 % of 10 test texts"
    )
