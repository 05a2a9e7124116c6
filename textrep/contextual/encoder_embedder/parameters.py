"""Parameters of the encoder that an estimator starts from: what is refused."""

from __future__ import annotations

from typing import Any

from textrep.contextual.encoders.shapes import ARCHITECTURES, shape_of
from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.layers.dropout import check_dropout
from textrep.preprocess.parameters import check_choice as check_one_of

FEWEST_TOKENS = 3
"""Of a row: its special tokens and one more."""


def check_start(estimator: Any) -> None:
    """Refuse parameters of the encoder and its pre-training that are out of range.

    Parameters
    ----------
    estimator : estimator
        With those that `textrep.contextual.encoder_classifier.starting.start_encoder` reads.

    Raises
    ------
    ValueError
        Whose message names the parameter, the value and what is allowed.
    """
    check_choice("architecture", estimator.architecture, ARCHITECTURES)
    shape_of(estimator.size, estimator.architecture)
    check_one_of("lowercase", estimator.lowercase, (False, True))
    check_count("vocab_size", estimator.vocab_size, 1)
    check_count("max_length", estimator.max_length, FEWEST_TOKENS)
    check_dropout("dropout", estimator.dropout)
    check_count_or_auto("pretrain_epochs", estimator.pretrain_epochs, 0)
    check_rate("pretrain_learning_rate", estimator.pretrain_learning_rate)
    check_rate("learning_rate", estimator.learning_rate)
    check_count("batch_size", estimator.batch_size, 1)


def without_objects(params: dict[str, Any], *, fitted: bool) -> dict[str, Any]:
    """Parameters as a file holds them: without texts, and without an encoder that is there anyway.

    Parameters
    ----------
    params : dict
        With ``checkpoint`` and ``pretrain_on``.
    fitted : bool
        Whether the file has an encoder beside them.

    Returns
    -------
    dict
    """
    kept = {**params, "pretrain_on": None}
    if fitted and not isinstance(params["checkpoint"], str):
        kept["checkpoint"] = None
    return kept


def check_count_or_auto(name: str, value: Any, least: int) -> None:
    """Refuse what is neither a number of that many at least nor "auto"."""
    if isinstance(value, str):
        check_choice(name, value, ("auto",))
    else:
        check_count(name, value, least)


def check_rate(name: str, value: Any) -> None:
    """Refuse what is neither a rate of learning nor "auto"."""
    if isinstance(value, str):
        check_choice(name, value, ("auto",))
    else:
        check_number(name, value, above=0)
