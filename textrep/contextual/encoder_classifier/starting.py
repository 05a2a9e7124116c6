"""The encoder that fine-tuning starts from: published, pre-trained here, or new."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from textrep.contextual.encoder_classifier.parameters import (
    PRETRAINED,
    PRETRAINING_ROWS,
    PUBLISHED,
    SCRATCH,
    pretraining_epochs,
)
from textrep.contextual.encoders.drawing import drawn
from textrep.contextual.encoders.encoder import Encoder
from textrep.contextual.encoders.loading import resolve_encoder
from textrep.contextual.encoders.tokens import EncoderTokenizer
from textrep.contextual.ulmfit_stages import stage_path
from textrep.contextual.word_inputs import time_left
from textrep.core.messages import shown
from textrep.core.text import TextInputError
from textrep.engine.device import choose_device
from textrep.generation.token_stream import read_texts

PRETRAINING = "pre-training"

_SHARE = 0.6  # of the time
# Two cores learn from twice as much with the smallest encoders. What is never learnt from is not
# worth cutting into tokens, which takes most of a short time where there are many texts.
_CHARACTERS_A_SECOND = 100_000
_RATE_XLNET, _RATE_XLNET_PUBLISHED = 5e-4, 5e-5


class Start(NamedTuple):
    """An encoder to be fine-tuned.

    Attributes
    ----------
    encoder : Encoder
        Nobody else's.
    origin : {"published", "pre-trained", "scratch"}
    history : list of dict
        Of its pre-training here.
    """

    encoder: Encoder
    origin: str
    history: list[dict[str, Any]]


def start_encoder(estimator: Any, texts: list[str], seeds: dict[str, int], started: float) -> Start:
    """The encoder that an estimator's parameters ask for.

    Parameters
    ----------
    estimator : EncoderClassifier or another one with its parameters
    texts : list of str
        What it is fitted on.
    seeds : dict of str to int
        For ``"encoder"`` and ``"pre-training"``.
    started : float
        When `fit` began, by ``time.monotonic``.

    Returns
    -------
    Start
    """
    more = read_more(estimator.pretrain_on)
    given = estimator.checkpoint
    if given is None:
        if estimator.pretrain_epochs == 0:
            return Start(_new(estimator, [*texts, *more], seeds["encoder"]), SCRATCH, [])
        return _pretrained(estimator, [*texts, *more], seeds, started, None)
    encoder = resolve_encoder(given, revision=estimator.revision)
    if more and estimator.pretrain_epochs != 0:
        found = _pretrained(estimator, [*texts, *more], seeds, started, encoder)
        return found._replace(origin=_origin(given))
    return Start(encoder, _origin(given), [])


def read_more(pretrain_on: Any) -> list[str]:
    """Texts without labels, as they are given to the constructor.

    Raises
    ------
    TextInputError
        If it is something else.
    """
    if pretrain_on is None:
        return []
    if isinstance(pretrain_on, str):
        raise TextInputError(
            f"pretrain_on is a single str, {shown(pretrain_on)}; give a list of texts, or the path "
            "of a file as a pathlib.Path"
        )
    return read_texts(pretrain_on, "pretrain_on")


def _origin(checkpoint: Any) -> str:
    """Whether an encoder is one of others, or has been trained with this library."""
    published = isinstance(checkpoint, str | os.PathLike) and not Path(checkpoint).is_file()
    return PUBLISHED if published else PRETRAINED


def _new(estimator: Any, texts: list[str], seed: int) -> Encoder:
    tokenizer = EncoderTokenizer.train(
        texts,
        architecture=estimator.architecture,
        vocab_size=estimator.vocab_size,
        lowercase=estimator.lowercase,
    )
    return Encoder.new(
        estimator.architecture,
        estimator.size,
        tokenizer,
        max_length=estimator.max_length,
        seed=seed,
        dropout=estimator.dropout,
    )


def _pretrained(
    estimator: Any,
    texts: list[str],
    seeds: dict[str, int],
    started: float,
    encoder: Encoder | None,
) -> Start:
    """An encoder after training on texts without labels."""
    kept_in = estimator.training_checkpoint
    limit = estimator.max_seconds if kept_in else time_left(estimator.max_seconds, started)
    seconds = None if limit is None else _SHARE * limit
    texts = texts_in_time(texts, seconds, estimator.device, seeds[PRETRAINING])
    architecture = estimator.architecture if encoder is None else encoder.architecture
    given: dict[str, Any] = {
        "max_length": estimator.max_length,
        "epochs": pretraining_epochs(estimator.pretrain_epochs, texts, estimator.max_length),
        "batch_size": PRETRAINING_ROWS,
        "learning_rate": estimator.pretrain_learning_rate,
        "max_seconds": seconds,
        "checkpoint": None if kept_in is None else stage_path(kept_in, PRETRAINING),
        "device": estimator.device,
        "precision": estimator.precision,
        "random_state": seeds[PRETRAINING],
        "verbose": estimator.verbose,
    }
    if encoder is None:
        for name in ("size", "vocab_size", "lowercase", "dropout"):
            given[name] = getattr(estimator, name)
    else:
        # As it was given: a language model still has what it predicts tokens with.
        whole = estimator.revision is None
        given["checkpoint_from"] = estimator.checkpoint if whole else encoder
        given["max_length"] = min(estimator.max_length, encoder.max_length)
    model = _language_model(architecture, given).fit(texts)
    return Start(model.encoder_, PRETRAINED, list(model.history_))


def texts_in_time(texts: list[str], seconds: float | None, device: Any, seed: int) -> list[str]:
    """Those that there is time to pre-train on, drawn at random.

    Parameters
    ----------
    texts : list of str
    seconds : float or None
        None is without limit.
    device : str or torch.device
        Only a CPU is slow enough for it to matter.
    seed : int

    Returns
    -------
    list of str
    """
    if seconds is None or choose_device(device).type != "cpu":
        return texts
    return drawn(texts, int(seconds * _CHARACTERS_A_SECOND), seed)


def _language_model(architecture: str, given: dict[str, Any]) -> Any:
    if architecture == "xlnet":
        from textrep.contextual import PermutationLanguageModel

        if isinstance(given["learning_rate"], str):
            new = "checkpoint_from" not in given
            given["learning_rate"] = _RATE_XLNET if new else _RATE_XLNET_PUBLISHED
        return PermutationLanguageModel(**given)
    from textrep.contextual import MaskedLanguageModel

    return MaskedLanguageModel(architecture=architecture, **given)
