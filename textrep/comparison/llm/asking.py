"""One question to the model: from the cache, or paid for, as often as it takes."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from textrep.comparison.llm.cache import AnswerCache, request_key
from textrep.comparison.llm.endpoint import AnswerLost, Endpoint
from textrep.comparison.llm.reply import Reply, read_reply
from textrep.comparison.llm.spending import Prices, Spending
from textrep.comparison.llm.tokens import Tokens, at_most, estimated
from textrep.core.random import stream
from textrep.data.fetching.faults import Interrupted, Refused

FIRST_WAIT = 0.5  # seconds; doubled from failure to failure
MAX_WAIT = 60.0  # also where the server asks for more
_NOTHING = Tokens(0, 0)


@dataclass(frozen=True)
class Asker:
    """Asks an endpoint within the limits that are set, from any number of threads.

    Parameters
    ----------
    endpoint : Endpoint
    cache : AnswerCache
    spending : Spending
        Where money is counted.
    prices : Prices
    max_cost : float or None
        Most that may be spent; None for no limit.
    max_tokens : int
        Most tokens that an answer can have, by what the requests say.
    max_retries : int
        Attempts after the first.
    """

    endpoint: Endpoint
    cache: AnswerCache
    spending: Spending
    prices: Prices
    max_cost: float | None
    max_tokens: int
    max_retries: int

    def ask(self, request: Mapping[str, Any], n_texts: int) -> Reply:
        """Get the answer to a request.

        Parameters
        ----------
        request : mapping
            Body of the request.
        n_texts : int
            Equal texts that the answer is for.

        Returns
        -------
        Reply

        Raises
        ------
        Refused
            When there is none to be had.
        CapHit
            When it might cost more than is left.
        """
        key = request_key(str(self.endpoint.address), request)
        reply = kept = self.cache.get(key)
        if reply is None:
            reply = self._insist(request)
            self.cache.put(key, reply)
        tokens = reply.tokens or estimated(_contents(request), reply.content)
        self.spending.count(
            self.prices.of(tokens),
            reply.seconds,
            n_texts,
            cached=kept is not None,
            estimated=reply.tokens is None,
        )
        return reply

    def _insist(self, request: Mapping[str, Any]) -> Reply:
        for attempt in range(self.max_retries + 1):
            try:
                return self._attempt(request)
            except Interrupted as fault:
                if attempt == self.max_retries:
                    tried = f" ({attempt + 1} attempts)" if attempt else ""
                    raise Refused(f"{fault}{tried}", "try again later") from None
                pause = _pause(attempt) if fault.wait is None else fault.wait
                self.endpoint.closed.wait(min(pause, MAX_WAIT))
        raise AssertionError("the last attempt returns or raises")

    def _attempt(self, request: Mapping[str, Any]) -> Reply:
        worst = at_most(_contents(request), self.max_tokens)
        reserved = self.prices.of(worst)
        spent = _NOTHING
        self.spending.reserve(reserved, self.max_cost)
        start = time.perf_counter()
        try:
            reply = read_reply(self.endpoint.post(json.dumps(request).encode()))
            spent = reply.tokens or estimated(_contents(request), reply.content)
            return replace(reply, seconds=time.perf_counter() - start)
        except AnswerLost:
            # The model may have worked for it all the same.
            spent = worst
            raise
        finally:
            self.spending.settle(reserved, self.prices.of(spent), spent)


def _contents(request: Mapping[str, Any]) -> list[str]:
    return [message["content"] for message in request["messages"]]


def _pause(attempt: int) -> float:
    """Seconds before the next attempt, at random, lest all clients come back at once.

    That is why these numbers are not drawn from the seed that clients may share.
    """
    return float(FIRST_WAIT * 2**attempt * stream(None, "retry").uniform(0.5, 1.0))
