"""Which texts say nearly the same as an earlier one."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterable

_WORD = re.compile(r"\w+")
_SHINGLE = 3  # words; long enough that two unrelated texts share few
_SKETCH = 12  # smallest shingle hashes that are looked up
_SAME = 0.7  # Jaccard similarity of the shingles from which two texts count as one


def _shingles(text: str) -> frozenset[int]:
    """CRC-32 of every run of `_SHINGLE` words, lower-cased and without punctuation."""
    words = _WORD.findall(text.lower())
    runs = range(max(1, len(words) - _SHINGLE + 1))
    # crc32, not hash(): the answer must not change from one process to the next.
    return frozenset(zlib.crc32(" ".join(words[i : i + _SHINGLE]).encode()) for i in runs)


def distinct(texts: Iterable[str]) -> list[int]:
    """Positions of the texts that are not a near duplicate of an earlier one.

    Two texts are near duplicates when the runs of three words they hold, case and punctuation
    aside, overlap by 70 % or more (Jaccard). Pairs are found through the twelve smallest hashes of
    each text, so a pair just above the border may be missed and an equal pair never is.

    Parameters
    ----------
    texts : iterable of str
        In the order of preference: the first of several is kept.

    Returns
    -------
    list of int
        Ascending positions.

    Examples
    --------
    >>> distinct(["Sort a list, in place.", "Close the file.", "sort a list in place"])
    [0, 1]
    """
    kept: list[int] = []
    shingles: dict[int, frozenset[int]] = {}
    holders: defaultdict[int, list[int]] = defaultdict(list)
    for position, text in enumerate(texts):
        own = _shingles(text)
        sketch = sorted(own)[:_SKETCH]
        candidates = {other for value in sketch for other in holders[value]}
        if any(_similarity(own, shingles[other]) >= _SAME for other in candidates):
            continue
        kept.append(position)
        shingles[position] = own
        for value in sketch:
            holders[value].append(position)
    return kept


def _similarity(a: frozenset[int], b: frozenset[int]) -> float:
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)
