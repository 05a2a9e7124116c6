"""Parameters of `EncoderClassifier`: what is refused, and what "auto" stands for."""

from __future__ import annotations

from typing import Any

from textrep.contextual.classification import epochs_for
from textrep.contextual.encoder_classifier.targets import PROBLEMS
from textrep.contextual.encoder_classifier.windows import LONG_TEXTS, WINDOW_POOLINGS
from textrep.contextual.encoders.shapes import ARCHITECTURES, shape_of
from textrep.embeddings.parameters import check_choice, check_count, check_epochs, check_number
from textrep.engine.settings import TrainingSettings
from textrep.layers.dropout import check_dropout
from textrep.preprocess.parameters import check_choice as check_one_of

POOLINGS = ("auto", "cls", "mean", "max")

PUBLISHED, PRETRAINED, SCRATCH = "published", "pre-trained", "scratch"
"""Where an encoder comes from."""

AUTO_STEPS = 600
"""Batches that ``epochs="auto"`` trains on, all epochs together, where the bounds leave it so."""

FEWEST_EPOCHS, MOST_EPOCHS = 3, 30

AUTO_PRETRAINING_STEPS = 1000
"""The same of ``pretrain_epochs="auto"``."""

FEWEST_PRETRAINING, MOST_PRETRAINING = 1, 50
PRETRAINING_ROWS = 32  # of `max_length` tokens, in a batch

MAX_GRAD_NORM = 1.0
LORA_RATES = 10.0  # adapters take ten times the rate of whole matrices (Hu et al. 2022, table 11)

# Of published models as large as BERT-base, Devlin et al. (2019), appendix A.3; of smaller ones
# from the range that Turc et al. (2019) search. Our own small ones have seen little, and have much
# to learn: best of 500 labels on held-out training texts of sst2 and mr, with features of 128.
_RATE_BASE, _RATE_SMALL_PUBLISHED = 3e-5, 1e-4
RATE_OWN = 0.128  # over the hidden size
_BASE_SIZE = 768

_CHARACTERS_A_TOKEN = 4.0

_COUNTS = (
    "vocab_size", "max_length", "max_windows", "batch_size",
)  # fmt: skip
_BOOLS = ("lowercase", "calibrate")


def check_parameters(estimator: Any) -> None:
    """Refuse what is out of range, before any work.

    Raises
    ------
    ValueError
        Whose message names the parameter, the value and what is allowed.
    """
    for name in _COUNTS:
        check_count(name, getattr(estimator, name), 1)
    for name in _BOOLS:
        check_one_of(name, getattr(estimator, name), (False, True))
    check_choice("architecture", estimator.architecture, ARCHITECTURES)
    shape_of(estimator.size, estimator.architecture)
    for name, choices in (
        ("problem", PROBLEMS),
        ("pooling", POOLINGS),
        ("long_texts", LONG_TEXTS),
        ("window_pooling", WINDOW_POOLINGS),
    ):
        check_choice(name, getattr(estimator, name), choices)
    check_count("window_overlap", estimator.window_overlap, 0)
    check_dropout("dropout", estimator.dropout)
    check_number("layer_decay", estimator.layer_decay, above=0, most=1)
    check_number("warmup", estimator.warmup, least=0)
    check_number("validation_fraction", estimator.validation_fraction, least=0, most=0.5)
    for name, least in (("freeze_layers", 0), ("lora_rank", 1), ("batch_tokens", 1)):
        if getattr(estimator, name) is not None:
            check_count(name, getattr(estimator, name), least)
    check_epochs(estimator.epochs)
    _check_auto("pretrain_epochs", estimator.pretrain_epochs, least=0)
    for name in ("learning_rate", "pretrain_learning_rate"):
        _check_auto(name, getattr(estimator, name))
    settings_of(estimator, 1, 1.0, estimator.max_seconds)
    if estimator.patience is not None and not estimator.validation_fraction:
        raise ValueError(
            f"patience={estimator.patience} needs texts to watch: give validation_fraction"
        )
    if estimator.lora_rank is not None and estimator.freeze_layers is not None:
        raise ValueError(
            f"lora_rank={estimator.lora_rank} freezes the encoder itself; freeze_layers="
            f"{estimator.freeze_layers} does not go with it, leave one of them None"
        )


def _check_auto(name: str, value: Any, least: int | None = None) -> None:
    if isinstance(value, str):
        check_choice(name, value, ("auto",))
    elif least is None:
        check_number(name, value, above=0)
    else:
        check_count(name, value, least)


def check_pairs(estimator: Any, pairs: list[str] | None) -> None:
    """Refuse windows of pairs of texts.

    Raises
    ------
    ValueError
    """
    if pairs is not None and estimator.long_texts == "windows":
        raise ValueError(
            "long_texts='windows' is for single texts; pairs of texts are cut: take 'cut'"
        )


def pooling_of(pooling: str, origin: str) -> str:
    """As given, or what "auto" stands for.

    Published models have learnt to say something in the first vector, or are at least always used
    so; ours have only learnt to fill in tokens, and the mean of their vectors says more.
    """
    if pooling != "auto":
        return pooling
    return "cls" if origin == PUBLISHED else "mean"


def learning_rate_of(estimator: Any, origin: str, hidden_size: int) -> float:
    """As given, or what "auto" stands for.

    Parameters
    ----------
    estimator : EncoderClassifier
    origin : {"published", "pre-trained", "scratch"}
    hidden_size : int

    Returns
    -------
    float
    """
    if not isinstance(estimator.learning_rate, str):
        return float(estimator.learning_rate)
    if origin in (PRETRAINED, SCRATCH):
        rate = RATE_OWN / hidden_size
    else:
        rate = _RATE_BASE if hidden_size >= _BASE_SIZE else _RATE_SMALL_PUBLISHED
    return rate * (LORA_RATES if estimator.lora_rank is not None else 1.0)


def settings_of(
    estimator: Any, n_texts: int, learning_rate: float, max_seconds: float | None
) -> TrainingSettings:
    """How to fine-tune on so many texts."""
    return TrainingSettings(
        epochs=epochs_for(
            estimator.epochs,
            n_texts,
            estimator.batch_size,
            steps=AUTO_STEPS,
            fewest=FEWEST_EPOCHS,
            most=MOST_EPOCHS,
        ),
        learning_rate=learning_rate,
        weight_decay=estimator.weight_decay,
        schedule=estimator.schedule,
        warmup=estimator.warmup,
        max_grad_norm=MAX_GRAD_NORM,
        ema_decay=estimator.ema_decay,
        patience=estimator.patience,
        max_seconds=max_seconds,
    )


def pretraining_epochs(pretrain_epochs: int | str, texts: list[str], max_length: int) -> int:
    """As given, or what "auto" stands for: as many as make so many batches, within bounds.

    >>> pretraining_epochs("auto", ["so much text"] * 10, 128)
    50
    """
    n_tokens = sum(map(len, texts)) / _CHARACTERS_A_TOKEN + 2 * len(texts)
    return epochs_for(
        pretrain_epochs,
        max(1, round(n_tokens / max_length)),
        PRETRAINING_ROWS,
        steps=AUTO_PRETRAINING_STEPS,
        fewest=FEWEST_PRETRAINING,
        most=MOST_PRETRAINING,
    )
