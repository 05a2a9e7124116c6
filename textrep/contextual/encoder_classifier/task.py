"""What fine-tuning minimises, and the batches that it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from textrep.contextual.encoder_classifier.layer_rates import trained_groups
from textrep.contextual.encoder_classifier.module import EncoderClassifierModule
from textrep.contextual.encoder_classifier.targets import MULTI, SINGLE
from textrep.contextual.encoder_classifier.windows import (
    TextBatch,
    Windows,
    collate_texts,
    lengths_of,
)
from textrep.contextual.encoders.encoder import Encoder
from textrep.engine.batches import LengthBatches
from textrep.engine.loss import LossSum
from textrep.engine.task import ParameterGroup, Task


class TargetBatch(NamedTuple):
    """A batch of texts with what is to be said of them.

    Attributes
    ----------
    texts : TextBatch
    targets : Tensor
        Numbers of classes, int64 (n_texts,), or float32 (n_texts, n_outputs).
    """

    texts: TextBatch
    targets: Tensor


class EncoderClassifierTask(Task):
    """Cross entropy of classes or of single labels, or squared error.

    Parameters
    ----------
    module : EncoderClassifierModule
        What it keeps from training stays as it is.
    problem : {"single-label", "multi-label", "regression"}
    weights : float32 array
        See `target_weights`.
    layer_decay : float
        See `trained_groups`.
    """

    weights: Tensor

    def __init__(
        self,
        module: EncoderClassifierModule,
        problem: str,
        weights: NDArray[np.float32],
        layer_decay: float = 1.0,
    ) -> None:
        super().__init__()
        self.module = module
        self._problem = problem
        self._layer_decay = layer_decay
        self.register_buffer("weights", torch.from_numpy(weights), persistent=False)

    def loss(self, phase: str, batch: TargetBatch) -> LossSum:
        """Sum over the texts, of labels their mean; ``correct`` counts texts all right."""
        outputs = self.module(batch.texts)  # (n_texts, n_outputs)
        targets, count = batch.targets, float(len(batch.targets))
        if self._problem == SINGLE:
            losses = functional.cross_entropy(outputs, targets, reduction="none")
            right = outputs.argmax(dim=1) == targets
            return LossSum((losses * self.weights[targets]).sum(), count, {"correct": right.sum()})
        if self._problem == MULTI:
            losses = functional.binary_cross_entropy_with_logits(outputs, targets, reduction="none")
            weights = torch.where(targets > 0, self.weights[1], self.weights[0])
            right = ((outputs > 0) == (targets > 0)).all(dim=1)
            total = (losses * weights).mean(dim=1).sum()
            return LossSum(total, count, {"correct": right.sum()})
        return LossSum((outputs - targets).square().sum(), count)

    def groups(self, phase: str) -> list[ParameterGroup]:
        """Embeddings, layers and head, as far as they are trained."""
        return trained_groups(self.module, self._layer_decay)


def target_batches(
    encoder: Encoder,
    rows: Sequence[Windows],
    values: NDArray[Any],
    chosen: NDArray[np.int64],
    *,
    max_rows: int,
    max_tokens: int | None,
    seed: int = 0,
    shuffle: bool = True,
) -> LengthBatches:
    """Batches of `TargetBatch`, of texts of similar length.

    Parameters
    ----------
    encoder : Encoder
    rows : sequence of list of EncoderRow
        Of all texts.
    values : array (n_texts,) or (n_texts, n_outputs)
    chosen : int64 array
        Which of the texts to take.
    max_rows : int
        Texts in a batch.
    max_tokens : int or None
        In a batch, padding included. None for `max_rows` times the longest row: texts of one row
        always fit, those in many windows come fewer at a time, as memory has its bounds.
    seed : int, default=0
    shuffle : bool, default=True

    Returns
    -------
    LengthBatches
    """
    taken = [rows[number] for number in chosen]
    if max_tokens is None:
        longest = max((len(row.ids) for windows in taken for row in windows), default=1)
        max_tokens = max_rows * longest
    targets = torch.from_numpy(values[chosen])
    collate = collate_texts(encoder, taken)

    def collate_with_targets(numbers: NDArray[np.int64]) -> TargetBatch:
        return TargetBatch(collate(numbers), targets[numbers])

    return LengthBatches(
        lengths_of(taken),
        collate_with_targets,
        max_rows=max_rows,
        max_tokens=max_tokens,
        seed=seed,
        shuffle=shuffle,
    )
