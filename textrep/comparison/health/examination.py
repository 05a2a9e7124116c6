"""`examine`: all checks on the data of a comparison."""

from __future__ import annotations

import time

import numpy as np

from textrep.comparison.health.classes import check_classes, count_classes
from textrep.comparison.health.columns import check_columns
from textrep.comparison.health.conflicts import check_conflicts, find_conflicts
from textrep.comparison.health.drift import check_drift
from textrep.comparison.health.duplicates import check_duplicates, count_duplicates
from textrep.comparison.health.empty import check_empty
from textrep.comparison.health.finding import most_severe_first
from textrep.comparison.health.languages import check_languages, language_shares
from textrep.comparison.health.lengths import check_lengths, describe_lengths
from textrep.comparison.health.material import Material
from textrep.comparison.health.near_duplicates import check_near_duplicates, count_near_duplicates
from textrep.comparison.health.order import check_order
from textrep.comparison.health.overview import Health
from textrep.comparison.health.power import check_power
from textrep.comparison.health.scripts import check_scripts, script_shares
from textrep.comparison.health.tokens import check_tokens
from textrep.comparison.task import Task
from textrep.core.progress import progress


def examine(
    task: Task,
    *,
    verbose: int = 0,
) -> Health:
    """Check whether the data are fit to compare methods on.

    Parameters
    ----------
    task : Task
        Of the comparison.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    Health

    Examples
    --------
    >>> from textrep.comparison.split import Split
    >>> texts = ["so much text", "so little time", "So much  text"]
    >>> splits = (Split(np.array([0, 1]), np.array([2])),)
    >>> health = examine(Task("proverb", texts, np.array(["a", "b", "a"]), splits))
    >>> health.findings[0].kind
    'duplicates-across-split'
    """
    start = time.perf_counter()
    material = Material(task)
    checks = (
        check_classes,
        check_columns,
        check_duplicates,
        check_near_duplicates,
        check_conflicts,
        check_tokens,
        check_empty,
        check_drift,
        check_scripts,
        check_languages,
        check_lengths,
        check_power,
        check_order,
    )
    findings = []
    for check in progress(checks, description="health", verbose=verbose, unit="checks"):
        findings.extend(check(material))
    return Health(
        findings=most_severe_first(findings),
        n_documents=int(np.count_nonzero(material.parts >= 0)),
        class_counts=count_classes(material),
        lengths=describe_lengths(material),
        scripts=script_shares(material),
        languages=language_shares(material),
        n_empty=int(np.count_nonzero(material.empty & (material.parts >= 0))),
        n_duplicates=count_duplicates(material),
        n_conflicting=len(find_conflicts(material)),
        n_near_duplicates=count_near_duplicates(material),
        seconds=time.perf_counter() - start,
    )
