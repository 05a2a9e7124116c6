"""What a rung costs its user, in money, time and bytes, and which of some is the cheapest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textrep.comparison.outcome import Outcome

# Times that are taken once on a busy machine differ by as much.
_TOLERANCE = 1.2
# What a person perceives as instantaneous (Nielsen, "Usability engineering", 1993, section 5.5).
_UNNOTICED_SECONDS = 0.1

# Half a model is not worth a worse answer.
_SAME_SIZE = 2.0


class Price(NamedTuple):
    """What a rung costs.

    Attributes
    ----------
    money : float
        That the predictions cost; 0 where they are free.
    seconds : float
        To fit the model once and to predict the test documents. The search for settings is not in
        it: it is over, and whoever takes the rung takes the settings along.
    model_bytes : float
        Size of the saved model; infinite where it is not known.
    """

    money: float
    seconds: float
    model_bytes: float


def price(outcome: Outcome, n_documents: int) -> Price:
    """What a rung costs.

    Parameters
    ----------
    outcome : Outcome
        With figures.
    n_documents : int
        That were tested on.

    Returns
    -------
    Price

    Examples
    --------
    >>> price(Outcome("a", "", "ok", 0.9, 0.9, 2.0, 1000.0, model_bytes=500), 3000)
    Price(money=0.0, seconds=5.0, model_bytes=500)
    """
    predicting = n_documents / outcome.documents_per_second if outcome.documents_per_second else 0.0
    unknown = float("inf")
    return Price(
        money=outcome.cost or 0.0,
        seconds=(outcome.fit_seconds or 0.0) + predicting,
        model_bytes=unknown if outcome.model_bytes is None else outcome.model_bytes,
    )


def cheapest(prices: Sequence[Price]) -> list[int]:
    """Positions of those that are the cheapest, by money, then by time, then by size.

    Money and time that are at most a fifth above the lowest count as the same, and so do times less
    than a tenth of a second above it and models of at most twice the smallest size; so two rungs
    that take the same time do not change places from one run to the next.

    Parameters
    ----------
    prices : sequence of Price
        At least one.

    Returns
    -------
    list of int
        Ascending; at least one.

    Examples
    --------
    >>> cheapest([Price(0, 5.0, 900), Price(0, 5.5, 300), Price(0, 9.0, 100), Price(1, 0.1, 1)])
    [1]
    >>> cheapest([Price(0, 5.0, 500), Price(0, 5.5, 300)])
    [0, 1]
    """
    left = list(range(len(prices)))
    lowest = min(prices[i].money for i in left)
    left = [i for i in left if prices[i].money <= lowest * _TOLERANCE]
    fastest = min(prices[i].seconds for i in left)
    limit = max(fastest * _TOLERANCE, fastest + _UNNOTICED_SECONDS)
    left = [i for i in left if prices[i].seconds <= limit]
    smallest = min(prices[i].model_bytes for i in left)
    return [i for i in left if prices[i].model_bytes <= _SAME_SIZE * smallest]
