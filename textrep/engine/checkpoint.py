"""Interrupted training on disk, taken up where it stopped, to the bit.

A checkpoint holds the weights, the optimisers, the average, the best state so far, what the task
carries from batch to batch, torch's random state and the place in the epoch. The order of batches
needs no room: it follows from the seed and the epoch.

Of several processes each writes its own, beside the one before; only when all have written does it
take its place. So there is a step of which all have a file, whenever one of them is killed.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch

from textrep.core import container
from textrep.core.container import Contents, PersistError
from textrep.core.files import sync_folder
from textrep.embeddings.checkpoint import check_kinds, check_path, identity_digest
from textrep.engine.processes import Processes

SAVE_SECONDS = 60.0
"""Time between two savings within an epoch."""

_KIND = "neural-training"

_PENDING = ".new"  # behind the name of what has not taken its place yet

_BFLOAT16 = "bfloat16 "  # before the names of tensors of this type, which NumPy lacks

Tensors = dict[str, dict[str, torch.Tensor]]
"""Tensors by part of the training (``"model"``, ``"best"``, ...) and name."""


@dataclass
class Place:
    """How far training has come.

    Attributes
    ----------
    epoch, step_in_epoch : int
        The next step.
    step : int
        Steps done.
    seconds : float
        Spent so far.
    history : list of dict
    best_loss : float or None
        Of validation.
    since_best : int
        Evaluations without a better one.
    sums : dict of str to float
        Of losses since the last entry in the history.
    """

    epoch: int = 0
    step_in_epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    best_loss: float | None = None
    since_best: int = 0
    sums: dict[str, float] = field(default_factory=dict)

    def next_epoch(self) -> None:
        self.epoch += 1
        self.step_in_epoch = 0


class Checkpoint:
    """A file that holds interrupted training.

    Parameters
    ----------
    path : str or path-like
        Made on an interruption, after each epoch and at intervals; removed at the end.
    identity : mapping
        JSON values that say which training it is; a file of another one is refused.
    processes : Processes
        Those that train together; all but the first put their number behind the name.
    clock : callable, default=time.monotonic
        Seconds.

    Raises
    ------
    TypeError, OSError
        When nothing can be written to the path.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        identity: Mapping[str, Any],
        processes: Processes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_path(path)
        self._path = Path(path)
        if part := processes.share.part:
            self._path = self._path.with_name(f"{self._path.name}.{part}")
        self._pending = self._path.with_name(self._path.name + _PENDING)
        self._processes = processes
        self._identity = identity_digest(identity)
        self._clock = clock
        self._saved = clock()

    def is_due(self) -> bool:
        """Whether it is time to save again."""
        return self._clock() - self._saved >= SAVE_SECONDS

    def save(self, place: Place, tensors: Tensors) -> None:
        """Write the state of training; a crash leaves the file that was there before.

        Where the file cannot be written, as on a full disk, a warning says so: what has been learnt
        is worth more than a copy of it.
        """
        model = {"kind": _KIND, "identity": self._identity, "place": asdict(place)}
        contents = Contents(model, _to_arrays(tensors), {})
        if self._processes.alone:
            self._write(self._path, contents)
        else:
            written = self._write(self._pending, contents)
            if all(self._processes.gather(written)):
                self._put_in_place()
            else:
                self._pending.unlink(missing_ok=True)
        self._saved = self._clock()

    def _write(self, path: Path, contents: Contents) -> bool:
        """Write a file; False, after a warning, where that cannot be done."""
        try:
            container.write(path, contents)
        except OSError as error:
            warnings.warn(
                f"the checkpoint {str(self._path)!r} cannot be written: {error}; training can be "
                "taken up from the one before, if there is one",
                stacklevel=3,
            )
            return False
        return True

    def _put_in_place(self) -> None:
        self._pending.replace(self._path)
        sync_folder(self._path.parent)

    def resume(self) -> tuple[Place, Tensors] | None:
        """The state of training in the file, if there is one: the last that all processes have.

        Raises
        ------
        PersistError
            When the file is damaged or of another training, or the processes have none in common.
        """
        last = self._read(self._path)
        if self._processes.alone:
            return last
        pending = self._read(self._pending)
        steps = [None if held is None else held[0].step for held in (last, pending)]
        all_steps = self._processes.gather(steps)
        shared = set.intersection(*({*own} - {None} for own in all_steps))
        if not shared:
            if any(own[0] is not None for own in all_steps):
                self._disagree([own[0] for own in all_steps])
            self._pending.unlink(missing_ok=True)  # killed while the first of all was written
            return None
        if steps[0] == max(shared):
            self._pending.unlink(missing_ok=True)
            return last
        self._put_in_place()
        return pending

    def _read(self, path: Path) -> tuple[Place, Tensors] | None:
        if not path.exists():
            return None
        contents = container.read(path)
        model = contents.model
        if not isinstance(model, dict) or model.get("kind") != _KIND:
            container.refuse(path, "it holds no interrupted training")
        if model.get("identity") != self._identity:
            raise PersistError(
                f"checkpoint {str(path)!r} is of another training (other texts, parameters "
                "or random_state); give another path, or remove the file to begin anew"
            )
        try:
            place = Place(**model["place"])
            check_kinds(place, Place())
            return place, _to_tensors(contents.arrays)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            self.damaged(error)

    def damaged(self, error: Exception) -> NoReturn:
        """Refuse the file for what is wrong in it."""
        container.refuse(self._path, f"the interrupted training is damaged: {error}", error)

    def _disagree(self, steps: Sequence[int | None]) -> NoReturn:
        """Refuse the files of several processes that are of different steps, None without one."""
        found = ", ".join("none" if step is None else str(step) for step in steps)
        raise PersistError(
            f"checkpoint {str(self._path)!r} and those of the other processes are of different "
            f"steps ({found}), as when one of them is lost or was copied from elsewhere; remove "
            "them all to begin anew"
        )

    def remove(self) -> None:
        """Remove the file: training is over. Where it cannot be removed, a warning says so."""
        try:
            self._path.unlink(missing_ok=True)
            self._pending.unlink(missing_ok=True)
        except OSError as error:
            warnings.warn(
                f"the checkpoint {str(self._path)!r} of a training that is over cannot be removed: "
                f"{error}",
                stacklevel=2,
            )


def _to_arrays(tensors: Tensors) -> dict[str, np.ndarray]:
    arrays = {}
    for part, named in tensors.items():
        for name, value in named.items():
            key, tensor = f"{part}/{name}", value.detach().cpu().contiguous()
            if tensor.dtype == torch.bfloat16:
                key, tensor = _BFLOAT16 + key, tensor.view(torch.int16)
            arrays[key] = tensor.numpy()
    return arrays


def _to_tensors(arrays: Mapping[str, np.ndarray]) -> Tensors:
    tensors: Tensors = {}
    for key, array in arrays.items():
        tensor = torch.from_numpy(array.copy())
        if key.startswith(_BFLOAT16):
            tensor = tensor.view(torch.bfloat16)
        part, _, name = key.removeprefix(_BFLOAT16).partition("/")
        tensors.setdefault(part, {})[name] = tensor
    return tensors
