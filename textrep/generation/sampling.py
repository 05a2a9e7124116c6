"""`Sampler`: logits -> the next token, for every model that generates token by token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch

from textrep.embeddings.parameters import check_count, check_number

Generators: TypeAlias = "torch.Generator | Sequence[torch.Generator]"

_BANNED = float("-inf")  # probability 0; the first token is never banned by top_k and top_p


class Sampler:
    """Choose the next token of each row.

    The steps come in this order: `repetition_penalty` on the logits, `temperature`, `top_k`,
    `top_p`, one draw from what is left.

    Parameters
    ----------
    temperature : float, default=1.0
        What logits are divided by; 0 takes the likeliest token always, of equals the first.
    top_k : int or None, default=None
        Only so many of the likeliest tokens can be drawn, of equals at the limit the first.
    top_p : float or None, default=None
        Only the fewest likeliest tokens can be drawn that have this probability together, one at
        least; above 0, at most 1.
    repetition_penalty : float, default=1.0
        What the logits of tokens that stood before are divided by where they are positive and
        multiplied by where they are negative; above 1 makes repeats less likely.
    banned : sequence of int, default=()
        Tokens that are never chosen.

    Notes
    -----
    A row needs one number of its generator at each step, whatever the parameters, and is computed
    in double precision on the CPU: with a generator of its own it gets the same tokens in any batch
    and on any device, but for what the rounding of the logits does.

    References
    ----------
    A. Holtzman, J. Buys, L. Du, M. Forbes, Y. Choi: The curious case of neural text degeneration,
    ICLR 2020 (`top_p`).
    N. S. Keskar, B. McCann, L. R. Varshney, C. Xiong, R. Socher: CTRL: a conditional transformer
    language model for controllable generation, 2019, section 4.1 (`repetition_penalty`).

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[0.0, 3.0, 2.0]])
    >>> Sampler(temperature=0)(logits)
    tensor([1])
    >>> Sampler(temperature=0, repetition_penalty=2.0)(logits, [[1]])
    tensor([2])
    """

    def __init__(
        self,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        banned: Sequence[int] = (),
    ) -> None:
        check_number("temperature", temperature, least=0)
        if top_k is not None:
            check_count("top_k", top_k, 1)
        if top_p is not None:
            check_number("top_p", top_p, above=0, most=1)
        check_number("repetition_penalty", repetition_penalty, above=0)
        self.temperature = temperature
        self.top_k = top_k
        self.top_p = top_p
        self.repetition_penalty = repetition_penalty
        self.banned = list(banned)

    def __call__(
        self,
        logits: torch.Tensor,
        previous: Sequence[Sequence[int] | np.ndarray] | None = None,
        generator: Generators | None = None,
    ) -> torch.Tensor:
        """Choose.

        Parameters
        ----------
        logits : float tensor (n_rows, n_tokens)
            Logits, or logarithms of probabilities. Left as they are.
        previous : sequence of n_rows sequences of int, or None
            The tokens that stand before in each row; only `repetition_penalty` needs them.
        generator : torch.Generator, or n_rows of them
            On the CPU. One for all rows draws for them in turn.

        Returns
        -------
        int64 tensor (n_rows,)
            On the CPU.

        Raises
        ------
        ValueError
            If `previous` or `generator` is missing where it is needed, or a row has a logit that is
            no number or no token that can be chosen.
        """
        logits = logits.detach().to("cpu", torch.float64, copy=True)  # (B, V)
        if self.repetition_penalty != 1:
            self._penalise(logits, previous)
        logits[:, self.banned] = _BANNED
        best = logits.max(dim=-1, keepdim=True)
        if not bool(torch.isfinite(best.values).all()):
            raise ValueError("logits has a row with NaN or infinity, or with nothing to choose")
        if self.temperature == 0 or self.top_k == 1:
            return best.indices[:, 0]
        if generator is None:
            raise ValueError("generator is missing; without one only temperature=0 can choose")
        logits = (logits - best.values) / self.temperature
        uniform = _uniform(generator, len(logits))
        if self.top_k is None and self.top_p is None:
            return _draw(logits.exp(), uniform)
        # Stable, so that of equals the first is kept.
        logits, order = torch.sort(logits, dim=-1, descending=True, stable=True)
        chosen = _draw(self._kept(logits.exp()), uniform)
        return order.gather(1, chosen[:, None])[:, 0]

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """What `__call__` draws from, where nothing is repeated.

        Parameters
        ----------
        logits : float tensor (n_rows, n_tokens)

        Returns
        -------
        float64 tensor (n_rows, n_tokens)
            Rows sum to 1.

        Examples
        --------
        >>> Sampler(top_k=2).probabilities(torch.tensor([[0.0, 0.0, -1.0]])).tolist()
        [[0.5, 0.5, 0.0]]
        """
        logits = logits.detach().to("cpu", torch.float64, copy=True)
        logits[:, self.banned] = _BANNED
        best = logits.max(dim=-1, keepdim=True)
        if self.temperature == 0:
            return torch.zeros_like(logits).scatter_(1, best.indices, 1.0)
        logits = (logits - best.values) / self.temperature
        logits, order = torch.sort(logits, dim=-1, descending=True, stable=True)
        weights = self._kept(logits.exp())
        weights = weights / weights.sum(dim=-1, keepdim=True)
        return torch.zeros_like(weights).scatter_(1, order, weights)

    def _penalise(
        self, logits: torch.Tensor, previous: Sequence[Sequence[int] | np.ndarray] | None
    ) -> None:
        if previous is None or len(previous) != len(logits):
            raise ValueError("repetition_penalty needs the previous tokens of each row")
        for row, tokens in zip(logits, previous, strict=True):
            seen = torch.from_numpy(np.unique(np.asarray(tokens, dtype=np.int64)))
            values = row[seen]
            penalty = self.repetition_penalty
            row[seen] = torch.where(values > 0, values / penalty, values * penalty)

    def _kept(self, weights: torch.Tensor) -> torch.Tensor:
        """Weights (B, V) in falling order, with 0 for those that cannot be drawn."""
        if self.top_k is not None:
            weights[:, self.top_k :] = 0.0
        if self.top_p is not None:
            before = weights.cumsum(dim=-1) - weights
            # The first has nothing before it, and stays.
            weights[before >= self.top_p * weights.sum(dim=-1, keepdim=True)] = 0.0
        return weights


def row_generators(seed: int, n_rows: int) -> list[torch.Generator]:
    """A generator for each row, the same whatever rows come after it.

    Parameters
    ----------
    seed : int
    n_rows : int

    Returns
    -------
    list of torch.Generator
    """
    children = np.random.SeedSequence(seed).spawn(n_rows)
    seeds = [int(child.generate_state(1, np.uint64)[0] >> np.uint64(1)) for child in children]
    return [torch.Generator().manual_seed(number) for number in seeds]


def _uniform(generator: Generators, n_rows: int) -> torch.Tensor:
    """One number in [0, 1) for each row, float64 (B,)."""
    if isinstance(generator, torch.Generator):
        return torch.rand(n_rows, dtype=torch.float64, generator=generator)
    if len(generator) != n_rows:
        raise ValueError(f"there are {len(generator)} generators for {n_rows} rows")
    numbers = [torch.rand((), dtype=torch.float64, generator=each) for each in generator]
    return torch.stack(numbers)


def _draw(weights: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Columns (B,) drawn in proportion to weights (B, V), by the inverse of their distribution."""
    sums = weights.cumsum(dim=-1)
    total = sums[:, -1:]
    # Rounded up to the total it would lie beyond the last column.
    point = torch.minimum(uniform[:, None] * total, torch.nextafter(total, torch.zeros_like(total)))
    return torch.searchsorted(sums, point, right=True)[:, 0]
