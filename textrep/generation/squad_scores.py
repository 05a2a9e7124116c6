"""Exact match and F1 of answers, as the evaluation of SQuAD counts them."""

from __future__ import annotations

import re
import string
from collections import Counter

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_MARKS = str.maketrans("", "", string.punctuation)


def normalised(answer: str) -> str:
    """An answer in lower case, without punctuation, articles and further white space.

    References
    ----------
    P. Rajpurkar, J. Zhang, K. Lopyrev, P. Liang: SQuAD: 100,000+ questions for machine
    comprehension of text, EMNLP 2016, and its evaluation script, version 1.1.

    Examples
    --------
    >>> normalised("The  red-hot Apple!")
    'redhot apple'
    """
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_MARKS)).split())


def exact_match(given: str, right: str) -> float:
    """1 where two answers are the same once normalised, otherwise 0."""
    return float(normalised(given) == normalised(right))


def word_f1(given: str, right: str) -> float:
    """F1 of the words that two answers have in common.

    As in the script of version 1.1: 0 where they have none in common, two empty ones included.

    >>> word_f1("a red ball", "the red and blue ball").__round__(3)
    0.667
    """
    ours, theirs = normalised(given).split(), normalised(right).split()
    common = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * common / (len(ours) + len(theirs)) if common else 0.0
