"""Where to compute, and in which precision."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from textrep.core.messages import shown
from textrep.embeddings.parameters import check_choice
from textrep.engine.forking import compute_alone_in_forks

PRECISIONS = ("auto", "fp32", "bf16")
_CPU_FEATURES = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")


def choose_device(device: str = "auto") -> torch.device:
    """The device of a name.

    Parameters
    ----------
    device : str
        ``"auto"`` takes CUDA where there is any, else Apple's mps, else the CPU; or one of torch's
        names: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        When there is no such device here.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    compute_alone_in_forks()  # whoever asks is about to compute
    if not isinstance(device, str):
        raise ValueError(f"device must be 'auto' or a name such as 'cuda:0', got {shown(device)}")
    if device == "auto":
        return torch.device(_best())
    try:
        chosen = torch.device(device)
    except RuntimeError:
        chosen = None
    if chosen is None or chosen.type not in ("cpu", "cuda", "mps"):
        raise ValueError(f"device must be 'auto', 'cpu', 'cuda', 'cuda:N' or 'mps', got {device!r}")
    there = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }[chosen.type]
    if (chosen.index or 0) >= there:
        raise ValueError(
            f"device={device!r} is not there: torch {torch.__version__} sees {there} {chosen.type} "
            "devices; device='auto' takes the best there is"
        )
    return chosen


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def choose_precision(precision: str, device: torch.device) -> str:
    """What matrix products are computed in.

    Parameters
    ----------
    precision : {"auto", "fp32", "bf16"}
        ``"auto"`` takes bf16 on a GPU that has it, and fp32 on any CPU: without instructions for it
        bf16 is a hundred times slower there. With them (`cpu_has_bf16`) Transformers train 1.5
        times as fast in bf16, recurrent networks no faster. Weights, gradients and optimiser are
        fp32 always.
    device : torch.device

    Returns
    -------
    {"fp32", "bf16"}

    Raises
    ------
    ValueError
        For another name, or bf16 where it would only be emulated.

    Examples
    --------
    >>> choose_precision("auto", torch.device("cpu"))
    'fp32'
    """
    check_choice("precision", precision, PRECISIONS)
    if precision == "auto":
        return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported(False) else "fp32"
    if precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported(False):
        raise ValueError("precision='bf16': this GPU has no bf16; take 'fp32' or 'auto'")
    return precision


def cpu_has_bf16() -> bool:
    """Whether this CPU has instructions for bf16."""
    return any(getattr(torch.cpu, name, lambda: False)() for name in _CPU_FEATURES)


@contextlib.contextmanager
def autocast(device: torch.device, precision: str) -> Iterator[None]:
    """Compute in the chosen precision inside, whatever holds outside."""
    # Inside an autocast of the caller's, torch would keep the rounded weights of the first step.
    torch.clear_autocast_cache()
    try:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
            yield
    finally:
        torch.clear_autocast_cache()


def to_device(batch: Any, device: torch.device) -> Any:
    """Move the tensors of a batch: a tensor, or tuples, named tuples, lists and dicts of them."""
    if isinstance(batch, torch.Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {name: to_device(value, device) for name, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(to_device(value, device) for value in batch))
    if isinstance(batch, tuple | list):
        return type(batch)(to_device(value, device) for value in batch)
    return batch
