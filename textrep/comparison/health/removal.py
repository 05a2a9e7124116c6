"""`dedupe`: a task without empty texts, copies and contradictions in what is learnt."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.errors import ComparisonError
from textrep.comparison.health.conflicts import find_conflicts
from textrep.comparison.health.copies import copied_from, later_copies
from textrep.comparison.health.material import Material
from textrep.comparison.health.near import NearCopies, find_near_copies
from textrep.comparison.health.overview import Health
from textrep.comparison.health.wording import classes_named, counted
from textrep.comparison.split import Split
from textrep.comparison.task import Task

# In the order in which documents are dropped: one that is several is counted as the first.
_EMPTY = "empty text"
_CONFLICT = "text with conflicting labels"
_COPY_OF_TEST = "copy of a test text"
_COPY = "copy of another"
_NEAR_COPY = "near copy of another"
# What one is called, and several.
_REASONS = {
    _EMPTY: "empty texts",
    _CONFLICT: "texts with conflicting labels",
    _COPY_OF_TEST: "copies of test texts",
    _COPY: "copies of others",
    _NEAR_COPY: "near copies of others",
}
_NOTHING = "There was nothing to take out."
_PART_NAMES = {"train": "training part", "test": "test part"}


def dedupe(
    task: Task, health: Health | None = None, *, given_test: bool = True
) -> tuple[Task, str]:
    """Take out what makes scores too good, or training worse.

    From the training part go empty texts; copies and near copies of test texts; of texts with
    conflicting labels those that do not have the label of the majority, or all where there is
    none; and of texts that are then left more than once, all but the first. The test part is left
    as it is when it was given, so that scores stay comparable with those of others; when it was
    drawn, one of each text stays. With folds one of each text stays in all.

    Parameters
    ----------
    task : Task
        Left as it is.
    health : Health, optional
        Of the task, by `examine`; where that found nothing to take out, nothing is looked for.
    given_test : bool, default=True
        Whether the test part was given, not drawn. With folds it does not matter.

    Returns
    -------
    task : Task
        Of the documents that stay, in their order.
    sentence : str
        What was taken out.

    Raises
    ------
    ComparisonError
        When a class would be left without training texts, or a part without any.

    Examples
    --------
    >>> texts = ["so much text", "so little time", "so what", "So much  text"]
    >>> splits = (Split(np.array([0, 1, 2]), np.array([3])),)
    >>> task, sentence = dedupe(Task("proverb", texts, np.array(["a", "b", "a", "a"]), splits))
    >>> task.texts, sentence
    (['so little time', 'so what', 'So much  text'],
     'Taken out: 1 copy of a test text from the training part.')
    """
    if health is not None and not _needed(health):
        return task, _NOTHING
    material = Material(task)
    reasons = _reasons(material, given_test)
    dropped = np.not_equal(reasons, "").astype(bool)
    _check_classes(task, dropped)
    return _without(task, dropped), _sentence(material, reasons)


def _needed(health: Health) -> bool:
    return bool(
        health.n_empty or health.n_duplicates or health.n_conflicting or health.n_near_duplicates
    )


def _reasons(material: Material, given_test: bool) -> NDArray[np.object_]:
    """Why each document is dropped; empty where it stays."""
    task = material.task
    learnt, tested = task.learnt, task.tested
    reasons = np.full(len(task.texts), "", dtype=object)

    def drop(positions: NDArray[np.intp], reason: str) -> None:
        reasons[positions[reasons[positions] == ""]] = reason

    drop(learnt[material.empty[learnt]], _EMPTY)
    drop(_outvoted(material), _CONFLICT)
    if not task.folds:
        drop(copied_from(material.groups, learnt, tested), _COPY_OF_TEST)
    pools = [learnt] if task.folds or given_test else [learnt, tested]
    for pool in pools:
        drop(later_copies(material.groups, pool[reasons[pool] == ""]), _COPY)
    near = _near_among(material, reasons == "")
    if not task.folds:
        drop(learnt[near.across[learnt] >= 0], _COPY_OF_TEST)
    for pool in pools:
        drop(pool[near.within[pool] >= 0], _NEAR_COPY)
    return reasons


def _near_among(material: Material, kept: NDArray[np.bool_]) -> NearCopies:
    """Near copies among the documents that are kept; with folds they are all in one part."""
    parts = np.where(kept & (material.parts >= 0), material.parts, -1)
    if material.task.folds:
        parts = np.minimum(parts, 0)
    return find_near_copies(material.task.texts, material.n_words, material.groups, parts)


def _outvoted(material: Material) -> NDArray[np.intp]:
    """Documents whose copies mostly have another label, or as many another as the same."""
    task = material.task
    conflicting = np.intersect1d(find_conflicts(material), task.learnt)
    votes: dict[int, dict[int, int]] = {}
    for position in conflicting.tolist():
        own = votes.setdefault(int(material.groups[position]), {})
        code = int(material.codes[position])
        own[code] = own.get(code, 0) + 1
    winners = {group: _winner(own) for group, own in votes.items()}
    return np.array(
        [
            position
            for position in conflicting.tolist()
            if winners[int(material.groups[position])] != material.codes[position]
        ],
        dtype=np.intp,
    )


def _winner(votes: dict[int, int]) -> int | None:
    most = max(votes.values())
    leading = [code for code, number in votes.items() if number == most]
    return leading[0] if len(leading) == 1 else None


def _without(task: Task, dropped: NDArray[np.bool_]) -> Task:
    """The task of the documents that are kept."""
    kept = np.flatnonzero(~dropped)
    place = np.cumsum(~dropped) - 1

    def moved(positions: NDArray[np.intp]) -> NDArray[np.intp]:
        return place[positions[~dropped[positions]]]

    return replace(
        task,
        texts=[task.texts[i] for i in kept.tolist()],
        labels=task.labels[kept],
        splits=tuple(Split(moved(split.train), moved(split.test)) for split in task.splits),
        numeric={name: values[kept] for name, values in task.numeric.items()},
        categorical={name: values[kept] for name, values in task.categorical.items()},
        unused={name: values[kept] for name, values in task.unused.items()},
        # Where a document stood does not change by what is taken out before it.
        origins=[task.origin(i) for i in kept.tolist()],
    )


def _check_classes(task: Task, dropped: NDArray[np.bool_]) -> None:
    for split in task.splits:
        for part, positions in (("training", split.train), ("test", split.test)):
            labels = task.labels[positions]
            left = np.unique(labels[~dropped[positions]])
            lost = np.setdiff1d(np.unique(labels), left).tolist()
            if lost and not (task.folds and part == "test" and len(left)):
                n_texts = int(np.isin(labels, lost).sum())
                raise ComparisonError(
                    f"dedupe would take out {counted(n_texts, 'text')} that "
                    f"{'is' if n_texts == 1 else 'are'} all that the {part} part has of class "
                    f"{classes_named(lost)}: they are empty, copies or under other labels as "
                    "well; add other texts of the class, leave it out, or leave dedupe off"
                )


def _sentence(material: Material, reasons: NDArray[np.object_]) -> str:
    clauses = []
    for part, positions in material.named_parts.items():
        found = Counter(reason for reason in reasons[positions].tolist() if reason)
        numbers = [
            f"{found[reason]:,} {reason if found[reason] == 1 else several}"
            for reason, several in _REASONS.items()
            if found[reason]
        ]
        if numbers:
            where = "" if part == "all" else f" from the {_PART_NAMES[part]}"
            clauses.append(", ".join(numbers) + where)
    if not clauses:
        return _NOTHING
    return f"Taken out: {'; '.join(clauses)}."
