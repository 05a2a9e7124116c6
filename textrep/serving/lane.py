"""A model asked by many requests at once, one call after the other."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from textrep.serving.asking import RequestError
from textrep.serving.served import SAMPLE, Call

OVERLOADED = 503
"""Status of HTTP: come back later."""

BRIEF = 1e-3
"""Seconds for which a call may keep the event loop: no more than the answer itself takes there."""

# Texts of the longer trial, from which the time of a character is measured.
_TRIAL_TEXTS = 64
_TRIALS = 3
# Short texts by any measure; more of them are not worth the risk that the time is not linear.
_MAX_BRIEF_CHARACTERS = 1 << 15


class _Waiting(NamedTuple):
    """Texts that wait for the model, and where their answers go."""

    texts: list[str]
    columns: dict[str, list[Any]]
    answers: asyncio.Future[list[Any]]


class Lane:
    """Asks a model for one request after another, and for several at once where they wait.

    Texts that take the model less than a millisecond are answered on the event loop: to hand them
    to a thread and back takes longer. All others are answered by one thread, so that the loop goes
    on; whatever arrives while it works is gathered and asked together next, which costs no request
    a wait of its own. A request of many texts is asked in parts, between those of others.

    Parameters
    ----------
    call : callable
        From texts and columns to one answer a text; called by one thread and the event loop.
    batch : int
        Texts that the thread asks about at once at most.
    max_wait : float
        Seconds in which a request must be answered.
    max_waiting : int
        Requests that may wait; further ones are refused.
    brief_characters : int, default=0
        Characters that the model answers on the event loop; see `brief_characters`.
    on_call : callable, optional
        Told the number of texts of each call, on the event loop.
    """

    def __init__(
        self,
        call: Call,
        *,
        batch: int,
        max_wait: float,
        max_waiting: int,
        brief_characters: int = 0,
        on_call: Callable[[int], None] = lambda n_texts: None,
    ) -> None:
        self._call = call
        self._batch = batch
        self._max_wait = max_wait
        self._max_waiting = max_waiting
        self._brief_characters = brief_characters
        self._on_call = on_call
        self._queue: deque[_Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, "textrep-lane")
        self._worker: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether a request that does not take the short way would be refused."""
        return len(self._queue) >= self._max_waiting

    async def answers(self, texts: list[str], columns: dict[str, list[Any]]) -> list[Any]:
        """The model's answers.

        Parameters
        ----------
        texts : list of str
        columns : dict of str to list
            A value for each text.

        Returns
        -------
        list of length n_texts

        Raises
        ------
        RequestError
            Of status 503, when too many wait or it took too long.
        """
        if self._brief_characters and sum(map(len, texts)) <= self._brief_characters:
            self._on_call(len(texts))
            return self._call(texts, columns)
        if self.is_full:
            raise RequestError(OVERLOADED, "too many requests wait for the model; try again later")
        found: list[Any] = []
        try:
            async with asyncio.timeout(self._max_wait):
                for start in range(0, len(texts), self._batch):
                    part = slice(start, start + self._batch)
                    own = {name: values[part] for name, values in columns.items()}
                    found += await self._ask(texts[part], own)
        except TimeoutError:
            fault = f"the model did not answer within {self._max_wait:g} seconds"
            raise RequestError(OVERLOADED, f"{fault}; send fewer texts, or try later") from None
        return found

    async def _ask(self, texts: list[str], columns: dict[str, list[Any]]) -> list[Any]:
        answers: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(texts, columns, answers))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await answers

    async def _work(self) -> None:
        while self._queue:
            gathered = self._gather()
            if len(gathered) == 1 or not await self._answered_together(gathered):
                for each in gathered:
                    await self._answer_alone(each)

    def _gather(self) -> list[_Waiting]:
        """The requests that are asked together next: as many as fit into a batch, in turn."""
        gathered: list[_Waiting] = []
        size = 0
        while self._queue and size + len(self._queue[0].texts) <= self._batch:
            each = self._queue.popleft()
            if each.answers.done():
                continue  # whoever asked waits no longer
            gathered.append(each)
            size += len(each.texts)
        return gathered

    async def _answered_together(self, gathered: list[_Waiting]) -> bool:
        """Whether one call answered all; where it fails, one of them is at fault, which the others
        are not to know of.
        """
        try:
            found = await self._in_thread(*_together(gathered)) if gathered else []
        except Exception:
            return False
        start = 0
        for each in gathered:
            _tell(each, found[start : start + len(each.texts)])
            start += len(each.texts)
        return True

    async def _answer_alone(self, each: _Waiting) -> None:
        try:
            _tell(each, await self._in_thread(each.texts, each.columns))
        except Exception as error:
            if not each.answers.done():
                each.answers.set_exception(error)

    async def _in_thread(self, texts: list[str], columns: dict[str, list[Any]]) -> list[Any]:
        self._on_call(len(texts))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._call, texts, columns)


def _together(gathered: list[_Waiting]) -> tuple[list[str], dict[str, list[Any]]]:
    texts = [text for each in gathered for text in each.texts]
    names = gathered[0].columns
    return texts, {name: [v for each in gathered for v in each.columns[name]] for name in names}


def _tell(each: _Waiting, answers: list[Any]) -> None:
    if not each.answers.done():  # a request that waits no longer has cancelled its own
        each.answers.set_result(answers)


def brief_characters(call: Call, columns: Callable[[int], dict[str, list[Any]]]) -> int:
    """Measure how many characters a model answers in less than a millisecond.

    Parameters
    ----------
    call : callable
        See `Lane`.
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
