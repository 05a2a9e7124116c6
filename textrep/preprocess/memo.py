"""A function of words that remembers its answers, within bounded memory and across threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

MEMO_WORDS = 2**17
"""Answers kept: some 20 MB; the 25,000 training reviews of IMDb have 75,000 distinct words."""


class WordMemo:
    """Apply a function to words, once per distinct word.

    Parameters
    ----------
    function : callable
        Word -> word. It is called by one thread at a time, since some stemmers keep state.
    size : int, default=MEMO_WORDS
        Answers kept; when there are more, all are forgotten.

    Examples
    --------
    >>> calls = []
    >>> shout = WordMemo(lambda word: calls.append(word) or word.upper())
    >>> shout(["much", "so", "much"]), calls
    (['MUCH', 'SO', 'MUCH'], ['much', 'so'])
    """

    def __init__(self, function: Callable[[str], str], size: int = MEMO_WORDS) -> None:
        self._function = function
        self._size = size
        self._answers: dict[str, str] = {}
        self._lock = threading.Lock()

    def __call__(self, words: Iterable[str]) -> list[str]:
        """Answers for words, in their order."""
        words = list(words)
        known = self._answers  # another thread may put an empty one in its place meanwhile
        answers = [known.get(word) for word in words]
        fresh: dict[str, str] = {}
        complete: list[str] = []
        for word, answer in zip(words, answers, strict=True):
            if answer is None and (answer := fresh.get(word)) is None:
                with self._lock:
                    answer = self._function(word)
                fresh[word] = answer
            complete.append(answer)
        if fresh:
            self._keep(fresh)
        return complete

    def _keep(self, fresh: dict[str, str]) -> None:
        if len(fresh) > self._size:
            return
        with self._lock:
            if len(self._answers) + len(fresh) > self._size:
                self._answers = {}
            self._answers.update(fresh)
