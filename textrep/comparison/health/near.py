"""Texts that are nearly the same, found by the shingles that they share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.health.copies import normalised
from textrep.comparison.health.joining import ITEM_BITS, join_sets, rarest_first
from textrep.sparse import HashingVectorizer

SIMILARITY = 0.8
"""Share of the shingles of two texts that are in both (Jaccard) from which they are nearly the
same: the threshold that web crawls and corpora of language models are cleaned with (Lee et al.
2022, "Deduplicating training data makes language models better")."""

# Of few words one that differs takes away most of the shingles of three.
_FEW_WORDS = 20
_WORDS = 3
_CHARACTERS = 5

# Less says nothing: "yes" and "yes!" are no copies of one another.
_FEWEST_SHINGLES = 10

# Bounds for texts made from one template, of which each is a candidate for all others.
_MAX_CANDIDATES = 1_000
_MAX_STEPS = 20_000


class NearCopies(NamedTuple):
    """For each document one that is nearly the same, but no copy; -1 for none.

    `across` is in another part of the split, `within` stands in the same part and is kept there:
    a part without the documents that have a `within` has no near copies left.
    """

    across: NDArray[np.intp]
    within: NDArray[np.intp]


def find_near_copies(
    texts: Sequence[str],
    n_words: NDArray[np.int64],
    groups: NDArray[np.intp],
    parts: NDArray[np.int64],
) -> NearCopies:
    """Find texts of which at least `SIMILARITY` is the same.

    Texts of 20 words and more are compared by their runs of three words, shorter ones by their
    runs of five characters. The shingles stand for themselves as hashes of 30 bits.

    Parameters
    ----------
    texts : sequence of str, length n_documents
        The documents.
    n_words : ndarray of shape (n_documents,)
        Their lengths in words.
    groups : ndarray of shape (n_documents,)
        Numbers that copies share; they are not compared with each other.
    parts : ndarray of shape (n_documents,)
        Number of the part of the split that each document is in; -1 for none, which leaves it out.

    Returns
    -------
    NearCopies

    References
    ----------
    Bayardo, Ma, Srikant (2007), "Scaling up all pairs similarity search"; Xiao et al. (2008),
    "Efficient similarity joins for near duplicate detection".

    Examples
    --------
    >>> texts = ["please call our office in the morning", "Please call our office in the mornings"]
    >>> near = find_near_copies(
    ...     texts, np.array([7, 7]), np.array([0, 1]), np.array([0, 1])
    ... )
    >>> near.across
    array([1, 0])
    """
    first = _one_of_each(groups, parts)
    near = NearCopies(np.full(len(texts), -1), np.full(len(texts), -1))
    # Around the border a text is compared in both ways, so that no pair falls between them.
    short = first[n_words[first] < _FEW_WORDS / SIMILARITY]
    long = first[n_words[first] >= _FEW_WORDS]
    for chosen, analyzer, length in ((short, "char", _CHARACTERS), (long, "word", _WORDS)):
        if len(chosen) > 1:
            _join(texts, chosen, groups, parts, analyzer, length, near)
    return _to_all_copies(near, groups, parts)


def _one_of_each(groups: NDArray[np.intp], parts: NDArray[np.int64]) -> NDArray[np.intp]:
    """The first document of each group in each part."""
    held = np.flatnonzero(parts >= 0)
    pairs = np.stack([groups[held], parts[held]])
    return np.sort(held[np.unique(pairs, axis=1, return_index=True)[1]])


def _join(
    texts: Sequence[str],
    chosen: NDArray[np.intp],
    groups: NDArray[np.intp],
    parts: NDArray[np.int64],
    analyzer: str,
    length: int,
    near: NearCopies,
) -> None:
    """Enter what the chosen documents have."""
    hashed = HashingVectorizer(
        analyzer=analyzer,
        ngram_range=(length, length),
        token_pattern=r"(?u)\b\w+\b",
        n_features=1 << ITEM_BITS,
        binary=True,
        alternate_sign=False,
        norm=None,
        dtype=np.float32,
    ).transform(_readable(texts, chosen))
    indptr = hashed.indptr.astype(np.int64)
    sizes = np.diff(indptr)
    order = np.argsort(sizes, kind="stable")
    found = join_sets(
        rarest_first(hashed.indices, indptr),
        indptr,
        order[sizes[order] >= _FEWEST_SHINGLES],
        groups[chosen],
        parts[chosen],
        SIMILARITY,
        _MAX_CANDIDATES,
        _MAX_STEPS,
    )
    for entered, matches in zip(near, found, strict=True):
        has = matches >= 0
        entered[chosen[has]] = chosen[matches[has]]


def _readable(texts: Sequence[str], chosen: NDArray[np.intp]) -> Iterator[str]:
    """Texts whose lone surrogates, which cannot be hashed, are question marks."""
    for position in chosen:
        yield normalised(texts[position]).encode("utf-8", "replace").decode("utf-8")


def _to_all_copies(
    near: NearCopies, groups: NDArray[np.intp], parts: NDArray[np.int64]
) -> NearCopies:
    """Give what the first of each group and part has to its copies."""
    first = _one_of_each(groups, parts)
    place = {(groups[at], parts[at]): at for at in first.tolist()}
    source = np.array(
        [
            place.get((group, part), at)
            for at, (group, part) in enumerate(zip(groups, parts, strict=True))
        ],
        dtype=np.intp,
    )
    return NearCopies(near.across[source], near.within[source])
