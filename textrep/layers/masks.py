"""Which positions may be attended: the one mask type of the house.

`True` always means *may be attended*. (PyTorch has both signs: True attends in
``scaled_dot_product_attention`` and is ignored in ``nn.MultiheadAttention``.)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from textrep.core.messages import shown


@dataclass(frozen=True, eq=False)
class PaddingMask:
    """Which positions of each row are real.

    Parameters
    ----------
    keep : Tensor of bool, shape (B, T)
        True at real positions, False at padding.

    Raises
    ------
    ValueError
        If ``keep`` is not boolean or not two-dimensional.

    See Also
    --------
    AttentionMask : Which keys each query may attend.

    Examples
    --------
    >>> import torch
    >>> mask = PaddingMask.from_lengths(torch.tensor([3, 1]))
    >>> mask.keep.int().tolist()
    [[1, 1, 1], [1, 0, 0]]
    >>> mask.lengths.tolist()
    [3, 1]
    """

    keep: Tensor

    def __post_init__(self) -> None:
        _check_keep(self.keep, 2, "(B, T)")

    @classmethod
    def from_lengths(cls, lengths: Tensor, max_length: int | None = None) -> PaddingMask:
        """The mask of rows that are padded on the right.

        Parameters
        ----------
        lengths : Tensor of int, shape (B,)
            Real positions of each row.
        max_length : int, optional
            T; the longest length where absent. Lengths above it count as T.
        """
        if max_length is None:
            max_length = int(lengths.max()) if len(lengths) else 0
        return cls(torch.arange(max_length, device=lengths.device) < lengths[:, None])

    @property
    def lengths(self) -> Tensor:
        """Number of real positions of each row, int64, shape (B,)."""
        return self.keep.sum(dim=1)

    def additive(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """What is added to scores: 0 where kept, the least finite number elsewhere; (B, T)."""
        return _additive(self.keep, dtype)

    def for_queries(self) -> AttentionMask:
        """The same mask for any query: an attention mask of shape (B, 1, T)."""
        return AttentionMask(self.keep[:, None, :])

    def select(self, rows: Tensor) -> PaddingMask:
        """The mask of some rows, given by their numbers, repeated or reordered."""
        return PaddingMask(self.keep[rows])

    def to(self, device: torch.device | str) -> PaddingMask:
        """The mask on another device."""
        return PaddingMask(self.keep.to(device))

    def __and__(self, other: Mask) -> Mask:
        """Positions that both masks keep."""
        if isinstance(other, PaddingMask):
            return PaddingMask(self.keep & other.keep)
        return self.for_queries() & other


@dataclass(frozen=True, eq=False)
class AttentionMask:
    """Which keys each query may attend.

    Parameters
    ----------
    keep : Tensor of bool, shape (B or 1, Q or 1, K)
        True where the query may attend the key. Sizes of one stand for any batch or query.

    Raises
    ------
    ValueError
        If ``keep`` is not boolean or not three-dimensional.

    Notes
    -----
    Masks are merged by ``&``, never by adding what `additive` gives: the sum of two least finite
    numbers is minus infinity, and a row of those is NaN after softmax.

    Examples
    --------
    >>> import torch
    >>> mask = PaddingMask.from_lengths(torch.tensor([2])) & AttentionMask.causal(2)
    >>> mask.keep.int().tolist()
    [[[1, 0], [1, 1]]]
    >>> AttentionMask.causal(1, n_keys=3).keep.int().tolist()  # the newest of three, as in a cache
    [[[1, 1, 1]]]
    """

    keep: Tensor

    def __post_init__(self) -> None:
        _check_keep(self.keep, 3, "(B, Q, K)")

    @classmethod
    def causal(
        cls,
        n_queries: int,
        n_keys: int | None = None,
        *,
        device: torch.device | str | None = None,
    ) -> AttentionMask:
        """Each query sees its own position and earlier ones; shape (1, Q, K).

        Parameters
        ----------
        n_queries : int
            Q.
        n_keys : int, optional
            K; Q where absent. The queries are the last Q of the K positions, so that a cache of
            earlier keys needs no offset.
        device : torch.device or str, optional
            Where the mask lives.
        """
        n_keys = n_queries if n_keys is None else n_keys
        if n_keys < n_queries:
            raise ValueError(
                f"n_keys must be at least n_queries ({n_queries}): the queries are the last "
                f"positions, got {shown(n_keys)}"
            )
        positions = torch.arange(n_keys, device=device)
        return cls((positions <= positions[n_keys - n_queries :, None])[None])

    def additive(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """What is added to scores: 0 where kept, the least finite number elsewhere.

        Returns
        -------
        Tensor, of the shape of ``keep``
            Finite, so that the softmax of a row without any key is finite too.
        """
        return _additive(self.keep, dtype)

    def for_heads(self) -> Tensor:
        """``keep`` with an axis for heads, shape (B or 1, 1, Q or 1, K)."""
        return self.keep[:, None]

    def softmax(self, scores: Tensor) -> Tensor:
        """Softmax over the keys that may be attended.

        Parameters
        ----------
        scores : Tensor, shape (B, Q, K)

        Returns
        -------
        Tensor, shape (B, Q, K)
            Exactly 0 at masked keys; rows sum to 1, or are all 0 where no key is left.
        """
        weights = torch.softmax(scores.masked_fill(~self.keep, torch.finfo(scores.dtype).min), -1)
        return weights.masked_fill(~self.keep, 0.0)

    def select(self, rows: Tensor) -> AttentionMask:
        """The mask of some rows of the batch, given by their numbers."""
        return self if len(self.keep) == 1 else AttentionMask(self.keep[rows])

    def to(self, device: torch.device | str) -> AttentionMask:
        """The mask on another device."""
        return AttentionMask(self.keep.to(device))

    def __and__(self, other: Mask) -> AttentionMask:
        """Pairs that both masks keep."""
        if isinstance(other, PaddingMask):
            other = other.for_queries()
        return AttentionMask(self.keep & other.keep)


Mask = PaddingMask | AttentionMask
"""Either mask; a padding mask stands for the same keys for any query."""


def as_attention_mask(mask: Mask | None, like: Tensor) -> AttentionMask:
    """Any mask as one for queries; None keeps all keys of scores (B, Q, K) like these."""
    if mask is None:
        keep = torch.ones(1, 1, like.shape[-1], dtype=torch.bool, device=like.device)
        return AttentionMask(keep)
    return mask.for_queries() if isinstance(mask, PaddingMask) else mask


def _additive(keep: Tensor, dtype: torch.dtype) -> Tensor:
    if not dtype.is_floating_point:
        raise ValueError(f"dtype must be a floating point type, got {shown(dtype)}")
    zeros = torch.zeros(keep.shape, dtype=dtype, device=keep.device)
    return zeros.masked_fill_(~keep, torch.finfo(dtype).min)


def _check_keep(keep: Tensor, n_dimensions: int, shape: str) -> None:
    if not isinstance(keep, Tensor) or keep.dtype != torch.bool or keep.ndim != n_dimensions:
        got = f"{keep.dtype} {tuple(keep.shape)}" if isinstance(keep, Tensor) else shown(keep)
        raise ValueError(f"keep must be a boolean tensor of shape {shape}, got {got}")
