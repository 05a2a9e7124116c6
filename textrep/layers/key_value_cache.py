"""Keys and values of what was read, so that a further token costs one step and not all again."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from textrep.layers.masks import AttentionMask


class KeyValueCache:
    """What each layer of a Transformer remembers of the rows that it reads.

    Rows may be of unequal length: each has its own, padding is on the right, and what comes next is
    written over it. Nothing looks at padding, so that a row of a batch gets what it gets alone.

    Parameters
    ----------
    n_layers : int
    n_rows : int
    capacity : int
        Positions to make room for at once; more are made room for as they come.
    device : torch.device or str, optional

    Attributes
    ----------
    lengths : int64 Tensor (n_rows,)
        Positions of each row that were read.
    layers : list of LayerCache
    """

    def __init__(
        self,
        n_layers: int,
        n_rows: int,
        capacity: int,
        *,
        device: torch.device | str | None = None,
    ) -> None:
        self.lengths = torch.zeros(n_rows, dtype=torch.int64, device=device)
        self.longest = 0
        self.even = True  # whether all rows are of one length, so that no mask is needed
        self.capacity = capacity
        self.layers = [LayerCache(self) for _ in range(n_layers)]

    def positions(self, n_new: int) -> Tensor:
        """Positions of the next tokens of each row, int64 (B, n_new)."""
        return self.lengths[:, None] + torch.arange(n_new, device=self.lengths.device)

    def visible(self, n_new: int) -> tuple[AttentionMask | None, bool]:
        """What the next tokens may look at: a mask, and whether it is the plain causal one."""
        if not self.longest:
            return None, True  # padding on the right comes after all that looks
        if self.even and n_new == 1:
            return None, False
        keys = torch.arange(self.longest + n_new, device=self.lengths.device)
        return AttentionMask(keys <= self.positions(n_new)[..., None]), False

    def advance(self, n_new: int, lengths: Tensor | None = None) -> None:
        """Count what all layers have taken in.

        Parameters
        ----------
        n_new : int
            Positions that were read, padding included.
        lengths : int64 Tensor (n_rows,), optional
            How many of them are real, in each row; all where absent.
        """
        if lengths is None:
            self.lengths = self.lengths + n_new
            self.longest += n_new
            return
        self.lengths = self.lengths + lengths.to(self.lengths)
        self.longest = int(self.lengths.max()) if len(lengths) else 0
        self.even = bool((self.lengths == self.longest).all())

    def select(self, rows: Tensor) -> Self:
        """The cache of some rows, int64 (n,), in that order; a row may be repeated."""
        chosen = object.__new__(type(self))
        chosen.lengths = self.lengths[rows]
        chosen.even = self.even
        chosen.longest = self.longest
        if not self.even:
            chosen.longest = int(chosen.lengths.max()) if len(rows) else 0
            chosen.even = bool((chosen.lengths == chosen.longest).all())
        chosen.capacity = self.capacity
        chosen.layers = [layer.select(rows, chosen) for layer in self.layers]
        return chosen


class LayerCache:
    """What one layer remembers.

    Attributes
    ----------
    keys, values : Tensor (B, H, capacity, d) or None
        Of its own positions.
    memory : pair of Tensors (B, H, K, d), or None
        Keys and values of a source that a decoder looks at, made once.
    """

    def __init__(self, owner: KeyValueCache) -> None:
        self.owner = owner
        self.keys: Tensor | None = None
        self.values: Tensor | None = None
        self.memory: tuple[Tensor, Tensor] | None = None

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Remember keys and values (B, H, T, d) of the next T positions of each row.

        Returns
        -------
        tuple of Tensor (B, H, K, d)
            All there are, K being the longest row with the new ones; of shorter rows, the rest is
            padding.
        """
        owner = self.owner
        n_new = keys.shape[2]
        needed = owner.longest + n_new
        self.keys = _with_room(self.keys, keys, needed, owner.capacity)
        self.values = _with_room(self.values, values, needed, owner.capacity)
        if owner.even:
            self.keys[:, :, owner.longest : needed] = keys
            self.values[:, :, owner.longest : needed] = values
        else:
            rows = torch.arange(len(keys), device=keys.device)[:, None]
            places = owner.positions(n_new)
            self.keys[rows, :, places] = keys.transpose(1, 2)
            self.values[rows, :, places] = values.transpose(1, 2)
        return self.keys[:, :, :needed], self.values[:, :, :needed]

    def select(self, rows: Tensor, owner: KeyValueCache) -> LayerCache:
        """That of some rows, belonging to another cache."""
        chosen = LayerCache(owner)
        if self.keys is not None and self.values is not None:
            chosen.keys, chosen.values = self.keys[rows], self.values[rows]
        if self.memory is not None:
            chosen.memory = self.memory[0][rows], self.memory[1][rows]
        return chosen


def _with_room(held: Tensor | None, new: Tensor, needed: int, capacity: int) -> Tensor:
    """A table for so many positions at least, with what is held in it."""
    if held is not None and held.shape[2] >= needed:
        return held
    n_rows, n_heads, _, size = new.shape
    room = max(needed, capacity if held is None else 2 * held.shape[2])
    table = new.new_zeros(n_rows, n_heads, room, size)
    if held is not None:
        table[:, :, : held.shape[2]] = held
    return table
