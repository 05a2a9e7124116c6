"""What predictions cost, and the cap that is never exceeded."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from textrep.comparison.llm.tokens import Tokens


@dataclass(frozen=True)
class Prices:
    """Money for a million tokens, in any one currency.

    Examples
    --------
    >>> Prices(prompt=0.5, completion=1.5).of(Tokens(prompt=2_000_000, completion=1_000_000))
    2.5
    """

    prompt: float
    completion: float

    def of(self, tokens: Tokens) -> float:
        """Money for some tokens."""
        return (tokens.prompt * self.prompt + tokens.completion * self.completion) / 1e6


class CapHit(Exception):
    """The next request might cost more than is left.

    Parameters
    ----------
    amount : float
        The most that it can cost.
    """

    def __init__(self, amount: float) -> None:
        super().__init__(amount)
        self.amount = amount


class Spending:
    """Counts money and tokens, for any number of threads.

    A copy, or what comes out of a pickle, starts from nothing.

    Attributes
    ----------
    cost : float
        Money for the requests that were sent.
    cost_uncached : float
        Money that the answers would have cost without a cache, retries not counted.
    tokens : Tokens
        Of the requests that were sent.
    is_estimated : bool
        Whether a server did not say how many tokens it counted.
    n_unanswered : int
        Texts to which the answer was none of the labels.
    n_cached : int
        Texts whose answer was kept from before.
    waits : list of float
        Seconds that each answer took when it was asked for.

    Examples
    --------
    >>> spending = Spending()
    >>> spending.reserve(0.02, cap=0.05)
    >>> spending.settle(0.02, cost=0.01, tokens=Tokens(100, 2))
    >>> spending.cost
    0.01
    """

    def __init__(self) -> None:
        self.cost = 0.0
        self.cost_uncached = 0.0
        self.tokens = Tokens(0, 0)
        self.is_estimated = False
        self.n_unanswered = 0
        self.n_cached = 0
        self.waits: list[float] = []
        self._reserved: list[float] = []
        self._changed = threading.Condition()

    def __reduce__(self) -> tuple[type[Spending], tuple[()]]:
        return type(self), ()

    def reserve(self, amount: float, cap: float | None) -> None:
        """Set money aside for a request, or wait for other requests to give some back.

        Parameters
        ----------
        amount : float
            The most that the request can cost.
        cap : float or None
            The most that may be spent in all; None for no limit.

        Raises
        ------
        CapHit
            When there is not enough left.
        """
        with self._changed:
            while cap is not None and self.cost + sum(self._reserved) + amount > cap:
                if not self._reserved:
                    raise CapHit(amount)
                self._changed.wait()
            self._reserved.append(amount)

    def settle(self, amount: float, cost: float, tokens: Tokens) -> None:
        """Replace money that was set aside by what was spent.

        Parameters
        ----------
        amount : float
            As it was reserved.
        cost : float
            Money for the request; 0 where the server charged nothing.
        tokens : Tokens
            That were paid for.
        """
        with self._changed:
            self._reserved.remove(amount)
            self.cost += cost
            self.tokens = Tokens(
                self.tokens.prompt + tokens.prompt, self.tokens.completion + tokens.completion
            )
            self._changed.notify_all()

    def count(
        self, cost: float, seconds: float, n_texts: int, *, cached: bool, estimated: bool
    ) -> None:
        """Count an answer, wherever it came from.

        Parameters
        ----------
        cost : float
            What it cost when it was asked for, at the prices of today.
        seconds : float
            That it took.
        n_texts : int
            Equal texts that it answers.
        cached : bool
            Whether it was kept from before.
        estimated : bool
            Whether the cost is an estimate.
        """
        with self._changed:
            self.cost_uncached += cost * n_texts
            self.waits += [seconds] * n_texts
            self.n_cached += n_texts * cached
            self.is_estimated |= estimated

    def count_unanswered(self, n_texts: int) -> None:
        """Count texts to which the answer was none of the labels.

        Parameters
        ----------
        n_texts : int
        """
        with self._changed:
            self.n_unanswered += n_texts
