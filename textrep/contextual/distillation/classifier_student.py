"""A small classifier, taught by a large one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from textrep.contextual.distillation.recipe import PUBLISHED, TASK, TRANSFER, WORDS, Recipe
from textrep.contextual.distillation.report import DistillationReport, agreement
from textrep.contextual.distillation.student_encoder import NewStudent, new_student
from textrep.contextual.distillation.task_distillation import (
    TaskDistillationTask,
    distillation_batches,
    without_labels,
)
from textrep.contextual.distillation.transfer import TransferTask
from textrep.contextual.encoder_classifier.encoder_classifier import EncoderClassifier
from textrep.contextual.encoder_classifier.targets import (
    MULTI,
    REGRESSION,
    SINGLE,
    read_targets,
    read_texts,
)
from textrep.contextual.encoder_classifier.windows import TextBatch, Windows
from textrep.contextual.encoders.batches import encoder_batches
from textrep.contextual.encoders.encoder import Encoder
from textrep.contextual.encoders.tokens import EncoderRow
from textrep.contextual.ulmfit_stages import of_stage
from textrep.contextual.word_inputs import time_left
from textrep.core.labels import LabelError
from textrep.core.messages import shown
from textrep.core.random import streams
from textrep.engine.loop import Outcome, train
from textrep.engine.seeding import torch_seed

_SEED_BITS = 63

_RELATIONS = 1 << 26
"""Pairs of tokens in all heads of a batch at most: a quarter of a gigabyte of each kind."""

SEEDS = ("student", "head", "transfer", "task")

_OWN = ("classes_", "labels_in_lists_", "pairs_", "pooling_", "problem_", "temperature_")
"""What a student has from its teacher: the question that both answer."""

_NOT_TAKEN = (
    "checkpoint", "revision", "pretrain_on", "architecture", "size", "training_checkpoint",
    "freeze_layers", "lora_rank",
)  # fmt: skip


def seeds_of(random_state: Any) -> dict[str, int]:
    """Seeds of all that a distillation draws."""
    random = streams(random_state, SEEDS)
    return {name: int(random[name].integers(2**_SEED_BITS)) for name in SEEDS}


def distil_classifier(
    teacher: Any,
    texts: Any,
    labels: Any,
    *,
    student: Any,
    unlabelled: Any,
    language_model: Any,
    recipe: Recipe,
) -> EncoderClassifier:
    """The student of a fitted `EncoderClassifier`; see `textrep.distill`."""
    started = time.monotonic()
    own = _unfitted(teacher, student, recipe)
    first, second = read_texts(texts, name="texts")
    values = _targets(teacher, labels, len(first))
    if labels is None and not recipe.softens:
        raise ValueError("there is nothing to learn: give labels, or set soft_labels=True")
    more, more_pairs = read_texts(
        () if unlabelled is None else unlabelled, name="unlabelled", allow_empty=True
    )
    for pairs in (second, *([more_pairs] if more else [])):
        if (pairs is not None) != teacher.pairs_:
            kind = "pairs of texts" if teacher.pairs_ else "single texts"
            raise ValueError(f"the teacher was fitted on {kind}; give such texts")
    seeds = seeds_of(recipe.random_state)
    source = teacher.encoder_ if language_model is None else language_model.encoder_
    made = new_student(
        source if recipe.recipe == PUBLISHED else teacher.encoder_,
        student,
        initialise=recipe.initialise,
        fold_token_types=recipe.folds,
        seed=seeds["student"],
    )
    encoder = made.encoder
    labelled_rows = own._rows_for(encoder, first, second)
    rows = [*labelled_rows, *(own._rows_for(encoder, more, more_pairs) if more else [])]
    before = _before_the_task(teacher, language_model, made, rows, recipe, seeds)
    for name in _OWN:
        if hasattr(teacher, name):
            setattr(own, name, getattr(teacher, name))
    if not recipe.softens:
        own.temperature_ = 1.0  # that of the teacher is of answers that were not learnt
    own.set_params(architecture=made.shape.architecture, size=dict(made.shape.size))
    with torch_seed(seeds["head"]):
        own.module_ = own._module(encoder)
    copied = copy_head(teacher.module_.head, own.module_.head, teacher.encoder_, encoder)
    n_more = len(rows) - len(labelled_rows)
    if n_more and recipe.softens:
        values = np.concatenate([values, without_labels(own.problem_, n_more, _n_outputs(own))])
    else:
        rows = labelled_rows
    outcome = _learn_task(own, teacher, rows, values, recipe, seeds, started, copied=copied)
    history = [*before, *of_stage(outcome, TASK)]
    own.history_ = history
    own.n_epochs_ = outcome.n_epochs
    own.stopped_early_, own.out_of_time_ = outcome.stopped_early, outcome.out_of_time
    alike = None if own.problem_ == REGRESSION else _agreement(teacher, own, texts)
    own.distillation_ = report_of(source, made, recipe, alike, history).state()
    return own


def _unfitted(teacher: Any, student: Any, recipe: Recipe) -> EncoderClassifier:
    """A classifier with the teacher's parameters but its shape."""
    given = {
        name: value
        for name, value in teacher.get_params(deep=False).items()
        if name not in _NOT_TAKEN
    }
    if isinstance(student, EncoderClassifier):
        given.update({name: getattr(student, name) for name in ("dropout", "batch_tokens")})
    given.update(
        device=recipe.device,
        precision=recipe.precision,
        random_state=recipe.random_state,
        verbose=recipe.verbose,
        batch_size=recipe.batch_size,
        pretrain_epochs=0,
        class_weight=None,
        max_seconds=None,
    )
    return EncoderClassifier(**given)


def _targets(teacher: Any, labels: Any, n_texts: int) -> NDArray[Any]:
    """Targets as the teacher's outputs are numbered."""
    n_outputs = _n_outputs(teacher)
    if labels is None:
        return without_labels(teacher.problem_, n_texts, n_outputs)
    found = read_targets(teacher, labels, n_texts, teacher.problem_)
    if teacher.problem_ == REGRESSION:
        return found.values
    assert found.classes is not None
    if teacher.problem_ == MULTI and found.in_lists != teacher.labels_in_lists_:
        there, here = ("lists of labels", "a table")[:: 1 if teacher.labels_in_lists_ else -1]
        raise LabelError(f"the teacher was fitted on {there}, but labels is {here}")
    if teacher.problem_ == MULTI and not found.in_lists and found.n_outputs != n_outputs:
        raise LabelError(
            f"labels has {found.n_outputs} columns, but the teacher was fitted on {n_outputs}"
        )
    known = {label: number for number, label in enumerate(teacher.classes_.tolist())}
    if unknown := [label for label in found.classes.tolist() if label not in known]:
        raise LabelError(
            f"labels holds {shown(unknown[0])}, which is none of the teacher's classes: "
            f"{shown(teacher.classes_.tolist())}"
        )
    places = np.array([known[label] for label in found.classes.tolist()], dtype=np.int64)
    if teacher.problem_ == SINGLE:
        return places[found.values]
    values = np.zeros((n_texts, n_outputs), dtype=np.float32)
    values[:, places] = found.values
    return values


def _n_outputs(estimator: Any) -> int:
    return 1 if estimator.problem_ == REGRESSION else len(estimator.classes_)


def _before_the_task(
    teacher: Any,
    language_model: Any,
    made: NewStudent,
    rows: Sequence[Windows],
    recipe: Recipe,
    seeds: dict[str, int],
) -> list[dict[str, Any]]:
    """The first stage: its history."""
    flat = [row for windows in rows for row in windows]
    if recipe.recipe == PUBLISHED:
        if recipe.transfer_epochs == 0:
            return []
        from textrep.contextual.distillation.published import distil_words

        outcome, _ = distil_words(
            language_model.module_,
            made.encoder,
            flat,
            recipe,
            seeds["transfer"],
            recipe.first_share(),
        )
        return of_stage(outcome, WORDS)
    if not recipe.transfers:
        return []
    outcome = transfer(teacher.encoder_, made.encoder, flat, recipe, seeds["transfer"])
    return of_stage(outcome, TRANSFER)


def transfer(
    teacher: Encoder, student: Encoder, rows: Sequence[EncoderRow], recipe: Recipe, seed: int
) -> Outcome:
    """Train a student in place to see what its teacher sees in some rows.

    Parameters
    ----------
    teacher, student : Encoder
    rows : sequence of EncoderRow
    recipe : Recipe
    seed : int

    Returns
    -------
    Outcome
    """
    with torch_seed(seed):  # of the layer between unequal sizes
        task = TransferTask(
            student,
            teacher,
            relations=recipe.relations,
            hidden_states=recipe.hidden_states,
            relation_heads=recipe.relation_heads,
            teacher_layer=recipe.teacher_layer,
        )
    longest = max(len(row.ids) for row in rows)
    most, accumulate = None, 1
    if task.n_heads:  # relations take memory by the square of the length
        most = max(longest, _RELATIONS // (task.n_heads * longest))
        mean = sum(len(row.ids) for row in rows) / len(rows)
        accumulate = max(1, round(recipe.batch_size * mean / most))
    settings = recipe.transfer_settings(len(rows), recipe.first_share())
    with contextlib.ExitStack() as stack:
        for encoder in (teacher, student):
            stack.callback(encoder.forget_captures)
        stack.enter_context(task.teacher.lent())
        return train(
            task,
            encoder_batches(rows, student, max_rows=recipe.batch_size, max_tokens=most, seed=seed),
            replace(settings, accumulate=accumulate),
            device=recipe.device,
            precision=recipe.precision,
            seed=seed,
            verbose=recipe.verbose,
            description="Transfer from the teacher",
        )


def _learn_task(
    own: EncoderClassifier,
    teacher: Any,
    rows: Sequence[Windows],
    values: NDArray[Any],
    recipe: Recipe,
    seeds: dict[str, int],
    started: float,
    *,
    copied: bool,
) -> Outcome:
    """Train on the teacher's answers and the labels; `copied` says whose head the student's is."""
    scale, shift = _scale_of(teacher, values, rows) if own.problem_ == REGRESSION else (1.0, 0.0)
    asked: nn.Module = teacher.module_
    if own.problem_ == REGRESSION:
        asked = _Standardised(teacher.module_, scale, shift)
        values = ((values - shift) / scale).astype(np.float32)
        if copied:  # the teacher's answers in their own unit
            own.module_.rescale(1 / scale, -shift / scale)
    task = TaskDistillationTask(
        own.module_,
        asked if recipe.softens else None,
        own.problem_,
        temperature=recipe.temperature,
        hard_share=recipe.hard_share,
    )
    batches = distillation_batches(
        own.module_.encoder,
        rows,
        values,
        max_rows=recipe.batch_size,
        max_tokens=own.batch_tokens,
        seed=seeds["task"],
    )
    settings = recipe.task_settings(
        len(rows), own.module_.encoder.hidden_size, time_left(recipe.max_seconds, started)
    )
    with _lent(task):
        outcome = train(
            task,
            batches,
            settings,
            device=recipe.device,
            precision=recipe.precision,
            seed=seeds["task"],
            verbose=recipe.verbose,
            description="Distillation of the task",
        )
    if own.problem_ == REGRESSION:
        own.module_.rescale(scale, shift)
    return outcome


def _lent(task: TaskDistillationTask) -> Any:
    return contextlib.nullcontext() if task.teacher is None else task.teacher.lent()


class _Standardised(nn.Module):
    """A teacher of quantities, whose answers have mean 0 and deviation 1."""

    def __init__(self, module: nn.Module, scale: float, shift: float) -> None:
        super().__init__()
        self.module = module
        self._scale, self._shift = scale, shift

    def forward(self, texts: TextBatch) -> torch.Tensor:
        return (self.module(texts) - self._shift) / self._scale


def _scale_of(teacher: Any, values: NDArray[Any], rows: Sequence[Windows]) -> tuple[float, float]:
    """Deviation and mean of quantities: of the labels, or of what the teacher says instead."""
    known = values[~np.isnan(values)]
    if not len(known):
        known = teacher._outputs_of(rows, teacher._own_runner())[:, 0]
    return float(known.std()) or 1.0, float(known.mean())


def copy_head(
    teacher: nn.Module, student: nn.Module, teacher_encoder: Encoder, student_encoder: Encoder
) -> bool:
    """Start a student's head from its teacher's, where both compute alike; whether they do.

    Those of BERT and DistilBERT bend vectors differently: what one has learnt is of no use to the
    other.
    """
    if teacher_encoder.architecture != student_encoder.architecture:
        return False
    given, own = teacher.state_dict(), student.state_dict()
    if {n: t.shape for n, t in given.items()} != {n: t.shape for n, t in own.items()}:
        return False
    student.load_state_dict(given)
    return True


def _agreement(teacher: Any, student: Any, texts: Any) -> float:
    if teacher.problem_ == MULTI and teacher.labels_in_lists_:
        both = zip(teacher.predict(texts), student.predict(texts), strict=True)
        return float(np.mean([set(a) == set(b) for a, b in both]))
    return agreement(teacher, student, texts)


def report_of(
    teacher: Encoder,
    made: NewStudent,
    recipe: Recipe,
    alike: float | None,
    history: list[dict[str, Any]],
) -> DistillationReport:
    """What a distillation came to."""
    return DistillationReport(
        recipe=recipe.recipe,
        teacher_parameters=teacher.n_parameters,
        student_parameters=made.encoder.n_parameters,
        teacher_layers=teacher.n_layers,
        student_layers=made.encoder.n_layers,
        copied_layers=list(made.layers),
        agreement=alike,
        history=history,
    )
