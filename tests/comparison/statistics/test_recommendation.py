"""The cheapest rung that is not significantly worse than the best."""

from __future__ import annotations

import numpy as np
import pytest

from tests.comparison.statistics.contests import contest, with_mistakes
from textrep.comparison import ComparisonError, Outcome
from textrep.comparison.statistics import holm, mcnemar, recommend

TRUTH = np.arange(1000) % 2


def test_the_cheapest_of_those_that_are_not_told_apart_from_the_best_is_taken():
    found = recommend(
        *contest(
            TRUTH,
            {
                "bad and fast": (with_mistakes(TRUTH, range(200)), {"fit_seconds": 0.1}),
                "good and fast": (with_mistakes(TRUTH, range(52)), {"fit_seconds": 2.0}),
                "good and slow": (with_mistakes(TRUTH, range(50, 100)), {"fit_seconds": 9.0}),
            },
        )
    )
    assert (found.name, found.best) == ("good and fast", "good and slow")
    assert found.tied == ("good and fast",)
    assert found.p_value == found.p_values["good and fast"] > 0.05 > found.p_values["bad and fast"]


@pytest.mark.parametrize(("n_documents", "uncertain"), [(400, True), (40_000, False)])
def test_it_is_uncertain_where_two_points_would_not_show(n_documents, uncertain):
    truth = np.arange(n_documents) % 2
    tenth = n_documents // 10
    found = recommend(
        *contest(
            truth,
            {
                "fast": (with_mistakes(truth, range(tenth)), {"fit_seconds": 1.0}),
                "slow": (with_mistakes(truth, range(tenth // 2, tenth + tenth // 2)), {}),
            },
        )
    )
    assert (found.detectable > 0.02) == found.uncertain == uncertain


def test_it_is_certain_where_all_others_are_worse_however_few_documents_there_are():
    truth = np.arange(40) % 2
    found = recommend(
        *contest(truth, {"right": (truth, {}), "wrong": (1 - truth, {"fit_seconds": 9.0})})
    )
    assert found.detectable > 0.02
    assert not found.uncertain


def test_the_p_values_are_those_of_mcnemar_corrected_for_all_pairs():
    rungs = {f"rung {k}": (with_mistakes(TRUTH, range(10 * k)), {}) for k in range(1, 5)}
    given = contest(TRUTH, rungs)
    found = recommend(*given)
    names = list(rungs)
    correct = {name: given.predictions[name] == TRUTH for name in names}
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    corrected = dict(
        zip(pairs, holm([mcnemar(correct[a], correct[b]) for a, b in pairs]), strict=True)
    )
    assert found.n_comparisons == 6
    assert found.p_values == {name: corrected["rung 1", name] for name in names[1:]}


def test_the_best_is_taken_where_all_that_are_cheaper_are_worse():
    found = recommend(
        *contest(
            TRUTH,
            {
                "fast": (with_mistakes(TRUTH, range(200)), {"fit_seconds": 0.1}),
                "slow": (with_mistakes(TRUTH, range(100)), {"fit_seconds": 9.0}),
            },
        )
    )
    assert found.name == found.best == "slow"
    assert found.p_value is None
    assert found.tied == ()


def test_the_simpler_of_equals_is_the_one_that_was_tried_first():
    same = (with_mistakes(TRUTH, range(100)), {})
    given = contest(TRUTH, {"simple": same, "elaborate": same})
    for outcomes in (given.outcomes, given.outcomes[::-1]):
        found = recommend(outcomes, given.predictions, given.truth)
        assert found.name == "simple"
        assert found.p_values[(set(given.predictions) - {found.best}).pop()] == 1.0


def test_always_the_same_answer_is_taken_where_nothing_is_told_apart_from_it():
    truth = np.array([0] * 30 + [1] * 10)
    found = recommend(
        *contest(
            truth,
            {
                "bow": (with_mistakes(truth, range(9)), {"fit_seconds": 0.1}),
                "majority": (np.zeros(40, int), {"fit_seconds": 5.0}),
            },
        )
    )
    assert (found.name, found.best) == ("majority", "bow")
    assert found.sentence.startswith("No method is told apart from always answering 0")
    assert found.uncertain


def test_macro_f1_ranks_and_tests_by_macro_f1():
    truth = np.array([0] * 900 + [1] * 100)
    given = contest(
        truth,
        {
            "blind": (with_mistakes(truth, range(900, 960)), {"fit_seconds": 1.0}),
            "fair": (with_mistakes(truth, range(70)), {"fit_seconds": 9.0}),
        },
    )
    assert recommend(*given).best == "blind"
    by_f1 = recommend(*given, metric="macro_f1")
    assert by_f1.name == by_f1.best == "fair"
    assert by_f1.p_values["blind"] < 0.05
    assert "macro-F1" in by_f1.sentence


def test_failed_rungs_are_passed_over():
    given = contest(TRUTH, {"bow": (TRUTH, {})})
    found = recommend([*given.outcomes, Outcome("broken", "", "failed")], *given[1:])
    assert (found.name, found.n_comparisons, found.detectable) == ("bow", 0, None)


def test_without_figures_nothing_is_recommended():
    assert recommend([Outcome("broken", "", "failed")], {}, TRUTH) is None
    assert recommend([], {}, []) is None


def test_labels_of_any_kind_give_the_same_recommendation():
    rungs = {
        "a": (with_mistakes(TRUTH, range(52)), {"fit_seconds": 2.0}),
        "b": (with_mistakes(TRUTH, range(50, 100)), {"fit_seconds": 9.0}),
    }
    given = contest(TRUTH, rungs)
    names = np.array(["ham", "spam"], dtype=object)
    named = {name: names[predicted] for name, predicted in given.predictions.items()}
    assert recommend(given.outcomes, named, names[TRUTH]) == recommend(*given)


def test_predictions_that_are_missing_are_named():
    given = contest(TRUTH, {"bow": (TRUTH, {}), "svm": (TRUTH, {})})
    with pytest.raises(ComparisonError, match="predictions of svm are missing"):
        recommend(given.outcomes, {"bow": TRUTH}, TRUTH)


def test_predictions_of_another_length_are_named():
    given = contest(TRUTH, {"bow": (TRUTH, {})})
    with pytest.raises(ComparisonError, match=r"predictions of bow have shape \(3,\)"):
        recommend(given.outcomes, {"bow": TRUTH[:3]}, TRUTH)


def test_settings_that_are_unknown_are_refused():
    given = contest(TRUTH, {"bow": (TRUTH, {})})
    with pytest.raises(ComparisonError, match="metric='f1'; choose from accuracy, macro_f1"):
        recommend(*given, metric="f1")
    with pytest.raises(ComparisonError, match="level=5"):
        recommend(*given, level=5)


def equal_rungs(n_rungs, n_documents, seed):
    """Rungs of the same accuracy that share the documents they find hard."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n_documents) % 2
    shared, own = rng.random(n_documents), rng.random((n_rungs, n_documents))
    drawn = np.where(rng.random((n_rungs, n_documents)) < 0.5, shared, own)
    answers = np.where(drawn < 0.85, truth, 1 - truth)
    return contest(
        truth, {f"rung {i}": (answer, {"macro_f1": 0.0}) for i, answer in enumerate(answers)}
    )


@pytest.mark.parametrize(("n_rungs", "n_documents"), [(2, 300), (6, 300)])
def test_equal_rungs_are_called_different_in_at_most_5_percent_of_1000_trials(n_rungs, n_documents):
    different = 0
    for seed in range(1000):
        found = recommend(*equal_rungs(n_rungs, n_documents, seed))
        different += len(found.tied) < n_rungs - 1
    assert different <= 50
