"""Check: texts without a word."""

from __future__ import annotations

import numpy as np

from textrep.comparison.health.finding import Finding
from textrep.comparison.health.material import Material
from textrep.comparison.health.wording import part_of, percent, places


def check_empty(material: Material) -> list[Finding]:
    """Find texts that are empty or white space.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    list of Finding
    """
    empty = np.flatnonzero(material.empty & (material.parts >= 0))
    if not len(empty):
        return []
    task = material.task
    tested = int(np.isin(empty, task.tested).sum())
    total = int(np.count_nonzero(material.parts >= 0))
    return [
        Finding(
            "empty-texts",
            "warning",
            f"{part_of(len(empty), total, 'text')} {'is' if len(empty) == 1 else 'are'} empty or "
            f"nothing but white space: {places(task, empty)}.",
            f"Each is given one and the same class, so {percent(tested / len(task.tested))} of the "
            "test texts are guessed."
            if tested
            else "They are all in the training part, where they teach nothing but a label.",
            "--dedupe drops those of the training part; look at how the others were read.",
            tuple(empty.tolist()),
            fixed_by_dedupe=tested < len(empty),
        )
    ]
