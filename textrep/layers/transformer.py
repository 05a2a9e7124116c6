"""The Transformer: blocks of attention and feed-forward layers, and stacks of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.layers.dropout import check_dropout, drop
from textrep.layers.feed_forward import ACTIVATIONS, GATED, FeedForward
from textrep.layers.key_value_cache import KeyValueCache, LayerCache
from textrep.layers.masks import AttentionMask, Mask, PaddingMask
from textrep.layers.multi_head import Mechanism, MultiHeadAttention
from textrep.layers.positions import RotaryPositions

NORMS = ("pre", "post")
NORM_KINDS = ("layer", "rms")
_BLOCK_POSITIONS = ("none", "rotary", "alibi")
_FIRST_DEVIATION = 0.02  # GPT-2


@dataclass(frozen=True)
class BlockShape:
    """What the blocks of a Transformer are like.

    Parameters
    ----------
    size : int
        Features D of each position.
    n_heads : int
        Of each attention.
    inner_size : int
        Features inside the feed-forward layer.
    activation : str
        See `FeedForward`.
    norm : {"pre", "post"}
        Whether what goes into a layer is normalised ("pre": trains without warm-up, and the stack
        ends with a norm of its own) or the sum of what goes in and what comes out ("post": Vaswani
        et al. 2017, needs warm-up).
    norm_kind : {"layer", "rms"}
    dropout : float
        Of what comes out of each layer, and inside the feed-forward layer.
    attention_dropout : float
        Of attention weights.
    bias : bool
        Of linear layers and layer norms.
    positions : {"none", "rotary", "alibi"}
        Told inside the attentions; "none" where they were added to what comes in.
    epsilon : float
        Of the norms.

    Raises
    ------
    ValueError
        When one is out of range; the message names it.

    Examples
    --------
    >>> BlockShape(size=64, n_heads=4).head_size
    16
    """

    size: int = 512
    n_heads: int = 8
    inner_size: int = 2048
    activation: str = "gelu"
    norm: str = "pre"
    norm_kind: str = "layer"
    dropout: float = 0.1
    attention_dropout: float = 0.0
    bias: bool = True
    positions: str = "none"
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        for name in ("size", "n_heads", "inner_size"):
            check_count(name, getattr(self, name), 1)
        if self.size % self.n_heads:
            raise ValueError(f"size must be a multiple of n_heads={self.n_heads}, got {self.size}")
        check_choice("activation", self.activation, ACTIVATIONS)
        check_choice("norm", self.norm, NORMS)
        check_choice("norm_kind", self.norm_kind, NORM_KINDS)
        check_dropout("dropout", self.dropout)
        check_dropout("attention_dropout", self.attention_dropout)
        check_choice("positions", self.positions, _BLOCK_POSITIONS)
        check_number("epsilon", self.epsilon, above=0)

    @property
    def head_size(self) -> int:
        """Features d of each head."""
        return self.size // self.n_heads

    def make_norm(self) -> nn.Module:
        """A norm over the features."""
        if self.norm_kind == "rms":
            return nn.RMSNorm(self.size, eps=self.epsilon)
        return nn.LayerNorm(self.size, eps=self.epsilon, bias=self.bias)

    def make_attention(
        self, *, mechanism: Mechanism | None = None, cross: bool = False
    ) -> MultiHeadAttention:
        """An attention; positions are told to those that look at their own sequence."""
        rotary = self.positions == "rotary" and not cross
        return MultiHeadAttention(
            self.size,
            self.n_heads,
            dropout=self.attention_dropout,
            bias=self.bias,
            mechanism=mechanism,
            rotary=RotaryPositions(self.head_size) if rotary else None,
            alibi=self.positions == "alibi" and not cross,
            cross=cross,
        )


class TransformerBlock(nn.Module):
    """Attention, attention to a memory where there is one, and a feed-forward layer.

    Parameters
    ----------
    shape : BlockShape
    cross : bool, default=False
        Whether it looks at a memory too, as decoders do.
    mechanism : Mechanism, optional
        Of the attention to its own sequence.
    feed_forward : nn.Module, optional
        In place of the feed-forward layer that the shape asks for: (B, T, D) to (B, T, D).

    Attributes
    ----------
    attention, cross_attention : MultiHeadAttention
    feed_forward : nn.Module
    attention_norm, cross_norm, feed_forward_norm : nn.Module

    Examples
    --------
    >>> block = TransformerBlock(BlockShape(size=8, n_heads=2, inner_size=16))
    >>> block(torch.zeros(1, 3, 8))[0].shape
    torch.Size([1, 3, 8])
    """

    def __init__(
        self,
        shape: BlockShape,
        *,
        cross: bool = False,
        mechanism: Mechanism | None = None,
        feed_forward: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.attention_norm = shape.make_norm()
        self.attention = shape.make_attention(mechanism=mechanism)
        self.cross_norm = shape.make_norm() if cross else None
        self.cross_attention = shape.make_attention(cross=True) if cross else None
        self.feed_forward_norm = shape.make_norm()
        self.feed_forward = feed_forward or FeedForward(
            shape.size,
            shape.inner_size,
            activation=shape.activation,
            dropout=shape.dropout,
            bias=shape.bias,
        )

    def forward(
        self,
        x: Tensor,
        *,
        mask: Mask | None = None,
        causal: bool = False,
        memory: Tensor | None = None,
        memory_mask: Mask | None = None,
        cache: LayerCache | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """One block.

        Parameters
        ----------
        x : Tensor, shape (B, T, D)
        mask : PaddingMask or AttentionMask, optional
            Of its own positions.
        causal : bool, default=False
            Whether a position sees itself and earlier ones only.
        memory : Tensor, shape (B, K, D), optional
        memory_mask : PaddingMask or AttentionMask, optional
            Of the memory.
        cache : LayerCache, optional
            What was read before; then it is causal.
        need_weights : bool, default=False

        Returns
        -------
        x : Tensor, shape (B, T, D)
        weights : Tensor, shape (B, H, T, K), or None
            Of the attention to the memory where there is one, else to its own positions.
        """

        def attend(y: Tensor) -> tuple[Tensor, Tensor | None]:
            own = need_weights and self.cross_attention is None
            return self.attention(y, mask=mask, causal=causal, cache=cache, need_weights=own)

        x, weights = self._around(x, self.attention_norm, attend)
        if self.cross_attention is not None and self.cross_norm is not None:
            look = self.cross_attention

            def attend_memory(y: Tensor) -> tuple[Tensor, Tensor | None]:
                return look(
                    y, memory=memory, mask=memory_mask, cache=cache, need_weights=need_weights
                )

            x, weights = self._around(x, self.cross_norm, attend_memory)
        x, _ = self._around(x, self.feed_forward_norm, lambda y: (self.feed_forward(y), None))
        return x, weights

    def _around(
        self,
        x: Tensor,
        norm: nn.Module,
        layer: Callable[[Tensor], tuple[Tensor, Tensor | None]],
    ) -> tuple[Tensor, Tensor | None]:
        """A layer with its norm, dropout and the way around it."""
        pre = self.shape.norm == "pre"
        found, weights = layer(norm(x) if pre else x)
        if self.shape.dropout and self.training:
            found = drop(found, self.shape.dropout)
        x = x + found
        return (x if pre else norm(x)), weights


class TransformerStack(nn.Module):
    """Blocks one after the other: an encoder, or a decoder with ``cross`` or ``causal``.

    Parameters
    ----------
    shape : BlockShape
    n_layers : int
    cross : bool, default=False
        Whether blocks look at a memory too.
    mechanism : callable, optional
        Takes the number of a block and gives its `Mechanism`, or None for full attention.
    feed_forward : callable, optional
        Takes the number of a block and gives its feed-forward layer, or None for the plain one.
    final_norm : bool, optional
        Whether a norm comes after the last block; where absent, if the norms are "pre".

    Notes
    -----
    First weights are normal with a deviation of 0.02 where norms come first, and those of the
    layers that add to the stream are divided by the root of their number (GPT-2), so that its
    variance does not grow with the depth; with norms behind they are Glorot's, each of query, key
    and value by itself.

    Examples
    --------
    >>> stack = TransformerStack(BlockShape(size=8, n_heads=2, inner_size=16), 2)
    >>> stack(torch.zeros(1, 3, 8), causal=True)[0].shape
    torch.Size([1, 3, 8])
    """

    def __init__(
        self,
        shape: BlockShape,
        n_layers: int,
        *,
        cross: bool = False,
        mechanism: Callable[[int], Mechanism | None] | None = None,
        feed_forward: Callable[[int], nn.Module | None] | None = None,
        final_norm: bool | None = None,
    ) -> None:
        super().__init__()
        check_count("n_layers", n_layers, 1)
        self.shape = shape
        self.blocks = nn.ModuleList(
            TransformerBlock(
                shape,
                cross=cross,
                mechanism=mechanism(number) if mechanism else None,
                feed_forward=feed_forward(number) if feed_forward else None,
            )
            for number in range(n_layers)
        )
        last = shape.norm == "pre" if final_norm is None else final_norm
        self.norm = shape.make_norm() if last else nn.Identity()
        self._first_weights(cross)

    @torch.no_grad()
    def _first_weights(self, cross: bool) -> None:
        n_added = len(self.blocks) * (3 if cross else 2)
        for block in self.blocks:
            for module in block.modules():
                if isinstance(module, MultiHeadAttention):
                    if module.cross:
                        entry = [(module.query, 1), (module.key_value, 2)]
                    else:
                        entry = [(module.qkv, 3)]
                    _draw(entry, module.out, self.shape, n_added)
                elif isinstance(module, FeedForward):
                    n_parts = 2 if module.activation in GATED else 1
                    _draw([(module.up, n_parts)], module.down, self.shape, n_added)

    def forward(
        self,
        x: Tensor,
        *,
        mask: Mask | None = None,
        causal: bool = False,
        memory: Tensor | None = None,
        memory_mask: Mask | None = None,
        cache: KeyValueCache | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, list[Tensor]]:
        """All blocks.

        Parameters
        ----------
        x : Tensor, shape (B, T, D)
        mask : PaddingMask or AttentionMask, optional
            With a cache it must be a padding mask, which says how many of the T are real.
        causal : bool, default=False
        memory : Tensor, shape (B, K, D), optional
        memory_mask : PaddingMask or AttentionMask, optional
        cache : KeyValueCache, optional
            Takes in what is read; each position then sees what was read before it.
        need_weights : bool, default=False

        Returns
        -------
        x : Tensor, shape (B, T, D)
        weights : list of Tensor, shape (B, H, T, K)
            Of each block where they are needed, else empty.

        Raises
        ------
        ValueError
            If an attention mask is given beside a cache.
        """
        if cache is not None and isinstance(mask, AttentionMask):
            raise ValueError(
                "mask must be a PaddingMask where there is a cache, which knows what each query "
                "may attend, got an AttentionMask"
            )
        weights = []
        for number, block in enumerate(self.blocks):
            x, found = block(
                x,
                mask=mask,
                causal=causal,
                memory=memory,
                memory_mask=memory_mask,
                cache=None if cache is None else cache.layers[number],
                need_weights=need_weights,
            )
            if found is not None:
                weights.append(found)
        if cache is not None:
            real = mask.lengths if isinstance(mask, PaddingMask) else None
            cache.advance(x.shape[1], real)
        return self.norm(x), weights

    def new_cache(
        self, n_rows: int, capacity: int, *, device: torch.device | str | None = None
    ) -> KeyValueCache:
        """A cache with nothing in it, for so many rows and, at first, positions."""
        return KeyValueCache(len(self.blocks), n_rows, capacity, device=device)


def _draw(
    entry: list[tuple[nn.Linear, int]], output: nn.Linear, shape: BlockShape, n_added: int
) -> None:
    """First weights of the linear layers at the entry of a layer, each of which may be several in
    one, and at its exit.
    """
    for linear in [*(linear for linear, _ in entry), output]:
        if linear.bias is not None:
            nn.init.zeros_(linear.bias)
    if shape.norm == "pre":
        for linear, _ in entry:
            nn.init.normal_(linear.weight, std=_FIRST_DEVIATION)
        nn.init.normal_(output.weight, std=_FIRST_DEVIATION / math.sqrt(n_added))
        return
    for linear, n_parts in entry:
        for part in linear.weight.chunk(n_parts):
            nn.init.xavier_uniform_(part)
    nn.init.xavier_uniform_(output.weight)
