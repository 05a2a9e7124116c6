"""Documents per part and class: what a card expects beside what was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Documents of each part, or of each class of each part.
Counts = Mapping[str, "int | Mapping[str, int]"]


@dataclass(frozen=True)
class Difference:
    """One number that is not what the card says.

    Attributes
    ----------
    part : str
        Of the corpus; ``"all"`` where it has none.
    label : str
        Class; empty for the whole part.
    expected : int or None
        None where the card knows nothing of it.
    found : int or None
        None where it is not here.
    at_least : bool
        Whether `expected` is the least that will do.
    """

    part: str
    label: str
    expected: int | None
    found: int | None
    at_least: bool = False


def differences(expected: Counts, found: Counts) -> list[Difference]:
    """Hold numbers of documents to those of a card.

    Parameters
    ----------
    expected : mapping of str to (int or mapping of str to int)
        ``expected["counts"]`` of a card. An int is the number of all documents of a part, whatever
        their classes.
    found : mapping of str to (int or mapping of str to int)
        What there is, as `Corpus.counts` gives it.

    Returns
    -------
    list of Difference
        Empty when all numbers are equal.

    Examples
    --------
    >>> differences({"all": {"cat": 2, "dog": 1}}, {"all": {"cat": 2, "cow": 1}})
    [Difference(part='all', label='cow', expected=None, found=1, at_least=False),
     Difference(part='all', label='dog', expected=1, found=None, at_least=False)]
    >>> differences({"train": 3}, {"train": {"cat": 2, "dog": 1}})
    []
    """
    return [
        Difference(*each)
        for part in sorted(expected.keys() | found.keys())
        for each in _of_part(part, expected.get(part), found.get(part))
    ]


def total(counts: int | Mapping[str, int]) -> int:
    """Number of all documents of a part.

    Parameters
    ----------
    counts : int or mapping of str to int
        Of the part.

    Returns
    -------
    int

    Examples
    --------
    >>> total({"cat": 2, "dog": 1}), total(3)
    (3, 3)
    """
    return counts if isinstance(counts, int) else sum(counts.values())


def expected_documents(expected: Mapping[str, Any]) -> tuple[int, bool] | None:
    """Number of documents that a card expects.

    Parameters
    ----------
    expected : mapping of str to object
        Of a card.

    Returns
    -------
    tuple of int and bool, or None
        The number, and whether it is the least; None where the card says nothing of it.

    Examples
    --------
    >>> expected_documents({"counts": {"train": {"cat": 2, "dog": 1}, "test": 1}})
    (4, False)
    """
    if counts := expected.get("counts"):
        return sum(map(total, counts.values())), False
    least = expected.get("minimum_documents")
    return None if least is None else (least, True)


def _of_part(
    part: str, expected: int | Mapping[str, int] | None, found: int | Mapping[str, int] | None
) -> Iterator[tuple[str, str, int | None, int | None]]:
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for label in _in_order(expected.keys() | found.keys()):
            if expected.get(label) != found.get(label):
                yield part, label, expected.get(label), found.get(label)
        return
    of_card = None if expected is None else total(expected)
    of_files = None if found is None else total(found)
    if of_card != of_files:
        yield part, "", of_card, of_files


def _in_order(labels: Iterable[str]) -> list[str]:
    """Sorted, numbers by their size."""
    return sorted(labels, key=lambda label: (len(label) if label.isdigit() else 0, label))
