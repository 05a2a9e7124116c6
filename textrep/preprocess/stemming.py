"""The stemmers by language: NLTK's, and newer rules where NLTK's have fallen behind.

Measured against the vocabularies of the Snowball project as of 2026 (its version 3), of which
NLTK's stemmers follow older ones; percentages of equal stems:

========  ======  =======================================================================
language  equal   what differs
========  ======  =======================================================================
porter    100 %   nothing: the algorithm as published in 1980, which Snowball's also is
german    100 %   nothing: own code, see `textrep.preprocess.german` (NLTK's: 96.4 %)
spanish   100 %   nothing
russian   99.98 % words without a vowel, ``ё`` and ``ъ`` in ``объем``, ``й`` before endings
english   99.87 % the exceptions of Snowball 3: ``-ogist`` becomes ``-og``, stems of
                  ``organ-``, ``inter-``, ``later-``, ``univers-``, ``emerg-`` kept apart, ``add``,
                  ``ebb``, ``err`` and ``off`` keep their double letter, ``hying``, ``vying``,
                  ``evening``, ``paste``
french    99.5 %  suffixes that begin with a diaeresis (``héroïque``), ``ni`` before a vowel
                  (``nier``), ``-ais`` and ``-aise``; elisions and ``-oux`` are added here
                  (NLTK's alone: 95.8 %)
========  ======  =======================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from textrep.core.messages import shown
from textrep.preprocess.memo import WordMemo

LANGUAGES = tuple(
    "arabic danish dutch english finnish french german hungarian italian norwegian porter "
    "portuguese romanian russian spanish swedish".split()
)
"""What `language` can be; ``"porter"`` is Porter's own English stemmer."""

LONGEST_WORD = 200
"""Characters of the longest word that is stemmed; what is longer is no word of any language."""


def check_language(language: object, name: str = "language") -> str:
    """The name of a language with a stemmer.

    Parameters
    ----------
    language : object
        What was given.
    name : str, default="language"
        What messages call it.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If there is no stemmer of that name; the message lists those that there are.

    Examples
    --------
    >>> check_language("german")
    'german'
    """
    if isinstance(language, str) and language in LANGUAGES:
        return language
    raise ValueError(
        f"{name}={shown(language)} is not a language with a stemmer; known are "
        f"{', '.join(LANGUAGES)}."
    )


@lru_cache(maxsize=len(LANGUAGES))
def words_stemmer(language: str) -> WordMemo:
    """Words -> stems in a language; one for all threads, which share what it remembers.

    Parameters
    ----------
    language : str
        One of `LANGUAGES`.

    Returns
    -------
    WordMemo

    Examples
    --------
    >>> words_stemmer("english")(["running", "Flies"])
    ['run', 'fli']
    """
    rules = _rules(language)

    def stem(word: str) -> str:
        if len(word) > LONGEST_WORD:
            return word
        # Some rules would leave nothing of a word that is all suffix.
        return rules(word) or word.lower()

    return WordMemo(stem)


def _rules(language: str) -> Callable[[str], str]:
    if language == "german":
        from textrep.preprocess.german import stem

        return stem
    if language == "french":
        from textrep.preprocess.french import stem

        return stem
    if language == "porter":
        from nltk.stem.porter import PorterStemmer

        # NLTK's default mode departs from Porter's list in 2 % of its words.
        return PorterStemmer(mode=PorterStemmer.ORIGINAL_ALGORITHM).stem
    from nltk.stem.snowball import SnowballStemmer

    return SnowballStemmer(language).stem
