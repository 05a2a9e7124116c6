"""What the user of a model has to bear in mind, from the figures of its comparison."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from textrep.comparison.report.wording import label_text, percent

if TYPE_CHECKING:
    from textrep.comparison.outcome import Outcome
    from textrep.comparison.result import ComparisonResult

# Points; the interval of 1,000 test texts at 90 % accuracy is about two points to each side.
_WIDE_MARGIN = 0.02
# Of a class; below it scikit-learn's map for choosing an estimator says: get more data.
_FEW_TEXTS = 50
# Points that a threshold for leaving texts unanswered may be off by without harm.
_CALIBRATION_ERROR = 0.05
_MAX_LISTED = 5


def limits_of(result: ComparisonResult, outcome: Outcome) -> list[str]:
    """Sentences on what the figures of a rung leave open.

    Parameters
    ----------
    result : ComparisonResult
        Of the comparison.
    outcome : Outcome
        Of the rung.

    Returns
    -------
    list of str
        One plain sentence each.
    """
    return [
        *_on_choice(result),
        *_on_test(result, outcome),
        *_on_training(result, outcome),
        *_on_labels(result),
        *_on_calibration(outcome),
    ]


def _on_choice(result: ComparisonResult) -> list[str]:
    tried = sum(each.status == "ok" for each in result.outcomes)
    if tried < 2:
        return []
    return [
        f"It was chosen among {tried} methods by their results on the same test texts, so its own "
        "result is a little flattering."
    ]


def _on_test(result: ComparisonResult, outcome: Outcome) -> list[str]:
    sentences = []
    if outcome.accuracy_interval is not None:
        low, high = outcome.accuracy_interval
        if (high - low) / 2 > _WIDE_MARGIN:
            sentences.append(
                f"With {result.n_test:,} test texts its accuracy is known only to lie between "
                f"{percent(low)} and {percent(high)} (95 % interval)."
            )
    if result.task is not None and result.task.folds:
        sentences.append(
            f"It was fitted on all texts; its figures are those of {result.task.folds} models like "
            "it, each fitted without the texts it was tested on."
        )
    return sentences


def _on_training(result: ComparisonResult, outcome: Outcome) -> list[str]:
    sentences = []
    if outcome.stopped_early:
        sentences.append("Its training was stopped when its share of the time was used up.")
    if result.task is None:
        return sentences
    counts: Counter[Any] = Counter(result.task.labels[result.task.learnt].tolist())
    few = {label: count for label, count in sorted(counts.items()) if count < _FEW_TEXTS}
    if few:
        listed = ", ".join(
            f"{label_text(label)} ({few[label]})" for label in list(few)[:_MAX_LISTED]
        )
        more = f" and {len(few) - _MAX_LISTED} more" if len(few) > _MAX_LISTED else ""
        sentences.append(
            f"Learnt from fewer than {_FEW_TEXTS} texts: {listed}{more}. It may do worse on them "
            "than their few test texts show."
        )
    unseen = sorted(set(result.task.truth.tolist()) - set(counts))
    if unseen:
        listed = ", ".join(label_text(label) for label in unseen[:_MAX_LISTED])
        sentences.append(f"In the test texts but never learnt, so never predicted: {listed}.")
    return sentences


def _on_labels(result: ComparisonResult) -> list[str]:
    doubtful = result.label_errors
    return [] if doubtful is None or not doubtful.estimated_count else [doubtful.message]


def _on_calibration(outcome: Outcome) -> list[str]:
    error = outcome.calibration_error
    if error is None:
        return ["Whether its probabilities can be taken at their word was not measured."]
    if error > _CALIBRATION_ERROR:
        return [
            f"Its probabilities are off by {100 * error:.1f} points on average, so a limit for "
            "leaving texts unanswered should be tried on labelled texts first."
        ]
    return []
