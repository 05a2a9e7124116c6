"""What has been seen of a collection that comes in pieces: all its terms, in how many documents
each stands and how often.

Two kinds: with the vocabulary as a `Trie`, which is what the kernels learn; and as a dict, which is
what scikit-learn's own code learns where the kernels cannot. A third one has none: the vocabulary
was given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from textrep.sparse.counting import Counts
from textrep.sparse.merging import merge_tries
from textrep.sparse.trie import Trie

Numbers = np.ndarray | None
"""int64 (n_terms,), or None where nobody has counted."""


class NotCounted(ValueError):
    """A figure is asked for that was not kept."""


def _added(n_terms: int, *parts: tuple[np.ndarray, Numbers]) -> Numbers:
    """Sum of numbers by their new columns; None when some are not known."""
    total = np.zeros(n_terms, dtype=np.int64)
    for columns, numbers in parts:
        if numbers is None:
            return None
        total[columns] += numbers
    return total


@dataclass
class Seen:
    """Documents seen, with the terms as a trie, a dict (terms in the order they were met, columns
    in alphabetical order) or None (columns of a vocabulary that was given).

    Attributes
    ----------
    vocabulary : of all terms, whatever ``min_df`` and its like leave out later
    n_documents : int
    in_documents : int64 (n_terms,), documents with the term of each column, or None
    in_all : int64 (n_terms,), occurrences of the term of each column, or None
    """

    vocabulary: Trie | dict[Any, int] | None
    n_documents: int
    in_documents: Numbers = None
    in_all: Numbers = None

    def __len__(self) -> int:
        if self.vocabulary is not None:
            return len(self.vocabulary)
        return 0 if self.in_documents is None else len(self.in_documents)

    def documents(self) -> np.ndarray:
        """See `textrep.sparse.pruning.Counted`."""
        return counted(self.in_documents)

    def occurrences(self) -> np.ndarray:
        """See `textrep.sparse.pruning.Counted`."""
        return counted(self.in_all)

    def merge(self, later: Seen) -> Seen:
        """What is seen of these documents and then those of ``later``."""
        first, second = self, later
        n_documents = first.n_documents + second.n_documents
        for empty, other in ((first, second), (second, first)):
            if empty.vocabulary is not None and not len(empty):
                return replace(other, n_documents=n_documents)
        if isinstance(first.vocabulary, dict) or isinstance(second.vocabulary, dict):
            first, second = first.with_dict(), second.with_dict()
        vocabulary: Trie | dict[Any, int] | None
        if isinstance(first.vocabulary, dict) and isinstance(second.vocabulary, dict):
            vocabulary, *columns = merge_dicts(first.vocabulary, second.vocabulary)
        elif isinstance(first.vocabulary, Trie) and isinstance(second.vocabulary, Trie):
            vocabulary, *columns = merge_tries(first.vocabulary, second.vocabulary)
        else:
            vocabulary, columns = None, [np.arange(len(first)), np.arange(len(second))]
        n_terms = len(first) if vocabulary is None else len(vocabulary)
        return Seen(
            vocabulary,
            n_documents,
            _added(n_terms, (columns[0], first.in_documents), (columns[1], second.in_documents)),
            _added(n_terms, (columns[0], first.in_all), (columns[1], second.in_all)),
        )

    def with_dict(self) -> Seen:
        """The same with a dict in place of the trie."""
        if not isinstance(self.vocabulary, Trie):
            return self
        return Seen(self.vocabulary.vocabulary(), self.n_documents, self.in_documents, self.in_all)

    def kept(self, kept: np.ndarray | None) -> Trie | dict[Any, int] | None:
        """The vocabulary of the columns that are kept, bool (n_terms,)."""
        if kept is None or self.vocabulary is None:
            return self.vocabulary
        renumbered = np.where(kept, np.cumsum(kept) - 1, -1)
        if isinstance(self.vocabulary, Trie):
            return self.vocabulary.keep(renumbered)
        columns = renumbered.tolist()
        return {term: columns[i] for term, i in self.vocabulary.items() if columns[i] >= 0}


def counted(numbers: Numbers) -> np.ndarray:
    """Numbers that have to be known.

    Raises
    ------
    NotCounted
        When they are not.
    """
    if numbers is None:
        raise NotCounted(
            "fit does not keep in how many documents each term stands, which min_df, max_df and "
            "max_features need to know of all documents; learn with partial_fit in its place"
        )
    return numbers


def seen_in(counts: Counts) -> Seen:
    """What is seen of documents that the kernels have counted."""
    return Seen(counts.trie, counts.n_documents, counts.documents(), counts.occurrences())


def seen_in_matrix(vocabulary: dict[Any, int] | None, X: Any) -> Seen:
    """What is seen of documents that are counted in a CSR matrix; the columns of the vocabulary
    are made alphabetical.
    """
    in_documents = np.bincount(X.indices, minlength=X.shape[1]).astype(np.int64)
    in_all = np.bincount(X.indices, weights=X.data, minlength=X.shape[1]).astype(np.int64)
    if vocabulary is None:
        return Seen(None, X.shape[0], in_documents, in_all)
    columns = np.fromiter(vocabulary.values(), np.int64, len(vocabulary))
    place = np.empty(len(columns), dtype=np.int64)
    place[columns[_alphabetical(list(vocabulary))]] = np.arange(len(columns))
    ordered = dict(zip(vocabulary, place[columns].tolist(), strict=True))
    by_column = np.argsort(place)
    return Seen(ordered, X.shape[0], in_documents[by_column], in_all[by_column])


def _alphabetical(terms: list[Any]) -> list[int]:
    return sorted(range(len(terms)), key=terms.__getitem__)


def merge_dicts(
    first: dict[Any, int], second: dict[Any, int]
) -> tuple[dict[Any, int], np.ndarray, np.ndarray]:
    """As `textrep.sparse.merging.merge_tries`, of dicts from term to column."""
    met = dict.fromkeys(first)
    met.update(dict.fromkeys(second))
    terms = list(met)
    place = [0] * len(terms)
    for column, i in enumerate(_alphabetical(terms)):
        place[i] = column
    merged = dict(zip(terms, place, strict=True))
    columns = []
    for old in (first, second):
        new = np.empty(len(old), dtype=np.int64)
        for term, column in old.items():
            new[column] = merged[term]
        columns.append(new)
    return merged, columns[0], columns[1]


class Tower:
    """Parts of a collection that are merged when they are about as large, so that a term is moved
    about as often as the number of parts has binary digits.
    """

    def __init__(self, parts: list[Seen] | None = None) -> None:
        self.parts: list[Seen] = []
        for part in parts or ():
            self.push(part)

    def push(self, later: Seen) -> None:
        """Add what was seen after everything else."""
        self.parts.append(later)
        while len(self.parts) > 1 and len(self.parts[-2]) <= 2 * len(self.parts[-1]):
            self._merge_last()

    def _merge_last(self) -> None:
        later = self.parts.pop()
        self.parts.append(self.parts.pop().merge(later))

    def whole(self) -> Seen:
        """Everything that was seen, of at least one part."""
        parts = list(self.parts)
        while len(parts) > 1:
            later = parts.pop()
            parts.append(parts.pop().merge(later))
        self.parts = parts  # at once: another thread may be about to merge them elsewhere
        return parts[0]


def vocabulary_to_state(vocabulary: Trie | dict[Any, int]) -> dict[str, Any]:
    """What `vocabulary_from_state` makes the same vocabulary from."""
    if isinstance(vocabulary, Trie):
        return vocabulary.to_state()
    columns = np.fromiter(vocabulary.values(), np.int64, len(vocabulary))
    return {"terms": list(vocabulary), "columns": columns}


def vocabulary_from_state(state: dict[str, Any]) -> Trie | dict[Any, int] | None:
    """Undo `vocabulary_to_state`; None where there was none.

    Raises
    ------
    ValueError
        When what was saved does not fit together.
    """
    if "terms" in state:
        if state["columns"].dtype != np.int64:
            raise ValueError("the columns of the saved vocabulary are no whole numbers")
        vocabulary = dict(zip(state["terms"], state["columns"].tolist(), strict=True))
        if len(vocabulary) != len(state["columns"]):
            raise ValueError("the saved vocabulary repeats a term")
        return vocabulary
    return Trie.from_state(state) if "arena" in state else None


def seen_to_state(seen: Seen) -> dict[str, Any]:
    """What `seen_from_state` makes the same from, without the vocabulary."""
    state: dict[str, Any] = {"n_documents": seen.n_documents}
    for name in ("in_documents", "in_all"):
        numbers = getattr(seen, name)
        if numbers is not None:
            state[name] = numbers
    return state


def seen_from_state(state: dict[str, Any], vocabulary: Trie | dict[Any, int] | None) -> Seen:
    """Undo `seen_to_state`.

    Raises
    ------
    ValueError
        When what was saved does not fit together, or there is no vocabulary.
    """
    seen = Seen(vocabulary, state["n_documents"], state.get("in_documents"), state.get("in_all"))
    sound = type(seen.n_documents) is int and seen.n_documents >= 0 and vocabulary is not None
    for numbers in (seen.in_documents, seen.in_all):
        if numbers is not None:
            sound = sound and (
                isinstance(numbers, np.ndarray)
                and numbers.dtype == np.int64
                and vocabulary is not None
                and numbers.shape == (len(vocabulary),)
                and bool((numbers >= 0).all())
            )
    if isinstance(vocabulary, dict):
        sound = sound and sorted(vocabulary.values()) == list(range(len(vocabulary)))
    if not sound:
        raise ValueError("the saved counts do not fit together")
    return seen
