"""From what a worker measured to the outcome of a rung."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from textrep.comparison.calibration import calibration_error
from textrep.comparison.outcome import Outcome, Status
from textrep.comparison.rungs import Rung
from textrep.comparison.statistics import accuracy_interval, macro_f1_interval
from textrep.comparison.task import Task
from textrep.comparison.workers.jobs import Answer

# A clock that is too coarse for a few texts must not make their number per second infinite.
_SHORTEST = 1e-9


def outcome_of(rung: Rung, task: Task, answer: Answer) -> Outcome:
    """Score what a rung answered.

    Parameters
    ----------
    rung : Rung
        Its name and description are taken over.
    task : Task
        Knows the right answers.
    answer : Answer
        Of the worker.

    Returns
    -------
    Outcome
        With status "ok".
    """
    figures = answer.figures
    truth = task.truth
    predicted = predictions_of(task, answer)
    right = int(np.sum(predicted == truth))
    error = None
    if answer.probabilities is not None and figures.temperature is not None:
        error = calibration_error(truth, answer.probabilities.astype(np.float64), task.classes)
    notes = [*figures.notes]
    if figures.missing:
        notes.append(f"its share of the time ended before {', '.join(figures.missing)}")
    return Outcome(
        rung.name,
        rung.description,
        "ok",
        accuracy=right / len(truth),
        macro_f1=float(f1_score(truth, predicted, average="macro", zero_division=0.0)),
        fit_seconds=figures.fit_seconds,
        documents_per_second=len(truth) / max(figures.predict_seconds, _SHORTEST),
        accuracy_interval=accuracy_interval(right, len(truth)),
        macro_f1_interval=macro_f1_interval(truth, predicted, random_state=0),
        latency_p50=_percentile(figures.latencies, 50),
        latency_p99=_percentile(figures.latencies, 99),
        model_bytes=figures.model_bytes,
        peak_memory_bytes=figures.peak_memory_bytes,
        calibration_error=error,
        cost=figures.cost,
        tune_seconds=figures.tune_seconds,
        settings=figures.settings,
        stopped_early=figures.stopped_early,
        learning_curve=tuple(figures.learning_curve),
        notes=tuple(notes),
    )


def predictions_of(task: Task, answer: Answer) -> NDArray[Any]:
    """Predicted labels in the order of ``task.tested``.

    Parameters
    ----------
    task : Task
        Knows the classes.
    answer : Answer
        Of the worker.

    Returns
    -------
    ndarray of shape (n_tested,)
    """
    return np.array(task.classes, dtype=task.labels.dtype)[answer.codes]


def without_figures(rung: Rung, status: Status, message: str) -> Outcome:
    """The outcome of a rung that gave no figures.

    Parameters
    ----------
    rung : Rung
        Its name and description are taken over.
    status : {"failed", "skipped", "interrupted", "overran"}
        What became of it.
    message : str
        Why.

    Returns
    -------
    Outcome
    """
    return Outcome(rung.name, rung.description, status, message=message)


def _percentile(latencies: Sequence[float], percent: float) -> float | None:
    return float(np.percentile(latencies, percent)) if latencies else None
