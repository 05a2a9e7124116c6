"""Batches of rows: which rows come together, in which order, and which process has which."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from textrep.embeddings.parameters import check_count

_MEGA_BATCH = 50  # batches that are sorted by length together


class Share(NamedTuple):
    """The part of every batch that falls to one of several processes."""

    part: int = 0
    parts: int = 1

    def of(self, items: Any) -> Any:
        """Every `parts`-th of the items, from `part` on."""
        return items[self.part :: self.parts]


class Batches(ABC):
    """Where the loop gets its batches from."""

    @abstractmethod
    def plan(self, epoch: int) -> list[Any]:
        """What `read` is called with, batch by batch; the same list whenever and wherever it is
        asked for, so that training can be taken up in the middle of an epoch.
        """

    @abstractmethod
    def read(self, spec: Any, share: Share) -> Any:
        """The batch, tensors on the CPU; None when nothing of it falls to this process."""

    @abstractmethod
    def size(self, spec: Any) -> int:
        """Units of the batch for the progress bar: tokens, rows."""


class LengthBatches(Batches):
    """Rows of differing length, those of similar length together.

    Rows are shuffled, cut into mega-batches of `mega_batch` batches, sorted by length inside each
    and cut into batches, which then come in random order: batches have little padding and are as
    good as random.

    Parameters
    ----------
    lengths : sequence of int (n_rows,)
        Tokens of each row, or whatever it costs.
    collate : callable
        Takes int64 row numbers and gives a batch.
    max_tokens : int or None, default=None
        Most of rows times the longest of them in a batch; a row that is longer has a batch of its
        own.
    max_rows : int or None, default=None
        Most rows in a batch. One of both must be given.
    seed : int, default=0
    shuffle : bool, default=True
        False keeps one plan for all epochs, of rows sorted by length where `bucket`.
    mega_batch : int, default=50
    bucket : bool, default=True
        False leaves the rows as they come.

    Examples
    --------
    >>> batches = LengthBatches([3, 1, 2, 9], lambda rows: rows, max_tokens=6, shuffle=False)
    >>> [rows.tolist() for rows in batches.plan(0)]
    [[1, 2], [0], [3]]
    """

    def __init__(
        self,
        lengths: Sequence[int] | np.ndarray,
        collate: Callable[[np.ndarray], Any],
        *,
        max_tokens: int | None = None,
        max_rows: int | None = None,
        seed: int = 0,
        shuffle: bool = True,
        mega_batch: int = _MEGA_BATCH,
        bucket: bool = True,
    ) -> None:
        if max_tokens is None and max_rows is None:
            raise ValueError("give max_tokens or max_rows: a batch must end somewhere")
        for name, value in (("max_tokens", max_tokens), ("max_rows", max_rows)):
            if value is not None:
                check_count(name, value, 1)
        check_count("mega_batch", mega_batch, 1)
        self._lengths = np.asarray(lengths, dtype=np.int64)
        self._collate = collate
        self._max_tokens = np.inf if max_tokens is None else max_tokens
        self._max_rows = len(self._lengths) if max_rows is None else max_rows
        self._seed = seed
        self._shuffle = shuffle
        self._mega_batch = mega_batch
        self._bucket = bucket

    def plan(self, epoch: int) -> list[np.ndarray]:
        rng = np.random.default_rng((self._seed, epoch))
        n_rows = len(self._lengths)
        rows = rng.permutation(n_rows) if self._shuffle else np.arange(n_rows)
        batches = []
        for mega in self._mega_batches(rows):
            batches.extend(self._cut(mega))
        if self._shuffle:
            return [batches[i] for i in rng.permutation(len(batches))]
        return batches

    def _mega_batches(self, rows: np.ndarray) -> list[np.ndarray]:
        """Rows in their order, each part sorted by length."""
        if not self._bucket:
            return [rows]
        if not self._shuffle or not len(rows):
            return [self._sorted(rows)]
        tokens = np.cumsum(np.maximum(self._lengths[rows], 1))
        by_tokens = (tokens - 1) // (self._mega_batch * self._max_tokens)
        by_rows = np.arange(len(rows)) // (self._mega_batch * max(self._max_rows, 1))
        number = np.maximum(by_tokens, by_rows)
        ends = np.flatnonzero(np.diff(number)) + 1
        return [self._sorted(part) for part in np.split(rows, ends)]

    def _sorted(self, rows: np.ndarray) -> np.ndarray:
        return rows[np.argsort(self._lengths[rows], kind="stable")]

    def _cut(self, rows: np.ndarray) -> list[np.ndarray]:
        batches, first, longest = [], 0, 1
        for i, length in enumerate(self._lengths[rows].tolist()):
            longest_now = max(longest, length)
            n_rows = i - first + 1
            if i > first and (n_rows > self._max_rows or n_rows * longest_now > self._max_tokens):
                batches.append(rows[first:i])
                first, longest_now = i, max(1, length)
            longest = longest_now
        if first < len(rows):
            batches.append(rows[first:])
        return batches

    def read(self, spec: np.ndarray, share: Share) -> Any:
        rows = share.of(spec)
        return self._collate(rows) if len(rows) else None

    def size(self, spec: np.ndarray) -> int:
        return int(self._lengths[spec].sum())


def pad(rows: Sequence[np.ndarray], value: int = 0) -> torch.Tensor:
    """Rows of differing length in one table.

    Parameters
    ----------
    rows : sequence of integer arrays, n of them
    value : int, default=0
        Behind the end of each.

    Returns
    -------
    int64 tensor (n, longest)
        At least one column wide.

    Examples
    --------
    >>> pad([np.array([5, 6]), np.array([7])])
    tensor([[5, 6],
            [7, 0]])
    """
    width = max([1, *(len(row) for row in rows)])
    table = np.full((len(rows), width), value, dtype=np.int64)
    for place, row in zip(table, rows, strict=True):
        place[: len(row)] = row
    return torch.from_numpy(table)
