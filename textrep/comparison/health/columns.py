"""Check: columns from which the label can be read off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.health.finding import Finding
from textrep.comparison.health.material import Material
from textrep.comparison.health.wording import percent
from textrep.core.messages import shown

# A column leaks if it leaves at most this share of the mistakes of who always answers the most
# frequent class. Columns known before the label hardly ever do.
_MISTAKES_LEFT = 0.05

_FOLDS = 5
# A rule on one number that needs more thresholds for a class than this is none that leaks.
_LEAVES_PER_CLASS = 4
# Fewer documents fit any column by chance.
_FEWEST = 20


def check_columns(material: Material) -> list[Finding]:
    """Find columns that predict the label nearly perfectly by themselves.

    Parameters
    ----------
    material : Material
        What is looked at. Of the columns of its task that are not learnt from, those that give the
        label away are named so that nobody adds them.

    Returns
    -------
    list of Finding
    """
    task = material.task
    used: dict[str, Any] = {**task.numeric, **task.categorical}
    findings = [_leaks(material, name, values, True) for name, values in used.items()]
    findings += [_leaks(material, name, values, False) for name, values in task.unused.items()]
    return [finding for finding in findings if finding is not None]


def _leaks(material: Material, name: str, values: Any, used: bool) -> Finding | None:
    held = np.flatnonzero(material.parts >= 0)
    if not used:
        held = held[[values[i] is not None for i in held.tolist()]]
    codes = material.codes[held]
    if len(held) < _FEWEST:
        return None
    majority = np.bincount(codes).max() / len(codes)
    accuracy = column_accuracy([values[i] for i in held.tolist()], codes)
    if 1 - accuracy > _MISTAKES_LEFT * (1 - majority):
        return None
    return Finding(
        "leaking-column" if used else "leaking-unused-column",
        "error" if used else "note",
        f"The column {shown(name)} alone gives the class of {percent(accuracy)} of the documents; "
        f"the most frequent class has {percent(majority)}.",
        "The scores of all methods that read it say nothing about the texts."
        if used
        else "Nothing now, since no method is given the column; with it the scores would say "
        "nothing about the texts.",
        "Leave it out unless it is known before the label is."
        if used
        else "Do not add it unless it is known before the label is.",
    )


def column_accuracy(values: Sequence[Any], codes: NDArray[np.intp]) -> float:
    """How well a column alone tells the class, on documents it was not learnt from.

    Parameters
    ----------
    values : sequence of length n_documents
        Numbers, or anything else as categories by what they are written like.
    codes : ndarray of shape (n_documents,)
        Classes, numbered from 0.

    Returns
    -------
    float
        Accuracy in a five-fold cross-validation: of looking up what class a value mostly had, or
        for numbers of a small decision tree if it is better.

    Examples
    --------
    >>> codes = np.tile([0, 1], 50)
    >>> column_accuracy(["good" if code else "bad" for code in codes], codes)
    1.0
    """
    folds = np.empty(len(codes), dtype=np.intp)
    # Class by class in turn, so that each fold has its share of all.
    folds[np.argsort(codes, kind="stable")] = np.arange(len(codes)) % _FOLDS
    written = np.unique([_written(value) for value in values], return_inverse=True)[1].reshape(-1)
    accuracy = _lookup_accuracy(written, codes, folds)
    numbers = _numbers(values)
    return accuracy if numbers is None else max(accuracy, _tree_accuracy(numbers, codes, folds))


def _written(value: Any) -> str:
    return f"{type(value).__name__} {value}"


def _numbers(values: Sequence[Any]) -> NDArray[np.float64] | None:
    """The column as numbers, NaN where a value is missing; None if it is something else."""
    try:
        numbers = np.array([np.nan if v is None or v == "" else float(v) for v in values])
    except (TypeError, ValueError, OverflowError):
        return None
    numbers[np.isinf(numbers)] = np.nan
    return numbers.astype(np.float64)


def _lookup_accuracy(
    values: NDArray[np.intp], codes: NDArray[np.intp], folds: NDArray[np.intp]
) -> float:
    from scipy.sparse import csr_array

    shape = (int(values.max()) + 1, int(codes.max()) + 1)
    right = 0
    for fold in range(_FOLDS):
        learnt = folds != fold
        ones = np.ones(np.count_nonzero(learnt))
        table = csr_array((ones, (values[learnt], codes[learnt])), shape=shape)
        answer = np.asarray(table.argmax(axis=1)).reshape(-1)
        answer[table.sum(axis=1) == 0] = np.bincount(codes[learnt]).argmax()
        right += int(np.count_nonzero(answer[values[~learnt]] == codes[~learnt]))
    return float(right / len(codes))


def _tree_accuracy(
    numbers: NDArray[np.float64], codes: NDArray[np.intp], folds: NDArray[np.intp]
) -> float:
    from sklearn.tree import DecisionTreeClassifier

    leaves = _LEAVES_PER_CLASS * (codes.max() + 1)
    right = 0
    for fold in range(_FOLDS):
        tree = DecisionTreeClassifier(max_leaf_nodes=int(leaves), random_state=0)
        tree.fit(numbers[folds != fold, None], codes[folds != fold])
        guessed = tree.predict(numbers[folds == fold, None])
        right += int(np.count_nonzero(guessed == codes[folds == fold]))
    return float(right / len(codes))
