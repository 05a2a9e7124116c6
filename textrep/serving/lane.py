"""A model asked by many requests at once, one call after the other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from textrep.serving.asking import RequestError
from textrep.serving.brief import BriefCalls
from textrep.serving.gathering import Waiting, take, tell, tell_failure, together
from textrep.serving.served import Call

OVERLOADED = 503
"""Status of HTTP: come back later."""


class Lane:
    """Asks a model for one request after another, and for several at once where they wait.

    Texts that take the model less than a millisecond are answered on the event loop. All others are
    answered by one thread, so that the loop goes on; whatever arrives while it works is gathered
    and asked together next, which costs no request a wait of its own. A request of many texts is
    asked in parts, between those of others.

    Parameters
    ----------
    call : callable
        From texts and columns to one answer a text; called by one thread and the event loop.
    batch : int
        Texts to ask about at once at most.
    max_wait : float
        Seconds in which a request must be answered.
    max_waiting : int
        Requests that may wait for the thread; further ones are refused.
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
        self._on_call = on_call
        self._queue: deque[Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, "textrep-lane")
        self._worker: asyncio.Task[None] | None = None
        self._brief: BriefCalls | None = None
        if brief_characters:
            self._brief = BriefCalls(call, batch, brief_characters, on_call)

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
        if self._brief is not None and self._brief.takes(texts):
            return await self._brief.answers(texts, columns)
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
        waiting = Waiting(texts, columns, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await waiting.answers

    async def _work(self) -> None:
        while taken := take(self._queue, self._batch):
            await self._answer(taken)

    async def _answer(self, taken: list[Waiting]) -> None:
        try:
            tell(taken, await self._in_thread(*together(taken)))
        except Exception as error:
            if len(taken) == 1:
                tell_failure(taken[0], error)
                return
            # One of them is at fault; the others are not to know of it.
            for each in taken:
                await self._answer([each])

    async def _in_thread(self, texts: list[str], columns: dict[str, list[Any]]) -> list[Any]:
        self._on_call(len(texts))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._call, texts, columns)
