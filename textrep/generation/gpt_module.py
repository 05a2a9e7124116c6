"""The network of decoder-only language models."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textrep.embeddings.parameters import check_choice, check_count
from textrep.engine.loss import LossSum
from textrep.engine.streams import StreamBatch
from textrep.engine.task import Task
from textrep.layers.key_value_cache import KeyValueCache
from textrep.layers.masks import PaddingMask
from textrep.layers.multi_head import FullAttention, Mechanism
from textrep.layers.output import SoftmaxOutput
from textrep.layers.positions import POSITIONS, LearnedPositions, SinusoidalPositions
from textrep.layers.transformer import BlockShape, TransformerStack

_FIRST_DEVIATION = 0.02  # GPT-2


class GPTModule(nn.Module):
    """Token numbers -> vectors -> causal Transformer -> what comes next.

    Parameters
    ----------
    vocabulary_size : int
        V.
    shape : BlockShape
    n_layers : int
    max_length : int
        Positions at most.
    positions : {"learned", "sinusoidal", "rotary", "alibi"}, default="learned"
        With "sinusoidal", vectors of tokens are multiplied by the root of their size, as in the
        Transformer of 2017.
    tie_weights : bool, default=True
        Whether the softmax has the vectors of the tokens for weights.
    output_bias : bool, default=False
        Whether each token has a bias in the softmax.
    mechanism, feed_forward : callable, optional
        As for `TransformerStack`.

    Attributes
    ----------
    embedding : nn.Embedding
    positions : LearnedPositions, SinusoidalPositions or None
    stack : TransformerStack
    output : SoftmaxOutput

    References
    ----------
    A. Radford et al.: Language models are unsupervised multitask learners, 2019.

    Examples
    --------
    >>> module = GPTModule(11, BlockShape(size=8, n_heads=2, inner_size=16), 2, 6).eval()
    >>> module.scores(module.hidden(torch.tensor([[3, 4, 5]]))).shape
    torch.Size([1, 3, 11])
    """

    def __init__(
        self,
        vocabulary_size: int,
        shape: BlockShape,
        n_layers: int,
        max_length: int,
        *,
        positions: str = "learned",
        tie_weights: bool = True,
        output_bias: bool = False,
        mechanism: Callable[[int], Mechanism | None] | None = None,
        feed_forward: Callable[[int], nn.Module | None] | None = None,
    ) -> None:
        super().__init__()
        check_count("vocabulary_size", vocabulary_size, 1)
        check_count("max_length", max_length, 1)
        check_choice("positions", positions, POSITIONS)
        inside = positions if positions in ("rotary", "alibi") else "none"
        shape = replace(shape, positions=inside)
        self.max_length = max_length
        self.embedding = nn.Embedding(vocabulary_size, shape.size)
        # Sines and cosines are fixed: beside them, vectors of GPT-2's size would not be seen.
        fixed = positions == "sinusoidal"
        self.scale = math.sqrt(shape.size) if fixed else 1.0
        nn.init.normal_(self.embedding.weight, std=1 / self.scale if fixed else _FIRST_DEVIATION)
        self.positions: nn.Module | None = None
        if positions == "learned":
            self.positions = LearnedPositions(max_length, shape.size)
        elif positions == "sinusoidal":
            self.positions = SinusoidalPositions(shape.size)
        self.stack = TransformerStack(
            shape, n_layers, mechanism=mechanism, feed_forward=feed_forward
        )
        tied = self.embedding if tie_weights else None
        self.output = SoftmaxOutput(shape.size, vocabulary_size, tied=tied, bias=output_bias)
        if self.output.table is not None:
            nn.init.normal_(self.output.table, std=_FIRST_DEVIATION)

    @property
    def can_cache(self) -> bool:
        """Whether keys and values can be remembered: of full attention alone."""
        blocks: Any = self.stack.blocks
        return all(isinstance(block.attention.mechanism, FullAttention) for block in blocks)

    def hidden(
        self, ids: Tensor, cache: KeyValueCache | None = None, lengths: Tensor | None = None
    ) -> Tensor:
        """Read tokens.

        Parameters
        ----------
        ids : int64 Tensor, shape (B, T)
            Padded on the right, which nothing before it sees.
        cache : KeyValueCache, optional
            What was read before; takes in these tokens.
        lengths : int64 Tensor, shape (B,), optional
            Tokens that are real; all where absent.

        Returns
        -------
        Tensor, shape (B, T, D)
        """
        x = self.embedding(ids)
        if self.scale != 1:
            x = x * self.scale
        if self.positions is not None:
            x = self.positions(x, None if cache is None else self._places(cache, ids.shape[1]))
        shape = self.stack.shape
        if shape.dropout and self.training:
            x = F.dropout(x, shape.dropout)
        mask = None
        # Full attention without a cache never sees padding; LSH would sort it among the tokens.
        if lengths is not None and (cache is not None or not self.can_cache):
            mask = PaddingMask.from_lengths(lengths.to(ids.device), ids.shape[1])
        return self.stack(x, causal=True, mask=mask, cache=cache)[0]

    def _places(self, cache: KeyValueCache, n_new: int) -> Tensor:
        # Of padding, the place may lie behind the last one that there is.
        return cache.positions(n_new).clamp(max=self.max_length - 1)

    def scores(self, hidden: Tensor) -> Tensor:
        """Logits (..., V), float32, of what comes after vectors (..., D)."""
        return self.output.logits(hidden).float()

    def new_cache(self, n_rows: int, capacity: int | None = None) -> KeyValueCache:
        """A cache with nothing in it; room for `max_length` positions where none is given."""
        return self.stack.new_cache(
            n_rows, capacity or self.max_length, device=self.embedding.weight.device
        )


class GPTTask(Task):
    """Next-token prediction in windows of text.

    Parameters
    ----------
    module : GPTModule
    """

    def __init__(self, module: GPTModule) -> None:
        super().__init__()
        self.module = module

    def loss(self, phase: str, batch: StreamBatch) -> LossSum:
        """Sum of the negative log-likelihoods of the tokens, in nats; ``nll`` without penalty."""
        hidden = self.module.hidden(batch.inputs).flatten(0, 1)  # (B T, D)
        targets = batch.targets.flatten()
        if not self.training:  # the last window of all may be shorter
            real = targets >= 0
            hidden, targets = hidden[real], targets[real]
        nll = self.module.output.nll(hidden, targets).sum()
        count = float(len(targets))
        total = nll
        if self.training:
            penalty = self.penalty()
            if penalty is not None:
                total = nll + count * penalty
        return LossSum(total, count, {"nll": nll.detach(), **self.measures(count)})

    def penalty(self) -> Tensor | None:
        """What is added to the loss of a token in training; nothing here."""
        return None

    def measures(self, count: float) -> dict[str, torch.Tensor]:
        """Further sums over the tokens of the batch just read, for the history; none here."""
        return {}
