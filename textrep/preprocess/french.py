"""French stems: NLTK's Snowball stemmer, with two rules that Snowball has gained since.

They are what its version 3 added for elisions (``l'homme``) and for plurals in ``-oux``; the
description is at https://snowballstem.org/algorithms/french/stemmer.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

_ELISION = re.compile(r"(?:[cdjlmnstz]|qu)['’](?=.)", re.DOTALL)
_OUX = re.compile(r".*[bhjlnp]oux", re.DOTALL)


def stem(word: str) -> str:
    """The stem of a French word.

    Parameters
    ----------
    word : str

    Returns
    -------
    str
        In lower case.

    Examples
    --------
    >>> stem("l'exemple"), stem("bijoux"), stem("continuellement")
    ('exempl', 'bijou', 'continuel')
    """
    word = word.lower()
    if elision := _ELISION.match(word):
        word = word[elision.end() :]
    if _OUX.fullmatch(word):
        return word[:-1]
    return _nltk_stem()(word)


@lru_cache(maxsize=1)
def _nltk_stem() -> Callable[[str], str]:
    from nltk.stem.snowball import SnowballStemmer

    return SnowballStemmer("french").stem
