"""Cross-entropy against a target that is mostly, but not wholly, the right word."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def smoothed_nll(logits: Tensor, targets: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    r"""Cross-entropy with label smoothing, and the plain one beside it.

    With :math:`\epsilon` shared evenly among all V classes, the right one included, as torch has it
    (fairseq leaves it out and shares among V - 1):

    .. math:: -(1 - \epsilon) \log p_y - \frac{\epsilon}{V} \sum_v \log p_v

    Parameters
    ----------
    logits : Tensor, shape (N, V)
    targets : Tensor of int64, shape (N,)
        Rows of padding must have been left out.
    smoothing : float
        Epsilon, from 0 to 1.

    Returns
    -------
    losses : Tensor, shape (N,)
        What is minimised, in nats.
    nll : Tensor, shape (N,)
        ``-log p_y``, of which a perplexity is made; without gradients.

    References
    ----------
    C. Szegedy et al.: Rethinking the Inception Architecture for Computer Vision, CVPR 2016,
    section 7.

    Examples
    --------
    >>> losses, nll = smoothed_nll(torch.zeros(1, 4), torch.tensor([2]), 0.1)
    >>> round(float(losses), 4), round(float(nll), 4)
    (1.3863, 1.3863)
    """
    # A sum over a vocabulary needs at least single precision.
    logits = logits if logits.dtype == torch.float64 else logits.float()
    losses, nll = _SmoothedNll.apply(logits, targets, float(smoothing))
    return losses, nll


class _SmoothedNll(torch.autograd.Function):
    """The gradient written out, which holds one table (N, V) where autograd would hold four."""

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, targets: Tensor, smoothing: float
    ) -> tuple[Tensor, Tensor]:
        log_probs = logits.log_softmax(1)
        nll = -log_probs.gather(1, targets[:, None])[:, 0]
        losses = nll.clone()
        if smoothing:
            losses.mul_(1 - smoothing).sub_(log_probs.mean(1), alpha=smoothing)
        ctx.save_for_backward(log_probs, targets)
        ctx.smoothing = smoothing
        ctx.mark_non_differentiable(nll)
        return losses, nll

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        log_probs, targets = ctx.saved_tensors
        smoothing = ctx.smoothing
        table = log_probs.exp()
        if smoothing:
            table -= smoothing / table.shape[1]
        table.scatter_add_(1, targets[:, None], table.new_full((len(table), 1), smoothing - 1))
        return table.mul_(gradients[0][:, None]), None, None
