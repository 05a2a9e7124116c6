"""Check: texts that are nearly the same on both sides of the split, or in one part."""

from __future__ import annotations

import numpy as np

from textrep.comparison.health.finding import Finding, severity_of
from textrep.comparison.health.material import Material
from textrep.comparison.health.near import SIMILARITY
from textrep.comparison.health.wording import NOUNS, part_of, percent, places

# In the training part a few do nothing.
_NOTABLE_SHARE = 0.01


def check_near_duplicates(material: Material) -> list[Finding]:
    """Find test texts that are nearly the same as training texts, and others in one part.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    list of Finding
    """
    return [*_across(material), *_within(material)]


def _across(material: Material) -> list[Finding]:
    task = material.task
    tested = task.tested
    copied = tested[material.near.across[tested] >= 0]
    if not len(copied):
        return []
    share = len(copied) / len(tested)
    first = int(copied[0])
    twin = task.origin(int(material.near.across[first]))
    return [
        Finding(
            "near-duplicates-across-split",
            severity_of(share),
            f"{part_of(len(copied), len(tested), 'test text')} "
            f"{'is' if len(copied) == 1 else 'are'} nearly the same as a training text (at least "
            f"{percent(SIMILARITY)} of their runs of words or letters): {places(task, copied)}; "
            f"the first is close to {twin}.",
            "The score counts memory as skill: up to "
            f"{percent(share)} of the test texts are answered almost by heart.",
            "--dedupe takes the near copies out of the training part.",
            tuple(copied.tolist()),
            fixed_by_dedupe=True,
        )
    ]


def _within(material: Material) -> list[Finding]:
    findings = []
    for part, positions in material.named_parts.items():
        copies = positions[material.near.within[positions] >= 0]
        if len(copies) < _NOTABLE_SHARE * len(positions):
            continue
        findings.append(
            Finding(
                f"near-duplicates-in-{part}",
                "note",
                f"{part_of(len(copies), len(positions), NOUNS[part])} are nearly the same as "
                f"another one: {places(material.task, copies)}.",
                "There is less to learn from, and to test on, than the number of texts says.",
                "--dedupe keeps one of each, but leaves a test part that was given as it is.",
                tuple(copies.tolist()),
                fixed_by_dedupe=part != "test",
            )
        )
    return findings


def count_near_duplicates(material: Material) -> int:
    """Number of documents that are nearly the same as another, but no copy of one.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    int
    """
    near = material.near
    return int(np.count_nonzero((near.across >= 0) | (near.within >= 0)))
