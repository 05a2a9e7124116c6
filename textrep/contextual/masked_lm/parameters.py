"""Parameters of `MaskedLanguageModel`: what is refused, and how it is trained."""

from __future__ import annotations

from typing import Any

import numpy as np

from textrep.contextual.encoders.shapes import pretraining_rate, shape_of
from textrep.contextual.masked_lm.heads import PRETRAINED
from textrep.embeddings.parameters import check_choice, check_count, check_epochs, check_number
from textrep.engine.settings import TrainingSettings
from textrep.layers.dropout import check_dropout

OBJECTIVES = ("auto", "mlm", "mlm+nsp", "mlm+sop")

FIRST_VECTORS = ("word2vec", "random")

GOING_ON = 0.1
"""What "auto" makes of the learning rate where an encoder is trained further."""

VECTOR_FACTOR = 0.1
"""Times the learning rate, for vectors that word2vec has learnt.

With the whole rate, two minutes of training undo more of them than they teach: on held-out training
texts of sst2 with 500 labels 68 % instead of 72, and the loss of hidden tokens is higher, too.
"""

_SWITCHES = ("whole_words", "packing", "lowercase")
_EPSILON = 1e-6  # of AdamW, as BERT and RoBERTa have it
_FEWEST_TOKENS = 6  # room for the special tokens around two passages, and a token of each


def check_parameters(model: Any) -> None:
    """Refuse what is out of range, before any work.

    Parameters
    ----------
    model : MaskedLanguageModel

    Raises
    ------
    ValueError
        Whose message names the parameter, the value and what is allowed.
    """
    check_choice("architecture", model.architecture, PRETRAINED)
    shape_of(model.size, model.architecture)
    check_choice("objective", model.objective, OBJECTIVES)
    check_choice("first_vectors", model.first_vectors, FIRST_VECTORS)
    check_number("mask_probability", model.mask_probability, above=0, most=1)
    for name in _SWITCHES:
        if not isinstance(getattr(model, name), bool | np.bool_):
            raise ValueError(f"{name} must be True or False, got {getattr(model, name)!r}")
    check_count("max_length", model.max_length, _FEWEST_TOKENS)
    check_count("batch_size", model.batch_size, 1)
    check_epochs(model.epochs)
    if model.max_steps is not None:
        check_count("max_steps", model.max_steps, 1)
    check_dropout("dropout", model.dropout)
    if isinstance(model.learning_rate, str):
        check_choice("learning_rate", model.learning_rate, ("auto",))
    check_number("validation_fraction", model.validation_fraction, least=0, most=0.5)
    if model.patience is not None and not model.validation_fraction:
        raise ValueError(
            f"patience={model.patience} needs texts to watch: give validation_fraction"
        )
    settings_of(model, 1, 1.0, model.max_seconds)


def learning_rate_of(model: Any, architecture: str, hidden_size: int) -> float:
    """As given, or what "auto" stands for of an encoder."""
    if not isinstance(model.learning_rate, str):
        return float(model.learning_rate)
    rate = pretraining_rate(architecture, hidden_size)
    return rate if model.checkpoint_from is None else GOING_ON * rate


def settings_of(
    model: Any, epochs: int, learning_rate: float, max_seconds: float | None
) -> TrainingSettings:
    """How to train.

    Parameters
    ----------
    model : MaskedLanguageModel
    epochs : int
    learning_rate : float
    max_seconds : float or None
        What is left of the time.

    Returns
    -------
    TrainingSettings
    """
    rate = model.learning_rate
    return TrainingSettings(
        epochs=epochs,
        learning_rate=learning_rate if isinstance(rate, str) else rate,
        weight_decay=model.weight_decay,
        betas=tuple(model.betas) if isinstance(model.betas, list) else model.betas,
        epsilon=_EPSILON,
        schedule=model.schedule,
        warmup=model.warmup,
        max_grad_norm=model.max_grad_norm,
        ema_decay=model.ema_decay,
        patience=model.patience,
        max_seconds=max_seconds,
    )
