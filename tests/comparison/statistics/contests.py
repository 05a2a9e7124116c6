"""Rungs made up for tests: figures and predictions that belong together."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import f1_score

from textrep.comparison import Outcome
from textrep.comparison.statistics import accuracy_interval


class Contest(NamedTuple):
    """What `recommend` is given."""

    outcomes: list[Outcome]
    predictions: dict[str, np.ndarray]
    truth: np.ndarray


def contest(truth: Any, rungs: dict[str, tuple[Any, dict[str, Any]]]) -> Contest:
    """Name -> predictions and figures beyond the scores; ranked by accuracy."""
    truth = np.asarray(truth)
    predictions = {name: np.asarray(predicted) for name, (predicted, _) in rungs.items()}
    outcomes = [
        outcome(name, truth, predictions[name], **figures) for name, (_, figures) in rungs.items()
    ]
    outcomes.sort(key=lambda one: -(one.accuracy or 0.0))
    return Contest(outcomes, predictions, truth)


def outcome(name: str, truth: np.ndarray, predicted: np.ndarray, **figures: Any) -> Outcome:
    """Of a rung with these predictions."""
    n_correct = int((predicted == truth).sum())
    given = {"fit_seconds": 1.0, "documents_per_second": 1e9, **figures}
    if "macro_f1" not in given:
        given["macro_f1"] = f1_score(truth, predicted, average="macro", zero_division=0.0)
    return Outcome(
        name,
        "",
        "ok",
        accuracy=n_correct / len(truth),
        accuracy_interval=accuracy_interval(n_correct, len(truth)),
        **given,
    )


def with_mistakes(truth: np.ndarray, wrong: range) -> np.ndarray:
    """The truth, 0 or 1, but for the documents at some positions."""
    predicted = np.array(truth)
    predicted[list(wrong)] = 1 - predicted[list(wrong)]
    return predicted
