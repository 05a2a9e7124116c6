"""Encoders as values that a file can hold, and back."""

from __future__ import annotations

import json
from typing import Any

from textrep.contextual.encoders.encoder import Encoder, bare_module
from textrep.contextual.encoders.tokens import EncoderTokenizer
from textrep.core.container import PersistError
from textrep.core.messages import shown
from textrep.embeddings.parameters import check_count
from textrep.engine.estimator import set_weights, weights_of
from textrep.engine.seeding import torch_seed

_DESCRIPTION = {"config", "tokenizer", "max_length"}


def encoder_state(encoder: Encoder, *, weights: bool = True) -> dict[str, Any]:
    """An encoder as JSON values and arrays.

    Parameters
    ----------
    encoder : Encoder
        On the CPU.
    weights : bool, default=True
        False leaves them out, for an estimator that saves them with its module.

    Returns
    -------
    dict
    """
    state = {
        "config": json.dumps(encoder.config.to_dict(), sort_keys=True),
        "tokenizer": encoder.tokenizer.state(),
        "max_length": int(encoder.max_length),
    }
    return {**state, "weights": weights_of(encoder.module)} if weights else state


def encoder_from_state(state: Any) -> Encoder:
    """The encoder that a state was taken from.

    Parameters
    ----------
    state : dict
        As `encoder_state` gives it. Without weights, those of the encoder are of no meaning.

    Returns
    -------
    Encoder

    Raises
    ------
    PersistError
        If it is the state of none.
    """
    if not isinstance(state, dict) or set(state) - {"weights"} != _DESCRIPTION:
        raise PersistError(f"an encoder is {sorted(_DESCRIPTION)}, got {shown(state)}")
    try:
        check_count("max_length", state["max_length"], 1)
        tokenizer = EncoderTokenizer.from_state(state["tokenizer"])
        config = config_from_json(state["config"])
        with torch_seed(0):  # whatever is drawn is replaced
            module = bare_module(config)
    except PersistError:
        raise
    except Exception as error:  # transformers' own are of many types
        raise PersistError(f"this is no encoder: {error!s:.300}") from error
    if "weights" in state:
        set_weights(module, state["weights"])
    return Encoder(config, module, tokenizer, max_length=state["max_length"])


def config_from_json(text: Any) -> Any:
    """A configuration of transformers; code that it names is not run.

    Raises
    ------
    PersistError
        If it is none.
    """
    from transformers import CONFIG_MAPPING

    try:
        values = json.loads(text)
    except (TypeError, ValueError):
        raise PersistError(f"the configuration of an encoder is JSON, got {shown(text)}") from None
    kind = values.pop("model_type", None) if isinstance(values, dict) else None
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        raise PersistError(f"there is no architecture {shown(kind)} in transformers")
    values.pop("auto_map", None)
    return CONFIG_MAPPING[kind].from_dict(values)
