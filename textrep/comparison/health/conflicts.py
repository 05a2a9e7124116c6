"""Check: one text under several labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.health.finding import Finding
from textrep.comparison.health.material import Material
from textrep.comparison.health.wording import classes_named, counted, percent, places


def check_conflicts(material: Material) -> list[Finding]:
    """Find texts whose copies have other labels, and what that leaves to be scored.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    list of Finding
    """
    conflicting = find_conflicts(material)
    if not len(conflicting):
        return []
    task = material.task
    first = material.groups[conflicting[0]]
    labels = np.unique(task.labels[conflicting[material.groups[conflicting] == first]]).tolist()
    n_texts = len(np.unique(material.groups[conflicting]))
    ceiling = highest_accuracy(material)
    return [
        Finding(
            "conflicting-labels",
            "warning",
            f"{counted(n_texts, 'text')} {'has' if n_texts == 1 else 'have'} copies under "
            f"different labels, {counted(len(conflicting), 'document')} in all: "
            f"{places(task, conflicting)}; the first is given as {classes_named(labels)}.",
            f"No method that reads the text alone can score an accuracy above {percent(ceiling)}."
            if ceiling < 1
            else "At most one of the labels is right, so that something wrong is learnt or tested.",
            "--dedupe leaves the label of the majority in the training part and drops ties; look "
            "at those of the test part yourself.",
            tuple(conflicting.tolist()),
            fixed_by_dedupe=True,
        )
    ]


def find_conflicts(material: Material) -> NDArray[np.intp]:
    """Documents of which a copy has another label.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    ndarray
        Positions, ascending; empty texts are not looked at.
    """
    held = np.flatnonzero((material.parts >= 0) & ~material.empty)
    pairs = np.unique(np.stack([material.groups[held], material.codes[held]]), axis=1)
    groups, n_labels = np.unique(pairs[0], return_counts=True)
    return held[np.isin(material.groups[held], groups[n_labels > 1])]


def highest_accuracy(material: Material) -> float:
    """Accuracy on the test texts of whoever gives each text the label that most copies have.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    float

    Examples
    --------
    >>> from textrep.comparison.split import Split
    >>> from textrep.comparison.task import Task
    >>> splits = (Split(np.array([0, 1]), np.array([2, 3, 4, 5])),)
    >>> texts = ["a", "b", "same", "same", "same", "c"]
    >>> task = Task("letters", texts, np.array(["x", "y", "x", "x", "y", "y"]), splits)
    >>> highest_accuracy(Material(task))
    0.75
    """
    tested = material.task.tested
    pairs = np.stack([material.groups[tested], material.codes[tested]])
    (groups, _), counts = np.unique(pairs, axis=1, return_counts=True)
    best = np.zeros(len(material.groups), dtype=np.int64)
    np.maximum.at(best, groups, counts)
    return float(best.sum() / len(tested))
