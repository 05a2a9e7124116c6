"""Check: the same text more than once, in one part or on both sides of the split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.health.copies import copied_from, later_copies
from textrep.comparison.health.finding import Finding, severity_of
from textrep.comparison.health.material import Material
from textrep.comparison.health.wording import NOUNS, part_of, percent, places


def check_duplicates(material: Material) -> list[Finding]:
    """Find test texts that are also learnt from, and copies within each part.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    list of Finding
    """
    return [*_across(material), *_within(material)]


def also_learnt(material: Material, groups: NDArray[np.intp]) -> NDArray[np.intp]:
    """Test documents of which a copy is in the training part of the same split.

    Parameters
    ----------
    material : Material
        What is looked at.
    groups : ndarray of shape (n_documents,)
        Numbers that copies share.

    Returns
    -------
    ndarray
        Positions, ascending; those of empty texts are not among them.
    """
    filled = ~material.empty
    copied = [
        copied_from(groups, split.test[filled[split.test]], split.train)
        for split in material.task.splits
    ]
    return np.sort(np.concatenate(copied))


def _across(material: Material) -> list[Finding]:
    task = material.task
    copied = also_learnt(material, material.groups)
    if not len(copied):
        return []
    exact = len(also_learnt(material, material.exact_groups))
    n_tested = len(task.tested)
    share = len(copied) / n_tested
    how = "letter for letter" if exact == len(copied) else _how(exact, len(copied))
    return [
        Finding(
            "duplicates-across-split",
            severity_of(share),
            f"{part_of(len(copied), n_tested, 'test text')} "
            f"{'is' if len(copied) == 1 else 'are'} also among the training texts, {how}: "
            f"{places(task, copied)}.",
            "The score counts memory as skill: up to "
            f"{percent(share)} of the test texts are answered by heart.",
            "--dedupe takes the copies out of the training part.",
            tuple(copied.tolist()),
            fixed_by_dedupe=True,
        )
    ]


def _how(exact: int, total: int) -> str:
    rest = "but for case, white space or Unicode form"
    return f"{exact:,} letter for letter and {total - exact:,} {rest}" if exact else rest


def _within(material: Material) -> list[Finding]:
    findings = []
    filled = ~material.empty
    for part, positions in material.named_parts.items():
        copies = later_copies(material.groups, positions[filled[positions]])
        if not len(copies):
            continue
        findings.append(
            Finding(
                f"duplicates-in-{part}",
                "note",
                f"{part_of(len(copies), len(positions), NOUNS[part])} "
                f"{'repeats' if len(copies) == 1 else 'repeat'} an earlier one: "
                f"{places(material.task, copies)}.",
                _EFFECTS[part],
                _actions(part),
                tuple(copies.tolist()),
                fixed_by_dedupe=part != "test",
            )
        )
    return findings


_EFFECTS = {
    "train": "What is repeated weighs more in training; the scores are hardly touched.",
    "test": "A repeated text counts more than once, so the confidence intervals are a little too "
    "narrow.",
    "all": "A text in two folds is answered by heart; in one it only counts twice.",
}


def _actions(part: str) -> str:
    if part == "test":
        return (
            "--dedupe keeps one of each if the test part was drawn here, and all if it was given."
        )
    return "--dedupe keeps one of each."


def count_duplicates(material: Material) -> int:
    """Number of documents that repeat an earlier one, in whatever part.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    int
    """
    held = np.flatnonzero((material.parts >= 0) & ~material.empty)
    return len(later_copies(material.groups, held))
