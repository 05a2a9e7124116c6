"""Published language models, read through transformers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch

from textrep.core.messages import printable, shown
from textrep.data.errors import DataError

_NO_CAUSAL = "MaskedLM"  # architectures that see what comes after, too


class Checkpoint(NamedTuple):
    """What a checkpoint holds.

    Attributes
    ----------
    model : transformers.PreTrainedModel
        On the CPU, in evaluation mode.
    tokenizer : transformers.PreTrainedTokenizerBase
    ends : tuple of int
        Tokens that end what is generated, as the checkpoint says.
    revision : str or None
        Which version of a model of the hub it is.
    """

    model: Any
    tokenizer: Any
    ends: tuple[int, ...]
    revision: str | None


def resolved(checkpoint: Any) -> str:
    """The absolute path of a folder, or the name of a model of the hub.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if not isinstance(checkpoint, str | os.PathLike) or not os.fspath(checkpoint):
        raise ValueError(
            "checkpoint must be a folder of a published model, or its name on the Hugging Face "
            f"hub, got {shown(checkpoint)}"
        )
    name = os.fspath(checkpoint)
    path = Path(name)
    if path.is_dir():
        return str(path.resolve())
    if path.exists():
        raise ValueError(
            f"checkpoint={printable(name)!r} is a file; give the folder that holds config.json and "
            "the weights. textrep.load opens files of textrep"
        )
    if isinstance(checkpoint, os.PathLike) or path.is_absolute() or name.count("/") > 1:
        raise DataError("there is no such folder", path=name)
    return name


def load_checkpoint(
    name: str, revision: str | None, dtype: torch.dtype, *, offline: bool = False
) -> Checkpoint:
    """Load a causal language model and its tokenizer; code that comes with it is not run.

    Parameters
    ----------
    name : str
        As `resolved` gives it.
    revision : str or None
    dtype : torch.dtype
        Of the weights.
    offline : bool, default=False
        Whether only what is on this machine is looked at.

    Returns
    -------
    Checkpoint

    Raises
    ------
    ModuleNotFoundError
        If transformers is not installed.
    DataError
        If it is not there, damaged or incomplete.
    ValueError
        If it is no causal language model.
    """
    require_transformers("published models")
    import transformers

    where: dict[str, Any] = {"revision": revision, "local_files_only": offline}
    where = {key: value for key, value in where.items() if value}
    where["trust_remote_code"] = False  # by default the user is asked, in the middle of a program
    with quiet():
        config = asked(name, lambda: transformers.AutoConfig.from_pretrained(name, **where))
        _check_causal(name, config)
        tokenizer = asked(name, lambda: transformers.AutoTokenizer.from_pretrained(name, **where))
        model, info = asked(
            name,
            lambda: transformers.AutoModelForCausalLM.from_pretrained(
                name, dtype=dtype, output_loading_info=True, **where
            ),
        )
    if missing := sorted(info["missing_keys"]):
        raise DataError(
            f"{len(missing)} weights are not in the checkpoint, such as {missing[0]!r}; it is not "
            "one of a language model",
            path=name,
        )
    return Checkpoint(model.eval(), tokenizer, _ends(model), getattr(config, "_commit_hash", None))


def require_transformers(what: str) -> None:
    """Say what to install where transformers is missing.

    Parameters
    ----------
    what : str
        What it is needed for, as messages call it.

    Raises
    ------
    ModuleNotFoundError
    """
    try:
        import transformers  # noqa: F401
    except ImportError:
        raise ModuleNotFoundError(
            f"{what} need transformers: pip install 'textrep[neural]'"
        ) from None


def asked(name: str, load: Any) -> Any:
    """What transformers loads; its errors, which are of many types, in one line.

    Parameters
    ----------
    name : str
        As `resolved` gives it.
    load : callable
        Without arguments.

    Raises
    ------
    DataError
    """
    try:
        return load()
    except (KeyboardInterrupt, MemoryError):
        raise
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        reason = f"transformers cannot load it: {lines[0]:.300}"
        if not Path(name).exists():
            reason = f"there is no such folder here, and on the hub {reason}"
        raise DataError(reason, path=name) from error


def _check_causal(name: str, config: Any) -> None:
    architectures = getattr(config, "architectures", None) or []
    masked = any(_NO_CAUSAL in each for each in architectures)
    if masked or getattr(config, "is_encoder_decoder", False):
        raise ValueError(
            f"{printable(name)} holds a model of type {config.model_type!r}, which is no causal "
            "language model: it does not say what comes next"
        )


def _ends(model: Any) -> tuple[int, ...]:
    found = getattr(model.generation_config, "eos_token_id", None)
    if found is None:
        return ()
    return tuple(found) if isinstance(found, list | tuple) else (int(found),)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """A block without bars and warnings of transformers, which is as it was afterwards."""
    from transformers.utils import logging

    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
