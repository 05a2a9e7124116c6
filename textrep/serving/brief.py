"""Texts so short that to hand them to a thread would take longer than to answer them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from textrep.serving.gathering import Waiting, take, tell, tell_failure, together
from textrep.serving.served import SAMPLE, Call

BRIEF = 1e-3
"""Seconds for which one call may keep the event loop: about as long as the rest of an answer."""

# Texts of the longer trial, from which the time of a character is measured.
_TRIAL_TEXTS = 64
_TRIALS = 3
# Short texts by any measure; more of them are not worth the risk that the time is not linear.
_MAX_BRIEF_CHARACTERS = 1 << 15


class BriefCalls:
    """Answers short texts on the event loop, those that come in one turn of it together.

    The first request of a turn is answered at once, so that one that comes alone waits for nothing.
    Others of the same turn are gathered: 32 short texts together take a linear model a fifth of
    the time that they take it one by one.

    Parameters
    ----------
    call : callable
        From texts and columns to one answer a text.
    batch : int
        Texts to ask about at once at most.
    max_characters : int
        Of a request that is answered here, and of all that are gathered; see `brief_characters`.
    on_call : callable
        Told the number of texts of each call.
    """

    def __init__(
        self, call: Call, batch: int, max_characters: int, on_call: Callable[[int], None]
    ) -> None:
        self._call = call
        self._batch = batch
        self._max_characters = max_characters
        self._on_call = on_call
        self._queue: deque[Waiting] = deque()
        self._in_turn = False

    def takes(self, texts: list[str]) -> bool:
        """Whether texts are short enough together."""
        return sum(map(len, texts)) <= self._max_characters

    async def answers(self, texts: list[str], columns: dict[str, list[Any]]) -> list[Any]:
        """The model's answers, one a text.

        Parameters
        ----------
        texts : list of str
        columns : dict of str to list

        Returns
        -------
        list of length n_texts
        """
        loop = asyncio.get_running_loop()
        if not self._in_turn:
            self._in_turn = True
            # After all that is ready now: the other requests of this turn.
            loop.call_soon(self._end_turn)
            return self._ask(texts, columns)
        waiting = Waiting(texts, columns, loop.create_future())
        self._queue.append(waiting)
        return await waiting.answers

    def _end_turn(self) -> None:
        self._in_turn = False
        while taken := take(self._queue, self._batch, self._max_characters):
            self._answer(taken)

    def _answer(self, taken: list[Waiting]) -> None:
        try:
            tell(taken, self._ask(*together(taken)))
        except Exception as error:
            if len(taken) == 1:
                tell_failure(taken[0], error)
                return
            # One of them is at fault; the others are not to know of it.
            for each in taken:
                self._answer([each])

    def _ask(self, texts: list[str], columns: dict[str, list[Any]]) -> list[Any]:
        self._on_call(len(texts))
        return self._call(texts, columns)


def brief_characters(call: Call, columns: Callable[[int], dict[str, list[Any]]]) -> int:
    """Measure how many characters a model answers in less than a millisecond.

    Parameters
    ----------
    call : callable
        From texts and columns to one answer a text.
    columns : callable
        Gives columns for a number of texts to try it with.

    Returns
    -------
    int
        0 where even one short text takes longer.

    Examples
    --------
    >>> brief_characters(lambda texts, columns: time.sleep(0.002), lambda n_texts: {})
    0
    """
    one = _least_seconds(call, [SAMPLE], columns(1))
    if one >= BRIEF:
        return 0
    many = _least_seconds(call, [SAMPLE] * _TRIAL_TEXTS, columns(_TRIAL_TEXTS))
    further = (_TRIAL_TEXTS - 1) * len(SAMPLE)
    spent = max(many - one, BRIEF / _MAX_BRIEF_CHARACTERS)
    return min(_MAX_BRIEF_CHARACTERS, len(SAMPLE) + int(further * (BRIEF - one) / spent))


def _least_seconds(call: Call, texts: list[str], columns: dict[str, list[Any]]) -> float:
    """Of a few calls the quickest: whatever else the machine does makes a call longer only."""
    spent = []
    for _ in range(_TRIALS):
        begun = time.perf_counter()
        call(texts, columns)
        spent.append(time.perf_counter() - begun)
    return min(spent)
