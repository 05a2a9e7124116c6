"""The script that the letters of a text belong to."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# Of each text; a script does not change after that.
_READ_CHARACTERS = 500
_BATCH = 4096

# First words of Unicode names that are no scripts.
_NO_SCRIPTS = frozenset("COMBINING MODIFIER VARIATION MUSICAL".split())
_SCRIPT_NAMES = {"CJK": "Han"}

NO_SCRIPT = "none"
"""What the script of a text without letters is called."""


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
    names = [NO_SCRIPT]
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
        return NO_SCRIPT
    first = unicodedata.name(plain, "").split(" ")[0].split("-")[0]
    if not first or first in _NO_SCRIPTS:
        return NO_SCRIPT
    return _SCRIPT_NAMES.get(first, first.capitalize())
