"""Check: the scripts that the texts are written in."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.health.finding import Finding
from textrep.comparison.health.material import Material
from textrep.comparison.health.wording import counted, part_of, percent, places

# Of each text; a script does not change after that.
_READ_CHARACTERS = 500
_BATCH = 4096

# From a twentieth of the texts on a second script is more than names and quotations.
_MIXED_SHARE = 0.05
# So much more of a script in one part than in the other.
_DRIFT = 0.05

# First words of Unicode names that are no scripts.
_NO_SCRIPTS = frozenset("COMBINING MODIFIER VARIATION MUSICAL".split())
_SCRIPT_NAMES = {"CJK": "Han"}
_NONE = "none"
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
    scripts = main_scripts(material.task.texts)
    return [*_mixed(material, scripts), *_unspaced(material, scripts), *_drift(material, scripts)]


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
    return _shares(main_scripts(material.task.texts)[material.parts >= 0])


def main_scripts(texts: Sequence[str]) -> NDArray[np.str_]:
    """The script that most letters of each text belong to.

    Parameters
    ----------
    texts : sequence of str, length n_documents
        Of which the first 500 characters are looked at.

    Returns
    -------
    ndarray of shape (n_documents,) of str
        As in the Unicode names of the letters; ``"none"`` where there are no letters.

    Examples
    --------
    >>> main_scripts(["Much ado", "много шума", "42"])
    array(['Latin', 'Cyrillic', 'none'], dtype='<U8')
    """
    names = [_NONE]
    number_of = np.full(0x110000, -1, dtype=np.int16)
    mains = [
        _main_of(texts[at : at + _BATCH], names, number_of) for at in range(0, len(texts), _BATCH)
    ]
    return np.array(names)[np.concatenate([*mains, np.zeros(0, dtype=np.intp)])]


def _main_of(
    texts: Sequence[str], names: list[str], number_of: NDArray[np.int16]
) -> NDArray[np.intp]:
    """Numbers of the main scripts; those met for the first time are entered."""
    heads = [text[:_READ_CHARACTERS] for text in texts]
    points = np.frombuffer("".join(heads).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    for point in np.unique(points[number_of[points] < 0]).tolist():
        script = _script(chr(point))
        if script not in names:
            names.append(script)
        number_of[point] = names.index(script)
    document = np.repeat(np.arange(len(heads)), [len(head) for head in heads])
    cells = document * len(names) + number_of[points]
    table = np.bincount(cells, minlength=len(heads) * len(names)).reshape(len(heads), -1)
    table[:, 0] = 0
    return table.argmax(axis=1)


@lru_cache(maxsize=1 << 16)
def _script(character: str) -> str:
    """The script of a letter or mark, by its Unicode name; none for other characters."""
    plain = unicodedata.normalize("NFKC", character)[:1]
    if unicodedata.category(plain)[0] not in "LM":
        return _NONE
    first = unicodedata.name(plain, "").split(" ")[0].split("-")[0]
    if not first or first in _NO_SCRIPTS:
        return _NONE
    return _SCRIPT_NAMES.get(first, first.capitalize())


def _shares(scripts: NDArray[np.str_]) -> dict[str, float]:
    names, counts = np.unique(scripts, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(names[i]): float(counts[i] / len(scripts)) for i in order}


def _mixed(material: Material, scripts: NDArray[np.str_]) -> list[Finding]:
    held = np.flatnonzero(material.parts >= 0)
    shares = _shares(scripts[held])
    # Japanese is written in three scripts at once.
    frequent = [name for name, share in shares.items() if share >= _MIXED_SHARE and name != _NONE]
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


def _unspaced(material: Material, scripts: NDArray[np.str_]) -> list[Finding]:
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


def _drift(material: Material, scripts: NDArray[np.str_]) -> list[Finding]:
    parts = {name: _shares(scripts[at]) for name, at in material.named_parts.items()}
    if len(parts) < 2:
        return []
    differences = {
        name: share - parts["train"].get(name, 0.0) for name, share in parts["test"].items()
    }
    most = max(differences, key=lambda name: differences[name])
    if differences[most] < _DRIFT or most == _NONE:
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
