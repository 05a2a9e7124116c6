"""Permutation language modelling: batches in which each row has its own order, and the loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from textrep.contextual.encoders.encoder import Encoder
from textrep.contextual.encoders.tokens import EncoderRow
from textrep.contextual.permutation_lm.permutations import Permutation, draw_permutation
from textrep.contextual.permutation_lm.two_stream import (
    NO_TARGET,
    PermutationBatch,
    TwoStreamNetwork,
)
from textrep.engine.batches import Batches, LengthBatches, Share, pad
from textrep.engine.loss import LossSum
from textrep.engine.task import Task


class Drawing(NamedTuple):
    """How permutations are drawn; see `draw_permutation`.

    Attributes
    ----------
    kind : {"span", "last"}
    every : int
    whole_words : bool
    n_orders : int or None
        Permutations of each row, which epochs take in turn; None for new ones in each.
    """

    kind: str = "span"
    every: int = 6
    whole_words: bool = False
    n_orders: int | None = None


class PermutationBatches(Batches):
    """Rows of similar length with what is predicted of each.

    The permutation of a row comes from the seed, the epoch and the number of the row alone: it is
    the same whatever other rows are in the batch, and when training is taken up.

    Parameters
    ----------
    encoder : Encoder
        Makes the batches.
    rows : sequence of EncoderRow
    drawing : Drawing
    max_tokens : int
        Of a batch, with padding.
    seed : int
    shuffle : bool, default=True
    """

    def __init__(
        self,
        encoder: Encoder,
        rows: Sequence[EncoderRow],
        *,
        drawing: Drawing,
        max_tokens: int,
        seed: int,
        shuffle: bool = True,
    ) -> None:
        self._encoder = encoder
        self._rows = rows
        self._drawing = drawing
        self._seed = seed
        lengths = np.array([len(row.ids) for row in rows], dtype=np.int64)
        self._batches = LengthBatches(
            lengths, lambda numbers: numbers, max_tokens=max_tokens, seed=seed, shuffle=shuffle
        )

    def plan(self, epoch: int) -> list[tuple[int, NDArray[np.int64]]]:
        return [(epoch, numbers) for numbers in self._batches.plan(epoch)]

    def read(self, spec: tuple[int, NDArray[np.int64]], share: Share) -> PermutationBatch | None:
        epoch, numbers = spec
        numbers = share.of(numbers)
        if not len(numbers):
            return None
        rows = [self._rows[number] for number in numbers]
        return collate(self._encoder, rows, [self.permutation(n, epoch) for n in numbers.tolist()])

    def size(self, spec: tuple[int, NDArray[np.int64]]) -> int:
        return self._batches.size(spec[1])

    def permutation(self, number: int, epoch: int) -> Permutation:
        """What is predicted of a row in an epoch."""
        drawing, tokenizer = self._drawing, self._encoder.tokenizer
        ids = self._rows[number].ids
        turn = epoch if drawing.n_orders is None else epoch % drawing.n_orders
        return draw_permutation(
            ~np.isin(ids, tokenizer.special_ids),
            kind=drawing.kind,
            every=drawing.every,
            starts=tokenizer.word_starts(ids) if drawing.whole_words else None,
            random=np.random.default_rng((self._seed, turn, number)),
        )


def collate(
    encoder: Encoder, rows: Sequence[EncoderRow], permutations: Sequence[Permutation]
) -> PermutationBatch:
    """Rows with their permutations as a batch.

    Parameters
    ----------
    encoder : Encoder
    rows : sequence of EncoderRow, length B
    permutations : sequence of Permutation, length B

    Returns
    -------
    PermutationBatch
    """
    batch = encoder.collate(list(rows))
    blocked = np.zeros((*batch.ids.shape, batch.ids.shape[1]), dtype=bool)
    for table, permutation in zip(blocked, permutations, strict=True):
        n = permutation.n_tokens
        table[:n, :n] = permutation.blocked()
    places = [permutation.places for permutation in permutations]
    targets = [row.ids[place] for row, place in zip(rows, places, strict=True)]
    return PermutationBatch(
        batch.ids,
        batch.types,
        batch.lengths,
        torch.from_numpy(blocked),
        pad(places),
        pad(targets, NO_TARGET),
    )


class PermutationTask(Task):
    """Cross entropy of the targets.

    Parameters
    ----------
    module : TwoStreamNetwork
    """

    def __init__(self, module: TwoStreamNetwork) -> None:
        super().__init__()
        self.module = module

    def loss(self, phase: str, batch: PermutationBatch) -> LossSum:
        """Sum over the targets, in nats; ``correct`` counts those that are found."""
        targets = batch.targets[batch.targets != NO_TARGET]
        logits = self.module(batch).float()  # (N, n_tokens)
        total = nn.functional.cross_entropy(logits, targets, reduction="sum")
        correct = (logits.argmax(dim=1) == targets).sum()
        return LossSum(total, float(len(targets)), {"correct": correct})
