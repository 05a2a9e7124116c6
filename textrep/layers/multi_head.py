"""Multi-head attention, and the one interface of all ways in which queries look at keys."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textrep.embeddings.parameters import check_count
from textrep.layers.dropout import check_dropout
from textrep.layers.key_value_cache import LayerCache
from textrep.layers.masks import AttentionMask, Mask, as_attention_mask
from textrep.layers.positions import RotaryPositions, alibi_slopes


class Mechanism(nn.Module, ABC):
    """How queries look at keys.

    Attributes
    ----------
    causal_too : bool
        Whether ``causal=True`` is possible.
    """

    causal_too: bool = True

    @abstractmethod
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
        """What each query gathers.

        Parameters
        ----------
        queries : Tensor, shape (B, H, Q, d)
        keys, values : Tensor, shape (B, H, K, d)
        mask : PaddingMask or AttentionMask, optional
            Which keys may be attended; all where absent.
        causal : bool, default=False
            Whether each query sees its own position and earlier ones only; the queries are the last
            Q of the K positions.
        dropout : float, default=0.0
            Share of the weights that are left out.

        Returns
        -------
        Tensor, shape (B, H, Q, d)
            Zeros where a query may attend no key.
        """


def in_fast_precision(
    attend: Callable[..., Tensor], queries: Tensor, keys: Tensor, values: Tensor, *others: Any
) -> Tensor:
    """What a function gives for queries, keys and values, in float32 where bf16 is slow.

    The gradients of torch's own attention take five times as long in bf16 on a CPU.

    Parameters
    ----------
    attend : callable
        Takes queries, keys, values and the others.
    queries, keys, values : Tensor
    *others
        Passed on as they are.

    Returns
    -------
    Tensor
        Of the type of the queries.
    """
    if queries.dtype != torch.bfloat16 or queries.device.type != "cpu":
        return attend(queries, keys, values, *others)
    with torch.autocast("cpu", enabled=False):
        found = attend(queries.float(), keys.float(), values.float(), *others)
    return found.to(queries.dtype)


class FullAttention(Mechanism):
    r"""Each query looks at all keys: :math:`\mathrm{softmax}(QK^T / \sqrt d) V`.

    Examples
    --------
    >>> x = torch.ones(1, 1, 3, 2)
    >>> FullAttention()(x, x, x, causal=True).shape
    torch.Size([1, 1, 3, 2])
    """

    def forward(
        self,
        queries: Tensor,
        keys: Tensor,
        values: Tensor,
        *,
        mask: Mask | None = None,
        causal: bool = False,
        dropout: float = 0.0,
        bias: Tensor | None = None,
    ) -> Tensor:
        """As for `Mechanism`; `bias`, (H, Q, K) or (B, H, Q, K), is added to the scores."""
        return in_fast_precision(self._attend, queries, keys, values, mask, causal, dropout, bias)

    def _attend(
        self,
        queries: Tensor,
        keys: Tensor,
        values: Tensor,
        mask: Mask | None,
        causal: bool,
        dropout: float,
        bias: Tensor | None,
    ) -> Tensor:
        n_queries, n_keys = queries.shape[2], keys.shape[2]
        # torch aligns its own causal mask at the first query and key.
        plain = mask is None and bias is None and (not causal or n_queries == n_keys)
        if plain:
            # Of a single position everything is causal, and no mask is the faster one.
            return F.scaled_dot_product_attention(
                queries, keys, values, dropout_p=dropout, is_causal=causal and n_keys > 1
            )
        if causal:
            triangle = AttentionMask.causal(n_queries, n_keys, device=queries.device)
            mask = triangle if mask is None else triangle & mask
        added = None if bias is None else bias.to(queries.dtype)
        if mask is None:
            return F.scaled_dot_product_attention(
                queries, keys, values, attn_mask=added, dropout_p=dropout
            )
        keep = as_attention_mask(mask, queries).for_heads()  # (B or 1, 1, Q or 1, K)
        if added is None:
            added = AttentionMask(keep[:, 0]).additive(queries.dtype)[:, None]
        else:
            added = added.masked_fill(~keep, torch.finfo(queries.dtype).min)
        found = F.scaled_dot_product_attention(
            queries, keys, values, attn_mask=added, dropout_p=dropout
        )
        # All masked keys have one score; their mean would tell of padding.
        return found.masked_fill(~keep.any(dim=-1, keepdim=True), 0.0)


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each in a part of the features.

    Parameters
    ----------
    size : int
        Features D.
    n_heads : int
        H; D must be a multiple of it.
    dropout : float, default=0.0
        Share of the attention weights that are left out in training.
    bias : bool, default=True
        Of the linear layers.
    mechanism : Mechanism, optional
        `FullAttention` where absent.
    rotary : RotaryPositions, optional
        Turns queries and keys.
    alibi : bool, default=False
        Whether scores fall with the distance.
    cross : bool, default=False
        Whether keys and values are made of a memory, not of what the queries are made of.

    Raises
    ------
    ValueError
        If the sizes do not fit, or ALiBi is asked of a mechanism without scores.

    References
    ----------
    A. Vaswani et al.: Attention is all you need, NeurIPS 2017, section 3.2.

    Examples
    --------
    >>> attention = MultiHeadAttention(8, 2)
    >>> attention(torch.zeros(1, 5, 8), causal=True)[0].shape
    torch.Size([1, 5, 8])
    """

    slopes: Tensor | None

    def __init__(
        self,
        size: int,
        n_heads: int,
        *,
        dropout: float = 0.0,
        bias: bool = True,
        mechanism: Mechanism | None = None,
        rotary: RotaryPositions | None = None,
        alibi: bool = False,
        cross: bool = False,
    ) -> None:
        super().__init__()
        check_count("size", size, 1)
        check_count("n_heads", n_heads, 1)
        if size % n_heads:
            raise ValueError(f"size must be a multiple of n_heads={n_heads}, got {size}")
        check_dropout("dropout", dropout)
        self.n_heads = n_heads
        self.dropout = dropout
        self.mechanism = FullAttention() if mechanism is None else mechanism
        if alibi and not isinstance(self.mechanism, FullAttention):
            raise ValueError(
                f"ALiBi is added to scores, which {type(self.mechanism).__name__} has none of; "
                "choose other positions or full attention"
            )
        self.rotary = rotary
        self.cross = cross
        if cross:
            self.query = nn.Linear(size, size, bias=bias)
            self.key_value = nn.Linear(size, 2 * size, bias=bias)
        else:
            self.qkv = nn.Linear(size, 3 * size, bias=bias)
        self.out = nn.Linear(size, size, bias=bias)
        slopes = alibi_slopes(n_heads) if alibi else None
        self.register_buffer("slopes", slopes, persistent=False)

    def forward(
        self,
        x: Tensor,
        *,
        memory: Tensor | None = None,
        mask: Mask | None = None,
        causal: bool = False,
        cache: LayerCache | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Look around.

        Parameters
        ----------
        x : Tensor, shape (B, Q, D)
        memory : Tensor, shape (B, K, D), optional
            What keys and values are made of where ``cross``; not needed once a cache has them.
        mask : PaddingMask or AttentionMask, optional
            Of the keys. With a cache of its own positions, those of the cache take its place.
        causal : bool, default=False
        cache : LayerCache, optional
            What was read before, and takes in what is read now.
        need_weights : bool, default=False

        Returns
        -------
        out : Tensor, shape (B, Q, D)
        weights : Tensor, shape (B, H, Q, K), or None
            Where they are needed.
        """
        queries, keys, values, positions = self._heads(x, memory, cache)
        if cache is not None and not self.cross:
            mask, causal = cache.owner.visible(x.shape[1])
        bias = None if self.slopes is None else self._bias(positions, x.shape[1], keys.shape[2])
        dropout = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            weights = self._weights(queries, keys, mask, causal, bias)
        if bias is None:
            found = self.mechanism(queries, keys, values, mask=mask, causal=causal, dropout=dropout)
        else:
            found = self.mechanism(
                queries, keys, values, mask=mask, causal=causal, dropout=dropout, bias=bias
            )
        return self.out(found.transpose(1, 2).flatten(2)), weights

    def _heads(
        self, x: Tensor, memory: Tensor | None, cache: LayerCache | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Queries, keys and values of all heads, and the positions of the queries, if known."""
        if self.cross:
            queries = self._split(self.query(x), 1)[0]
            if cache is not None and cache.memory is not None:
                return queries, *cache.memory, None
            if memory is None:
                raise ValueError("memory is missing, which keys and values are made of")
            keys, values = self._split(self.key_value(memory), 2)
            if cache is not None:
                cache.memory = keys, values
            return queries, keys, values, None
        queries, keys, values = self._split(self.qkv(x), 3)
        positions = None if cache is None else cache.owner.positions(x.shape[1])
        if self.rotary is not None:
            where = torch.arange(x.shape[1], device=x.device) if positions is None else positions
            queries, keys = self.rotary.rotate(queries, where), self.rotary.rotate(keys, where)
        if cache is not None:
            keys, values = cache.extend(keys, values)
        return queries, keys, values, positions

    def _split(self, x: Tensor, n: int) -> tuple[Tensor, ...]:
        """Features (B, T, n D) as n tensors (B, H, T, d)."""
        # Parts of the last axis: their gradients come together in one copy.
        parts = x.split(x.shape[-1] // n, dim=-1)
        return tuple(part.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for part in parts)

    def _bias(self, positions: Tensor | None, n_queries: int, n_keys: int) -> Tensor:
        """What falls with the distance, (H, Q, K) or (B, H, Q, K)."""
        assert self.slopes is not None
        keys = torch.arange(n_keys, device=self.slopes.device)
        if positions is None:
            positions = keys[n_keys - n_queries :]
        distances = (positions[..., None] - keys).abs().float()  # (Q, K) or (B, Q, K)
        if distances.ndim == 3:
            distances = distances[:, None]
        return -self.slopes[:, None, None] * distances

    def _weights(
        self,
        queries: Tensor,
        keys: Tensor,
        mask: Mask | None,
        causal: bool,
        bias: Tensor | None,
    ) -> Tensor:
        """The weights of full attention, which `scaled_dot_product_attention` does not give."""
        if not isinstance(self.mechanism, FullAttention):
            raise ValueError(f"{type(self.mechanism).__name__} has no table of weights")
        scores = queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])
        if bias is not None:
            scores = scores + bias
        if causal:
            triangle = AttentionMask.causal(*scores.shape[-2:], device=scores.device)
            mask = triangle if mask is None else triangle & mask
        keep = as_attention_mask(mask, scores[:, 0]).keep
        keep = keep.expand(len(scores), *keep.shape[1:]).repeat_interleave(self.n_heads, dim=0)
        return AttentionMask(keep).softmax(scores.float().flatten(0, 1)).view(scores.shape)
