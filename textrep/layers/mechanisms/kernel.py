"""Attention whose weights are products of features, so that sums take the place of the table."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from textrep.layers.mechanisms.blocks import in_blocks

CHUNK = 64
"""Positions whose weights are written out in the causal form; sums stand for all before them."""


def kernel_attention(queries: Tensor, keys: Tensor, values: Tensor, *, causal: bool) -> Tensor:
    r"""Means of the values, weighted by the products of positive features.

    .. math:: y_i = \frac{\sum_j (\phi_i \cdot \psi_j) v_j}{\sum_j \phi_i \cdot \psi_j}

    Parameters
    ----------
    queries : Tensor, shape (B, H, Q, m)
        Features :math:`\phi`, not negative.
    keys : Tensor, shape (B, H, K, m)
        Features :math:`\psi`; 0 where a key is not to be seen.
    values : Tensor, shape (B, H, K, d)
    causal : bool
        Whether the sums end at the query's own position.

    Returns
    -------
    Tensor, shape (B, H, Q, d), float32
        0 where no key is left.
    """
    with torch.autocast(device_type=queries.device.type, enabled=False):
        if causal:
            padded = _with_ones(values)
            sums = _causal(queries.float(), keys.float(), padded)[:, :, : queries.shape[2]]
            return _means(sums)
        return gathered(queries.float(), sums_over_keys(keys.float(), values))


def sums_over_keys(keys: Tensor, values: Tensor) -> Tensor:
    """All that a text's keys and values come down to without order, (B, H, m, d + 1)."""
    return keys.transpose(-1, -2) @ _with_ones(values)


def gathered(queries: Tensor, sums: Tensor) -> Tensor:
    """What queries (B, H, Q, m) take of `sums_over_keys`, (B, H, Q, d)."""
    return _means(queries @ sums)


def _with_ones(values: Tensor) -> Tensor:
    """Values and a column of ones, which gathers the sum of the weights, (B, H, K, d + 1)."""
    return F.pad(values.float(), (0, 1), value=1.0)


def _means(sums: Tensor) -> Tensor:
    """Sums (..., d + 1) divided by the last of them; 0 where it is."""
    total = sums[..., -1:]
    nothing = total <= torch.finfo(torch.float32).tiny
    return (sums[..., :-1] / total.masked_fill(nothing, 1.0)).masked_fill(nothing, 0.0)


def _causal(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Sums over the keys up to each query, by chunks: (B, H, T, d + 1)."""
    queries, keys, values = (in_blocks(x, CHUNK) for x in (queries, keys, values))
    of_chunk = keys.transpose(-1, -2) @ values  # (B, H, N, m, d + 1)
    before = F.pad(of_chunk.cumsum(2)[:, :, :-1], (0, 0, 0, 0, 1, 0))
    inside = (queries @ keys.transpose(-1, -2)).tril() @ values
    return (inside + queries @ before).flatten(2, 3)


def check_causal(queries: Tensor, keys: Tensor, name: str) -> None:
    """Refuse causal attention of queries that are not at the positions of the keys."""
    if queries.shape[2] != keys.shape[2]:
        raise ValueError(
            f"{name} with causal=True needs as many queries as keys, got {queries.shape[2]} and "
            f"{keys.shape[2]}; with a cache use full attention"
        )
