"""Attention to a window, to the first tokens and to some blocks by chance."""

from __future__ import annotations

import torch
from torch import Tensor

from textrep.embeddings.parameters import check_count
from textrep.layers.masks import Mask
from textrep.layers.mechanisms.blocks import (
    Part,
    attend,
    check_self,
    in_blocks,
    key_mask,
    with_neighbours,
)
from textrep.layers.mechanisms.random_blocks import random_blocks
from textrep.layers.multi_head import Mechanism

_LEAST_BLOCK = 32  # of a narrower window, blocks of its width would be many small products


class BlockSparseAttention(Mechanism):
    """Each query sees its surroundings, some global tokens, and some blocks by chance.

    Longformer's pattern is a window and global tokens, BigBird's all three. A global token sees
    all positions, and all see it (both by the same projections; Longformer's own has further ones
    for global tokens).

    Parameters
    ----------
    block_size : int, default=64
        Positions of a block.
    window : int, optional
        Positions to either side that are seen. Where absent, those of the own block, of the one
        before and of the one after.
    n_random : int, default=0
        Further blocks that are seen.
    n_global : int, default=0
        Tokens at the beginning of the text that are global.
    random_state : int, default=0
        Which blocks are random. They depend on this and on the length of the text only.

    Notes
    -----
    With ``causal=True`` all of that ends at the query: no block after it, and a global token sees
    only what precedes it. The product of a window of w positions has 3 blocks of at least w, and
    does 1.5 times what is needed.

    References
    ----------
    I. Beltagy et al.: Longformer, 2020, section 3. M. Zaheer et al.: Big Bird, NeurIPS 2020,
    section 2.

    Examples
    --------
    >>> x = torch.ones(1, 2, 100, 4)
    >>> BlockSparseAttention(block_size=16, n_random=2, n_global=1)(x, x, x).shape
    torch.Size([1, 2, 100, 4])
    """

    def __init__(
        self,
        *,
        block_size: int = 64,
        window: int | None = None,
        n_random: int = 0,
        n_global: int = 0,
        random_state: int = 0,
    ) -> None:
        super().__init__()
        check_count("block_size", block_size, 1)
        if window is not None:
            check_count("window", window, 0)
        check_count("n_random", n_random, 0)
        check_count("n_global", n_global, 0)
        check_count("random_state", random_state, 0)
        self.block_size = block_size
        self.window = window
        self.n_random = n_random
        self.n_global = n_global
        self.random_state = random_state

    def forward(
        self,
        queries: Tensor,
        keys: Tensor,
        values: Tensor,
        *,
        mask: Mask | None = None,
        causal: bool = False,
        dropout: float = 0.0,
    ) -> Tensor:
        """As for `Mechanism`; queries and keys are at the same positions."""
        name = type(self).__name__
        check_self(queries, keys, name)
        length = queries.shape[2]
        keep = key_mask(mask, name)
        if keep is None:
            keep = torch.ones(1, length, dtype=torch.bool, device=keys.device)
        blocks = _Blocks(queries, keys, values, keep, self._block(length))
        parts = [self._surroundings(blocks, causal)]
        if self.n_random:
            parts.append(self._random(blocks, causal))
        if self.n_global:
            parts.append(self._global(blocks, causal))
        found = attend(blocks.queries, parts, dropout).flatten(2, 3)[:, :, :length]
        if not self.n_global:
            return found
        return torch.cat(
            [self._everywhere(blocks, causal, dropout), found[:, :, self.n_global :]], 2
        )

    def _block(self, length: int) -> int:
        return self.block_size

    def _surroundings(self, blocks: _Blocks, causal: bool) -> Part:
        """Keys of a block and of those beside it."""
        size = blocks.size
        reach = min(self._reach(size), blocks.n_blocks - 1)
        after = 0 if causal else reach
        offset = torch.arange(-reach * size, (1 + after) * size, device=blocks.keep.device)
        distance = offset - torch.arange(size, device=blocks.keep.device)[:, None]  # (b, m)
        seen = distance <= 0 if causal else torch.ones_like(distance, dtype=torch.bool)
        if self.window is not None:
            seen = seen & (distance.abs() <= self.window)
        ordinary = blocks.ordinary(self.n_global)
        keep = with_neighbours(ordinary, reach, after)[..., 0][..., None, :]  # (B, 1, N, 1, m)
        return (
            with_neighbours(blocks.keys, reach, after),
            with_neighbours(blocks.values, reach, after),
            keep & seen,
        )

    def _reach(self, size: int) -> int:
        """Blocks to either side that the window touches."""
        return 1 if self.window is None else -(-self.window // size)

    def _random(self, blocks: _Blocks, causal: bool) -> Part:
        """Keys of some other blocks."""
        chosen, valid = random_blocks(
            blocks.n_blocks,
            self.n_random,
            first=self.n_global // blocks.size,
            reach=self._reach(blocks.size),
            causal=causal,
            real=blocks.real(),
            random_state=self.random_state,
        )
        keep = _choose(blocks.ordinary(self.n_global), chosen)[..., 0]  # (B, 1, N, r b)
        keep = keep & valid.repeat_interleave(blocks.size, dim=-1)[:, None]
        return _choose(blocks.keys, chosen), _choose(blocks.values, chosen), keep[..., None, :]

    def _global(self, blocks: _Blocks, causal: bool) -> Part:
        """The global tokens, as all others see them."""
        n = self.n_global
        keep = blocks.keep[:, None, None, None, :n]  # (B, 1, 1, 1, g)
        if causal:
            positions = torch.arange(blocks.n_blocks * blocks.size, device=keep.device)
            seen = positions[:n] <= positions.view(blocks.n_blocks, blocks.size, 1)
            keep = keep & seen[:, :, : keep.shape[-1]]
        return blocks.all_keys[:, :, None, :n], blocks.all_values[:, :, None, :n], keep

    def _everywhere(self, blocks: _Blocks, causal: bool, dropout: float) -> Tensor:
        """What the global tokens gather: (B, H, g, d)."""
        queries = blocks.all_queries[:, :, : self.n_global]
        n = queries.shape[2] if causal else blocks.all_keys.shape[2]  # those after see nothing more
        keep = blocks.keep[:, None, None, :n]
        if causal:
            keep = keep & torch.ones(n, n, dtype=torch.bool, device=keep.device).tril()
        return attend(
            queries, [(blocks.all_keys[:, :, :n], blocks.all_values[:, :, :n], keep)], dropout
        )


class SlidingWindowAttention(BlockSparseAttention):
    """Each query sees the positions that are at most so far away.

    Parameters
    ----------
    window : int, default=64
        Positions to either side, the own one besides; only those before where causal.

    References
    ----------
    I. Beltagy et al.: Longformer, 2020, section 3.1.

    Examples
    --------
    >>> position = torch.arange(5.0).view(1, 1, 5, 1)
    >>> same = torch.zeros_like(position)  # all keys suit equally: means of the window
    >>> SlidingWindowAttention(1)(same, same, position, causal=True).flatten().tolist()
    [0.0, 0.5, 1.5, 2.5, 3.5]
    """

    def __init__(self, window: int = 64) -> None:
        check_count("window", window, 0)
        super().__init__(block_size=max(window, _LEAST_BLOCK), window=window)

    def _block(self, length: int) -> int:
        # Of a window as wide as the text, one block is all.
        return max(1, min(self.block_size, length))


class _Blocks:
    """Queries, keys and values of one call, whole and in blocks."""

    def __init__(
        self, queries: Tensor, keys: Tensor, values: Tensor, keep: Tensor, size: int
    ) -> None:
        self.all_queries, self.all_keys, self.all_values = queries, keys, values
        self.keep = keep  # (B or 1, K)
        self.size = size
        self.queries, self.keys, self.values = (in_blocks(x, size) for x in (queries, keys, values))
        self.n_blocks = self.keys.shape[2]

    def ordinary(self, n_global: int) -> Tensor:
        """Which keys are neither padding nor global, (B or 1, 1, N, b, 1)."""
        keep = self.keep.clone()
        keep[:, :n_global] = False
        return in_blocks(keep[:, None, :, None], self.size)

    def real(self) -> Tensor:
        """Blocks of each row up to its last real key, (B or 1,)."""
        number = torch.arange(1, self.keep.shape[1] + 1, device=self.keep.device)
        last = (number * self.keep).amax(1)
        return (last + self.size - 1) // self.size


def _choose(blocks: Tensor, chosen: Tensor) -> Tensor:
    """Blocks (B, H, N, b, d) by their numbers (B or 1, N, r), as (B, H, N, r b, d)."""
    n_rows, n_heads, n_blocks = blocks.shape[:3]
    if len(chosen) > n_rows:  # a mask of one row for many
        blocks, n_rows = blocks.expand(len(chosen), *blocks.shape[1:]), len(chosen)
    head = torch.arange(n_rows * n_heads, device=blocks.device).view(n_rows, n_heads, 1, 1)
    flat = (head * n_blocks + chosen[:, None]).flatten()
    return (
        blocks.flatten(0, 2)
        .index_select(0, flat)
        .view(n_rows, n_heads, n_blocks, -1, blocks.shape[-1])
    )
