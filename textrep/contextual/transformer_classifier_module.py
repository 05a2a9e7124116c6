"""The network of `TransformerClassifier`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from textrep.contextual.denoising import Encoder
from textrep.contextual.rnn_module import WordDropout
from textrep.core.messages import shown
from textrep.embeddings.parameters import check_choice
from textrep.layers.masks import PaddingMask
from textrep.layers.multi_head import Mechanism
from textrep.layers.pooling import Pooling
from textrep.layers.positions import POSITIONS, LearnedPositions, SinusoidalPositions
from textrep.layers.transformer import BlockShape, TransformerStack
from textrep.preprocess.codec import TextCodec

POOLINGS = ("mean", "max", "first", "attention")
"""What becomes of the vectors of all tokens; "first" is that of a token put before them."""

_FIRST_DEVIATION = 0.02  # BERT, GPT-2


class TransformerClassifierModule(Encoder):
    """Ids of tokens -> an encoder that sees both sides -> scores of classes.

    Parameters
    ----------
    n_tokens, n_classes : int
    shape : BlockShape
        Its dropout is also that of the vectors of tokens and of the text.
    n_layers : int
    max_length : int
        Tokens of a text at most.
    positions : {"learned", "sinusoidal", "rotary", "alibi"}
    mechanism : callable or None
        As for `TransformerStack`.
    pooling : {"mean", "max", "first", "attention"}
    word_dropout : float
        See `WordDropout`.

    Attributes
    ----------
    embedding : nn.Embedding
    stack : TransformerStack
    output : nn.Linear

    Examples
    --------
    >>> import torch
    >>> shape = BlockShape(size=8, n_heads=2, inner_size=16)
    >>> module = TransformerClassifierModule(11, 3, shape, 2, 6)
    >>> module(torch.tensor([[4, 5, 0]]), torch.tensor([2])).shape
    torch.Size([1, 3])
    """

    def __init__(
        self,
        n_tokens: int,
        n_classes: int,
        shape: BlockShape,
        n_layers: int,
        max_length: int,
        *,
        positions: str = "learned",
        mechanism: Callable[[int], Mechanism | None] | None = None,
        pooling: str = "mean",
        word_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_choice("positions", positions, POSITIONS)
        check_choice("pooling", pooling, POOLINGS)
        inside = positions if positions in ("rotary", "alibi") else "none"
        self.word_dropout = WordDropout(word_dropout)
        self.embedding = nn.Embedding(n_tokens, shape.size)
        nn.init.normal_(self.embedding.weight, std=_FIRST_DEVIATION)
        self.scale = 1.0
        self.positions: nn.Module | None = None
        self.has_first = pooling == "first"
        if positions == "learned":
            self.positions = LearnedPositions(max_length + self.has_first, shape.size)
        elif positions == "sinusoidal":
            self.positions = SinusoidalPositions(shape.size)
            # Sines are some thirty times as large as such vectors, which would not be heard.
            self.scale = math.sqrt(shape.size)
            nn.init.normal_(self.embedding.weight, std=1 / self.scale)
        self.dropout = nn.Dropout(shape.dropout)
        self.stack = TransformerStack(
            replace(shape, positions=inside), n_layers, mechanism=mechanism
        )
        self.pooling = None if self.has_first else Pooling(pooling, shape.size)
        self.output = nn.Linear(shape.size, n_classes)
        nn.init.normal_(self.output.weight, std=_FIRST_DEVIATION)
        nn.init.zeros_(self.output.bias)

    def encode(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Vectors of tokens in their context.

        Parameters
        ----------
        ids : int64 Tensor, shape (B, T)
        lengths : int64 Tensor, shape (B,)
            Tokens of each; what stands behind them has no influence.

        Returns
        -------
        Tensor, shape (B, T, D)
        """
        return self._read(ids, lengths)[0][:, int(self.has_first) :]

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Scores (B, n_classes) of texts, ids (B, T) of these lengths (B,)."""
        vectors, mask = self._read(self.word_dropout(ids), lengths)
        pooled = vectors[:, 0] if self.pooling is None else self.pooling(vectors, mask)  # (B, D)
        return self.output(self.dropout(pooled))

    def _read(self, ids: Tensor, lengths: Tensor) -> tuple[Tensor, PaddingMask | None]:
        """Vectors (B, T, D), one more of a first token, and which of them are real."""
        if self.has_first:
            ids, lengths = F.pad(ids, (1, 0), value=TextCodec.BOS), lengths + 1
        x = self.embedding(ids) * self.scale
        if self.positions is not None:
            x = self.positions(x)
        # Without padding no mask is the faster one.
        whole = bool((lengths == ids.shape[1]).all())
        mask = None if whole else PaddingMask.from_lengths(lengths, ids.shape[1])
        return self.stack(self.dropout(x), mask=mask)[0], mask


class Pretrained(NamedTuple):
    """What was learnt without labels.

    Attributes
    ----------
    codec : TextCodec
    weights : dict of str to Tensor
        As `encoder_weights` gives them.
    parameters : dict
        Of the estimator that has learnt them, as far as the network depends on them.
    """

    codec: TextCodec
    weights: dict[str, Tensor]
    parameters: dict[str, Any]

    def refuse_others(self, parameters: dict[str, Any]) -> None:
        """Raise a ValueError that names the first parameter that is another now."""
        for name, value in parameters.items():
            if value != self.parameters[name]:
                raise ValueError(
                    f"{name}={shown(value)} was {shown(self.parameters[name])} when pretrain was "
                    "called; call it again, or set it back"
                )


def encoder_weights(module: TransformerClassifierModule) -> dict[str, Tensor]:
    """All weights but those that tell classes apart, copied."""
    apart = ("output.", "pooling.")
    return {
        name: value.detach().clone()
        for name, value in module.state_dict().items()
        if not name.startswith(apart)
    }


def start_from(module: TransformerClassifierModule, weights: dict[str, Tensor]) -> None:
    """Put what `encoder_weights` gave into a module of the same sizes."""
    module.load_state_dict({**module.state_dict(), **weights})
