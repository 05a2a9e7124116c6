"""Published models that read images and text, opened with transformers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch

from textrep.core.messages import printable, shown

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class VisionCheckpoint(NamedTuple):
    """What answers, and what prepares its input.

    Attributes
    ----------
    processor : transformers.ProcessorMixin
        Makes tensors of an image and a text.
    model : transformers.PreTrainedModel
        On its device, in evaluation mode. Its own settings of generation are put aside: it has
        `eos`, and whoever generates says the rest.
    eos : tuple of int
        Tokens that end an answer.
    """

    processor: Any
    model: Any
    eos: tuple[int, ...]


def open_vision_checkpoint(
    checkpoint: str | os.PathLike[str], *, device: torch.device, precision: str
) -> VisionCheckpoint:
    """Open a folder, or what the hub has by a name.

    Only safetensors are read, and no code of a checkpoint is run.

    Parameters
    ----------
    checkpoint : str or Path
    device : torch.device
    precision : {"fp32", "bf16"}
        What weights are kept in.

    Returns
    -------
    VisionCheckpoint

    Raises
    ------
    ValueError
        If there is no such checkpoint, it is of another kind, or weights are missing in it.
    ModuleNotFoundError
        If transformers, or what the checkpoint needs besides, is not installed.
    """
    transformers = _transformers()
    name = _checked_name(checkpoint)
    # Left to itself, transformers asks the user in the middle of a program whether to run code.
    safe = {"trust_remote_code": False}
    with _told(name), _no_bars():
        config = transformers.AutoConfig.from_pretrained(name, **safe)
        if type(config) not in transformers.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
            raise ValueError(
                f"it is a {config.model_type!r}, which does not read an image and a text and write "
                "a text"
            )
        processor = transformers.AutoProcessor.from_pretrained(name, **safe)
        if not hasattr(processor, "image_processor"):
            raise ValueError("it lacks what prepares images (preprocessor_config.json)")
        model, report = transformers.AutoModelForImageTextToText.from_pretrained(
            name, config=config, dtype=_DTYPES[precision], use_safetensors=True,
            output_loading_info=True, **safe,
        )  # fmt: skip
        if missing := sorted(report["missing_keys"]):
            raise ValueError(f"{len(missing)} weights are missing in it, such as {missing[0]}")
    eos = _plain_generation(model, processor)
    return VisionCheckpoint(processor, model.to(device).eval(), eos)


def _checked_name(checkpoint: Any) -> str:
    """The name of a folder that is there, or what may be one of the hub."""
    if not isinstance(checkpoint, str | os.PathLike) or not os.fspath(checkpoint):
        raise ValueError(
            f"checkpoint must be a folder or a name of the hub, got {shown(checkpoint)}"
        )
    name = os.fspath(checkpoint)
    path = Path(name).expanduser()
    if path.is_dir():
        return str(path)
    local = not isinstance(checkpoint, str) or name.startswith((".", "/", "~", os.sep))
    if path.exists() or local or name.count("/") > 1:
        what = "is no folder" if path.exists() else "is not there"
        raise ValueError(
            f"checkpoint={printable(name)!r} {what}; expected a folder with config.json"
        )
    return name


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    """What transformers raises, in one line with the checkpoint in front."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        lines = map(str.strip, str(error).splitlines())
        reason = next(filter(None, lines), type(error).__name__)
        if not Path(name).exists():
            reason = f"there is no such folder here, and on the hub {reason}"
        kind = ModuleNotFoundError if isinstance(error, ImportError) else ValueError
        raise kind(f"checkpoint={printable(name)!r} cannot be opened: {reason}") from error


@contextlib.contextmanager
def _no_bars() -> Iterator[None]:
    """transformers shows no bars of its own inside."""
    from transformers.utils import logging

    shown_before = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown_before:
            logging.enable_progress_bar()


def _plain_generation(model: Any, processor: Any) -> tuple[int, ...]:
    """Take the settings of generation off a model and what it is made of; its end tokens.

    What a checkpoint says of penalties and forbidden words would change likelihoods.
    """
    from transformers import GenerationConfig

    own = model.generation_config
    tokenizer = getattr(processor, "tokenizer", processor)
    ends = own.eos_token_id if own.eos_token_id is not None else tokenizer.eos_token_id
    eos = () if ends is None else (ends,) if isinstance(ends, int) else tuple(ends)
    pad = own.pad_token_id if own.pad_token_id is not None else tokenizer.pad_token_id
    plain = GenerationConfig(
        do_sample=False,
        num_beams=1,
        bos_token_id=own.bos_token_id,
        decoder_start_token_id=own.decoder_start_token_id,
        pad_token_id=eos[0] if pad is None and eos else pad,
    )
    for module in model.modules():
        if getattr(module, "generation_config", None) is not None:
            module.generation_config = plain
    return eos


def _transformers() -> Any:
    try:
        import transformers
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "vision-language models need transformers: pip install 'textrep[image]'"
        ) from None
    return transformers
