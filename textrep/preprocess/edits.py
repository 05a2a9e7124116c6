"""How one spelling becomes another, and how likely people are to make such slips.

The score of a candidate is linear: the logarithm of its count, times a weight, plus the weights
of the slips that lead from it to what was written. It is the log-likelihood of a conditional logit
model, whose weights ``benchmarks/spelling_weights.py`` fits to the Birkbeck corpus of misspellings,
without the words of the test sets that the corrector is measured on.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from functools import lru_cache

WEIGHTS = {
    "log count": 0.46,
    "swapped": 0.19,
    "double missing": 1.23,
    "double extra": -0.19,
    "vowel": -0.24,
    "other": -1.66,
    "missing": 0.23,
    "extra": -1.58,
    "first letter": -1.99,
    "further": -2.03,
}
"""Weight of the logarithm of a count, of each kind of slip, of a wrong first letter, and of each
slip after the first. Only their differences tell: some slip there always is."""


def score(written: str, candidate: str, count: int) -> float:
    """How likely a word is what was meant; greater is likelier.

    Parameters
    ----------
    written : str
        What was written; not empty.
    candidate : str
        A word; not empty.
    count : int
        How often it occurs.

    Returns
    -------
    float

    Examples
    --------
    >>> score("acess", "access", 100) > score("acess", "aces", 100)
    True
    """
    total = WEIGHTS["log count"] * math.log(count)
    return total + sum(WEIGHTS[kind] * n for kind, n in slips(written, candidate).items())


def slips(written: str, candidate: str) -> Counter[str]:
    """The slips of a shortest way from a word to what was written.

    Parameters
    ----------
    written : str
        Not empty.
    candidate : str
        Not empty.

    Returns
    -------
    Counter
        Of the names in `WEIGHTS`.

    Examples
    --------
    >>> dict(slips("acess", "access"))
    {'double missing': 1}
    >>> dict(slips("seperaet", "separate"))
    {'swapped': 1, 'vowel': 1, 'further': 1}
    """
    start = 0
    while start < min(len(written), len(candidate)) and written[start] == candidate[start]:
        start += 1
    i, j = len(written), len(candidate)
    while i > start and j > start and written[i - 1] == candidate[j - 1]:
        i, j = i - 1, j - 1
    found: Counter[str] = Counter()
    distances = _distances(written[start:i], candidate[start:j])
    while i > start or j > start:
        kind, down, right = _last_slip(written, candidate, i, j, start, distances)
        if kind:
            found[kind] += 1
        i, j = i - down, j - right
    if (further := found.total() - 1) > 0:
        found["further"] = further
    if written[0] != candidate[0]:
        found["first letter"] = 1
    return found


def _distances(written: str, candidate: str) -> list[list[int]]:
    """Edit distances of all pairs of beginnings (Damerau's, of optimal string alignment)."""
    rows = [list(range(len(candidate) + 1))]
    for i, a in enumerate(written, 1):
        row = [i]
        for j, b in enumerate(candidate, 1):
            best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == candidate[j - 2] and written[i - 2] == b:
                best = min(best, rows[i - 2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows


def _last_slip(
    written: str, candidate: str, i: int, j: int, start: int, distances: list[list[int]]
) -> tuple[str | None, int, int]:
    """The step that ends a shortest way: its kind, and the letters it takes of each word."""

    def at(down: int, right: int) -> int:
        row, column = i - start - down, j - start - right
        return distances[row][column] if row >= 0 and column >= 0 else -1

    here = at(0, 0)
    a, b = written[i - 1], candidate[j - 1]
    if a == b and at(1, 1) == here:
        return None, 1, 1
    if at(2, 2) == here - 1 and a == candidate[j - 2] and b == written[i - 2]:
        return "swapped", 2, 2
    if at(1, 1) == here - 1:
        return ("vowel" if _is_vowel(a) and _is_vowel(b) else "other"), 1, 1
    if at(0, 1) == here - 1:
        return ("double missing" if _is_double(candidate, j - 1) else "missing"), 0, 1
    return ("double extra" if _is_double(written, i - 1) else "extra"), 1, 0


def _is_double(word: str, place: int) -> bool:
    return word[place] in (word[place - 1 : place], word[place + 1 : place + 2])


@lru_cache(maxsize=1024)
def _is_vowel(letter: str) -> bool:
    return unicodedata.normalize("NFD", letter)[0] in "aeiouy"
