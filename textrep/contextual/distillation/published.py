"""DistilBERT's own training: a small masked language model, taught by a large one."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from textrep.contextual.distillation.losses import cosine_distance, soft_divergence
from textrep.contextual.distillation.masked_counts import mask_by_counts, masking_weights
from textrep.contextual.distillation.recipe import Recipe
from textrep.contextual.distillation.student import copy_vocabulary_head
from textrep.contextual.distillation.teacher import Asked
from textrep.contextual.encoders.batches import encoder_batches
from textrep.contextual.encoders.encoder import Encoder, EncoderBatch
from textrep.contextual.encoders.tokens import EncoderRow
from textrep.contextual.masked_lm.heads import MaskedLanguageModule, masked_model
from textrep.engine.loop import Outcome, train
from textrep.engine.loss import LossSum
from textrep.engine.seeding import torch_seed
from textrep.engine.task import Task
from textrep.layers.masks import PaddingMask

SOFT, WORDS, COSINE = 5.0, 2.0, 1.0
"""What the three losses are multiplied by, in the README of the authors' code."""

_SCORES = 1 << 26
"""Scores of words that a batch has at most: a quarter of a gigabyte of each side."""


class WordDistillationTask(Task):
    """DistilBERT's three losses, of texts in which words are hidden.

    The divergence of the student's probabilities of words from the teacher's, over all real tokens;
    the cross entropy of the hidden words; one less the cosine of the last hidden states, over all
    real tokens. Teacher and student read the same batch with the same words hidden.

    Parameters
    ----------
    student, teacher : MaskedLanguageModule
        With the same tokenizer.
    weights : float array (n_tokens,)
        See `masking_weights`.
    temperature : float, default=2.0
        Of the first loss, which is multiplied by its square.

    Raises
    ------
    ValueError
        If their hidden sizes differ, which the cosine cannot compare.

    References
    ----------
    V. Sanh et al.: DistilBERT, a distilled version of BERT: smaller, faster, cheaper and lighter,
    2019, and the code that its authors published with it (``distiller.py``).
    """

    masking: Tensor

    def __init__(
        self,
        student: MaskedLanguageModule,
        teacher: MaskedLanguageModule,
        weights: Any,
        *,
        temperature: float = 2.0,
    ) -> None:
        super().__init__()
        sizes = student.encoder.hidden_size, teacher.encoder.hidden_size
        if sizes[0] != sizes[1]:
            raise ValueError(
                f"the student's hidden size is {sizes[0]} and the teacher's {sizes[1]}; in this "
                "recipe both are the same: take recipe='better' for a narrower student"
            )
        self.module = student
        self.teacher = Asked(teacher)
        self._temperature = temperature
        self._mask_id = student.encoder.tokenizer.mask_id
        masking = torch.from_numpy(np.asarray(weights, dtype=np.float32))
        self.register_buffer("masking", masking, persistent=False)

    def loss(self, phase: str, batch: EncoderBatch) -> LossSum:
        """Sum over the real tokens; that of hidden words is their mean times all real tokens."""
        seen, chosen = mask_by_counts(batch.ids, batch.lengths, self.masking, self._mask_id)
        return self.loss_of(batch, seen, chosen)

    def loss_of(self, batch: EncoderBatch, seen: Tensor, chosen: Tensor) -> LossSum:
        """The loss where it is known what is hidden.

        Parameters
        ----------
        batch : EncoderBatch
        seen : int64 Tensor (B, T)
            What both networks read.
        chosen : bool Tensor (B, T)
            Which tokens are hidden.

        Returns
        -------
        LossSum
            With ``soft``, ``words`` and ``cosine``, each before it is multiplied.
        """
        keep = PaddingMask.from_lengths(batch.lengths, batch.ids.shape[1]).keep
        with self.teacher.quietly(batch.ids) as teacher:
            wanted = teacher.hidden(batch, seen)[keep]  # (N, D)
            wanted_scores = teacher.scores(wanted)  # (N, n_tokens)
        own = self.module.hidden(batch, seen)[keep]
        scores = self.module.scores(own)
        hidden = chosen[keep]
        words = functional.cross_entropy(scores[hidden], batch.ids[keep][hidden], reduction="sum")
        each = {
            "soft": soft_divergence(scores, wanted_scores, self._temperature),
            "words": words * (len(own) / hidden.sum().clamp(min=1)),
            "cosine": cosine_distance(own, wanted),
        }
        total = SOFT * each["soft"] + WORDS * each["words"] + COSINE * each["cosine"]
        return LossSum(total, float(len(own)), {k: value.detach() for k, value in each.items()})


def student_module(teacher: MaskedLanguageModule, student: Encoder) -> MaskedLanguageModule:
    """The student's encoder with a head that scores words, the teacher's where that fits.

    Parameters
    ----------
    teacher : MaskedLanguageModule
    student : Encoder
        Its weights are copied.

    Returns
    -------
    MaskedLanguageModule
    """
    model: Any = masked_model(copy.deepcopy(student.config))
    model.base_model.load_state_dict(student.module.state_dict())
    copy_vocabulary_head(teacher.model, model)
    return MaskedLanguageModule(model, student.tokenizer, max_length=student.max_length)


def distil_words(
    teacher: MaskedLanguageModule,
    student: Encoder,
    rows: Sequence[EncoderRow],
    recipe: Recipe,
    seed: int,
    max_seconds: float | None,
) -> tuple[Outcome, MaskedLanguageModule]:
    """Train a student in place as DistilBERT was.

    Parameters
    ----------
    teacher : MaskedLanguageModule
    student : Encoder
    rows : sequence of EncoderRow
    recipe : Recipe
    seed : int
    max_seconds : float or None

    Returns
    -------
    Outcome
    MaskedLanguageModule
        The student with its head; its encoder has the weights of `student`.
    """
    with torch_seed(seed):
        module = student_module(teacher, student)
    tokenizer = student.tokenizer
    weights = masking_weights((row.ids for row in rows), tokenizer.size, tokenizer.special_ids)
    task = WordDistillationTask(module, teacher, weights, temperature=recipe.temperature)
    longest = max(len(row.ids) for row in rows)
    most = max(longest, _SCORES // tokenizer.size)
    mean = sum(len(row.ids) for row in rows) / len(rows)
    settings = recipe.words_settings(
        len(rows), max_seconds, accumulate=max(1, round(recipe.batch_size * mean / most))
    )
    batches = encoder_batches(rows, student, max_rows=recipe.batch_size, max_tokens=most, seed=seed)
    with task.teacher.lent():
        outcome = train(
            task,
            batches,
            settings,
            device=recipe.device,
            precision=recipe.precision,
            seed=seed,
            verbose=recipe.verbose,
            description="Distillation of words",
        )
    student.module.load_state_dict(module.encoder.module.state_dict())
    return outcome, module
