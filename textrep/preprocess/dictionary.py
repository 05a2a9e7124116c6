"""Words with their counts, and what was probably meant by one that is not among them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from textrep.preprocess.edits import score
from textrep.preprocess.memo import WordMemo

if TYPE_CHECKING:
    from symspellpy import SymSpell
    from symspellpy.suggest_item import SuggestItem

LARGEST_DISTANCE = 3
"""Of `max_edit_distance`: beyond, a short word is near every other."""

LONGEST_WORD = 60
"""Characters of the longest word that is learnt or corrected."""

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")

DISTANT_CANDIDATES = 30
"""Words at the largest distance that are scored, the most frequent; there can be thousands."""

_PREFIX_LENGTH = 7  # symspellpy's default: letters of which it derives its index


def is_word(text: str) -> bool:
    """Whether a token is one to learn or to correct: letters, joined by apostrophes or hyphens.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool

    Examples
    --------
    >>> is_word("much"), is_word("don't"), is_word("3rd"), is_word("")
    (True, True, False, False)
    """
    return len(text) <= LONGEST_WORD and _WORD.fullmatch(text) is not None


def near_words(index: SymSpell, word: str, distance: int) -> list[SuggestItem]:
    """The words that may have been meant: all at distance 1, and the most frequent beyond.

    Parameters
    ----------
    index : symspellpy.SymSpell
    word : str
        One that `index` does not know.
    distance : int
        The largest.

    Returns
    -------
    list of symspellpy.suggest_item.SuggestItem

    Examples
    --------
    >>> from symspellpy import SymSpell
    >>> index = SymSpell(2)
    >>> index.create_dictionary_entry("much", 3)
    True
    >>> near_words(index, "mcuh", 2)[0].term
    'much'
    """
    from symspellpy import Verbosity

    found = index.lookup(word, Verbosity.ALL, distance)
    distant = sorted(
        (item for item in found if item.distance > 1),
        key=lambda item: (item.distance, -item.count, item.term),
    )
    return [item for item in found if item.distance == 1] + distant[:DISTANT_CANDIDATES]


class Dictionary:
    """Known words, searched by edit distance.

    Parameters
    ----------
    words : mapping of str to int
        Word, in lower case -> how often it occurs.
    max_edit_distance : int
        The most slips that are put right.

    Attributes
    ----------
    correct : callable
        A list of words in lower case -> a list of as many; known words, and those that are near
        no known one, stay as they are.

    Examples
    --------
    >>> Dictionary({"much": 3, "text": 2}, 2).correct(["mcuh", "text", "文字"])
    ['much', 'text', '文字']
    """

    def __init__(self, words: Mapping[str, int], max_edit_distance: int) -> None:
        from symspellpy import SymSpell

        self._index = SymSpell(max_edit_distance, _PREFIX_LENGTH)
        for word, count in words.items():
            self._index.create_dictionary_entry(word, count)
        self._max_edit_distance = max_edit_distance
        self._letters = frozenset().union(*self._index.words)
        self.correct = WordMemo(self._correct)

    def _correct(self, word: str) -> str:
        # A word must keep a letter, or every short one would do for every other.
        distance = min(self._max_edit_distance, len(word) - 1)
        # A letter that no known word has means another language, not a slip.
        if word in self._index.words or distance < 1 or not self._letters.issuperset(word):
            return word
        candidates = near_words(self._index, word, distance)
        if not candidates:
            return word
        scored = [(score(word, item.term, item.count), item.term) for item in candidates]
        # Among equals the first of the alphabet, so that the order of learning does not tell.
        return min(scored, key=lambda pair: (-pair[0], pair[1]))[1]


@lru_cache(maxsize=1)
def english_words() -> Mapping[str, int]:
    """The dictionary that comes with symspellpy: 82,834 English words and their counts.

    Returns
    -------
    mapping of str to int

    Examples
    --------
    >>> english_words()["much"] > english_words()["mulch"]
    True
    """
    import symspellpy

    words = {}
    file = Path(symspellpy.__file__).with_name("frequency_dictionary_en_82_765.txt")
    for line in file.read_text("utf-8-sig").splitlines():
        word, _, count = line.partition(" ")
        words[word] = int(count)
    return words


@lru_cache(maxsize=LARGEST_DISTANCE)
def english_dictionary(max_edit_distance: int) -> Dictionary:
    """One index of the English words for all correctors; it takes seconds to make.

    Parameters
    ----------
    max_edit_distance : int

    Returns
    -------
    Dictionary

    Examples
    --------
    >>> english_dictionary(1).correct(["mcuh"])
    ['much']
    """
    return Dictionary(english_words(), max_edit_distance)
