"""Classes of characters as regular expressions, and accents."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable
from functools import lru_cache

_LAST_OF_PLANE = 0xFFFF  # of Unicode's first plane, which nearly all texts keep to
_BEYOND = "\U00010000-\U0010ffff"
_HAS_BEYOND = re.compile(f"[{_BEYOND}]")


def strip_accents_unicode(text: str) -> str:
    """scikit-learn's function of this name, several times as fast where there are accents.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        Decomposed for compatibility (NFKD), without combining characters.

    Examples
    --------
    >>> strip_accents_unicode("déjà vu, ﬁne")
    'deja vu, fine'
    """
    if text.isascii():
        return text
    return _combining().replace(unicodedata.normalize("NFKD", text), "")


def strip_accents_ascii(text: str) -> str:
    """scikit-learn's function of this name: what is not ASCII after decomposition goes.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> strip_accents_ascii("déjà vu, 文")
    'deja vu, '
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFKD", text).encode("ASCII", "ignore").decode("ASCII")


class Runs:
    """Runs of the characters of a class, to be replaced.

    Python's regular expressions test a character against a large class quickly only while the class
    ends at U+FFFF. So what lies beyond is taken for one of it at first, and looked at only in texts
    that have such characters.

    Parameters
    ----------
    belongs : callable
        Whether a character is of the class.

    Examples
    --------
    >>> Runs(str.isdigit).replace("so 1,200 𝟛", "0")
    'so 0,0 0'
    """

    def __init__(self, belongs: Callable[[str], bool]) -> None:
        low = _character_class(belongs, 0, _LAST_OF_PLANE)
        high = _character_class(belongs, _LAST_OF_PLANE + 1, sys.maxunicode)
        self._low = re.compile(f"[{low}]+")
        self._suspected = re.compile(f"[{low}{_BEYOND}]+")
        self._exact = re.compile(f"[{low}{high}]+")

    def replace(self, text: str, replacement: str) -> str:
        """A text with something else in the place of each run."""
        literal = replacement.replace("\\", r"\\")
        if text.isascii() or not _HAS_BEYOND.search(text):
            return self._low.sub(literal, text)
        return self._suspected.sub(lambda run: self._exact.sub(literal, run[0]), text)


@lru_cache(maxsize=2)
def runs_of_category(initial: str) -> Runs:
    """Runs of the characters of which Unicode's general category begins with a letter.

    Parameters
    ----------
    initial : str
        "P" for punctuation, "S" for symbols.

    Returns
    -------
    Runs

    Examples
    --------
    >>> runs_of_category("P").replace("¿So much, «text»?", "")
    'So much text'
    """
    return Runs(lambda character: unicodedata.category(character)[0] == initial)


@lru_cache(maxsize=1)
def _combining() -> Runs:
    return Runs(lambda character: unicodedata.combining(character) != 0)


def _character_class(belongs: Callable[[str], bool], start: int, stop: int) -> str:
    """The inside of a character class with the characters for which a function says so."""
    ranges = []
    first = None
    for code in range(start, stop + 2):
        inside = code <= stop and belongs(chr(code))
        if inside and first is None:
            first = code
        elif not inside and first is not None:
            ranges.append(f"\\U{first:08x}-\\U{code - 1:08x}")
            first = None
    return "".join(ranges)
