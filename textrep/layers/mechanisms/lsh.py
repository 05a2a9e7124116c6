"""Reformer: each query sees the keys that random rotations put into its neighbourhood."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from textrep.embeddings.parameters import check_count
from textrep.layers.masks import Mask
from textrep.layers.mechanisms.blocks import (
    blocks_at_once,
    check_self,
    in_blocks,
    key_mask,
    with_neighbours,
)
from textrep.layers.multi_head import Mechanism

_SELF_PENALTY = -1e5  # Reformer: a token sees itself only where it sees nothing else


class LSHAttention(Mechanism):
    """Attention to the keys of like direction, found by locality-sensitive hashing.

    Tokens are sorted by the bucket that a random rotation puts them into, and by position within a
    bucket; a chunk of the sorted tokens sees itself and the chunk before it. Several rotations give
    several such neighbourhoods, and attention is the softmax over their union: a key that is in
    two of them counts once (Reformer, equations 4 to 6), by the logarithm of how often it is seen.

    Parameters
    ----------
    head_size : int
        d, features of a head.
    n_hashes : int, default=2
        Rotations.
    n_buckets : int, default=64
        Buckets of a rotation, an even number.
    chunk_size : int, default=64
        Sorted tokens of a chunk.
    shared : bool, default=True
        Whether the queries, scaled to unit length, are the keys, as in Reformer: then tokens that
        suit each other are in one bucket, and a token sees itself only where it sees no other. The
        keys that are given are not used. Otherwise tokens are sorted by the direction of query plus
        key, which promises less.
    redraw : int, optional
        After how many batches in training other rotations are drawn; never where absent.

    Notes
    -----
    Unlike Reformer's, the first chunk does not see the last one: its neighbour would depend on the
    padding. With ``causal=True`` no later key is seen, but which earlier ones are seen depends on
    how many later tokens are sorted among them, as in Reformer. A text of at most `chunk_size`
    tokens is seen as a whole. Rotations are drawn from torch's generator, as first weights are.

    References
    ----------
    N. Kitaev et al.: Reformer, ICLR 2020, section 2.

    Examples
    --------
    >>> x = torch.ones(1, 2, 100, 4)
    >>> LSHAttention(4, chunk_size=16)(x, x, x).shape
    torch.Size([1, 2, 100, 4])
    """

    rotations: Tensor
    age: Tensor

    def __init__(
        self,
        head_size: int,
        *,
        n_hashes: int = 2,
        n_buckets: int = 64,
        chunk_size: int = 64,
        shared: bool = True,
        redraw: int | None = None,
    ) -> None:
        super().__init__()
        check_count("head_size", head_size, 1)
        check_count("n_hashes", n_hashes, 1)
        check_count("n_buckets", n_buckets, 2)
        check_count("chunk_size", chunk_size, 1)
        if n_buckets % 2:
            raise ValueError(f"n_buckets must be even, got {n_buckets}")
        if redraw is not None:
            check_count("redraw", redraw, 1)
        self.n_buckets = n_buckets
        self.chunk_size = chunk_size
        self.shared = shared
        self.redraw = redraw
        self.register_buffer("rotations", torch.randn(n_hashes, head_size, n_buckets // 2))
        self.register_buffer("age", torch.zeros((), dtype=torch.int64))

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
        check_self(queries, keys, "LSHAttention")
        keep = key_mask(mask, "LSHAttention")
        if self.training and self.redraw is not None:
            self._grow_old()
        if self.shared:
            keys = F.normalize(queries.float(), dim=-1) * math.sqrt(queries.shape[-1])
            keys = keys.to(queries.dtype)
        length = queries.shape[2]
        order = _Order(self.buckets(queries, keys, keep), self.chunk_size)
        near = _near(order, queries, keys, values, keep)
        n_chunks, size, width = *near.queries.shape[2:4], near.keys.shape[3]
        of_chunk = near.queries.shape[0] * near.queries.shape[1] * size * width
        step = blocks_at_once(of_chunk, n_chunks, queries.device)
        pieces = zip(*(x.split(step, 2) for x in near), strict=True)
        found, total = zip(
            *(self._look(_Near(*piece), causal, dropout) for piece in pieces), strict=True
        )
        return order.combine(torch.cat(found, 2), torch.cat(total, 2))[:, :, :length].to(
            values.dtype
        )

    def buckets(self, queries: Tensor, keys: Tensor, keep: Tensor | None) -> Tensor:
        """The bucket of each token in each rotation, int64 (B, H, R, T), T a multiple of a chunk.

        Padding is in a bucket of its own, behind all others.
        """
        with torch.no_grad(), torch.autocast(device_type=queries.device.type, enabled=False):
            x = queries.detach().float()
            if not self.shared:
                x = F.normalize(x, dim=-1) + F.normalize(keys.detach().float(), dim=-1)
            turned = x[:, :, None] @ self.rotations.float()  # (B, H, R, T, n_buckets / 2)
            # The least of them is the greatest of the other halves of the rotation.
            most, where_most = turned.max(-1)
            least, where_least = turned.min(-1)
            buckets = torch.where(most >= -least, where_most, where_least + self.n_buckets // 2)
            if keep is not None:
                buckets = buckets.masked_fill(~keep[:, None, None], self.n_buckets)
            missing = -buckets.shape[-1] % self.chunk_size
            return F.pad(buckets, (0, missing), value=self.n_buckets)

    def _look(self, near: _Near, causal: bool, dropout: float) -> tuple[Tensor, Tensor]:
        """What sorted queries gather (B, H R, N, c, d), and the logarithm of their sums."""
        scores = torch.matmul(near.queries, near.keys.transpose(-1, -2)).float()
        seen = near.real
        if causal:
            seen = seen & (near.key_position <= near.position)
        if self.shared:
            scores = scores.masked_fill(near.key_position == near.position, _SELF_PENALTY)
        if len(self.rotations) > 1:
            scores = scores - near.repeats().log()
        scores = scores.masked_fill(~seen, torch.finfo(torch.float32).min)
        total = torch.logsumexp(scores, -1, keepdim=True)
        weights = torch.exp(scores - total)
        if dropout:
            weights = F.dropout(weights, dropout)
        return torch.matmul(weights.to(near.values.dtype), near.values), total

    def _grow_old(self) -> None:
        """Count a batch, and draw other rotations once there were enough."""
        self.age += 1
        if int(self.age) > int(self.redraw or 0):
            self.rotations.copy_(torch.randn(self.rotations.shape))
            self.age.fill_(1)


class _Near(NamedTuple):
    """Sorted chunks of c queries, and the m keys that each chunk sees."""

    queries: Tensor  # (B, H R, N, c, d), scaled
    keys: Tensor  # (B, H R, N, m, d)
    values: Tensor  # (B, H R, N, m, d)
    position: Tensor  # (B, H R, N, c, 1)
    key_position: Tensor  # (B, H R, N, 1, m)
    real: Tensor  # bool (B, H R, N, 1, m)
    chunk: Tensor  # (B, H R, N, c, R), in each rotation
    key_chunk: Tensor  # (B, H R, N, m, R)

    def repeats(self) -> Tensor:
        """In how many rotations each pair is seen, float32 (B, H R, N, c, m)."""
        count = torch.zeros((), device=self.chunk.device)
        for own, others in zip(self.chunk.unbind(-1), self.key_chunk.unbind(-1), strict=True):
            behind = own[..., None] - others[..., None, :]
            count = count + ((behind == 0) | (behind == 1))
        return count.clamp(min=1)  # what lies before the first chunk is in none


def _near(
    order: _Order, queries: Tensor, keys: Tensor, values: Tensor, keep: Tensor | None
) -> _Near:
    """Bring the tokens into order, each chunk beside the one before it."""
    position = order.chunks(order.position)
    # Before the first chunk are zeros, which become -1.
    key_position = (order.neighbours(position + 1) - 1)[..., 0][..., None, :]
    if keep is None:
        real = (key_position >= 0) & (key_position < queries.shape[2])
    else:
        real = order.neighbours(order.sort_flags(keep))[..., 0][..., None, :]
    chunk = order.chunk_numbers()
    return _Near(
        order.sort(queries) / math.sqrt(queries.shape[-1]),
        order.neighbours(order.sort(keys)),
        order.neighbours(order.sort(values)),
        position,
        key_position,
        real,
        chunk,
        order.neighbours(chunk),
    )


class _Order:
    """Tokens sorted by bucket, once for each rotation, and in chunks."""

    def __init__(self, buckets: Tensor, chunk_size: int) -> None:
        self.shape = buckets.shape  # (B, H, R, T)
        self.chunk_size = chunk_size
        self.position = torch.argsort(buckets, dim=-1, stable=True)  # of each sorted token
        place = torch.arange(self.shape[-1], device=buckets.device).expand(self.shape)
        self.place = torch.empty_like(self.position).scatter_(-1, self.position, place)

    def chunks(self, x: Tensor) -> Tensor:
        """Sorted tokens (B, H, R, T) or (B, H, R, T, d) as (B, H R, N, c, 1 or d)."""
        x = x[..., None] if x.ndim == 4 else x
        return x.flatten(1, 2).unflatten(2, (-1, self.chunk_size))

    def neighbours(self, chunks: Tensor) -> Tensor:
        """Each chunk and the one before it, (B, H R, N, m, d)."""
        return with_neighbours(chunks, min(1, chunks.shape[2] - 1), 0)

    def sort(self, x: Tensor) -> Tensor:
        """Tokens (B, H, n, d) as sorted chunks (B, H R, N, c, d)."""
        n_rows, n_heads, n_rounds, length = self.shape
        padded = in_blocks(x, self.chunk_size).reshape(-1, x.shape[-1])  # (B H T, d)
        head = torch.arange(n_rows * n_heads, device=x.device).view(n_rows, n_heads, 1, 1)
        taken = head * length + self.position
        rounds = torch.arange(n_rounds, device=x.device)[:, None]
        back = (head * n_rounds + rounds) * length + self.place  # (B, H, R, T)
        rows = _Take.apply(padded, taken.flatten(), back.transpose(2, 3).reshape(-1, n_rounds))
        return self.chunks(rows.view(*self.shape, -1))

    def sort_flags(self, keep: Tensor) -> Tensor:
        """Which sorted tokens are real, of flags (B or 1, n): bool (B, H R, N, c, 1)."""
        padded = F.pad(keep, (0, self.shape[-1] - keep.shape[1]))
        flags = padded[:, None, None].expand(self.shape)
        return self.chunks(flags.gather(-1, self.position))

    def chunk_numbers(self) -> Tensor:
        """The chunk of each sorted token in each of the R rotations, int32 (B, H R, N, c, R)."""
        numbers = (self.place // self.chunk_size).int().unbind(2)  # R times (B, H, T)
        taken = [n[:, :, None].expand(self.shape).gather(-1, self.position) for n in numbers]
        return self.chunks(torch.stack(taken, -1))

    def combine(self, found: Tensor, total: Tensor) -> Tensor:
        """What the rotations found (B, H R, N, c, d), weighted by their sums: (B, H, T, d)."""
        n_rows, n_heads, n_rounds, length = self.shape
        head = torch.arange(n_rows * n_heads * n_rounds, device=found.device)
        offset = (head * length).view(n_rows, n_heads, n_rounds, 1)
        index, back = (offset + self.place).flatten(), (offset + self.position).view(-1, 1)

        def unsort(x: Tensor) -> Tensor:
            return _Take.apply(x.reshape(-1, x.shape[-1]), index, back).view(*self.shape, -1)

        total = unsort(total)
        nothing = total <= torch.finfo(torch.float32).min / 2
        share = torch.softmax(total, 2).masked_fill(nothing, 0.0)
        return (share * unsort(found)).sum(2)


class _Take(torch.autograd.Function):
    """Rows by number, with a gradient that takes rows too.

    ``back`` names, for each row, all the places to which it was taken: torch's own gradient of
    indexing adds row by row, many times as slow on a CPU.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor, back: Tensor) -> Tensor:
        ctx.save_for_backward(back)
        return rows.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (back,) = ctx.saved_tensors
        taken = gradient.index_select(0, back.flatten())
        return taken.view(*back.shape, -1).sum(1), None, None
