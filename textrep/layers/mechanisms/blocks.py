"""Positions in blocks, and softmax attention of each block to a few others."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from textrep.layers.masks import Mask, PaddingMask


def key_mask(mask: Mask | None, name: str) -> Tensor | None:
    """Which keys of each row are real, bool (B or 1, K); None where all are.

    A mask that differs between queries is a table of queries by keys, which the mechanism of this
    name exists to avoid: it gets a ValueError.
    """
    if mask is None or isinstance(mask, PaddingMask):
        return None if mask is None else mask.keep
    if mask.keep.shape[1] == 1:
        return mask.keep[:, 0]
    raise ValueError(
        f"{name} takes a PaddingMask, the same keys for any query, and causal=True or False; got "
        f"an AttentionMask {tuple(mask.keep.shape)}, which only full attention takes"
    )


def check_self(queries: Tensor, keys: Tensor, name: str) -> None:
    """Refuse queries that are not at the positions of the keys."""
    if queries.shape[2] != keys.shape[2]:
        raise ValueError(
            f"{name} goes by positions, so that queries and keys must be as many; got "
            f"{queries.shape[2]} queries and {keys.shape[2]} keys. Full attention takes any, as "
            "a cache and a memory of other texts need"
        )


def in_blocks(x: Tensor, size: int) -> Tensor:
    """Positions (B, H, T, d) as (B, H, N, size, d), the last block filled up with zeros."""
    missing = -x.shape[2] % size
    if missing:
        x = F.pad(x, (0, 0, 0, missing))
    return x.unflatten(2, (-1, size))


def with_neighbours(blocks: Tensor, before: int, after: int) -> Tensor:
    """Each block (B, H, N, b, d) and those beside it, (B, H, N, (before + 1 + after) b, d).

    Beyond the ends are zeros.
    """
    if not before and not after:
        return blocks
    n_blocks = blocks.shape[2]
    padded = F.pad(blocks, (0, 0, 0, 0, before, after))
    shifted = [padded[:, :, start : start + n_blocks] for start in range(before + 1 + after)]
    return torch.cat(shifted, dim=3)


_AT_ONCE = 2**20
"""Scores at once on a CPU: 4 MB, of which its cache holds most, and which need no new pages."""


def blocks_at_once(scores_of_block: int, n_blocks: int, device: torch.device) -> int:
    """Blocks to work on at once; all of them on a GPU, which has better use for large products."""
    if device.type != "cpu":
        return max(1, n_blocks)
    return max(1, min(n_blocks, _AT_ONCE // max(1, scores_of_block)))


Part = tuple[Tensor, Tensor, Tensor | None]
"""Keys (..., m, d), values (..., m, d) and which of them each query may see, bool (..., q, m)."""


def attend(queries: Tensor, parts: list[Part], dropout: float = 0.0) -> Tensor:
    """Softmax attention to several parts of the keys at once.

    Parameters
    ----------
    queries : Tensor, shape (..., q, d)
    parts : list of (keys, values, keep)
        Together all keys that the queries look at, none twice.
    dropout : float, default=0.0
        Share of the weights that are left out.

    Returns
    -------
    Tensor, shape (..., q, d)
        0 where a query may see no key.
    """
    if queries.ndim < 5:
        return _attend(queries, parts, dropout)
    n_rows, n_heads, n_blocks, size = queries.shape[:4]
    width = sum(keys.shape[-2] for keys, _, _ in parts)
    step = blocks_at_once(n_rows * n_heads * size * width, n_blocks, queries.device)
    if step >= n_blocks:
        return _attend(queries, parts, dropout)
    # Of `split`, unlike slices, the gradient is one concatenation, not a sum of as many tensors.
    pieces = queries.split(step, 2)

    def cut(x: Tensor) -> Sequence[Tensor]:
        return x.split(step, 2) if x.shape[2] > 1 else [x] * len(pieces)

    rows = [
        zip(cut(k), cut(v), [None] * len(pieces) if keep is None else cut(keep), strict=True)
        for k, v, keep in parts
    ]
    found = [_attend(x, list(own), dropout) for x, *own in zip(pieces, *rows, strict=True)]
    return torch.cat(found, 2)


def _attend(queries: Tensor, parts: list[Part], dropout: float) -> Tensor:
    weights, any_key = _weights(queries, parts)
    if dropout:
        weights = F.dropout(weights, dropout)
    sizes = [keys.shape[-2] for keys, _, _ in parts]
    found = [
        torch.matmul(weight.to(values.dtype), values)
        for weight, (_, values, _) in zip(weights.split(sizes, -1), parts, strict=True)
    ]
    out = found[0] if len(found) == 1 else torch.stack(found).sum(0)
    return out if any_key is None else out.masked_fill(~any_key, 0.0)


def _weights(queries: Tensor, parts: list[Part]) -> tuple[Tensor, Tensor | None]:
    """The softmax in float32, and which queries see any key (..., q, 1); None where all do."""
    scaled = queries / math.sqrt(queries.shape[-1])
    scores = []
    any_key: Tensor | None = None
    for keys, _, keep in parts:
        score = torch.matmul(scaled, keys.transpose(-1, -2)).float()
        if keep is not None:
            score = score.masked_fill(~keep, torch.finfo(torch.float32).min)
            here = keep.any(-1, keepdim=True)
            any_key = here if any_key is None else any_key | here
        scores.append(score)
    together = scores[0] if len(scores) == 1 else torch.cat(scores, -1)
    # Where one key is kept, the weight of the others is exactly 0.
    return torch.softmax(together, -1), any_key
