"""A student learns a task from its teacher's answers, and from labels where there are some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from textrep.contextual.distillation.losses import soft_divergence
from textrep.contextual.distillation.teacher import Asked
from textrep.contextual.encoder_classifier.targets import MULTI, REGRESSION, SINGLE
from textrep.contextual.encoder_classifier.task import TargetBatch, target_batches
from textrep.contextual.encoder_classifier.windows import Windows
from textrep.contextual.encoders.encoder import Encoder
from textrep.engine.batches import LengthBatches
from textrep.engine.loss import LossSum
from textrep.engine.task import Task

UNLABELLED = -1
"""In place of the number of a class."""


class TaskDistillationTask(Task):
    """Soft labels of a teacher that reads the same batch, and hard ones.

    The teacher's answers are computed anew for each batch, without its dropout: the student sees
    what the teacher sees. Of texts without labels there are soft ones only.

    Parameters
    ----------
    module : nn.Module
        The student: takes a `TextBatch`, gives outputs (n_texts, n_outputs).
    teacher : nn.Module or None
        The same; None for hard labels alone.
    problem : {"single-label", "multi-label", "regression"}
    temperature : float, default=2.0
        Of both sides' probabilities; see `soft_divergence`.
    hard_share : float, default=0.0
        What hard labels count, where both are there; soft ones count the rest.

    References
    ----------
    L. Beyer et al.: Knowledge distillation: a good teacher is patient and consistent, CVPR 2022
    (the same view for both).
    """

    def __init__(
        self,
        module: nn.Module,
        teacher: nn.Module | None,
        problem: str,
        *,
        temperature: float = 2.0,
        hard_share: float = 0.0,
    ) -> None:
        super().__init__()
        self.module = module
        self.teacher = None if teacher is None else Asked(teacher)
        self._problem = problem
        self._temperature = temperature
        self._hard_share = 1.0 if teacher is None else hard_share

    def loss(self, phase: str, batch: TargetBatch) -> LossSum:
        """Sum over the texts; ``alike`` counts those of which student and teacher say the same."""
        outputs = self.module(batch.texts)  # (n_texts, n_outputs)
        known = is_labelled(batch.targets)
        weight = torch.where(known, self._hard_share, 0.0)
        hard = self._hard(outputs[known], batch.targets[known])
        total = (weight[known] * hard).sum()
        measures = {}
        if self.teacher is not None:
            with self.teacher.quietly(outputs) as teacher:
                wanted = teacher(batch.texts)
            soft = soft_of(self._problem, outputs, wanted, self._temperature)
            total = total + ((1 - weight) * soft).sum()
            if self._problem == SINGLE:
                measures["alike"] = (outputs.argmax(dim=1) == wanted.argmax(dim=1)).sum()
        return LossSum(total, float(len(outputs)), measures)

    def _hard(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Loss of each text, (n,)."""
        if self._problem == SINGLE:
            return functional.cross_entropy(outputs, targets, reduction="none")
        if self._problem == MULTI:
            each = functional.binary_cross_entropy_with_logits(outputs, targets, reduction="none")
            return each.mean(dim=1)
        return (outputs - targets).square().sum(dim=1)


def soft_of(problem: str, student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """How far the student's answers are from the teacher's, of each text.

    Parameters
    ----------
    problem : {"single-label", "multi-label", "regression"}
    student, teacher : Tensor, shape (N, K)
    temperature : float

    Returns
    -------
    Tensor, shape (N,)
        `soft_divergence` of classes; the mean over labels of that between having and not having
        one; of quantities the squared difference.

    Examples
    --------
    >>> scores = torch.tensor([[0.0, 2.0]])
    >>> float(soft_of("multi-label", scores, scores, 2.0))
    0.0
    """
    if problem == REGRESSION:
        return (student - teacher).square().sum(dim=1)
    n_texts = len(student)
    if problem == MULTI:
        student, teacher = (
            torch.stack([torch.zeros_like(x), x], dim=2).view(-1, 2) for x in (student, teacher)
        )
    each = soft_divergence(student, teacher, temperature, reduction="none")
    return each.view(n_texts, -1).mean(dim=1) if problem == MULTI else each


def is_labelled(targets: Tensor) -> Tensor:
    """Which texts have a label, bool (n_texts,)."""
    if targets.dtype == torch.int64:
        return targets != UNLABELLED
    return ~torch.isnan(targets).any(dim=1)


def without_labels(problem: str, n_texts: int, n_outputs: int) -> NDArray[Any]:
    """Targets of texts that have none.

    >>> without_labels("single-label", 2, 3).tolist()
    [-1, -1]
    """
    if problem == SINGLE:
        return np.full(n_texts, UNLABELLED, dtype=np.int64)
    return np.full((n_texts, n_outputs), np.nan, dtype=np.float32)


def distillation_batches(
    encoder: Encoder,
    rows: Sequence[Windows],
    values: NDArray[Any],
    *,
    max_rows: int,
    max_tokens: int | None,
    seed: int,
) -> LengthBatches:
    """Batches of all texts, labelled or not.

    Parameters
    ----------
    encoder : Encoder
        Of the student; that of the teacher reads the same numbers.
    rows : sequence of list of EncoderRow
    values : array (n_texts,) or (n_texts, n_outputs)
    max_rows, max_tokens, seed
        See `target_batches`.

    Returns
    -------
    LengthBatches
    """
    return target_batches(
        encoder,
        rows,
        values,
        np.arange(len(rows)),
        max_rows=max_rows,
        max_tokens=max_tokens,
        seed=seed,
    )
