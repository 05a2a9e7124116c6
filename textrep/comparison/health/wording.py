"""How findings speak of numbers and places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.task import Task
from textrep.core.messages import printable, shown

# Enough to look at; the finding's positions hold all of them.
_NAMED = 3

NOUNS = {"train": "training text", "test": "test text", "all": "text"}
"""What a document of each part is called."""


def percent(share: float) -> str:
    """A share in percent.

    Parameters
    ----------
    share : float
        Between 0 and 1.

    Returns
    -------
    str

    Examples
    --------
    >>> percent(0.0312), percent(0.5), percent(1.0), percent(0.0001)
    ('3.1 %', '50 %', '100 %', '0.01 %')
    """
    value = 100 * share
    for digits in (1, 2, 3):
        if round(value, digits):
            return f"{value:.{digits}f}".rstrip("0").rstrip(".") + " %"
    return "0 %"


def counted(number: int, noun: str) -> str:
    """A number and what is counted.

    Parameters
    ----------
    number : int
        How many.
    noun : str
        Of one of them; its plural takes an s.

    Returns
    -------
    str

    Examples
    --------
    >>> counted(1, "text"), counted(2500, "test text")
    ('1 text', '2,500 test texts')
    """
    return f"{number:,} {noun}{'s' * (number != 1)}"


def part_of(number: int, total: int, noun: str) -> str:
    """A number out of all, with its share.

    Parameters
    ----------
    number, total : int
        How many, and of how many.
    noun : str
        Of one of them.

    Returns
    -------
    str

    Examples
    --------
    >>> part_of(3, 4000, "test text")
    '3 of the 4,000 test texts (0.1 %)'
    """
    return f"{number:,} of the {counted(total, noun)} ({percent(number / max(total, 1))})"


def places(task: Task, positions: Sequence[int] | NDArray[np.intp]) -> str:
    """The first few documents, by where they stand in the data.

    Parameters
    ----------
    task : Task
        Whose documents they are.
    positions : sequence or ndarray of int
        Of the documents.

    Returns
    -------
    str

    Examples
    --------
    >>> task = Task("pets", ["meow"] * 9, np.array(["cat"] * 9), ())
    >>> places(task, [0, 4]), places(task, range(9))
    ('document 0, document 4', 'document 0, document 1, document 2 and 6 more')
    """
    named = [printable(task.origin(int(position))) for position in positions[:_NAMED]]
    more = len(positions) - len(named)
    return ", ".join(named) + (f" and {more:,} more" if more else "")


def classes_named(labels: Iterable[Any]) -> str:
    """The first few classes, by their labels.

    Parameters
    ----------
    labels : iterable of label
        Of the classes.

    Returns
    -------
    str

    Examples
    --------
    >>> classes_named(["ham", "spam"])
    "'ham', 'spam'"
    """
    known = list(labels)
    more = len(known) - _NAMED
    named = ", ".join(shown(label) for label in known[:_NAMED])
    return named + (f" and {more:,} more" if more > 0 else "")
