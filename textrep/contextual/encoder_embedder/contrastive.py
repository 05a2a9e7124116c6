"""Contrastive training of sentence vectors: what belongs together comes closer than all else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from textrep.contextual.encoders.batches import pooled
from textrep.contextual.encoders.encoder import Encoder, EncoderBatch
from textrep.contextual.encoders.tokens import EncoderRow
from textrep.engine.batches import LengthBatches
from textrep.engine.loss import LossSum
from textrep.engine.task import Task


class ContrastiveBatch(NamedTuple):
    """Texts, and for each the one that belongs to it.

    Attributes
    ----------
    first : EncoderBatch, of B rows
    second : EncoderBatch or None
        As many rows; None for the same texts once more.
    same : bool Tensor (B, B)
        ``same[i, j]``: text j is the same as text i, or as what belongs to it, so that it is no
        negative of it. The diagonal is True.
    """

    first: EncoderBatch
    second: EncoderBatch | None
    same: Tensor


def info_nce(
    first: Tensor, second: Tensor, temperature: float, same: Tensor | None = None
) -> Tensor:
    r"""Loss of each pair: how hard its second half is to find among those of the batch.

    .. math:: -\log \frac{e^{\cos(u_i, v_i) / \tau}}{\sum_j e^{\cos(u_i, v_j) / \tau}}

    Parameters
    ----------
    first, second : Tensor (B, D)
        Vectors u and v.
    temperature : float
        :math:`\tau`, above 0.
    same : bool Tensor (B, B), optional
        Pairs (i, j), beside the diagonal, that are left out of the sum.

    Returns
    -------
    float32 Tensor (B,)

    References
    ----------
    A. van den Oord, Y. Li, O. Vinyals: Representation learning with contrastive predictive coding,
    2018. T. Gao, X. Yao, D. Chen: SimCSE: Simple contrastive learning of sentence embeddings,
    EMNLP 2021, equations 1 and 4.

    Examples
    --------
    >>> vectors = torch.eye(2)
    >>> round(info_nce(vectors, vectors, temperature=1.0)[0].item(), 4)  # ln(1 + 1 / e)
    0.3133
    """
    u = functional.normalize(first.float(), dim=1)
    v = functional.normalize(second.float(), dim=1)
    scores = u @ v.T / temperature  # (B, B)
    if same is not None:
        others = same & ~torch.eye(len(scores), dtype=torch.bool, device=scores.device)
        scores = scores.masked_fill(others, -torch.inf)
    targets = torch.arange(len(scores), device=scores.device)
    return functional.cross_entropy(scores, targets, reduction="none")


class ContrastiveTask(Task):
    """Contrastive loss of the vectors of an encoder.

    Without second texts, each text is read twice, and what dropout leaves out differs (SimCSE
    without labels). With them, the loss looks in both directions: for the second among all seconds,
    and for the first among all firsts.

    Parameters
    ----------
    encoder : Encoder
    pooling : {"cls", "mean", "max"}
    temperature : float
    """

    def __init__(self, encoder: Encoder, pooling: str, temperature: float) -> None:
        super().__init__()
        self.module: nn.Module = encoder.module
        self._encoder = encoder
        self._pooling = pooling
        self._temperature = temperature

    def loss(self, phase: str, batch: ContrastiveBatch) -> LossSum:
        """Sum over the texts; ``found`` counts those whose partner is the nearest of all."""
        first = self._vectors(batch.first)
        second = self._vectors(batch.first if batch.second is None else batch.second)
        losses = info_nce(first, second, self._temperature, batch.same)
        if batch.second is not None:
            back = info_nce(second, first, self._temperature, batch.same.T)
            losses = (losses + back) / 2
        with torch.no_grad():
            found = _n_found(first, second)
        return LossSum(losses.sum(), float(len(losses)), {"found": found})

    def _vectors(self, batch: EncoderBatch) -> Tensor:
        hidden: Any = self._encoder.hidden(batch)
        return pooled(hidden, batch.lengths, self._pooling, cls_last=self._encoder.cls_last)


def _n_found(first: Tensor, second: Tensor) -> Tensor:
    """How many of the first vectors have their own second one nearest, by the cosine."""
    u = functional.normalize(first.float(), dim=1)
    v = functional.normalize(second.float(), dim=1)
    nearest = (u @ v.T).argmax(dim=1)
    return (nearest == torch.arange(len(nearest), device=nearest.device)).sum()


def has_dropout(encoder: Encoder) -> bool:
    """Whether anything is left out in training, so that reading a text twice gives two vectors."""
    names = ("attention_dropout", "attention_probs_dropout_prob")
    return any(getattr(encoder.config, name, None) for name in names) or any(
        isinstance(module, nn.Dropout) and module.p > 0 for module in encoder.module.modules()
    )


def contrastive_batches(
    encoder: Encoder,
    rows: Sequence[EncoderRow],
    others: Sequence[EncoderRow] | None = None,
    *,
    max_rows: int,
    seed: int,
) -> LengthBatches:
    """Texts, or pairs of them, in batches of similar length.

    Parameters
    ----------
    encoder : Encoder
    rows : sequence of EncoderRow
    others : sequence of EncoderRow, optional
        The second halves of pairs.
    max_rows : int
        In a batch.
    seed : int

    Returns
    -------
    LengthBatches
        Of `ContrastiveBatch`.

    Raises
    ------
    ValueError
        If there is nothing to tell apart.
    """
    both = [*rows, *(rows if others is None else others)]
    kinds = _kinds(both)
    first, second = kinds[: len(rows)], kinds[len(rows) :]
    if len(np.unique(first)) < 2:
        raise ValueError(
            "all texts are the same as far as they are read; contrastive training tells texts apart"
        )
    lengths = [len(row.ids) for row in rows]
    if others is not None:
        lengths = [max(n, len(row.ids)) for n, row in zip(lengths, others, strict=True)]

    def collate(numbers: np.ndarray) -> ContrastiveBatch:
        a, b = first[numbers], second[numbers]
        same = a[:, None] == a
        same |= b[:, None] == b
        same |= a[:, None] == b
        same |= b[:, None] == a
        return ContrastiveBatch(
            encoder.collate([rows[number] for number in numbers]),
            None if others is None else encoder.collate([others[number] for number in numbers]),
            torch.from_numpy(same),
        )

    return LengthBatches(lengths, collate, max_rows=max_rows, seed=seed)


def _kinds(rows: Sequence[EncoderRow]) -> np.ndarray:
    """Numbers by which the same rows are known, int64 (n_rows,)."""
    known: dict[bytes, int] = {}
    return np.array([known.setdefault(row.ids.tobytes(), len(known)) for row in rows], np.int64)


def row_digest(rows: Sequence[EncoderRow]) -> str:
    """What tells rows from others, for a training that is taken up."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(len(row.ids).to_bytes(4, "little") + row.ids.tobytes())
    return digest.hexdigest()
