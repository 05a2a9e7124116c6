"""Recurrent decoders: those that look at the source after the cell, and those that do before it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from textrep.layers.attention import AdditiveAttention, MultiplicativeAttention
from textrep.layers.dropout import LockedDropout
from textrep.layers.masks import PaddingMask
from textrep.layers.recurrent import RecurrentStack, State

_KINDS = {"luong": "dot", "luong-general": "general"}


class Memory(NamedTuple):
    """A source as the decoder sees it.

    Attributes
    ----------
    keys : Tensor, shape (B, S, K)
        What the attention compares, projected once for all steps.
    values : Tensor, shape (B, S, H)
        Outputs of the encoder, 0 at padding.
    mask : PaddingMask, (B, S)
    """

    keys: Tensor
    values: Tensor
    mask: PaddingMask

    def select(self, rows: Tensor) -> Memory:
        """That of some rows, int64 (n,), in their order; a row may be repeated."""
        keys = self.keys[rows]
        # Where both are one tensor they stay one, and are copied once.
        values = keys if self.values is self.keys else self.values[rows]
        return Memory(keys, values, self.mask.select(rows))


class AttendAfter(nn.Module):
    """Luong's decoder: what the cells say looks back at the source.

    As nothing of that goes into the cells again (no input feeding), all words of a text go through
    them in one call of the fused kernel, and through the attention in one product.

    Parameters
    ----------
    embedding_size : int
        Features E of the words that come in, and of what goes out.
    hidden_size : int
        Features H of cells and memory.
    cell : {"gru", "lstm", "rnn"}
    num_layers : int
    attention : {"luong", "luong-general"} or None
        Products of query and key, plain or with a matrix between; None looks at nothing.
    dropout : float
        Between layers.

    References
    ----------
    M.-T. Luong, H. Pham, C. D. Manning: Effective Approaches to Attention-based Neural Machine
    Translation, EMNLP 2015, equations 5-8, global attention.
    """

    def __init__(
        self,
        embedding_size: int,
        hidden_size: int,
        *,
        cell: str,
        num_layers: int,
        attention: str | None,
        dropout: float,
    ) -> None:
        super().__init__()
        self.cells = RecurrentStack(
            embedding_size, hidden_size, cell=cell, num_layers=num_layers, dropout=dropout
        )
        self.attention = (
            None
            if attention is None
            else MultiplicativeAttention(hidden_size, hidden_size, kind=_KINDS[attention])
        )
        sources = 1 if attention is None else 2
        self.combine = nn.Linear(sources * hidden_size, embedding_size)

    def remember(self, values: Tensor, mask: PaddingMask) -> Memory:
        """What decoding needs of an encoded source (B, S, H)."""
        keys = values if self.attention is None else self.attention.prepare(values)
        return Memory(keys, values, mask)

    def forward(
        self, embedded: Tensor, memory: Memory, recurrent: State
    ) -> tuple[Tensor, Tensor | None, State]:
        """Features (B, T, E) and weights (B, T, S) of words (B, T, E), and the state after them."""
        outputs, recurrent = self.cells(embedded, state=recurrent)
        said = outputs[-1]  # (B, T, H)
        if self.attention is None:
            return torch.tanh(self.combine(said)), None, recurrent
        context, weights = self.attention.attend(said, memory.keys, memory.values, memory.mask)
        features = torch.tanh(self.combine(torch.cat([context, said], dim=2)))
        return features, weights, recurrent


class AttendBefore(nn.Module):
    """Bahdanau's decoder: the state before a word looks at the source, and both go into the cell.

    Each word needs the state after the one before it, so words go through one by one.

    Parameters
    ----------
    embedding_size, hidden_size, cell, num_layers, dropout :
        As of `AttendAfter`.
    attention : {"bahdanau"}

    References
    ----------
    D. Bahdanau, K. Cho, Y. Bengio: Neural Machine Translation by Jointly Learning to Align and
    Translate, ICLR 2015, appendix A.1.2; with a tanh where it has a maxout before the output.
    """

    def __init__(
        self,
        embedding_size: int,
        hidden_size: int,
        *,
        cell: str,
        num_layers: int,
        attention: str | None,
        dropout: float,
    ) -> None:
        super().__init__()
        self.attention = AdditiveAttention(hidden_size, hidden_size, hidden_size)
        inputs = [embedding_size + hidden_size] + [hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(RecurrentStack(n, hidden_size, cell=cell) for n in inputs)
        self.dropout = LockedDropout(dropout)
        self.combine = nn.Linear(2 * hidden_size + embedding_size, embedding_size)

    def remember(self, values: Tensor, mask: PaddingMask) -> Memory:
        """What decoding needs of an encoded source (B, S, H)."""
        return Memory(self.attention.prepare(values), values, mask)

    def forward(
        self, embedded: Tensor, memory: Memory, recurrent: State
    ) -> tuple[Tensor, Tensor | None, State]:
        """Features (B, T, E) and weights (B, T, S) of words (B, T, E), and the state after them."""
        masks = self._masks(embedded, memory)
        said, contexts, weights = [], [], []
        for word in embedded.split(1, dim=1):  # (B, 1, E)
            query = recurrent[-1][0][0][:, None]  # h of the highest layer, (B, 1, H)
            context, weight = self.attention.attend(query, memory.keys, memory.values, memory.mask)
            x = torch.cat([word, context.to(word.dtype)], dim=2)
            after: State = []
            for number, (layer, before) in enumerate(zip(self.layers, recurrent, strict=True)):
                x = x * masks[number - 1] if number else x
                outputs, state = layer(x, state=[before])
                x = outputs[-1]
                after.append(state[0])
            recurrent = after
            said.append(x)
            contexts.append(context)
            weights.append(weight)
        read = torch.cat([torch.cat(contexts, dim=1), torch.cat(said, dim=1), embedded], dim=2)
        return torch.tanh(self.combine(read)), torch.cat(weights, dim=1), recurrent

    def _masks(self, embedded: Tensor, memory: Memory) -> list[Tensor]:
        """Dropout between layers, the same for all words of a text: (B, 1, H) each."""
        ones = memory.values.new_ones(len(embedded), 1, memory.values.shape[2])
        return [self.dropout(ones) for _ in range(len(self.layers) - 1)]
