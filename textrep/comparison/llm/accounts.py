"""What a classifier tells about the cost of its predictions."""

from __future__ import annotations

import numpy as np

from textrep.comparison.llm.spending import Spending


class Accounted:
    """Mixin of fitted attributes that predictions change.

    Examples
    --------
    >>> account = Accounted()
    >>> hasattr(account, "cost_")
    False
    >>> account._open_account()
    >>> account.cost_
    0.0
    """

    def _open_account(self) -> None:
        self._spending = Spending()

    @property
    def _account(self) -> Spending:
        try:
            # Looked up by hand: an AttributeError here would name the wrong attribute.
            spending: Spending = vars(self)["_spending"]
        except KeyError:
            raise AttributeError(f"this {type(self).__name__} is not fitted yet") from None
        return spending

    @property
    def cost_(self) -> float:
        """Money spent on predictions since fitting."""
        return self._account.cost

    @property
    def cost_uncached_(self) -> float:
        """Money that the predictions since fitting cost without a cache."""
        return self._account.cost_uncached

    @property
    def cost_is_estimated_(self) -> bool:
        """Whether the endpoint left out how many tokens it counted."""
        return self._account.is_estimated

    @property
    def prompt_tokens_(self) -> int:
        """Tokens of prompts since fitting."""
        return self._account.tokens.prompt

    @property
    def completion_tokens_(self) -> int:
        """Tokens of answers since fitting."""
        return self._account.tokens.completion

    @property
    def n_unanswered_(self) -> int:
        """Texts since fitting whose answer named no label."""
        return self._account.n_unanswered

    @property
    def n_cached_(self) -> int:
        """Texts since fitting whose answer was kept from before."""
        return self._account.n_cached

    @property
    def waits_(self) -> np.ndarray:
        """Seconds that the answer to each text since fitting took, (n_answers,)."""
        return np.array(self._account.waits, dtype=np.float64)
