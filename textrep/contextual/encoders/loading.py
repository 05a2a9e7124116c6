"""Encoders from where they are: published checkpoints, fitted estimators, files of textrep."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from textrep.contextual.encoders.encoder import (
    Encoder,
    implementation_of,
    positions_of,
    without_pooler,
)
from textrep.contextual.encoders.tokens import EncoderTokenizer
from textrep.core.messages import printable, shown, type_name
from textrep.data.errors import DataError
from textrep.generation.checkpoint_loading import asked, quiet, require_transformers, resolved

_PERMUTING = "xlnet"  # the one that is published as a causal language model and sees all
_POOLER = "pooler."
_UNLIMITED = 2**20  # tokenizers that say nothing of a length say one beyond that


def load_encoder(
    checkpoint: str | os.PathLike[str], *, revision: str | None = None, offline: bool = False
) -> Encoder:
    """A published encoder with its tokenizer; code that comes with it is not run.

    Parameters
    ----------
    checkpoint : path or str
        Folder in the layout of Hugging Face, or a name on its hub. A head is left out.
    revision : str or None, default=None
        Branch, tag or commit of a model of the hub.
    offline : bool, default=False
        Whether only what is on this machine is looked at.

    Returns
    -------
    Encoder
        In fp32, on the CPU, in evaluation mode.

    Raises
    ------
    ModuleNotFoundError
        If transformers is not installed.
    DataError
        If it is not there, damaged or incomplete.
    ValueError
        If it is a decoder, or has decoder and encoder.
    """
    found = load_published(checkpoint, "AutoModel", revision=revision, offline=offline)
    refuse_missing(found, [key for key in found.missing if not key.startswith(_POOLER)])
    module = found.module
    return Encoder(module.config, module, found.tokenizer, max_length=found.max_length)


class Published(NamedTuple):
    """What a checkpoint holds.

    Attributes
    ----------
    name : str
        Where it is.
    module : torch.nn.Module
        In fp32, on the CPU, in evaluation mode.
    tokenizer : EncoderTokenizer
    max_length : int or None
        Tokens that it reads at once, as far as it says.
    missing : list of str
        Names of weights that are not in it, whose values are random.
    """

    name: str
    module: Any
    tokenizer: EncoderTokenizer
    max_length: int | None
    missing: list[str]


def load_published(
    checkpoint: str | os.PathLike[str],
    auto: str,
    *,
    revision: str | None = None,
    offline: bool = False,
    check_kind: Callable[[str], None] | None = None,
) -> Published:
    """A published encoder with a head, or without, and its tokenizer.

    Parameters
    ----------
    checkpoint, revision, offline
        See `load_encoder`.
    auto : str
        The class of transformers that it is to be read as, such as "AutoModelForMaskedLM".
    check_kind : callable, optional
        Raises a ValueError if it does not take an architecture, before the weights are read.

    Returns
    -------
    Published

    Raises
    ------
    ModuleNotFoundError, DataError, ValueError
        See `load_encoder`; weights may be missing.
    """
    require_transformers("published encoders")
    name = resolved(checkpoint)
    import transformers

    where: dict[str, Any] = {"revision": revision, "local_files_only": offline}
    where = {key: value for key, value in where.items() if value}
    where["trust_remote_code"] = False  # by default the user is asked, in the middle of a program
    with quiet():
        config = asked(name, lambda: transformers.AutoConfig.from_pretrained(name, **where))
        _check_encoder(name, config)
        if check_kind is not None:
            check_kind(config.model_type)
        fast = asked(name, lambda: transformers.AutoTokenizer.from_pretrained(name, **where))
        bare = without_pooler(config) if auto == "AutoModel" else {}
        module, info = asked(
            name,
            lambda: getattr(transformers, auto).from_pretrained(
                name,
                config=config,
                dtype=torch.float32,
                attn_implementation=implementation_of(config),
                output_loading_info=True,
                **bare,
                **where,
            ),
        )
    tokenizer = EncoderTokenizer(fast)
    if tokenizer.size > config.vocab_size:
        raise DataError(
            f"its tokenizer has {tokenizer.size:,} tokens, and the encoder knows "
            f"{config.vocab_size:,} of them only",
            path=name,
        )
    limit, said = positions_of(module.config), int(fast.model_max_length)
    lengths = [length for length in (limit, said) if length is not None and length < _UNLIMITED]
    return Published(
        name,
        module.eval(),
        tokenizer,
        min(lengths) if lengths else None,
        sorted(info["missing_keys"]),
    )


def refuse_missing(found: Published, missing: list[str]) -> None:
    """Raise a DataError if weights that are needed are not in a checkpoint."""
    if missing:
        raise DataError(
            f"{len(missing)} weights are not in the checkpoint, such as {missing[0]!r}; it is not "
            "one of such an encoder",
            path=found.name,
        )


def _check_encoder(name: str, config: Any) -> None:
    from transformers import MODEL_FOR_MASKED_LM_MAPPING

    reason = None
    if getattr(config, "is_encoder_decoder", False):
        reason = "which has an encoder and a decoder"
    elif type(config) not in MODEL_FOR_MASKED_LM_MAPPING and config.model_type != _PERMUTING:
        reason = "which is no encoder: its tokens do not see what comes after them"
    elif getattr(config, "is_decoder", False):
        reason = "which is set up as a decoder"
    if reason is not None:
        raise ValueError(f"{printable(name)} holds a model of type {config.model_type!r}, {reason}")


def resolve_encoder(checkpoint: Any, *, revision: str | None = None) -> Encoder:
    """An encoder, from wherever it is, with weights of its own.

    Parameters
    ----------
    checkpoint : object, path or str
        An `Encoder`, a fitted estimator that has one as ``encoder_``, a file that such an estimator
        was saved in, a folder in the layout of Hugging Face, or a name on its hub.
    revision : str or None, default=None
        Branch, tag or commit of a model of the hub.

    Returns
    -------
    Encoder
        A copy: training it leaves the other as it was.

    Raises
    ------
    ValueError
        If there is no encoder in it, or the estimator is not fitted.
    DataError, PersistError
        If a file or folder is not there or cannot be read.
    """
    if isinstance(checkpoint, str | os.PathLike) and os.fspath(checkpoint):
        path = Path(checkpoint)
        if not path.is_file():
            return load_encoder(checkpoint, revision=revision)
        from textrep.core.persist import load

        checkpoint = load(path)
    encoder = checkpoint if isinstance(checkpoint, Encoder) else None
    if encoder is None:
        encoder = getattr(checkpoint, "encoder_", None)
    if not isinstance(encoder, Encoder):
        raise ValueError(
            "checkpoint must be a folder of a published encoder, its name on the Hugging Face hub, "
            "or a fitted estimator that has an encoder, such as a MaskedLanguageModel, or a file "
            f"of one, got {shown(checkpoint)} ({type_name(checkpoint)})"
        )
    return encoder.copy()
