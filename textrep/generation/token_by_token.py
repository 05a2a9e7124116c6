"""The one loop in which language models write: choose, end rows, go on with the others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.generation.sampling import Sampler


class TokenByToken(ABC):
    """Prompts of differing length, continued side by side by whatever says what comes next.

    Parameters
    ----------
    prompts : sequence of integer arrays
    sampler : Sampler
    generators : sequence of torch.Generator
        One a row.
    eos : int
        Read before each prompt; a row that draws it has ended.
    """

    def __init__(
        self,
        prompts: Sequence[NDArray[np.integer]],
        sampler: Sampler,
        generators: Sequence[torch.Generator],
        eos: int,
    ) -> None:
        self._sampler = sampler
        self._generators = list(generators)
        self._eos = eos
        self._rows = list(range(len(prompts)))  # those that go on
        self._texts = [[eos, *prompt.tolist()] for prompt in prompts]

    @abstractmethod
    def _begin(self, max_new_tokens: int) -> tuple[torch.Tensor, Any]:
        """Scores (B, V) of what comes after each prompt, and the state there."""

    @abstractmethod
    def _go_on(self, tokens: list[int], going: list[int], state: Any) -> tuple[torch.Tensor, Any]:
        """Scores after one more token of the rows that go on, and the state there."""

    def steps(self, max_new_tokens: int) -> Iterator[list[tuple[int, int]]]:
        """Continue.

        Parameters
        ----------
        max_new_tokens : int
            For each row at most.

        Yields
        ------
        list of (int, int)
            Rows that go on, and the token that each of them goes on with.
        """
        scores, state = self._begin(max_new_tokens)
        for step in range(max_new_tokens):
            tokens = self._choose(scores)
            going = [i for i, token in enumerate(tokens) if token != self._eos]
            found = [(self._rows[i], tokens[i]) for i in going]
            if not found:
                return
            yield found
            if step + 1 < max_new_tokens:
                for row, token in found:
                    self._texts[row].append(token)
                self._rows = [row for row, _ in found]
                scores, state = self._go_on([token for _, token in found], going, state)

    def _choose(self, scores: torch.Tensor) -> list[int]:
        previous = [self._texts[row][1:] for row in self._rows]
        generators = [self._generators[row] for row in self._rows]
        return self._sampler(scores, previous, generators).tolist()
