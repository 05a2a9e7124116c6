"""A language model of transformers behind the interface of the house's own."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from textrep.generation.sampling import Sampler

UNLIMITED = 2**20  # tokens that are seen where a model tells no limit
_KEPT = 0.75  # of the window, when it is full
_MOST_TOKENS = 32_768  # of the rows that are continued side by side, what is written included


class CheckpointModule(nn.Module):
    """Logits of a causal language model.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    max_length : int or None
        Tokens that it is shown at most; None for its own limit.

    Attributes
    ----------
    max_length : int
    vocabulary_size : int
    output : CheckpointModule
        Itself: what `hidden` gives are logits already, since models differ in how they make them.
    """

    def __init__(self, model: Any, max_length: int | None = None) -> None:
        super().__init__()
        self.model = model
        own = getattr(model.config, "max_position_embeddings", None)
        self.own_length: int | None = own if isinstance(own, int) and own > 0 else None
        self.max_length = min(max_length or UNLIMITED, self.own_length or UNLIMITED)
        accepted = inspect.signature(model.forward).parameters
        self._only_last = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}

    @property
    def vocabulary_size(self) -> int:
        """Tokens that have a score."""
        return int(self.model.get_input_embeddings().weight.shape[0])

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.model.get_input_embeddings().weight.device

    @property
    def output(self) -> CheckpointModule:
        """What makes likelihoods of what `hidden` gives."""
        return self

    def hidden(self, ids: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits (B, T, V) after each of the tokens (B, T), which may be padded on the right."""
        return self.model(ids, use_cache=False).logits

    def nll(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Negative log-likelihood (N,) of targets (N,), in nats, of logits (N, V)."""
        return F.cross_entropy(logits.float(), targets, reduction="none")

    def advance(self, ids: Tensor, cache: Any) -> tuple[Tensor, Any]:
        """Read tokens (B, T), and what came before them from a cache.

        Returns
        -------
        scores : Tensor, shape (B, V)
            Of what comes next.
        cache : object or None
            With these tokens in it; None where the model has none of the usual kind.
        """
        answer = self.model(ids, past_key_values=cache, use_cache=True, **self._only_last)
        return answer.logits[:, -1].float(), getattr(answer, "past_key_values", None)


class CheckpointContinuation:
    """Prompts of differing length, continued: those of equal length side by side.

    So there is no padding, and whatever a model does with it, no row can depend on others. Of many
    long rows only so many go side by side as memory may be thought to hold. When the window is
    full, a quarter of it is let go.

    Parameters
    ----------
    module : CheckpointModule
        On the device, in evaluation mode.
    prompts : sequence of integer arrays
        With the token that begins a text, if any.
    sampler : Sampler
    generators : sequence of torch.Generator
        One a row.
    ends : set of int
        A row that draws one of these has ended.
    """

    def __init__(
        self,
        module: CheckpointModule,
        prompts: Sequence[NDArray[np.integer]],
        sampler: Sampler,
        generators: Sequence[torch.Generator],
        *,
        ends: frozenset[int],
    ) -> None:
        self._module = module
        self._sampler = sampler
        self._generators = list(generators)
        self._ends = ends
        self._texts = [prompt.tolist() for prompt in prompts]

    def steps(self, max_new_tokens: int) -> Iterator[list[tuple[int, int]]]:
        """Continue; see `textrep.generation.continuing.Continuation.steps`."""
        groups: dict[int, list[int]] = {}
        for row, text in enumerate(self._texts):
            groups.setdefault(len(text), []).append(row)
        for length, rows in groups.items():
            n_tokens = min(self._module.max_length, length + max_new_tokens)
            most = max(1, _MOST_TOKENS // n_tokens)
            for first in range(0, len(rows), most):
                yield from self._group(rows[first : first + most], max_new_tokens)

    def _group(self, rows: list[int], max_new_tokens: int) -> Iterator[list[tuple[int, int]]]:
        """Continue rows of one length."""
        seen = self._start(0, rows)
        scores, cache = self._read(rows, seen)
        for step in range(max_new_tokens):
            tokens = self._choose(scores, rows)
            going = [i for i, token in enumerate(tokens) if token not in self._ends]
            found = [(rows[i], tokens[i]) for i in going]
            if not found:
                return
            yield found
            if step + 1 == max_new_tokens:
                return
            for row, token in found:
                self._texts[row].append(token)
            start = self._start(seen, rows := [row for row, _ in found])
            if cache is None or start != seen:
                seen = start
                scores, cache = self._read(rows, seen)
            else:
                scores, cache = self._advance(rows, going, cache, len(tokens))

    def _start(self, start: int, rows: list[int]) -> int:
        """Where the window of rows begins, that began at `start`."""
        end, window = len(self._texts[rows[0]]), self._module.max_length
        return start if end - start <= window else end - max(1, int(_KEPT * window))

    def _choose(self, scores: Tensor, rows: list[int]) -> list[int]:
        previous = [self._texts[row] for row in rows]
        return self._sampler(scores, previous, [self._generators[row] for row in rows]).tolist()

    # Inference mode is of the thread: it must not be on while a caller has what was yielded.

    @torch.inference_mode()
    def _read(self, rows: list[int], start: int) -> tuple[Tensor, Any]:
        ids = torch.tensor([self._texts[row][start:] for row in rows], device=self._module.device)
        return self._module.advance(ids, None)

    @torch.inference_mode()
    def _advance(
        self, rows: list[int], going: list[int], cache: Any, n_before: int
    ) -> tuple[Tensor, Any]:
        device = self._module.device
        if len(going) < n_before:
            cache.reorder_cache(torch.tensor(going, device=device))
        ids = torch.tensor([[self._texts[row][-1]] for row in rows], device=device)  # (B, 1)
        return self._module.advance(ids, cache)
