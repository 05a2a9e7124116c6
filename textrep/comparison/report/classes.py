"""How many texts each class has to learn from and to be tested on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textrep.comparison.report.wording import label_text
from textrep.comparison.task import Task

_MAX_SHOWN = 25


@dataclass(frozen=True)
class ClassCount:
    """Texts of one class, and their shares of those of the greatest one."""

    label: str
    train: int
    test: int
    share: float


@dataclass(frozen=True)
class ClassCounts:
    """The greatest classes, and how many there are beyond them and of what sizes."""

    shown: tuple[ClassCount, ...]
    n_left_out: int
    smallest: int
    largest_left_out: int


def class_counts(task: Task) -> ClassCounts:
    """Count the texts of each class.

    Parameters
    ----------
    task : Task

    Returns
    -------
    ClassCounts

    Examples
    --------
    >>> from textrep.comparison.split import Split
    >>> splits = (Split(np.array([0, 1, 2]), np.array([3])),)
    >>> counts = class_counts(Task("t", ["w"] * 4, np.array(["a", "b", "b", "b"]), splits))
    >>> [(one.label, one.train, one.test) for one in counts.shown]
    [('b', 2, 1), ('a', 1, 0)]
    """
    labels, numbers = np.unique(task.labels, return_inverse=True)
    train = np.bincount(numbers[task.learnt], minlength=len(labels))
    test = np.bincount(numbers[task.tested], minlength=len(labels))
    order = np.argsort(-train, kind="stable")
    greatest = max(1, int(train.max()))
    shown = tuple(
        ClassCount(label_text(labels[i]), int(train[i]), int(test[i]), float(train[i] / greatest))
        for i in order[:_MAX_SHOWN]
    )
    rest = train[order[_MAX_SHOWN:]]
    if not len(rest):
        return ClassCounts(shown, 0, 0, 0)
    return ClassCounts(shown, len(rest), int(rest.min()), int(rest.max()))
