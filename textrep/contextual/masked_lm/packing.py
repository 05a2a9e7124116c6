"""Several texts in one row, none of which sees another, and the batches of such rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textrep.contextual.encoders.encoder import Encoder
from textrep.contextual.encoders.tokens import EncoderRow
from textrep.engine.batches import Batches, LengthBatches, Share, pad


class MaskedBatch(NamedTuple):
    """Rows of one text or several.

    Attributes
    ----------
    ids, types : int64 tensor (B, T)
    lengths : int64 tensor (B,)
        Tokens of all texts of a row.
    segments : int64 tensor (B, T) or None
        Number of the text that each token is of, from 1, and 0 at padding; None where each row is
        one text.
    positions : int64 tensor (B, T) or None
        Place of each token in its text.
    pairs : int64 tensor (n_texts,) or None
        What is to be said of each pair, row by row; -100 where nothing is.
    """

    ids: Tensor
    types: Tensor
    lengths: Tensor
    segments: Tensor | None
    positions: Tensor | None
    pairs: Tensor | None


def pack(lengths: Sequence[int] | NDArray[np.int64], capacity: int) -> list[list[int]]:
    """Put items into as few bins as best fit finds, the longest first.

    Parameters
    ----------
    lengths : sequence of int (n,)
        None is longer than `capacity`.
    capacity : int

    Returns
    -------
    list of list of int
        Numbers of the items of each bin.

    References
    ----------
    M. M. Krell et al.: Efficient sequence packing without cross-contamination: accelerating large
    language models without impacting performance, 2021.

    Examples
    --------
    >>> pack([3, 9, 7, 5, 2], 10)
    [[1], [2, 0], [3, 4]]
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    bins: list[list[int]] = []
    by_room: list[list[int]] = [[] for _ in range(capacity + 1)]
    rooms = 0  # bit r is set where there is a bin with room for r
    for item in np.argsort(-sizes, kind="stable").tolist():
        size = int(sizes[item])
        fitting = rooms >> size
        if fitting:
            room = size + (fitting & -fitting).bit_length() - 1
            number = by_room[room].pop()
            if not by_room[room]:
                rooms &= ~(1 << room)
            bins[number].append(item)
        else:
            room, number = capacity, len(bins)
            bins.append([item])
        left = room - size
        by_room[left].append(number)
        rooms |= 1 << left
    return bins


def masked_batches(
    rows: Sequence[EncoderRow],
    encoder: Encoder,
    *,
    packing: bool,
    max_length: int,
    max_tokens: int,
    pairs: NDArray[np.int64] | None = None,
    seed: int = 0,
    shuffle: bool = True,
) -> LengthBatches:
    """Batches of `MaskedBatch`.

    The loss of a text is the same, packed or not. Rows are packed once: which texts share a row has
    no bearing on what is computed for any of them, and the rows still come in another order in each
    epoch.

    Parameters
    ----------
    rows : sequence of EncoderRow
        None longer than `max_length`.
    encoder : Encoder
    packing : bool
        Whether rows are filled up to `max_length`. Without, those of similar length come together.
    max_length, max_tokens : int
        Of a row and of a batch.
    pairs : int64 array (n_rows,), optional
        See `MaskedBatch`.
    seed : int, default=0
    shuffle : bool, default=True

    Returns
    -------
    LengthBatches
    """
    lengths = np.array([len(row.ids) for row in rows], dtype=np.int64)
    groups = pack(lengths, max_length) if packing else [[i] for i in range(len(rows))]
    # On a CPU both ways are about as fast: the wider mask costs what the padding of buckets does.
    # Packed batches are all of one size, which lets a GPU and its memory settle.
    totals = np.array([lengths[group].sum() for group in groups], dtype=np.int64)

    def collate(numbers: np.ndarray) -> MaskedBatch:
        return _collate([groups[i] for i in numbers], rows, encoder, pairs)

    return LengthBatches(totals, collate, max_tokens=max_tokens, seed=seed, shuffle=shuffle)


def _collate(
    groups: list[list[int]],
    rows: Sequence[EncoderRow],
    encoder: Encoder,
    pairs: NDArray[np.int64] | None,
) -> MaskedBatch:
    whole = [
        EncoderRow(
            np.concatenate([rows[i].ids for i in group]),
            np.concatenate([rows[i].types for i in group]),
        )
        for group in groups
    ]
    batch = encoder.collate(whole)
    segments = positions = None
    if any(len(group) > 1 for group in groups):
        sizes = [[len(rows[i].ids) for i in group] for group in groups]
        segments = pad([np.repeat(np.arange(1, len(s) + 1), s) for s in sizes])
        positions = pad([np.concatenate([np.arange(n) for n in s]) for s in sizes])
    labels = None
    if pairs is not None:
        labels = torch.from_numpy(pairs[np.concatenate(groups)])
    return MaskedBatch(*batch, segments, positions, labels)


class RedrawnBatches(Batches):
    """Batches of rows that are drawn anew for each epoch.

    Parameters
    ----------
    draw : callable
        Takes the number of an epoch and gives its batches, the same whenever it is asked.
    """

    def __init__(self, draw: Callable[[int], Batches]) -> None:
        self._draw = draw
        self._drawn: tuple[int, Batches] | None = None

    def _of(self, epoch: int) -> Batches:
        if self._drawn is None or self._drawn[0] != epoch:
            self._drawn = epoch, self._draw(epoch)
        return self._drawn[1]

    def plan(self, epoch: int) -> list[tuple[int, np.ndarray]]:
        return [(epoch, spec) for spec in self._of(epoch).plan(epoch)]

    def read(self, spec: tuple[int, np.ndarray], share: Share) -> MaskedBatch | None:
        return self._of(spec[0]).read(spec[1], share)

    def size(self, spec: tuple[int, np.ndarray]) -> int:
        return self._of(spec[0]).size(spec[1])


class LimitedBatches(Batches):
    """So many batches, in as many epochs as it takes, as many in each.

    Parameters
    ----------
    batches : Batches
    n_steps : int
        Of all epochs together.

    Attributes
    ----------
    n_epochs : int

    Examples
    --------
    >>> inner = LengthBatches([1] * 6, lambda rows: rows, max_rows=2)
    >>> limited = LimitedBatches(inner, 5)
    >>> limited.n_epochs, [len(limited.plan(epoch)) for epoch in range(2)]
    (2, [3, 2])
    """

    def __init__(self, batches: Batches, n_steps: int) -> None:
        self._batches = batches
        self._n_steps = n_steps
        self.n_epochs = -(-n_steps // max(1, len(batches.plan(0))))

    def plan(self, epoch: int) -> list:
        share, left = divmod(self._n_steps, self.n_epochs)
        return self._batches.plan(epoch)[: share + (epoch < left)]

    def read(self, spec: object, share: Share) -> object:
        return self._batches.read(spec, share)

    def size(self, spec: object) -> int:
        return self._batches.size(spec)
