"""Check: too few documents to tell methods apart."""

from __future__ import annotations

import math

from textrep.comparison.health.finding import Finding
from textrep.comparison.health.material import Material
from textrep.comparison.health.wording import counted, percent

# The normal quantile of a 95 % interval.
_Z95 = 1.96
# An accuracy in the middle of what text classification sees; the interval of a higher one is
# narrower, that of a lower one wider.
_TYPICAL_ACCURACY = 0.85
# Wider than this, most differences between methods vanish in the uncertainty: below 196 texts.
_WIDEST = 0.05


def check_power(material: Material) -> list[Finding]:
    """Find out whether the test texts are enough for the scores to mean something.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    list of Finding
    """
    n = len(material.task.tested)
    half = _Z95 * math.sqrt(_TYPICAL_ACCURACY * (1 - _TYPICAL_ACCURACY) / n)
    if half <= _WIDEST:
        return []
    return [
        Finding(
            "few-test-texts",
            "warning",
            f"There {'is' if n == 1 else 'are'} only {counted(n, 'test text')}.",
            f"An accuracy of {percent(_TYPICAL_ACCURACY)} would be uncertain by {100 * half:.0f} "
            "points either way, so that only large differences between methods show.",
            "Label more."
            if material.task.folds
            else "Label more, or use --folds, which tests on every document once.",
        )
    ]
