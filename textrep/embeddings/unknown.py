"""The error for a word without a vector."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from textrep.core.messages import shown

_SEARCHED = 20_000  # most frequent words among which a message looks for close ones
_CLOSE = 3  # words that a message suggests


class UnknownWordError(KeyError):
    """A word has no vector; the message names it and words of the vocabulary that are close.

    Parameters
    ----------
    word : str
        What was asked for.
    words : sequence of str, default=()
        The vocabulary, most frequent first. It is searched only when the message is read, so that
        code that expects the error does not pay for it.

    Attributes
    ----------
    word : str

    Examples
    --------
    >>> print(UnknownWordError("Londn", ["the", "london"]))
    the word 'Londn' is not in the vocabulary; close ones: 'london'
    """

    def __init__(self, word: str, words: Sequence[str] = ()) -> None:
        super().__init__(word)
        self.word = word
        self._words = words

    def __str__(self) -> str:
        close = _close_words(self.word, self._words)
        hint = f"; close ones: {', '.join(map(repr, close))}" if close else ""
        return f"the word {shown(self.word)} is not in the vocabulary{hint}"

    def __reduce__(self) -> tuple[Any, ...]:
        # Not the whole vocabulary when an error crosses processes.
        return type(self), (self.word, _close_words(self.word, self._words))


def _close_words(word: str, words: Sequence[str]) -> list[str]:
    """A few words that a misspelt or otherwise capitalised one may stand for."""
    cases = {word.lower(), word.upper(), word.title(), word.capitalize()} - {word}
    found = [known for known in words if known in cases] if cases else []
    similar = difflib.get_close_matches(word, words[:_SEARCHED], n=_CLOSE) if len(word) < 50 else []
    return list(dict.fromkeys(found + similar))[:_CLOSE]
