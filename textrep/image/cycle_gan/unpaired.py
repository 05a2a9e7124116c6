"""Batches of pictures of two kinds, of which none belongs to any other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.embeddings.parameters import check_count
from textrep.engine.batches import Batches, Share
from textrep.image.pixels import Pixels


class _Rows(NamedTuple):
    """Of either kind, and which of them are mirrored."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    mirrored_a: NDArray[np.bool_]
    mirrored_b: NDArray[np.bool_]


class UnpairedBatches(Batches):
    """As many pictures of one kind as of the other, each in an order of its own.

    An epoch shows each picture of the larger set once; the smaller set comes round again.

    Parameters
    ----------
    a, b : float32 ndarray (n, channels, height, width)
    batch_size : int
        Of either kind.
    seed : int, default=0
    flip : bool, default=False
        Mirror half of the pictures, others in each epoch.

    Examples
    --------
    >>> a, b = np.zeros((3, 1, 8, 8), np.float32), np.ones((5, 1, 8, 8), np.float32)
    >>> batches = UnpairedBatches(a, b, 2)
    >>> [len(batches.read(rows, Share())[0]) for rows in batches.plan(0)]
    [2, 2, 1]
    """

    def __init__(
        self, a: Pixels, b: Pixels, batch_size: int, seed: int = 0, flip: bool = False
    ) -> None:
        check_count("batch_size", batch_size, 1)
        self._a, self._b = a, b
        self._batch_size = batch_size
        self._seed = seed
        self._flip = flip

    def plan(self, epoch: int) -> list[_Rows]:
        rng = np.random.default_rng((self._seed, epoch))
        n = max(len(self._a), len(self._b))
        orders = [_rounds(rng, len(pictures), n) for pictures in (self._a, self._b)]
        mirrored = rng.random((2, n)) < (0.5 if self._flip else 0.0)
        parts = [slice(i, i + self._batch_size) for i in range(0, n, self._batch_size)]
        return [
            _Rows(orders[0][part], orders[1][part], mirrored[0][part], mirrored[1][part])
            for part in parts
        ]

    def read(self, spec: _Rows, share: Share) -> tuple[torch.Tensor, torch.Tensor] | None:
        rows = _Rows(*(share.of(part) for part in spec))
        if not len(rows.a):
            return None
        return _taken(self._a, rows.a, rows.mirrored_a), _taken(self._b, rows.b, rows.mirrored_b)

    def size(self, spec: _Rows) -> int:
        return len(spec.a)


def _rounds(rng: np.random.Generator, n_rows: int, n: int) -> NDArray[np.int64]:
    """All rows in random order, again and again, `n` in all."""
    return np.concatenate([rng.permutation(n_rows) for _ in range(-(-n // n_rows))])[:n]


def _taken(pictures: Pixels, rows: NDArray[np.int64], mirrored: NDArray[np.bool_]) -> torch.Tensor:
    taken = pictures[rows]
    taken[mirrored] = taken[mirrored][..., ::-1]
    return torch.from_numpy(taken)
