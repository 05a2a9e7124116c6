"""Check: how many texts each class has, and which class has none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from textrep.comparison.health.copies import normalised
from textrep.comparison.health.finding import Finding
from textrep.comparison.health.material import Material
from textrep.comparison.health.wording import classes_named, counted, percent, places

# Where one class is four fifths of all, a useless classifier scores what a good one may elsewhere.
_DOMINANT_SHARE = 0.8
# From an order of magnitude on, macro-F1 and accuracy tell different stories.
_IMBALANCE = 10.0
# Fewer examples hardly show which of a class's words are chance.
_FEW_EXAMPLES = 10


def check_classes(material: Material) -> list[Finding]:
    """Find empty, tiny and dominating classes, and labels that are spelt in two ways.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    list of Finding
    """
    counts = count_classes(material)
    return [
        *_unlearnt(material, counts),
        *_untested(material, counts),
        *_tiny(material, counts),
        *_spelt_alike(material),
        *_imbalanced(counts),
    ]


def count_classes(material: Material) -> dict[str, dict[Any, int]]:
    """Documents of each class in each part; a class that a part does not hold has 0.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    dict of str to dict of label to int
    """
    labels = material.task.labels
    held = material.parts >= 0
    known = np.unique(labels[held]).tolist()
    counts = {}
    for part, positions in material.named_parts.items():
        found, numbers = np.unique(labels[positions], return_counts=True)
        own = dict(zip(found.tolist(), numbers.tolist(), strict=True))
        counts[part] = {label: own.get(label, 0) for label in known}
    return counts


def _unlearnt(material: Material, counts: Mapping[str, Mapping[Any, int]]) -> list[Finding]:
    if "train" not in counts:
        return []
    missing = [label for label, number in counts["train"].items() if not number]
    if not missing:
        return []
    task = material.task
    tested = task.tested
    at = tested[np.isin(task.labels[tested], missing)]
    n_classes = sum(number > 0 for number in counts["test"].values())
    return [
        Finding(
            "class-without-training-texts",
            "error",
            f"The training part has no text of {_class(missing)}, the test part "
            f"{counted(len(at), 'text')}: {places(task, at)}.",
            f"None of them can be got right: accuracy ends at {percent(1 - len(at) / len(tested))} "
            f"and macro-F1 at {percent(1 - len(missing) / n_classes)}.",
            "Add training texts of the class, or take it out of the test part.",
            tuple(at.tolist()),
        )
    ]


def _untested(material: Material, counts: Mapping[str, Mapping[Any, int]]) -> list[Finding]:
    if "test" not in counts:
        return []
    missing = [label for label, number in counts["test"].items() if not number]
    if not missing:
        return []
    task = material.task
    at = task.learnt[np.isin(task.labels[task.learnt], missing)]
    return [
        Finding(
            "class-without-test-texts",
            "warning",
            f"The test part has no text of {_class(missing)}, the training part "
            f"{counted(len(at), 'text')}: {places(task, at)}.",
            "Nothing is found out about the class: neither accuracy nor macro-F1 counts how well "
            "it is recognised, and answering it is always wrong.",
            "Add test texts of the class, or take it out of the training part.",
            tuple(at.tolist()),
        )
    ]


def _tiny(material: Material, counts: Mapping[str, Mapping[Any, int]]) -> list[Finding]:
    part = "train" if "train" in counts else "all"
    few = {label: n for label, n in counts[part].items() if 0 < n < _FEW_EXAMPLES}
    if not few:
        return []
    positions = material.named_parts[part]
    at = positions[np.isin(material.task.labels[positions], list(few))]
    smallest = min(few, key=lambda label: few[label])
    where = "training texts" if part == "train" else "texts"
    return [
        Finding(
            "tiny-classes",
            "warning",
            f"{len(few):,} {'class' if len(few) == 1 else 'classes'} "
            f"{'has' if len(few) == 1 else 'have'} fewer than {_FEW_EXAMPLES} {where}: "
            f"{classes_named(few)}; {classes_named([smallest])} has {few[smallest]}.",
            "They can hardly be learnt, and each counts as much in macro-F1 as the largest: up to "
            f"{percent(len(few) / len(counts[part]))} of it is down to luck.",
            "Add texts, merge such classes, or go by accuracy.",
            tuple(at.tolist()),
        )
    ]


def _spelt_alike(material: Material) -> list[Finding]:
    spellings: defaultdict[str, list[str]] = defaultdict(list)
    held = np.flatnonzero(material.parts >= 0)
    for label in np.unique(material.task.labels[held]).tolist():
        if isinstance(label, str):
            spellings[normalised(label)].append(label)
    alike = [label for labels in spellings.values() if len(labels) > 1 for label in labels]
    if not alike:
        return []
    at = held[np.isin(material.task.labels[held], alike)]
    return [
        Finding(
            "classes-spelt-alike",
            "error",
            f"The labels {classes_named(alike)} differ in case, white space or Unicode form only.",
            "They are taken for different classes, and each mistake between them counts.",
            "Give them one spelling.",
            tuple(at.tolist()),
        )
    ]


def _imbalanced(counts: Mapping[str, Mapping[Any, int]]) -> list[Finding]:
    part = "train" if "train" in counts else "all"
    present = {label: number for label, number in counts[part].items() if number}
    largest = max(present, key=lambda label: present[label])
    smallest = min(present, key=lambda label: present[label])
    share = present[largest] / sum(present.values())
    ratio = present[largest] / present[smallest]
    if share < _DOMINANT_SHARE and ratio < _IMBALANCE:
        return []
    tested = counts.get("test", counts.get("all", {}))
    alone = tested[largest] / sum(tested.values())
    return [
        Finding(
            "imbalanced-classes",
            "warning" if share >= _DOMINANT_SHARE else "note",
            f"The classes are unequal: {classes_named([largest])} has "
            f"{counted(present[largest], 'text')} ({percent(share)}), {ratio:,.0f} times as many "
            f"as {classes_named([smallest])}.",
            f"Answering {classes_named([largest])} always is {percent(alone)} accurate, so "
            "an accuracy means little until it is compared with that.",
            "Go by macro-F1 if all classes matter alike.",
        )
    ]


def _class(labels: list[Any]) -> str:
    return f"class{'es' * (len(labels) > 1)} {classes_named(labels)}"
