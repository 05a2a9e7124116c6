"""The network of `RNNClassifier`: words, a recurrent stack, a vector a text, scores of classes."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from textrep.layers.dropout import LockedDropout
from textrep.layers.masks import PaddingMask
from textrep.layers.pooling import Pooling
from textrep.layers.recurrent import RecurrentStack
from textrep.preprocess.codec import TextCodec

# Of vectors that start at random.
_SPREAD = 0.1


class FrozenEmbedding(nn.Module):
    """Vectors of words that are no parameters: saved, but never trained.

    Parameters
    ----------
    n_words, dim : int
    """

    weight: torch.Tensor

    def __init__(self, n_words: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(n_words, dim))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """The vectors of words, (\\*ids.shape, dim)."""
        return functional.embedding(ids, self.weight)


class WordDropout(nn.Module):
    """Make words unknown, each with probability `p`, in training.

    So the vector of the unknown word learns to stand for any.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Ids like those given, which stay as they are."""
        if not self.training or not self.p:
            return ids
        dropped = torch.rand(ids.shape, device=ids.device) < self.p
        return ids.masked_fill(dropped, TextCodec.UNK)


class RNNClassifierModule(nn.Module):
    """Ids of words -> scores of classes.

    Parameters
    ----------
    n_words, n_classes : int
    embedding_size : int
    frozen : bool
        Whether the vectors of the words are no parameters.
    cell, hidden_size, num_layers, bidirectional
        See `RecurrentStack`.
    pooling : str
        See `Pooling`.
    dropout : float
        Of the vectors of words and between layers, the same for all steps of a text, and of the
        vector of the text.
    word_dropout : float
        See `WordDropout`.
    """

    def __init__(
        self,
        *,
        n_words: int,
        n_classes: int,
        embedding_size: int,
        frozen: bool,
        cell: str,
        hidden_size: int,
        num_layers: int,
        bidirectional: bool,
        pooling: str,
        dropout: float,
        word_dropout: float,
    ) -> None:
        super().__init__()
        self.word_dropout = WordDropout(word_dropout)
        self.embedding: FrozenEmbedding | nn.Embedding
        if frozen:
            self.embedding = FrozenEmbedding(n_words, embedding_size)
        else:
            self.embedding = nn.Embedding(n_words, embedding_size)
            nn.init.normal_(self.embedding.weight, std=_SPREAD)
        self.input_dropout = LockedDropout(dropout)
        self.stack = RecurrentStack(
            embedding_size,
            hidden_size,
            cell=cell,
            num_layers=num_layers,
            bidirectional=bidirectional,
            dropout=dropout,
        )
        self.pooling = Pooling(pooling, self.stack.output_size, bidirectional=bidirectional)
        self.output_dropout = nn.Dropout(dropout)
        self.output = nn.Linear(self.pooling.output_size, n_classes)

    def start_from(self, matrix: np.ndarray) -> None:
        """Put vectors of words into the network, float32 (n_words, embedding_size)."""
        with torch.no_grad():
            self.embedding.weight.copy_(torch.from_numpy(matrix))

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Scores of texts.

        Parameters
        ----------
        ids : int64 tensor (n_rows, longest)
        lengths : int64 tensor (n_rows,)
            Words of each; what stands behind them has no influence.

        Returns
        -------
        tensor (n_rows, n_classes)
        """
        words = self.input_dropout(self.embedding(self.word_dropout(ids)))  # (B, T, D)
        outputs = self.stack(words, lengths, with_state=False)[0][-1]  # (B, T, size)
        mask = PaddingMask.from_lengths(lengths, ids.shape[1])
        pooled = self.pooling(outputs, mask)  # (B, size), or three times as many
        return self.output(self.output_dropout(pooled))
