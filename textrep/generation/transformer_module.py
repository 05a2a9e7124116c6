"""The network of Vaswani et al. (2017): a text is read at once, another is written from it."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from textrep.generation.encoder_decoder import EncoderDecoder, word_vectors
from textrep.layers.dropout import drop
from textrep.layers.feed_forward import GATED, FeedForward
from textrep.layers.key_value_cache import KeyValueCache
from textrep.layers.masks import PaddingMask
from textrep.layers.multi_head import MultiHeadAttention
from textrep.layers.output import SoftmaxOutput
from textrep.layers.positions import SinusoidalPositions
from textrep.layers.transformer import BlockShape, TransformerStack

_CAPACITY = 32  # words that a cache has room for at first


class TransformerState(NamedTuple):
    """What writing goes on from.

    Attributes
    ----------
    memory : Tensor, shape (B, S, D), or None
        The source; None once the cache has its keys and values.
    mask : PaddingMask, (B, S), or None
        Of the source, where there is padding.
    cache : KeyValueCache or None
        Of what was written; None before the first word.
    """

    memory: Tensor | None
    mask: PaddingMask | None
    cache: KeyValueCache | None = None

    def select(self, rows: Tensor) -> TransformerState:
        """The state of some rows, int64 (n,), in their order; a row may be repeated."""
        return TransformerState(
            None if self.memory is None else self.memory[rows],
            None if self.mask is None else self.mask.select(rows),
            None if self.cache is None else self.cache.select(rows),
        )


class TransformerModule(EncoderDecoder):
    """An encoder and a decoder of attention and feed-forward layers.

    First weights are Glorot's wherever the norms stand, as in the paper's own code: small networks
    learn far more in their first steps than from those of GPT-2, which are made for large ones.
    Vectors of words are multiplied by the root of their size, so that they are about as large as
    the sines and cosines that tell where they stand.

    Parameters
    ----------
    source_size, target_size : int
        Units of both vocabularies; 0 is padding.
    shape : BlockShape
        Of all blocks; its `size` D is even.
    n_encoder_layers, n_decoder_layers : int
    tie_weights : bool
        Whether the output has the vectors of the target's units for weights.
    share_embeddings : bool
        Whether both sides have the same vectors, of one vocabulary.

    Examples
    --------
    >>> module = TransformerModule(
    ...     9, 9, shape=BlockShape(size=8, n_heads=2, inner_size=16), n_encoder_layers=1,
    ...     n_decoder_layers=1, tie_weights=True, share_embeddings=True,
    ... )
    >>> state = module.encode(torch.tensor([[4, 5, 3]]), torch.tensor([3]))
    >>> module.features(torch.tensor([[2, 6]]), state).shape
    torch.Size([1, 2, 8])
    >>> module.weights(torch.tensor([[2, 6]]), state).shape  # layers, heads, target, source
    torch.Size([1, 1, 2, 2, 3])
    """

    def __init__(
        self,
        source_size: int,
        target_size: int,
        *,
        shape: BlockShape,
        n_encoder_layers: int,
        n_decoder_layers: int,
        tie_weights: bool,
        share_embeddings: bool,
    ) -> None:
        super().__init__()
        self.target_embedding = word_vectors(target_size, shape.size)
        # One table must have one name only, or a file would hold it twice.
        self.source_embedding = None if share_embeddings else word_vectors(source_size, shape.size)
        self.scale = math.sqrt(shape.size)
        self.positions = SinusoidalPositions(shape.size)
        self.dropout = shape.dropout
        self.encoder = TransformerStack(shape, n_encoder_layers)
        self.decoder = TransformerStack(shape, n_decoder_layers, cross=True)
        _first_weights(self.encoder)
        _first_weights(self.decoder)
        tied = self.target_embedding if tie_weights else None
        self.output = SoftmaxOutput(shape.size, target_size, tied=tied)

    def encode(self, source: Tensor, lengths: Tensor) -> TransformerState:
        """Read the sources; see `EncoderDecoder`."""
        width = source.shape[1]
        lengths = lengths.to(source.device)
        # Without padding no mask is the faster one.
        full = bool((lengths == width).all())
        mask = None if full else PaddingMask.from_lengths(lengths, width)
        embedding = self.source_embedding or self.target_embedding
        memory, _ = self.encoder(self._embed(embedding, source), mask=mask)
        return TransformerState(memory, mask)

    def features(self, inputs: Tensor, state: TransformerState) -> Tensor:
        """Features (B, T, D) of whole texts; see `EncoderDecoder`."""
        return self._whole(inputs, state, need_weights=False)[0]

    def weights(self, inputs: Tensor, state: TransformerState) -> Tensor:
        """What each word of whole texts looks at, (B, n_layers, H, T, S)."""
        return torch.stack(self._whole(inputs, state, need_weights=True)[1], dim=1)

    def advance(self, tokens: Tensor, state: TransformerState) -> tuple[Tensor, TransformerState]:
        """Features (B, D) after one more word; see `EncoderDecoder`."""
        cache = state.cache
        if cache is None:
            cache = self.decoder.new_cache(len(tokens), _CAPACITY, device=tokens.device)
        x = self._embed(self.target_embedding, tokens[:, None], cache.positions(1))
        x, _ = self.decoder(x, memory=state.memory, memory_mask=state.mask, cache=cache)
        return x[:, 0], TransformerState(None, state.mask, cache)

    def _whole(
        self, inputs: Tensor, state: TransformerState, *, need_weights: bool
    ) -> tuple[Tensor, list[Tensor]]:
        # Padding is on the right, where no word looks: the causal mask is enough.
        return self.decoder(
            self._embed(self.target_embedding, inputs),
            causal=True,
            memory=state.memory,
            memory_mask=state.mask,
            need_weights=need_weights,
        )

    def _embed(
        self, embedding: nn.Embedding, ids: Tensor, positions: Tensor | None = None
    ) -> Tensor:
        x = self.positions(embedding(ids) * self.scale, positions)
        return drop(x, self.dropout) if self.dropout and self.training else x


@torch.no_grad()
def _first_weights(stack: TransformerStack) -> None:
    """Glorot's uniform weights, each of query, key, value and gate by itself."""
    for module in stack.modules():
        if isinstance(module, MultiHeadAttention):
            tables = [module.out.weight]
            if module.cross:
                tables += [module.query.weight, *module.key_value.weight.chunk(2)]
            else:
                tables += module.qkv.weight.chunk(3)
        elif isinstance(module, FeedForward):
            n_parts = 2 if module.activation in GATED else 1
            tables = [*module.up.weight.chunk(n_parts), module.down.weight]
        else:
            continue
        for table in tables:
            nn.init.xavier_uniform_(table)
