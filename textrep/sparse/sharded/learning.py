"""A vectoriser fitted on all blocks of a job: each learnt by itself, then merged as a tree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sklearn.base import clone

from textrep.core.partitions import MERGED_AT_ONCE
from textrep.core.persist import load
from textrep.sparse.growing import Grows
from textrep.sparse.seen import Tower
from textrep.sparse.sharded.job import Job
from textrep.sparse.sharded.manifest import MODEL
from textrep.sparse.sharded.tasks import LEARNT, UNFITTED, learn_block, merge_learnt, part_name

_LIMITLESS = {"min_df": 1, "max_df": 1.0, "max_features": None}
"""How blocks are counted: which terms stay is known only when all have been seen."""


def learn(job: Job, vectorizer: Any) -> None:
    """Fit a vectoriser on all blocks and save it in the folder of the job.

    Parameters
    ----------
    job : Job
    vectorizer : vectoriser
        It is left as it is.

    Raises
    ------
    ValueError
        When no block has a term that stays.
    """
    folder = job.work.folder
    model = clone(vectorizer)
    if isinstance(model, Grows):
        limitless = clone(vectorizer).set_params(**_LIMITLESS)
        limitless.save(folder / UNFITTED)
        job.over_blocks(learn_block, LEARNT, "Learning the vocabulary")
        last = _merged(job)
        model._check_before_reading()
        model._fit_seen(Tower(load(last)._parts()).whole())
    else:
        model.fit([])  # there is nothing to learn, but parameters to check
    model.save(folder / MODEL)


def _merged(job: Job) -> Path:
    """Merge what the blocks have taught, level by level; the file of it all."""
    folder = job.work.folder / LEARNT
    names = [part_name(number) for number in range(len(job.blocks))]
    level = 0
    while len(names) > 1:
        level += 1
        groups = [names[at : at + MERGED_AT_ONCE] for at in range(0, len(names), MERGED_AT_ONCE)]
        names = [f"merged-{level}-{number:06d}" for number in range(len(groups))]
        calls = [
            (folder, name, group)
            for name, group in zip(names, groups, strict=True)
            if not (folder / f"{name}.textrep").exists()
        ]
        for _ in job.runner.run(merge_learnt, calls):
            pass
    return folder / f"{names[0]}.textrep"
