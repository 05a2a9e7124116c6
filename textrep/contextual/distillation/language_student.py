"""Students without a task: a masked language model, or an encoder alone."""

from __future__ import annotations

import time
from typing import Any

from textrep.contextual.distillation.classifier_student import report_of, seeds_of, transfer
from textrep.contextual.distillation.recipe import TRANSFER, WORDS, Recipe
from textrep.contextual.distillation.student_encoder import NewStudent, new_student
from textrep.contextual.encoders.encoder import Encoder
from textrep.contextual.encoders.tokens import EncoderRow
from textrep.contextual.ulmfit_stages import of_stage
from textrep.contextual.word_inputs import time_left
from textrep.core.text import check_texts


def distil_language_model(
    teacher: Any, texts: Any, unlabelled: Any, *, student: Any, recipe: Recipe
) -> Any:
    """The student of a fitted `MaskedLanguageModel`; see `textrep.distill`."""
    from textrep.contextual.distillation.published import distil_words
    from textrep.contextual.masked_lm.masked_language_model import MaskedLanguageModel

    started = time.monotonic()
    rows = _rows(teacher.encoder_, texts, unlabelled)
    made, history, seeds = _begin(teacher.encoder_, rows, student, recipe)
    outcome, module = distil_words(
        teacher.module_,
        made.encoder,
        rows,
        recipe,
        seeds["task"],
        time_left(recipe.max_seconds, started),
    )
    own = MaskedLanguageModel(
        **{
            **_surroundings(recipe),
            "architecture": made.shape.architecture,
            "size": dict(made.shape.size),
            "max_length": made.encoder.max_length,
        }
    )
    own.objective_ = "mlm"
    own._take(module)
    history += of_stage(outcome, WORDS)
    own.history_ = history
    own.n_epochs_ = outcome.n_epochs
    own.stopped_early_, own.out_of_time_ = outcome.stopped_early, outcome.out_of_time
    report = report_of(teacher.encoder_, made, recipe, None, history)
    own.distillation_ = report.state()
    return own


def distil_encoder(
    teacher: Encoder, texts: Any, unlabelled: Any, *, student: Any, recipe: Recipe
) -> Any:
    """The student of an encoder alone, as an `EncoderEmbedder`; see `textrep.distill`."""
    from textrep.contextual import EncoderEmbedder

    if not recipe.transfers:
        raise ValueError(
            "of an encoder alone there are relations and hidden states to learn: set one of "
            "relations and hidden_states to True, and transfer_epochs above 0"
        )
    rows = _rows(teacher, texts, unlabelled)
    made, history, _ = _begin(teacher, rows, student, recipe)
    own = EncoderEmbedder(checkpoint=made.encoder, **_surroundings(recipe))
    own.fit(check_texts(texts, name="texts"))
    # It has a copy; a file could not hold the object.
    own.set_params(
        checkpoint=None, architecture=made.shape.architecture, size=dict(made.shape.size)
    )
    own.distillation_ = report_of(teacher, made, recipe, None, history).state()
    return own


def _rows(encoder: Encoder, texts: Any, unlabelled: Any) -> list[EncoderRow]:
    found = check_texts(texts, name="texts")
    if unlabelled is not None:
        found += check_texts(unlabelled, name="unlabelled", allow_empty=True)
    rows: list[EncoderRow] = encoder.rows(found)
    return rows


def _begin(
    teacher: Encoder, rows: list[EncoderRow], student: Any, recipe: Recipe
) -> tuple[NewStudent, list[dict[str, Any]], dict[str, int]]:
    """A student after the first stage of the better recipe, its history, and seeds."""
    seeds = seeds_of(recipe.random_state)
    made = new_student(
        teacher,
        student,
        initialise=recipe.initialise,
        fold_token_types=recipe.folds,
        seed=seeds["student"],
    )
    history: list[dict[str, Any]] = []
    if recipe.transfers:
        outcome = transfer(teacher, made.encoder, rows, recipe, seeds["transfer"])
        history = of_stage(outcome, TRANSFER)
    return made, history, seeds


def _surroundings(recipe: Recipe) -> dict[str, Any]:
    return {
        "device": recipe.device,
        "precision": recipe.precision,
        "random_state": recipe.random_state,
        "verbose": recipe.verbose,
    }
