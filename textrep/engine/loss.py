"""What a batch contributes to the loss: sums and how many items they are over."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch

_NONE: Mapping[str, torch.Tensor] = MappingProxyType({})


class LossSum(NamedTuple):
    """Sums over the items of a batch.

    The loop divides the sums of all batches of a step, and of all processes, by their counts
    together. Means of batches would weigh the items of small batches more.

    Attributes
    ----------
    total : scalar tensor
        Sum of the losses of the items, which is minimised; regularisation that is a mean goes in
        times the count.
    count : float or scalar tensor
        Items in the sum: tokens, rows, pixels.
    measures : mapping of str to scalar tensor
        Further sums over the same items, which are only reported, as ``{"correct": ...}``.
    """

    total: torch.Tensor
    count: float | torch.Tensor  # type: ignore[assignment]  # hides tuple.count, which nobody needs
    measures: Mapping[str, torch.Tensor] = _NONE
