"""Performer: random features whose products are softmax attention in the mean."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from textrep.embeddings.parameters import check_count
from textrep.layers.masks import Mask
from textrep.layers.mechanisms.blocks import blocks_at_once, key_mask
from textrep.layers.mechanisms.kernel import (
    check_causal,
    gathered,
    kernel_attention,
    sums_over_keys,
)
from textrep.layers.multi_head import Mechanism

_LEAST = -1e30  # an exponent below any that is real, and above that of keys not to be seen


class PerformerAttention(Mechanism):
    r"""Attention by positive orthogonal random features (FAVOR+).

    .. math:: \phi(x)_m = \exp(w_m \cdot x - |x|^2 / 2), \qquad x = q / d^{1/4}

    whose products have the mean :math:`\exp(q \cdot k / \sqrt d)` over the draws of :math:`w`. The
    error falls with the square root of the number of features, and grows with the norms of
    queries and keys.

    Parameters
    ----------
    head_size : int
        d, features of a head.
    n_features : int, default=128
        Random features; the paper's own choice is of the order of d log d.
    redraw : int, optional
        After how many batches in training other features are drawn; never where absent.

    Notes
    -----
    Against overflow each feature is divided by its largest value over the keys of the text, and
    that of the queries multiplied by it, which cancels exactly; a future key thus changes nothing
    but rounding. A first key that is by 80 or more below the largest in the exponent underflows
    to 0. There are no weights to drop: dropout leaves out features of what is gathered. The
    features are drawn from torch's generator, as first weights are.

    References
    ----------
    K. Choromanski et al.: Rethinking attention with Performers, ICLR 2021, section 2.4.

    Examples
    --------
    >>> x = torch.ones(1, 2, 5, 4)
    >>> PerformerAttention(4, n_features=16)(x, x, x, causal=True).shape
    torch.Size([1, 2, 5, 4])
    """

    projection: Tensor
    age: Tensor

    def __init__(self, head_size: int, *, n_features: int = 128, redraw: int | None = None) -> None:
        super().__init__()
        check_count("head_size", head_size, 1)
        check_count("n_features", n_features, 1)
        if redraw is not None:
            check_count("redraw", redraw, 1)
        self.redraw = redraw
        self.register_buffer("projection", orthogonal_features(n_features, head_size))
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
        """As for `Mechanism`; causal, queries and keys are at the same positions."""
        if causal:
            check_causal(queries, keys, "PerformerAttention")
        keep = key_mask(mask, "PerformerAttention")
        if self.training and self.redraw is not None:
            self._grow_old()
        with torch.autocast(device_type=queries.device.type, enabled=False):
            look = self._causal if causal else self._everywhere
            found = look(queries.float(), keys.float(), values.float(), keep)
        return F.dropout(found, dropout).to(values.dtype) if dropout else found.to(values.dtype)

    def _causal(self, queries: Tensor, keys: Tensor, values: Tensor, keep: Tensor | None) -> Tensor:
        of_keys, largest = self._of_keys(keys, keep)
        return kernel_attention(self._of_queries(queries, largest), of_keys, values, causal=True)

    def _everywhere(
        self, queries: Tensor, keys: Tensor, values: Tensor, keep: Tensor | None
    ) -> Tensor:
        """Not causal: portions of the text one by one, since only their sums are needed."""
        n_rows, n_heads, n_keys = keys.shape[:3]
        of_position = n_rows * n_heads * len(self.projection)
        step = blocks_at_once(of_position, max(n_keys, queries.shape[2]), keys.device)
        portions = zip(
            keys.split(step, 2),
            values.split(step, 2),
            [None] * n_keys if keep is None else keep.split(step, 1),
            strict=False,
        )
        sums, factors = [], []
        for some_keys, some_values, some_keep in portions:
            of_keys, factor = self._of_keys(some_keys, some_keep)
            sums.append(sums_over_keys(of_keys, some_values))
            factors.append(factor)
        largest = torch.stack(factors).amax(0)  # (B, H, 1, m)
        shares = [torch.exp(factor - largest).transpose(-1, -2) for factor in factors]
        together = torch.stack([s * share for s, share in zip(sums, shares, strict=True)]).sum(0)
        found = [
            gathered(self._of_queries(some, largest), together) for some in queries.split(step, 2)
        ]
        return torch.cat(found, 2)

    def _of_keys(self, keys: Tensor, keep: Tensor | None) -> tuple[Tensor, Tensor]:
        """Features (B, H, K, m), each divided by its largest, and the latter's logarithms."""
        norms = keys.square().sum(-1, keepdim=True) / (2 * math.sqrt(keys.shape[-1]))
        # In place: of long texts, these are by far the largest tensors.
        found = (keys @ self._directions(keys)).sub_(norms)
        if keep is not None:
            found.masked_fill_(~keep[:, None, :, None], torch.finfo(torch.float32).min / 2)
        # Where no key is left, all are exp(-inf) = 0 too.
        largest = found.detach().amax(2, keepdim=True).clamp_(min=_LEAST)  # (B, H, 1, m)
        return found.sub_(largest).exp_(), largest

    def _of_queries(self, queries: Tensor, largest: Tensor) -> Tensor:
        """Features (B, H, Q, m), up to a factor of each query."""
        # The norm of a query is a factor of all its weights, which their sum divides by.
        found = (queries @ self._directions(queries)).add_(largest)
        return found.sub_(found.detach().amax(-1, keepdim=True)).exp_()

    def _directions(self, x: Tensor) -> Tensor:
        return self.projection.float().T / x.shape[-1] ** 0.25  # (d, m)

    def _grow_old(self) -> None:
        """Count a batch, and draw other features once there were enough."""
        self.age += 1
        if int(self.age) > int(self.redraw or 0):
            n_features, head_size = self.projection.shape
            self.projection.copy_(orthogonal_features(n_features, head_size))
            self.age.fill_(1)


def orthogonal_features(n_features: int, head_size: int) -> Tensor:
    """Directions, orthogonal within each `head_size` of them, with norms of normal vectors.

    Returns
    -------
    Tensor, shape (n_features, head_size)
    """
    n_blocks = -(-n_features // head_size)
    square, triangle = torch.linalg.qr(torch.randn(n_blocks, head_size, head_size))
    # The signs that LAPACK chooses prefer one half of the space; these make no direction likelier.
    square = square * triangle.diagonal(dim1=-2, dim2=-1).sign()[:, None]
    directions = square.transpose(-1, -2).reshape(-1, head_size)[:n_features]
    norms = torch.randn(n_features, head_size).norm(dim=1, keepdim=True)
    return directions * norms
