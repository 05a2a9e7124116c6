"""Interrupted training on disk, to be taken up where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from textrep.core import container
from textrep.core.container import Contents, PersistError
from textrep.core.messages import shown, type_name

SAVE_SECONDS = 60.0
"""Time between two savings within an epoch."""


@dataclass
class Place:
    """How far training has come: the next chunk, the loss of the epoch so far, and those before."""

    epoch: int = 0
    chunk: int = 0
    loss: float = 0.0
    n_terms: float = 0.0
    losses: list[float] = field(default_factory=list)

    def next_epoch(self) -> None:
        self.epoch += 1
        self.chunk = 0
        self.loss = self.n_terms = 0.0


def check_path(path: Any) -> None:
    """Refuse what no checkpoint can be written to, before training has cost any time.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    TypeError
        When it is no path.
    OSError
        When it is a folder, or in a folder that is not there or cannot be written to.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"checkpoint must be the path of a file, or None, got {shown(path)} "
            f"of type {type_name(path)}"
        )
    file = Path(path)
    named = f"checkpoint={os.fspath(path)!r}"
    if not os.fspath(path) or file.is_dir():
        raise IsADirectoryError(f"{named} is a folder; name a file in it")
    if not file.parent.is_dir():
        raise FileNotFoundError(
            f"{named} cannot be written: there is no folder {str(file.parent)!r}; make it first"
        )
    if not os.access(file.parent, os.W_OK):
        raise PermissionError(
            f"{named} cannot be written: no right to write to the folder {str(file.parent)!r}"
        )


class Checkpoint:
    """A file that holds interrupted training.

    Parameters
    ----------
    path : str or path-like
        The file; it is made on an interruption and at intervals, and removed at the end.
    arrays : mapping of str to ndarray
        What training changes; they are filled from the file in place.
    identity : mapping
        JSON values that say which training it is: parameters, words, counts. A file of another
        training is refused.
    clock : callable, default=time.monotonic
        Seconds.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        arrays: Mapping[str, np.ndarray],
        identity: Mapping[str, Any],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = Path(path)
        self._arrays = dict(arrays)
        self._identity = identity_digest(identity)
        self._clock = clock
        self._saved = clock()

    def is_due(self) -> bool:
        """Whether it is time to save again."""
        return self._clock() - self._saved >= SAVE_SECONDS

    def save(self, place: Place) -> None:
        """Write the state of training; a crash leaves the file that was there before.

        Where the file cannot be written, as on a full disk, a warning says so: what has been learnt
        is worth more than a copy of it.
        """
        model = {"kind": "checkpoint", "identity": self._identity, "place": asdict(place)}
        try:
            container.write(self._path, Contents(model, self._arrays, {}))
        except OSError as error:
            warnings.warn(
                f"the checkpoint {str(self._path)!r} cannot be written: {error}; training can be "
                "taken up from the one before, if there is one",
                stacklevel=2,
            )
        self._saved = self._clock()

    def resume(self) -> Place | None:
        """Take the state of training from the file, if there is one.

        Raises
        ------
        PersistError
            When the file is damaged or of another training.
        """
        if not self._path.exists():
            return None
        contents = container.read(self._path)
        model = contents.model
        if not isinstance(model, dict) or model.get("kind") != "checkpoint":
            container.refuse(self._path, "it holds no interrupted training")
        if model.get("identity") != self._identity:
            raise PersistError(
                f"checkpoint {str(self._path)!r} is of another training (other texts or "
                "parameters); give another path, or remove the file to begin anew"
            )
        try:
            place = Place(**model["place"])
            check_kinds(place, Place())
            for name, array in self._arrays.items():
                held = contents.arrays[name]
                if held.shape != array.shape or held.dtype != array.dtype:
                    raise ValueError(f"{name} has another shape")
        except (KeyError, TypeError, ValueError) as error:
            container.refuse(self._path, f"the interrupted training is damaged: {error}", error)
        # Only now that all of it fits: what is half filled would be of no training.
        for name, array in self._arrays.items():
            array[...] = contents.arrays[name]
        return place

    def remove(self) -> None:
        """Remove the file: training is over."""
        self._path.unlink(missing_ok=True)


def check_kinds(place: Any, like: Any) -> None:
    """Refuse a place in training, from a damaged file, whose values are of other types.

    Parameters
    ----------
    place, like : dataclass
        Of one class. Where a value of `like` is None it says nothing.

    Raises
    ------
    ValueError
        With the name of the value; also for a number below 0.
    """
    for name, expected in asdict(like).items():
        value = getattr(place, name)
        kinds = (int, float) if isinstance(expected, float) else (type(expected),)
        if expected is not None and type(value) not in kinds:
            raise ValueError(f"{name} is {shown(value)}")
        if type(value) is int and value < 0:
            raise ValueError(f"{name} is {shown(value)}")


def identity_digest(identity: Mapping[str, Any]) -> str:
    """What a file says of the training that it is of."""
    text = json.dumps(identity, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
