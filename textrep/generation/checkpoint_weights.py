"""Weights of checkpoints as Hugging Face lays them out: one file, several, or an old pickle."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from textrep.data.errors import DataError

WEIGHTS_FILE = "model.safetensors"
_INDEX_FILE = "model.safetensors.index.json"
_OLD_FILE = "pytorch_model.bin"


def read_weights(folder: Path) -> dict[str, np.ndarray]:
    """All weights of a checkpoint.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    dict of str to float32 ndarray

    Raises
    ------
    DataError
        If a file is missing or broken.

    Notes
    -----
    Of a ``pytorch_model.bin``, which is a pickle, nothing but tensors is read.
    """
    if (folder / WEIGHTS_FILE).is_file():
        tensors = _read(folder / WEIGHTS_FILE)
    elif (folder / _INDEX_FILE).is_file():
        tensors = {}
        for name in _shards(folder / _INDEX_FILE):
            tensors.update(_read(folder / name))
    elif (folder / _OLD_FILE).is_file():
        tensors = _read_pickle(folder / _OLD_FILE)
    else:
        raise DataError(
            f"holds no weights: none of {WEIGHTS_FILE}, {_INDEX_FILE}, {_OLD_FILE}", path=folder
        )
    return {name: tensor.float().numpy() for name, tensor in tensors.items()}


def _read(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=path) from None
    except SafetensorError as error:
        raise DataError(f"is no file of safetensors: {error}", path=path) from None


def _shards(index: Path) -> list[str]:
    """The files that the weights are spread over."""
    try:
        names = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DataError("tells no weight_map", path=index) from None
    for name in names:
        if not isinstance(name, str) or Path(name).name != name:
            raise DataError(f"names {name!r:.60}, which is no file beside it", path=index)
    return sorted(names)


def _read_pickle(path: Path) -> dict[str, torch.Tensor]:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of many types
        raise DataError(f"is refused: {error!s:.200}", path=path) from None
    if not isinstance(found, dict) or not all(isinstance(t, torch.Tensor) for t in found.values()):
        raise DataError("holds something else than named tensors", path=path)
    return found


def write_weights(weights: dict[str, np.ndarray], path: Path) -> None:
    """Write weights as one file of safetensors.

    Parameters
    ----------
    weights : dict of str to ndarray
    path : Path
    """
    from safetensors.numpy import save_file

    whole = {name: np.ascontiguousarray(array) for name, array in weights.items()}
    save_file(whole, path, metadata={"format": "pt"})
