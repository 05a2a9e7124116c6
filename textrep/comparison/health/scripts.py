"""Check: the scripts that the texts are written in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.health.finding import Finding
from textrep.comparison.health.letters import NO_SCRIPT
from textrep.comparison.health.material import Material
from textrep.comparison.health.wording import counted, part_of, percent, places

# From a twentieth of the texts on a second script is more than names and quotations.
_MIXED_SHARE = 0.05
# So much more of a script in one part than in the other.
_DRIFT = 0.05

_UNSPACED = frozenset({"Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"})


def check_scripts(material: Material) -> list[Finding]:
    """Find mixtures of scripts, scripts without spaces, and another mixture in the test part.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    list of Finding
    """
    return [*_mixed(material), *_unspaced(material), *_drift(material)]


def script_shares(material: Material) -> dict[str, float]:
    """Share of the texts that are mainly in each script, the most frequent first.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    dict of str to float
        Texts without a letter are in none.
    """
    return _shares(material.scripts[material.parts >= 0])


def _shares(scripts: NDArray[np.str_]) -> dict[str, float]:
    names, counts = np.unique(scripts, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(names[i]): float(counts[i] / len(scripts)) for i in order}


def _mixed(material: Material) -> list[Finding]:
    scripts = material.scripts
    held = np.flatnonzero(material.parts >= 0)
    shares = _shares(scripts[held])
    # Japanese is written in three scripts at once.
    frequent = [
        name for name, share in shares.items() if share >= _MIXED_SHARE and name != NO_SCRIPT
    ]
    if len(frequent) < 2 or set(frequent) <= {"Han", "Hiragana", "Katakana"}:
        return []
    others = held[np.isin(scripts[held], frequent[1:])]
    shown = ", ".join(f"{name} ({percent(shares[name])})" for name in frequent)
    return [
        Finding(
            "mixed-scripts",
            "warning",
            f"The texts are in {counted(len(frequent), 'script')}: {shown}; not {frequent[0]} are "
            f"{places(material.task, others)}.",
            "What is learnt from one script says nothing about another, so each of them is "
            "learnt from fewer texts than there are, and the score is a mean over unlike texts.",
            "Compare on each script by itself to see where the methods stand.",
            tuple(others.tolist()),
        )
    ]


def _unspaced(material: Material) -> list[Finding]:
    scripts = material.scripts
    held = np.flatnonzero(material.parts >= 0)
    at = held[np.isin(scripts[held], list(_UNSPACED))]
    if len(at) < _MIXED_SHARE * len(held):
        return []
    name = next(iter(_shares(scripts[at])))
    return [
        Finding(
            "unspaced-script",
            "warning",
            f"{part_of(len(at), len(held), 'text')} are in a script without spaces between words, "
            f"mostly {name}: {places(material.task, at)}.",
            "Methods that go by words take whole phrases for words and score lower than they "
            "would on texts that are cut into words.",
            "Cut the texts into words first, or go by methods that read characters.",
            tuple(at.tolist()),
        )
    ]


def _drift(material: Material) -> list[Finding]:
    scripts = material.scripts
    parts = {name: _shares(scripts[at]) for name, at in material.named_parts.items()}
    if len(parts) < 2:
        return []
    differences = {
        name: share - parts["train"].get(name, 0.0) for name, share in parts["test"].items()
    }
    most = max(differences, key=lambda name: differences[name])
    if differences[most] < _DRIFT or most == NO_SCRIPT:
        return []
    return [
        Finding(
            "script-drift",
            "warning",
            f"{percent(parts['test'][most])} of the test texts are in {most} script, but "
            f"{percent(parts['train'].get(most, 0.0))} of the training texts.",
            f"About {percent(differences[most])} of the test texts are in a script that is "
            "learnt too little, which lowers the scores.",
            "Draw both parts from the same source.",
        )
    ]
