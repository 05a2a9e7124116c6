"""Token after token: how a Transformer continues prompts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.engine.batches import pad
from textrep.engine.device import autocast
from textrep.generation.gpt_module import GPTModule
from textrep.generation.sampling import Sampler
from textrep.generation.token_by_token import TokenByToken
from textrep.layers.key_value_cache import KeyValueCache

_KEPT = 0.75  # of the window, when it is full


class WindowContinuation(TokenByToken):
    """Prompts of differing length, continued side by side.

    A row sees what fits into the window of the model. When it is full, the earliest tokens are let
    go, a quarter of the window at once, so that not each further token means to read all again.
    Whether keys and values are remembered or not, and whatever other rows there are, each row gets
    the same.

    Parameters
    ----------
    module : GPTModule
        On the device, in evaluation mode.
    prompts : sequence of integer arrays
    sampler : Sampler
    generators : sequence of torch.Generator
        One a row.
    eos : int
        Read before each prompt; a row that draws it has ended.
    precision : {"fp32", "bf16"}
    use_cache : bool, default=True
        Whether keys and values are remembered, where the attention allows it.
    """

    def __init__(
        self,
        module: GPTModule,
        prompts: Sequence[NDArray[np.integer]],
        sampler: Sampler,
        generators: Sequence[torch.Generator],
        *,
        eos: int,
        precision: str,
        use_cache: bool = True,
    ) -> None:
        self._module = module
        self._device = module.embedding.weight.device
        super().__init__(prompts, sampler, generators, eos)
        self._precision = precision
        self._use_cache = use_cache and module.can_cache
        self._most_new = 0
        self._starts = [self._start(0, len(text)) for text in self._texts]

    def _start(self, start: int, end: int) -> int:
        """Where the window of a row begins, that began at `start`."""
        window = self._module.max_length
        return start if end - start <= window else end - max(1, int(_KEPT * window))

    def _begin(self, max_new_tokens: int) -> tuple[torch.Tensor, KeyValueCache | None]:
        self._most_new = max_new_tokens
        return self._read()

    def _go_on(
        self, tokens: list[int], going: list[int], cache: KeyValueCache | None
    ) -> tuple[torch.Tensor, KeyValueCache | None]:
        """Scores after one more token of the rows that go on."""
        moved = False
        for row in self._rows:
            start = self._start(self._starts[row], len(self._texts[row]))
            moved |= start != self._starts[row]
            self._starts[row] = start
        if cache is None or moved:
            return self._read()
        if len(going) < len(cache.lengths):
            cache = cache.select(torch.tensor(going, device=self._device))
        return self._advance(tokens, cache), cache

    # Inference mode is of the thread: it must not be on while a caller has what was yielded.

    @torch.inference_mode()
    def _read(self) -> tuple[torch.Tensor, KeyValueCache | None]:
        """Scores (B, V) of what comes after the windows of all rows, read from their beginning."""
        texts = [np.array(self._texts[row][self._starts[row] :]) for row in self._rows]
        lengths = torch.tensor([len(text) for text in texts], device=self._device)
        ids = pad(texts).to(self._device)
        # Room for a whole window would take gigabytes of many short rows.
        room = min(self._module.max_length, ids.shape[1] + self._most_new)
        cache = self._module.new_cache(len(texts), room) if self._use_cache else None
        with autocast(self._device, self._precision):
            hidden = self._module.hidden(ids, cache, lengths)
            last = hidden[torch.arange(len(ids), device=self._device), lengths - 1]
            return self._module.scores(last), cache

    @torch.inference_mode()
    def _advance(self, tokens: list[int], cache: KeyValueCache) -> torch.Tensor:
        ids = torch.tensor(tokens, device=self._device)[:, None]  # (B, 1)
        with autocast(self._device, self._precision):
            return self._module.scores(self._module.hidden(ids, cache)[:, 0])
