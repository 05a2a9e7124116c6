"""Linformer: a text's keys and values as a fixed number of learned sums of them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from textrep.embeddings.parameters import check_count
from textrep.layers.masks import Mask
from textrep.layers.mechanisms.blocks import attend, key_mask
from textrep.layers.multi_head import Mechanism


class LinformerAttention(Mechanism):
    r"""Softmax attention to :math:`EK` and :math:`FV`, sums over the positions.

    Parameters
    ----------
    max_length : int
        Positions at most; a shorter text takes the first columns of E and F.
    projected_length : int, default=64
        Sums that take the place of the keys.
    shared : bool, default=True
        Whether F is E. Both serve all heads.

    Notes
    -----
    Each sum holds positions before and after a query, so that ``causal=True`` is refused. First
    weights have the deviation :math:`1 / \sqrt{n}`, n being `max_length`: sums of independent keys
    are as large as one key.

    References
    ----------
    S. Wang et al.: Linformer, 2020, equation 7.

    Examples
    --------
    >>> x = torch.ones(1, 2, 5, 4)
    >>> LinformerAttention(8, projected_length=2)(x, x, x).shape
    torch.Size([1, 2, 5, 4])
    """

    causal_too = False

    def __init__(self, max_length: int, *, projected_length: int = 64, shared: bool = True) -> None:
        super().__init__()
        check_count("max_length", max_length, 1)
        check_count("projected_length", projected_length, 1)
        deviation = 1 / math.sqrt(max_length)
        self.max_length = max_length
        self.key_projection = nn.Parameter(deviation * torch.randn(projected_length, max_length))
        self.value_projection = (
            None if shared else nn.Parameter(deviation * torch.randn(projected_length, max_length))
        )

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
        """As for `Mechanism`, of any queries and at most `max_length` keys; never causal."""
        length = keys.shape[2]
        if causal:
            raise ValueError(
                "causal=True is impossible with LinformerAttention: its keys are sums over all "
                "positions, later ones included; language models need another attention"
            )
        if length > self.max_length:
            raise ValueError(
                f"LinformerAttention was made for max_length={self.max_length}, got {length} keys"
            )
        keep = key_mask(mask, "LinformerAttention")
        if keep is not None:
            keys, values = (x * keep[:, None, :, None] for x in (keys, values))
        of_keys = self.key_projection[:, :length]
        of_values = of_keys if self.value_projection is None else self.value_projection[:, :length]
        return attend(
            queries,
            [(of_keys.to(keys.dtype) @ keys, of_values.to(values.dtype) @ values, None)],
            dropout,
        )
