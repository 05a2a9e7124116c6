"""All the questions of one prediction, and how it ends when some stay without an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from textrep.comparison.llm.asking import Asker
from textrep.comparison.llm.errors import CostCapReached, LLMError
from textrep.comparison.llm.parallel import in_parallel
from textrep.comparison.llm.reply import Reply
from textrep.comparison.llm.spending import CapHit
from textrep.core.progress import Progress
from textrep.data.fetching.faults import Refused


def ask_all(
    texts: Sequence[str],
    request_of: Callable[[str], Mapping[str, Any]],
    asker: Asker,
    *,
    n_jobs: int,
    bar: Progress[None],
) -> list[Reply]:
    """Ask about each text; equal texts are asked about once where answers are kept.

    Parameters
    ----------
    texts : sequence of str
    request_of : callable
        Makes the request about a text.
    asker : Asker
    n_jobs : int
        Requests at a time.
    bar : Progress
        Counts texts.

    Returns
    -------
    list of Reply, of the length of `texts`

    Raises
    ------
    CostCapReached
        When the next request might cost more than is left.
    LLMError
        When a request has no answer.
    """
    replies: dict[int, Reply] = {}

    def ask(question: tuple[str, list[int]]) -> None:
        text, positions = question
        reply = asker.ask(request_of(text), len(positions))
        replies.update(dict.fromkeys(positions, reply))

    def stop(error: BaseException) -> None:
        # What is under way is paid for, so it is waited for when only the money is short.
        if not isinstance(error, CapHit):
            asker.endpoint.close()

    def count() -> None:
        bar.update(len(replies) - bar.count)

    questions = _questions(texts, merged=asker.cache.keeps)
    try:
        in_parallel(ask, questions, n_jobs, done=count, stop=stop)
    except CapHit as hit:
        raise _cap_reached(asker, hit.amount, len(replies), len(texts)) from None
    except Refused as fault:
        fix = f"; {fault.fix}" if fault.fix else ""
        counts = f"{len(replies)} of {len(texts)} texts are answered{_kept(asker)}"
        raise LLMError(f"{asker.endpoint.address}: {fault}{fix} ({counts})") from None
    return [replies[position] for position in range(len(texts))]


def _questions(texts: Sequence[str], merged: bool) -> list[tuple[str, list[int]]]:
    """Texts to ask about, and the positions that each answer is for."""
    if not merged:
        return [(text, [position]) for position, text in enumerate(texts)]
    positions: dict[str, list[int]] = {}
    for position, text in enumerate(texts):
        positions.setdefault(text, []).append(position)
    return list(positions.items())


def _cap_reached(asker: Asker, amount: float, n_answered: int, n_texts: int) -> CostCapReached:
    cost = asker.spending.cost
    return CostCapReached(
        f"max_cost={asker.max_cost:g} might be exceeded: {cost:.3g} is spent, and the next request "
        f"can cost up to {amount:.3g}. {n_answered} of {n_texts} texts are answered. Raise "
        f"max_cost and predict again{_kept(asker)}",
        n_answered=n_answered,
        n_texts=n_texts,
        cost=cost,
    )


def _kept(asker: Asker) -> str:
    return "; answers in the cache are not paid for again" if asker.cache.keeps else ""
