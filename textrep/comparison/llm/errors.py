"""What ends the predictions of a hosted language model."""

from __future__ import annotations


class LLMError(RuntimeError):
    """The endpoint cannot be used, or gave no answer that makes sense.

    Examples
    --------
    >>> issubclass(LLMError, RuntimeError)
    True
    """


class CostCapReached(LLMError):
    """One more request might have cost more than was left of `max_cost`.

    Parameters
    ----------
    message : str
        What happened and how to go on.
    n_answered, n_texts : int
        How many of how many texts were answered.
    cost : float
        Money spent since fitting.

    Examples
    --------
    >>> CostCapReached("stopped", n_answered=3, n_texts=9, cost=0.5).n_answered
    3
    """

    def __init__(self, message: str, *, n_answered: int, n_texts: int, cost: float) -> None:
        super().__init__(message)
        self.n_answered = n_answered
        self.n_texts = n_texts
        self.cost = cost

    def __reduce__(self) -> tuple[object, ...]:
        # The keyword-only arguments have to survive the way back from a worker process.
        return _cap_reached, (self.args[0], self.n_answered, self.n_texts, self.cost)


def _cap_reached(message: str, n_answered: int, n_texts: int, cost: float) -> CostCapReached:
    return CostCapReached(message, n_answered=n_answered, n_texts=n_texts, cost=cost)
