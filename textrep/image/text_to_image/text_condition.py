"""What a text tells the network: a vector of all of it, and one of each token."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from textrep.image.diffusion.module import Spoken
from textrep.layers.masks import PaddingMask
from textrep.layers.positions import LearnedPositions
from textrep.layers.transformer import BlockShape, TransformerStack
from textrep.preprocess.codec import TextCodec

_FIRST_DEVIATION = 0.02


class TextCondition(nn.Module):
    """A Transformer that reads texts.

    Parameters
    ----------
    n_tokens : int
        Of the vocabulary.
    max_length : int
        Tokens of a text at most, its end included.
    shape : BlockShape
    n_layers : int
    told_size : int
        Features of the vector of the whole text, which is that of its end.

    Attributes
    ----------
    memory_size : int
        Features of the vectors of tokens, which the network's places look at.

    Examples
    --------
    >>> text = TextCondition(9, 5, BlockShape(size=8, n_heads=2, inner_size=16), 1, 12)
    >>> told, memory, mask = text(torch.tensor([[5, 6, 3, 0, 0]]))
    >>> told.shape, memory.shape, mask.lengths
    (torch.Size([1, 12]), torch.Size([1, 5, 8]), tensor([3]))
    """

    def __init__(
        self, n_tokens: int, max_length: int, shape: BlockShape, n_layers: int, told_size: int
    ) -> None:
        super().__init__()
        self.memory_size = shape.size
        self.embedding = nn.Embedding(n_tokens, shape.size)
        nn.init.normal_(self.embedding.weight, std=_FIRST_DEVIATION)
        self.positions = LearnedPositions(max_length, shape.size)
        self.stack = TransformerStack(shape, n_layers)
        self.told = nn.Linear(shape.size, told_size)

    def forward(self, given: Tensor) -> Spoken:
        """Numbers of tokens, int64 (B, L), padded behind the end of each text."""
        mask = PaddingMask(given != TextCodec.PAD)
        memory, _ = self.stack(self.positions(self.embedding(given)), mask=mask)  # (B, L, D)
        last = mask.lengths - 1
        ends = memory[torch.arange(len(given), device=given.device), last]
        return self.told(ends), memory, mask
