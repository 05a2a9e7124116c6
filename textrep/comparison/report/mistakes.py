"""Documents worth reading: the most confident mistakes, and labels that may be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.report.wording import label_text, legible, quoted
from textrep.comparison.task import Task

_MAX_MISTAKES = 15
_MAX_SUSPICIONS = 15
_TEXT_LIMIT = 300  # characters, as much as one reads in a table


@dataclass(frozen=True)
class Quotation:
    """A document with the label it was given and another.

    Attributes
    ----------
    text : str
        Its middle is cut out where it is long.
    given, other : str
    probability : float or None
        Of the other label.
    origin : str
        Where the document stands in the data.
    """

    text: str
    given: str
    other: str
    probability: float | None
    origin: str


def confident_mistakes(
    task: Task,
    predicted: NDArray[Any],
    probabilities: NDArray[np.float64] | None,
    n: int = _MAX_MISTAKES,
) -> tuple[Quotation, ...]:
    """Wrong answers, those with the highest probability first.

    Parameters
    ----------
    task : Task
    predicted : ndarray of shape (n_tested,)
        In the order of ``task.tested``.
    probabilities : ndarray of shape (n_tested, n_classes) or None
        None leaves the mistakes in the order of the documents.
    n : int, default=15
        How many.

    Returns
    -------
    tuple of Quotation
    """
    wrong = np.flatnonzero(predicted != task.truth)
    confidence = None if probabilities is None else probabilities.max(axis=1)
    if confidence is not None:
        wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
    return tuple(
        _quotation(
            task,
            int(task.tested[i]),
            predicted[i],
            None if confidence is None else float(confidence[i]),
        )
        for i in wrong[:n]
    )


def suspicions(
    task: Task,
    positions: Sequence[int],
    suggested: Sequence[Any],
    confidence: Sequence[float],
    n: int = _MAX_SUSPICIONS,
) -> tuple[Quotation, ...]:
    """Documents whose label may be wrong.

    Parameters
    ----------
    task : Task
    positions : sequence of int
        Of the documents, the most suspicious first.
    suggested : sequence
        The label that each might have instead.
    confidence : sequence of float
        Probability of that label.
    n : int, default=15
        How many.

    Returns
    -------
    tuple of Quotation
    """
    found = zip(positions, suggested, confidence, strict=True)
    return tuple(
        _quotation(task, int(position), label, float(probability))
        for (position, label, probability), _ in zip(found, range(n), strict=False)
    )


def _quotation(task: Task, position: int, other: Any, probability: float | None) -> Quotation:
    return Quotation(
        text=quoted(task.texts[position], _TEXT_LIMIT) or "(empty)",
        given=label_text(task.labels[position]),
        other=label_text(other),
        probability=probability,
        origin=legible(task.origin(position)),
    )
