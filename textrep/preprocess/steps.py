"""The steps of `TextCleaner` that put something in the place of a pattern."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from textrep.preprocess.characters import runs_of_category
from textrep.preprocess.memo import MEMO_WORDS

Step = Callable[[str], str]
"""A text -> a text."""

# No punctuation at the end, which belongs to the sentence around.
_URL = re.compile(r"(?:\b(?:https?|ftp)://|\bwww\.)[^\s<>\"]*[^\s<>\"'.,;:!?)\]}]", re.IGNORECASE)
# Not from within a run of such characters, or a long one would be searched from each of its places.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"(\w+(?:['’]\w+)*)")
_PART = re.compile(r"(\w+)")


def replace_urls(replacement: str) -> Step:
    """A step for addresses of pages.

    Parameters
    ----------
    replacement : str

    Returns
    -------
    callable

    Examples
    --------
    >>> replace_urls("URL")("see http://example.org/a?b=1.")
    'see URL.'
    """
    literal = _literal(replacement)

    def step(text: str) -> str:
        # Most texts have none, which is soon seen.
        if "://" in text or "www." in text.lower():
            return _URL.sub(literal, text)
        return text

    return step


def replace_emails(replacement: str) -> Step:
    """A step for e-mail addresses.

    Parameters
    ----------
    replacement : str

    Returns
    -------
    callable

    Examples
    --------
    >>> replace_emails("")("write to me@example.org!")
    'write to !'
    """
    literal = _literal(replacement)
    return lambda text: _EMAIL.sub(literal, text) if "@" in text else text


def replace_digits(replacement: str) -> Step:
    """A step for runs of decimal digits.

    Parameters
    ----------
    replacement : str

    Returns
    -------
    callable

    Examples
    --------
    >>> replace_digits("0")("in 1984 and ١٩٨٤")
    'in 0 and 0'
    """
    literal = _literal(replacement)
    return lambda text: _DIGITS.sub(literal, text)


def replace_category(initial: str, replacement: str) -> Step:
    """A step for runs of characters of one of Unicode's general categories.

    Parameters
    ----------
    initial : str
        "P" for punctuation, "S" for symbols.
    replacement : str

    Returns
    -------
    callable

    Examples
    --------
    >>> replace_category("S", "")("1 + 1 < 3 🙂")
    '1  1  3 '
    """
    runs = runs_of_category(initial)
    return lambda text: runs.replace(text, replacement)


def remove_words(words: Iterable[str]) -> Step:
    """A step that removes words, whatever their case.

    Parameters
    ----------
    words : iterable of str

    Returns
    -------
    callable

    Examples
    --------
    >>> remove_words(["the", "he", "don't"])("The day he's free, don't!")
    " day 's free, !"
    """
    kept = _Kept({word.lower() for word in words})

    def step(text: str) -> str:
        pieces = _WORD.split(text)
        pieces[1::2] = map(kept.__getitem__, pieces[1::2])
        return "".join(pieces)

    return step


class _Kept(dict[str, str]):
    """Word -> what stays of it; found out when first asked."""

    def __init__(self, unwanted: set[str]) -> None:
        self._unwanted = unwanted

    def __missing__(self, word: str) -> str:
        kept = self._kept(word)
        if len(self) < MEMO_WORDS:
            self[word] = kept
        return kept

    def _kept(self, word: str) -> str:
        if word.lower() in self._unwanted:
            return ""
        # One with an apostrophe is looked up whole, then in its parts.
        parts = _PART.split(word)
        parts[1::2] = ["" if part.lower() in self._unwanted else part for part in parts[1::2]]
        return "".join(parts)


def _literal(replacement: str) -> str:
    """A str as a template that stands for itself."""
    return replacement.replace("\\", r"\\")
