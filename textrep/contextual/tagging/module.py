"""A network that scores the tags of words, and its loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from textrep.contextual.encoders.encoder import Encoder, EncoderBatch
from textrep.contextual.tagging.alignment import TaggedRow
from textrep.engine.batches import pad
from textrep.engine.loss import LossSum
from textrep.engine.task import Task

NO_TAG = -100
"""The tag of what is not tagged: pieces behind the first of a word, special tokens, padding."""


class TagBatch(NamedTuple):
    """Windows of sentences.

    Attributes
    ----------
    rows : EncoderBatch, (B, T)
    tags : int64 Tensor (B, T)
        Numbers of tags, or 0 where none are known, at the first piece of each word; else `NO_TAG`.
    """

    rows: EncoderBatch
    tags: Tensor


class TaggerModule(nn.Module):
    """An encoder with a linear layer on the first piece of each word.

    Parameters
    ----------
    encoder : Encoder
        Its module becomes part of this one.
    n_tags : int
    dropout : float
        Of what the linear layer reads.
    """

    def __init__(self, encoder: Encoder, n_tags: int, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder.module
        self._encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(encoder.hidden_size, n_tags)
        nn.init.normal_(self.classifier.weight, std=0.02)  # as BERT's heads
        nn.init.zeros_(self.classifier.bias)

    def forward(self, batch: TagBatch) -> Tensor:
        """Scores of the tags, (N, n_tags), of the N words of the windows one after the other."""
        hidden: Any = self._encoder.hidden(batch.rows)  # (B, T, D)
        scores: Tensor = self.classifier(self.dropout(hidden[batch.tags != NO_TAG]))
        return scores


class TaggingTask(Task):
    """Cross entropy of the tags of words.

    Parameters
    ----------
    module : TaggerModule
    """

    def __init__(self, module: TaggerModule) -> None:
        super().__init__()
        self.module = module

    def loss(self, phase: str, batch: TagBatch) -> LossSum:
        """Sum over the words; ``correct`` counts those that are tagged rightly."""
        tags = batch.tags[batch.tags != NO_TAG]
        scores = self.module(batch).float()
        total = nn.functional.cross_entropy(scores, tags, reduction="sum")
        return LossSum(total, float(len(tags)), {"correct": (scores.argmax(dim=1) == tags).sum()})


def tag_collator(
    encoder: Encoder,
    rows: Sequence[TaggedRow],
    tags: Sequence[NDArray[np.int64]] | None = None,
) -> Callable[[NDArray[np.int64]], TagBatch]:
    """What makes a batch of some windows.

    Parameters
    ----------
    encoder : Encoder
    rows : sequence of TaggedRow
    tags : sequence of int64 arrays, optional
        Of each sentence: numbers of the tags of its words.

    Returns
    -------
    callable
        From numbers of rows, int64 (B,), to a `TagBatch`.
    """

    def collate(numbers: NDArray[np.int64]) -> TagBatch:
        chosen = [rows[number] for number in numbers]
        labels = []
        for row in chosen:
            of_row = np.full(len(row.row.ids), NO_TAG, dtype=np.int64)
            own = slice(row.window.first, row.window.last)
            of_row[row.places] = 0 if tags is None else tags[row.sentence][own]
            labels.append(of_row)
        return TagBatch(encoder.collate([row.row for row in chosen]), pad(labels, NO_TAG))

    return collate


def row_lengths(rows: Sequence[TaggedRow]) -> NDArray[np.int64]:
    """Tokens of each window."""
    return np.array([len(row.row.ids) for row in rows], dtype=np.int64)


def scores_by_row(module: TaggerModule, batch: TagBatch) -> list[Tensor]:
    """What the module says of each window, (n_words, n_tags) each."""
    counts = (batch.tags != NO_TAG).sum(dim=1).tolist()
    return list(torch.split(module(batch).float(), counts))
