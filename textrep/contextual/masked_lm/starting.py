"""Where the weights of a masked language model begin: at random, or in a checkpoint."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

from textrep.contextual.encoders.encoder import Encoder
from textrep.contextual.encoders.loading import load_published, refuse_missing, resolve_encoder
from textrep.contextual.encoders.shapes import make_config
from textrep.contextual.encoders.tokens import EncoderTokenizer
from textrep.contextual.masked_lm.heads import (
    MaskedLanguageModule,
    check_pretrained,
    masked_model,
)
from textrep.engine.seeding import torch_seed


def new_module(
    architecture: str,
    size: Any,
    tokenizer: EncoderTokenizer,
    *,
    max_length: int,
    dropout: float,
    pairs: bool,
    seed: int,
) -> MaskedLanguageModule:
    """A module with random weights; see `textrep.contextual.encoders.make_config`."""
    config = make_config(architecture, size, tokenizer, max_length=max_length, dropout=dropout)
    with torch_seed(seed):
        return MaskedLanguageModule(
            masked_model(config), tokenizer, max_length=max_length, pairs=pairs
        )


def module_from(
    checkpoint: Any, *, seed: int = 0, revision: str | None = None
) -> MaskedLanguageModule:
    """A module with the weights of an encoder, and of its heads as far as it has them.

    Parameters
    ----------
    checkpoint : object, path or str
        As of `textrep.contextual.encoders.resolve_encoder`.
    seed : int, default=0
        Of what has no weights.
    revision : str or None, default=None

    Returns
    -------
    MaskedLanguageModule
        With weights of its own.
    """
    if isinstance(checkpoint, str | os.PathLike) and os.fspath(checkpoint):
        path = Path(checkpoint)
        if not path.is_file():
            return published_module(checkpoint, seed=seed, revision=revision)
        from textrep.core.persist import load

        checkpoint = load(path)
    module = getattr(checkpoint, "module_", None)
    if isinstance(module, MaskedLanguageModule):
        return copy.deepcopy(module)
    encoder = resolve_encoder(checkpoint)
    check_pretrained(encoder.architecture)
    with torch_seed(seed):
        model: Any = masked_model(encoder.config)
    model.base_model.load_state_dict(encoder.module.state_dict())
    return MaskedLanguageModule(model, encoder.tokenizer, max_length=encoder.max_length)


def published_module(
    checkpoint: str | os.PathLike[str],
    *,
    seed: int = 0,
    revision: str | None = None,
    whole: bool = False,
) -> MaskedLanguageModule:
    """A module with the weights of a published checkpoint.

    Parameters
    ----------
    checkpoint, seed, revision
        See `module_from`.
    whole : bool, default=False
        Whether the vocabulary head must be in the checkpoint.

    Raises
    ------
    DataError, ValueError
        See `textrep.contextual.encoders.loading.load_encoder`.
    """
    with torch_seed(seed):
        found = load_published(
            checkpoint, "AutoModelForMaskedLM", revision=revision, check_kind=check_pretrained
        )
    prefix = f"{found.module.base_model_prefix}."
    refuse_missing(found, [key for key in found.missing if whole or key.startswith(prefix)])
    return MaskedLanguageModule(found.module, found.tokenizer, max_length=found.max_length)


def with_pairs(module: MaskedLanguageModule, pairs: bool, *, seed: int = 0) -> MaskedLanguageModule:
    """The module with a head for pairs, the one that it has if it has one, or without."""
    if (module.pair_head is not None) == pairs:
        return module
    encoder: Encoder = module.encoder
    with torch_seed(seed):
        return MaskedLanguageModule(
            module.model, encoder.tokenizer, max_length=encoder.max_length, pairs=pairs
        )
