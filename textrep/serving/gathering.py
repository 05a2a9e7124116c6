"""Requests that are put together into one call of the model, and told its answers."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple


class Waiting(NamedTuple):
    """Texts that wait for the model, and where their answers go.

    Attributes
    ----------
    texts : list of str
    columns : dict of str to list
        A value for each text.
    answers : asyncio.Future
        Of one answer a text; done where whoever asked waits no longer.
    """

    texts: list[str]
    columns: dict[str, list[Any]]
    answers: asyncio.Future[list[Any]]


def take(queue: deque[Waiting], texts: int, characters: float = math.inf) -> list[Waiting]:
    """Take what is asked together next off the front of a queue.

    Parameters
    ----------
    queue : deque of Waiting
    texts, characters : int
        How many to ask about at once at most; the first request is taken whatever its size.

    Returns
    -------
    list of Waiting
        Empty where nobody waits any longer.
    """
    taken: list[Waiting] = []
    while queue:
        each = queue[0]
        if not each.answers.done():
            texts -= len(each.texts)
            characters -= sum(map(len, each.texts))
            if taken and (texts < 0 or characters < 0):
                break
            taken.append(each)
        queue.popleft()
    return taken


def together(taken: Sequence[Waiting]) -> tuple[list[str], dict[str, list[Any]]]:
    """Texts and columns of several requests, in their order.

    Parameters
    ----------
    taken : sequence of Waiting, at least one

    Returns
    -------
    list of str, dict of str to list
    """
    texts = [text for each in taken for text in each.texts]
    names = taken[0].columns
    return texts, {name: [v for each in taken for v in each.columns[name]] for name in names}


def tell(taken: Sequence[Waiting], answers: Sequence[Any]) -> None:
    """Hand the answers to those who wait for them.

    Parameters
    ----------
    taken : sequence of Waiting
    answers : sequence
        One a text, in the order of `together`.
    """
    start = 0
    for each in taken:
        if not each.answers.done():
            each.answers.set_result(list(answers[start : start + len(each.texts)]))
        start += len(each.texts)


def tell_failure(each: Waiting, error: Exception) -> None:
    """Raise an error where a request waits.

    Parameters
    ----------
    each : Waiting
    error : Exception
    """
    if not each.answers.done():
        each.answers.set_exception(error)
