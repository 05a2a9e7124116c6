"""Tiny tasks and data that the engine's tests train, alone or in processes of their own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from textrep.engine.batches import LengthBatches, pad
from textrep.engine.loss import LossSum
from textrep.engine.seeding import torch_seed
from textrep.engine.streams import StreamBatches
from textrep.engine.task import Task

N_WORDS = 12
N_TAGS = 3
NO_TAG = -100  # what cross entropy ignores


class Tagged(NamedTuple):
    """Sequences of word ids with a tag for each word, padded."""

    ids: Tensor  # (B, T)
    tags: Tensor  # (B, T), NO_TAG at padding


class Tagger(Task):
    """A tag for each word from the word and the one before it."""

    def __init__(self, seed: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        with torch_seed(seed):
            self.embedding = nn.Embedding(N_WORDS, 8)
            self.dropout = nn.Dropout(dropout)
            self.output = nn.Linear(16, N_TAGS)

    def scores(self, ids: Tensor) -> Tensor:
        words = self.embedding(ids)  # (B, T, 8)
        before = functional.pad(words, (0, 0, 1, 0))[:, :-1]
        return self.output(self.dropout(torch.cat([words, before], dim=-1)))  # (B, T, N_TAGS)

    def loss(self, phase: str, batch: Tagged) -> LossSum:
        scores = self.scores(batch.ids).flatten(0, 1)
        tags = batch.tags.flatten()
        real = tags != NO_TAG
        total = functional.cross_entropy(scores, tags, ignore_index=NO_TAG, reduction="sum")
        correct = ((scores.argmax(-1) == tags) & real).sum()
        return LossSum(total, real.sum(), {"correct": correct})


def sentences(n_rows: int = 23, seed: int = 0, longest: int = 9) -> list[np.ndarray]:
    """Word ids in rows of differing length."""
    rng = np.random.default_rng(seed)
    return [rng.integers(N_WORDS, size=rng.integers(1, longest + 1)) for _ in range(n_rows)]


def tags_of(row: np.ndarray) -> np.ndarray:
    """What the tagger is to learn."""
    return (row + np.concatenate([[0], row[:-1]])) % N_TAGS


def tagged_batches(
    rows: list[np.ndarray] | None = None, *, max_rows: int = 4, seed: int = 0, **settings
) -> LengthBatches:
    """Batches of sentences with their tags."""
    rows = sentences() if rows is None else rows

    def collate(indices: np.ndarray) -> Tagged:
        chosen = [rows[i] for i in indices]
        return Tagged(pad(chosen), pad([tags_of(row) for row in chosen], value=NO_TAG))

    lengths = np.array([len(row) for row in rows])
    return LengthBatches(lengths, collate, max_rows=max_rows, seed=seed, **settings)


def one_batch() -> LengthBatches:
    """An epoch of one step."""
    return tagged_batches(sentences(4), max_rows=4)


class Scripted(Task):
    """Validation losses are given; each step takes the learning rate off the weight."""

    def __init__(self, losses: list[float]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.script = losses
        self.evaluations = 0

    def loss(self, phase: str, batch: Tagged) -> LossSum:
        n = len(batch.ids)
        if self.training:
            return LossSum(self.weight.sum() * n, n)
        loss = self.script[min(self.evaluations, len(self.script) - 1)]
        self.evaluations += 1
        return LossSum(torch.tensor(loss * n), n)


class NextWord(Task):
    """A recurrent language model whose state is carried from batch to batch."""

    def __init__(self, n_streams: int, seed: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.n_streams = n_streams
        with torch_seed(seed):
            self.embedding = nn.Embedding(N_WORDS, 6)
            self.recurrent = nn.GRU(6, 8, batch_first=True)
            self.dropout = nn.Dropout(dropout)
            self.output = nn.Linear(8, N_WORDS)

    def loss(self, phase: str, batch) -> LossSum:
        state = None if batch.first or not self.carried else self.carried["state"][None]
        hidden, state = self.recurrent(self.embedding(batch.inputs), state)  # (B, T, 8)
        self.carried["state"] = state[0].detach()
        scores = self.output(self.dropout(hidden))
        targets = batch.targets.flatten()
        total = functional.cross_entropy(scores.flatten(0, 1), targets, reduction="sum")
        return LossSum(total, targets.numel())


def stream_batches(n_streams: int = 4, window: int = 5, n_ids: int = 250, **settings):
    """Parallel streams of one long text, in which each word follows from the two before."""
    rng = np.random.default_rng(0)
    ids = list(rng.integers(N_WORDS, size=2))
    for _ in range(n_ids - 2):
        ids.append((ids[-1] + 2 * ids[-2] + (rng.random() < 0.1)) % N_WORDS)
    return StreamBatches(np.array(ids), n_streams=n_streams, window=window, **settings)


def weights(task: nn.Module) -> dict[str, np.ndarray]:
    """A copy of all parameters."""
    return {name: value.detach().numpy().copy() for name, value in task.named_parameters()}
