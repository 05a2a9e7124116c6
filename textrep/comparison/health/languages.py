"""Check: the languages that the texts are probably in, by their stop words."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from textrep.comparison.health.finding import Finding
from textrep.comparison.health.material import Material
from textrep.comparison.health.wording import percent
from textrep.preprocess import stop_words

_UNKNOWN = "unknown"

# A share of 5 % is then known to within a point.
_SAMPLE = 2_000
# Fewer words need not hold a stop word.
_FEWEST_WORDS = 8
# Stop words are a third to a half of running text; of another language's text, a tenth at most.
_STOP_WORD_SHARE = 0.2
_MIXED_SHARE = 0.05

_WORD = re.compile(r"\w+")


def check_languages(material: Material) -> list[Finding]:
    """Find a mixture of languages.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    list of Finding
    """
    shares = language_shares(material)
    frequent = [name for name, share in shares.items() if share >= _MIXED_SHARE]
    known = [name for name in frequent if name != _UNKNOWN]
    if len(known) < 2:
        return []
    named = ", ".join(f"{name.capitalize()} ({percent(shares[name])})" for name in known)
    return [
        Finding(
            "mixed-languages",
            "warning",
            f"The texts are probably in {len(known)} languages: {named}.",
            "What is learnt from one language says little about another, so each of them is "
            "learnt from fewer texts than there are.",
            "Compare on each language by itself to see where the methods stand.",
        )
    ]


def language_shares(material: Material) -> dict[str, float]:
    """Share of the texts that are probably in each language, the most frequent first.

    Parameters
    ----------
    material : Material
        Of whose texts a sample is looked at, those of eight words and more.

    Returns
    -------
    dict of str to float
        Of the languages with a list of stop words: English, and those of NLTK's data where they
        are installed. A text that has few stop words of any is ``"unknown"``. Empty where all
        texts are too short.

    Examples
    --------
    >>> from textrep.comparison.split import Split
    >>> from textrep.comparison.task import Task
    >>> texts = ["it was the best of times, it was the worst of times"] * 2
    >>> task = Task("t", texts, np.array([0, 1]), (Split(np.array([0]), np.array([1])),))
    >>> language_shares(Material(task))
    {'english': 1.0}
    """
    long_enough = np.flatnonzero((material.parts >= 0) & (material.n_words >= _FEWEST_WORDS))
    # Evenly from all of them, since files are often sorted.
    sample = long_enough[:: max(1, len(long_enough) // _SAMPLE)]
    lists = _available()
    counts = Counter(probable_language(material.task.texts[i], lists) for i in sample.tolist())
    return {name: number / len(sample) for name, number in counts.most_common()}


def probable_language(text: str, lists: dict[str, frozenset[str]]) -> str:
    """The language whose stop words make up most of a text.

    Parameters
    ----------
    text : str
        Any.
    lists : dict of str to frozenset of str
        Stop words of each language.

    Returns
    -------
    str
        Its name; ``"unknown"`` where they are less than a fifth of the words.

    Examples
    --------
    >>> lists = {"english": stop_words("english"), "french": stop_words(["le", "la", "et", "de"])}
    >>> probable_language("le rouge et le noir", lists)
    'french'
    """
    words = _WORD.findall(text.casefold())
    hits = {name: sum(word in known for word in words) for name, known in lists.items()}
    best = max(hits, key=lambda name: hits[name])
    return best if hits[best] >= _STOP_WORD_SHARE * max(len(words), 1) else _UNKNOWN


def _available() -> dict[str, frozenset[str]]:
    """Lists of stop words by language."""
    names = {"english"}
    try:
        from nltk.corpus import stopwords

        names.update(stopwords.fileids())
    except LookupError:  # NLTK's data are not installed
        pass
    # The shorter of two lists for English is not needed.
    return {name: stop_words(name) for name in sorted(names)}
