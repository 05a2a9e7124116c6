"""How the encoders of transformers attend here: torch's fused attention, in the right precision."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from textrep.layers.masks import AttentionMask, PaddingMask
from textrep.layers.multi_head import in_fast_precision

NAME = "textrep"
"""Under which transformers knows `attend`."""


def register() -> str:
    """Make `attend` known to transformers; returns its name there."""
    from transformers import AttentionInterface
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, eager_mask

    AttentionInterface.register(NAME, attend)
    # Where a module is called without our masks, transformers makes additive ones of its own.
    ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, eager_mask)
    return NAME


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers asks for it.

    Parameters
    ----------
    module : torch.nn.Module
        Not used.
    query, key, value : Tensor, shape (B, H, T, D)
        Keys and values may have fewer heads, each of which serves several of the queries.
    attention_mask : Tensor or None
        Added to the scores, (B, 1, T or 1, T).
    dropout : float, default=0.0
    scaling : float or None, default=None
        Times the scores; None for ``D**-0.5``.
    **others
        Not used.

    Returns
    -------
    Tensor, shape (B, T, H, D)
    None
        In place of the weights, which fused attention does not give.
    """
    found = in_fast_precision(_fused, query, key, value, attention_mask, dropout, scaling)
    return found.transpose(1, 2).contiguous(), None


def _fused(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    dropout: float,
    scaling: float | None,
) -> Tensor:
    if mask is not None and mask.dtype != query.dtype:
        # The least number of float32 would be minus infinity in bfloat16.
        mask = mask.to(query.dtype).clamp_(min=torch.finfo(query.dtype).min)
    return functional.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=mask,
        dropout_p=dropout,
        scale=scaling,
        enable_gqa=query.shape[1] != key.shape[1],
    )


def padding_mask(lengths: Tensor, width: int) -> AttentionMask | None:
    """Which keys are real, or None where it is known that all are.

    Parameters
    ----------
    lengths : int64 tensor (B,)
    width : int
        T.

    Returns
    -------
    AttentionMask (B, 1, T) or None
    """
    # On a GPU to look would be to wait for it.
    if lengths.device.type == "cpu" and bool((lengths == width).all()):
        return None
    return PaddingMask.from_lengths(lengths, width).for_queries()


def segment_mask(segments: Tensor) -> AttentionMask:
    """Each token attends to those of its own segment.

    Parameters
    ----------
    segments : int tensor (B, T)
        Number of the text in a row that each token is of; padding is a segment too.

    Returns
    -------
    AttentionMask (B, T, T)

    Examples
    --------
    >>> segment_mask(torch.tensor([[1, 1, 2]])).keep.int().tolist()
    [[[1, 1, 0], [1, 1, 0], [0, 0, 1]]]
    """
    return AttentionMask(segments[:, :, None] == segments[:, None, :])


def window_mask(mask: AttentionMask | None, width: int, window: int, like: Tensor) -> AttentionMask:
    """A mask that lets tokens at most so far apart attend to each other.

    Parameters
    ----------
    mask : AttentionMask or None
        What is kept beside.
    width : int
        T.
    window : int
        Greatest distance.
    like : Tensor
        On the device.

    Returns
    -------
    AttentionMask (B or 1, T, T)
        Every token attends at least to itself, padding too, so that no row is empty.
    """
    places = torch.arange(width, device=like.device)
    distance = (places[:, None] - places[None, :]).abs()
    near = AttentionMask((distance <= window)[None])
    both = near if mask is None else mask & near
    return AttentionMask(both.keep | (distance == 0)[None])
