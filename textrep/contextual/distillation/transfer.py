"""The better recipe's first stage, on texts without labels: the student is to see what the teacher
sees.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from textrep.contextual.distillation.losses import standardised_distance
from textrep.contextual.distillation.relations import (
    Projections,
    ProjectionTap,
    relation_divergence,
    relation_heads_for,
)
from textrep.contextual.distillation.student import matched_layers
from textrep.contextual.distillation.teacher import Asked
from textrep.contextual.encoders.encoder import Encoder, EncoderBatch
from textrep.engine.loss import LossSum
from textrep.engine.task import Task
from textrep.layers.masks import PaddingMask

Seen = tuple[list[Tensor], Projections | None]


class TransferTask(Task):
    """Attention relations and hidden states of the student, held to those of the teacher.

    The loss of a token is the mean divergence of its relations to all others as query, as key and
    as value, of the student's last layer from one of the teacher's (`relation_divergence`), and the
    mean distance of its hidden states, those of all layers from the teacher's that lie as high
    (`standardised_distance`, `matched_layers`).

    Parameters
    ----------
    student, teacher : Encoder
        With the same tokenizer.
    relations : bool, default=True
    hidden_states : bool, default=True
        Where sizes differ, a linear layer that is then thrown away brings the student's vectors to
        the size of the teacher's.
    relation_heads : int or None, default=None
        See `relation_heads_for`.
    teacher_layer : int, default=-1
        Whose relations; of very deep teachers one below the last is better.

    Attributes
    ----------
    n_heads : int
        Relation heads; 0 without relations.

    Raises
    ------
    ValueError
        If neither is wanted, or a network has no relations that can be read.
    """

    def __init__(
        self,
        student: Encoder,
        teacher: Encoder,
        *,
        relations: bool = True,
        hidden_states: bool = True,
        relation_heads: int | None = None,
        teacher_layer: int = -1,
    ) -> None:
        super().__init__()
        if not (relations or hidden_states):
            raise ValueError(
                "there is nothing to transfer; relations or hidden_states must be True"
            )
        self.network = student.module
        self.teacher = Asked(teacher.module)
        self._student, self._teacher = student, teacher
        sizes = student.hidden_size, teacher.hidden_size
        self.widen = nn.Identity() if sizes[0] == sizes[1] else nn.Linear(*sizes)
        self._hidden_states = hidden_states
        self._matched = matched_layers(teacher.n_layers, student.n_layers)
        self._taps: list[ProjectionTap] = []
        self.n_heads = 0
        if relations:
            self.n_heads = relation_heads_for(*sizes, relation_heads)
            self._taps = [
                ProjectionTap(student.module, student.n_layers),
                ProjectionTap(teacher.module, teacher.n_layers, teacher_layer),
            ]

    def loss(self, phase: str, batch: EncoderBatch) -> LossSum:
        """Sum over the real tokens, special ones included."""
        own, own_parts = self._see(self._student, batch, 0)
        with self.teacher.quietly(batch.ids):
            wanted, wanted_parts = self._see(self._teacher, batch, 1)
        total = torch.zeros((), device=batch.ids.device)
        measures = {}
        if own_parts is not None and wanted_parts is not None:
            each = [
                relation_divergence(x, y, batch.lengths, self.n_heads)
                for x, y in zip(own_parts, wanted_parts, strict=True)
            ]
            measures["relations"] = torch.stack(each).mean()
            total = total + measures["relations"]
        if self._hidden_states:
            keep = PaddingMask.from_lengths(batch.lengths, batch.ids.shape[1]).keep
            each = [
                standardised_distance(self.widen(state)[keep], wanted[layer][keep])
                for state, layer in zip(own, self._matched, strict=True)
            ]
            measures["hidden"] = torch.stack(each).mean()
            total = total + measures["hidden"]
        measures = {name: value.detach() for name, value in measures.items()}
        return LossSum(total, batch.lengths.sum(), measures)

    def _see(self, encoder: Encoder, batch: EncoderBatch, side: int) -> Seen:
        """Hidden states where they are wanted, and projections where those are."""
        if not self._taps:
            return self._run(encoder, batch), None
        with self._taps[side].reading() as found:
            states = self._run(encoder, batch)
            return states, found()

    def _run(self, encoder: Encoder, batch: EncoderBatch) -> list[Any]:
        if self._hidden_states:
            return encoder.hidden(batch, layers="all")
        return [encoder.hidden(batch)]
