"""One vector for a sequence of vectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from textrep.embeddings.parameters import check_choice, check_count
from textrep.layers.masks import PaddingMask

KINDS = ("last", "mean", "max", "concat", "attention")
"""Ways to pool; "concat" is ULMFiT's last, maximum and mean side by side."""


def pooled_size(kind: str, size: int) -> int:
    """Features after pooling vectors of so many.

    >>> pooled_size("concat", 10), pooled_size("max", 10)
    (30, 10)
    """
    check_choice("pooling", kind, KINDS)
    return 3 * size if kind == "concat" else size


def pool_sequence(
    outputs: Tensor, mask: PaddingMask | None, kind: str, *, bidirectional: bool = False
) -> Tensor:
    """Pool the real steps of each row.

    Parameters
    ----------
    outputs : Tensor, shape (B, T, D)
        Of a recurrent layer or anything like it.
    mask : PaddingMask of shape (B, T), or None
        Rows padded on the right. None takes all steps for real.
    kind : {"last", "mean", "max", "concat"}
        "last" takes the last real step; "concat" is last, maximum and mean side by side.
        ("attention" has weights to learn: see `AttentionPooling`.)
    bidirectional : bool, default=False
        Whether the second half of the features was read from right to left. Its last step is then
        the first one.

    Returns
    -------
    Tensor, shape (B, D), or (B, 3 D) of "concat"
        0 for a row without real steps.

    References
    ----------
    Howard and Ruder (2018), Universal language model fine-tuning for text classification,
    section 3.3 ("concat").

    Examples
    --------
    >>> import torch
    >>> outputs = torch.tensor([[[1.0], [2.0], [9.0]]])
    >>> mask = PaddingMask.from_lengths(torch.tensor([2]), 3)
    >>> pool_sequence(outputs, mask, "concat").tolist()
    [[2.0, 2.0, 1.5]]
    """
    check_choice("kind", kind, KINDS[:-1])
    if mask is None:
        mask = PaddingMask(torch.ones(outputs.shape[:2], dtype=torch.bool, device=outputs.device))
    if outputs.shape[1] == 0:
        return outputs.new_zeros(len(outputs), pooled_size(kind, outputs.shape[2]))
    parts = []
    if kind in ("last", "concat"):
        parts.append(_last(outputs, mask, bidirectional))
    if kind in ("max", "concat"):
        parts.append(_maximum(outputs, mask))
    if kind in ("mean", "concat"):
        parts.append(_mean(outputs, mask))
    pooled = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
    return pooled.masked_fill((mask.lengths == 0)[:, None], 0.0)


def _last(outputs: Tensor, mask: PaddingMask, bidirectional: bool) -> Tensor:
    rows = torch.arange(len(outputs), device=outputs.device)
    last = outputs[rows, (mask.lengths - 1).clamp(min=0)]
    if not bidirectional:
        return last
    half = outputs.shape[2] // 2
    return torch.cat([last[:, :half], outputs[:, 0, half:]], dim=1)


def _maximum(outputs: Tensor, mask: PaddingMask) -> Tensor:
    least = torch.finfo(outputs.dtype).min
    return outputs.masked_fill(~mask.keep[..., None], least).amax(dim=1)


def _mean(outputs: Tensor, mask: PaddingMask) -> Tensor:
    total = outputs.masked_fill(~mask.keep[..., None], 0.0).sum(dim=1)
    return total / mask.lengths.clamp(min=1)[:, None]


class AttentionPooling(nn.Module):
    """A mean of the steps whose weights are learned.

    Each step h scores ``v . tanh(W h + b)``; a softmax over the real steps gives the weights.

    Parameters
    ----------
    size : int
        Features D of a step.
    attention_size : int, optional
        Features of the tanh; D where absent.

    References
    ----------
    Yang et al. (2016), Hierarchical attention networks for document classification, equations 5-7.

    Examples
    --------
    >>> import torch
    >>> AttentionPooling(4)(torch.randn(2, 3, 4)).shape
    torch.Size([2, 4])
    """

    def __init__(self, size: int, attention_size: int | None = None) -> None:
        super().__init__()
        check_count("size", size, 1)
        self.projection = nn.Linear(size, attention_size or size)
        self.score = nn.Linear(attention_size or size, 1, bias=False)

    def weights(self, outputs: Tensor, mask: PaddingMask | None = None) -> Tensor:
        """Weight of each step, (B, T): 0 at padding, sums of 1, or 0 for rows without steps."""
        scores = self.score(torch.tanh(self.projection(outputs)))[..., 0]
        if mask is None:
            return torch.softmax(scores, dim=1)
        return mask.for_queries().softmax(scores[:, None])[:, 0]

    def forward(self, outputs: Tensor, mask: PaddingMask | None = None) -> Tensor:
        """Pool (B, T, D) to (B, D)."""
        kept = outputs if mask is None else outputs.masked_fill(~mask.keep[..., None], 0.0)
        return (self.weights(kept, mask)[:, None].to(kept.dtype) @ kept)[:, 0]


class Pooling(nn.Module):
    """Any of the ways to pool, as a module.

    Parameters
    ----------
    kind : {"last", "mean", "max", "concat", "attention"}
    size : int
        Features D of a step, both directions together.
    bidirectional : bool, default=False
        As of `pool_sequence`.

    Attributes
    ----------
    output_size : int
        Features after pooling.

    Examples
    --------
    >>> import torch
    >>> pooling = Pooling("concat", 4)
    >>> pooling(torch.randn(2, 3, 4)).shape[1] == pooling.output_size
    True
    """

    def __init__(self, kind: str, size: int, *, bidirectional: bool = False) -> None:
        super().__init__()
        self.output_size = pooled_size(kind, size)
        self.kind = kind
        self.bidirectional = bool(bidirectional)
        self.attention = AttentionPooling(size) if kind == "attention" else None

    def forward(self, outputs: Tensor, mask: PaddingMask | None = None) -> Tensor:
        """Pool (B, T, D) to (B, output_size)."""
        if self.attention is not None:
            return self.attention(outputs, mask)
        return pool_sequence(outputs, mask, self.kind, bidirectional=self.bidirectional)
