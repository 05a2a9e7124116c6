"""Check: texts that are very short, or cut off at a limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.health.finding import Finding
from textrep.comparison.health.material import Material
from textrep.comparison.health.wording import part_of, places

QUANTILES = {"shortest": 0.0, "5 %": 0.05, "median": 0.5, "95 %": 0.95, "longest": 1.0}
"""What of the lengths is told, by its name."""

# Two words leave a method one or two terms to go by.
_FEW_WORDS = 3
_NOTABLE_SHARE = 0.05

# Texts as long as the longest, from which on it is a limit: this many, of all this share, and this
# many times as many as there are on average at each of the lengths just below.
_FEWEST_CUT = 10
_CUT_SHARE = 0.005
_PILE = 5.0
_BELOW = 10
# In characters or words; of texts of a few words many are naturally as long as the longest.
_SHORTEST_LIMIT = 30


def check_lengths(material: Material) -> list[Finding]:
    """Find texts that are hardly there, and those that end where a limit is.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    list of Finding
    """
    return [*_short(material), *_truncated(material)]


def describe_lengths(material: Material) -> dict[str, dict[str, dict[str, float]]]:
    """Quantiles of the lengths of the texts.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    dict of {"characters", "words"} to dict of part to dict of quantile to float
    """
    lengths = {"characters": material.n_characters, "words": material.n_words}
    return {
        unit: {
            part: {
                name: float(np.quantile(values[positions], at)) for name, at in QUANTILES.items()
            }
            for part, positions in material.named_parts.items()
        }
        for unit, values in lengths.items()
    }


def _short(material: Material) -> list[Finding]:
    held = np.flatnonzero(material.parts >= 0)
    words = material.n_words[held]
    short = held[(words > 0) & (words < _FEW_WORDS)]
    if len(short) < _NOTABLE_SHARE * len(held):
        return []
    return [
        Finding(
            "short-texts",
            "note",
            f"{part_of(len(short), len(held), 'text')} have fewer than {_FEW_WORDS} words: "
            f"{places(material.task, short)}.",
            "Words that were not learnt leave nothing to go by; characters do better here.",
            "Compare with a method that reads characters, such as char-tfidf-svm.",
            tuple(short.tolist()),
        )
    ]


def _truncated(material: Material) -> list[Finding]:
    held = np.flatnonzero(material.parts >= 0)
    for unit, lengths in (("characters", material.n_characters), ("words", material.n_words)):
        limit = _limit(lengths[held])
        if limit is None:
            continue
        cut = held[lengths[held] == limit]
        return [
            Finding(
                "truncated-texts",
                "warning",
                f"{part_of(len(cut), len(held), 'text')} have exactly {limit:,} {unit}, and none "
                f"has more: {places(material.task, cut)}.",
                "They look cut off: what decided the label may be missing, so the scores can be "
                "lower than whole texts would give.",
                "Look for a limit where the texts were exported.",
                tuple(cut.tolist()),
            )
        ]
    return []


def _limit(lengths: NDArray[np.int64]) -> int | None:
    """The length at which texts pile up, if it is the greatest."""
    longest = int(lengths.max(initial=0))
    at_limit = np.count_nonzero(lengths == longest)
    below = np.count_nonzero((lengths >= longest - _BELOW) & (lengths < longest)) / _BELOW
    piled = (
        longest >= _SHORTEST_LIMIT
        and len(lengths) > at_limit >= max(_FEWEST_CUT, _CUT_SHARE * len(lengths))
        and at_limit >= _PILE * below
    )
    return longest if piled else None
