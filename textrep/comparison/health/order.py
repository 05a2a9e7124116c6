"""Check: documents sorted by class."""

from __future__ import annotations

import numpy as np

from textrep.comparison.health.finding import Finding
from textrep.comparison.health.material import Material
from textrep.comparison.health.wording import NOUNS

# Fewer documents are in order by chance, or by hand.
_FEWEST = 20


def check_order(material: Material) -> list[Finding]:
    """Find out whether the documents stand class by class.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    list of Finding
    """
    for part, positions in material.named_parts.items():
        codes = material.codes[positions]
        runs = 1 + np.count_nonzero(codes[1:] != codes[:-1])
        if len(codes) >= _FEWEST and 1 < runs <= len(np.unique(codes)):
            return [
                Finding(
                    "sorted-by-class",
                    "note",
                    f"The {NOUNS[part]}s stand sorted by class.",
                    "The scores here are not touched, since nothing goes by the order; a split "
                    "that takes the first or last rows would miss whole classes.",
                    "Shuffle before you take a part of the file for yourself.",
                )
            ]
    return []
