"""What all estimators with a torch module share: training, saving, pickling."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import nn

from textrep.core.container import PersistError
from textrep.core.launching import is_launched
from textrep.core.persist import Persistent
from textrep.core.random import RandomState
from textrep.embeddings.checkpoint import check_path
from textrep.engine.batches import Batches
from textrep.engine.building import Building
from textrep.engine.device import choose_device, choose_precision
from textrep.engine.loop import Outcome, train
from textrep.engine.seeding import seed_of, torch_seed
from textrep.engine.settings import TrainingSettings
from textrep.engine.task import Task

_SURROUNDINGS = ("device", "max_seconds", "precision", "random_state", "verbose")


class TorchEstimator(Persistent, BaseEstimator):
    """Base of the estimators that hold a torch module.

    A subclass declares the parameters below itself, since scikit-learn reads them from each
    constructor, and has `_build`, which makes the module without weights worth keeping.

    Parameters
    ----------
    device : str
        See `textrep.engine.choose_device`.
    precision : {"auto", "fp32", "bf16"}
        See `textrep.engine.choose_precision`.
    random_state : None, int, Generator or RandomState
        Of several processes that train together the same in all of them, and not None.
    checkpoint : path or None
        File that interrupted training is kept in, which needs a `random_state` other than None.
    verbose : int

    Attributes
    ----------
    module_ : torch.nn.Module
        On the CPU.
    history_ : list of dict of str to float
        See `textrep.engine.Outcome`.
    n_epochs_ : int
    stopped_early_ : bool
        Whether `patience` or `max_seconds` ended training.
    out_of_time_ : bool
        Whether it was `max_seconds`.
    """

    device: str
    precision: str
    random_state: RandomState
    checkpoint: Any
    verbose: int
    # The parameter that is the file of interrupted training, where `checkpoint` is something else.
    _kept_in = "checkpoint"

    module_: nn.Module
    history_: list[dict[str, float]]
    n_epochs_: int
    stopped_early_: bool
    out_of_time_: bool

    def _build(self) -> nn.Module:
        """The module, from the parameters and the fitted attributes other than its weights."""
        raise NotImplementedError

    def _new_module(self) -> nn.Module:
        """The module with its first weights, drawn from the estimator's own stream."""
        with torch_seed(seed_of(self.random_state, "weights")):
            return self._build()

    def _train(
        self,
        task: Task,
        batches: Batches,
        settings: TrainingSettings,
        validation: Batches | None = None,
        *,
        identity: Mapping[str, Any] | None = None,
        description: str = "Training",
        unit: str = "tokens",
    ) -> Outcome:
        """Train, and set what fitting leaves about it."""
        self._check_surroundings()
        outcome = train(
            task,
            batches,
            settings,
            validation=validation,
            device=self.device,
            precision=self.precision,
            seed=seed_of(self.random_state, "training"),
            checkpoint=getattr(self, self._kept_in),
            identity={"estimator": type(self).__name__, **(identity or {})},
            verbose=self.verbose,
            description=description,
            unit=unit,
        )
        self.history_ = outcome.history
        self.n_epochs_ = outcome.n_epochs
        self.stopped_early_ = outcome.stopped_early
        self.out_of_time_ = outcome.out_of_time
        return outcome

    def _check_surroundings(self) -> None:
        """Refuse a device, precision or checkpoint that cannot be used, before any work."""
        choose_precision(self.precision, choose_device(self.device))
        if is_launched() and self.random_state is None:
            raise ValueError(
                "random_state is None, by which each of several processes that train together "
                "would draw batches of its own; give all of them the same int, such as 0"
            )
        kept_in = getattr(self, self._kept_in)
        if kept_in is None:
            return
        check_path(kept_in)
        if self.random_state is None:
            raise ValueError(
                f"{self._kept_in} needs a random_state, such as 0: with None no two calls train "
                "alike, and none can be taken up"
            )

    def _training_parameters(self, *others: str) -> dict[str, str]:
        """Parameters that a training must have in common with the one that it takes up.

        Parameters
        ----------
        *others : str
            Those that are no part of training, beside where and how long it runs.
        """
        params = self.get_params(deep=False)
        return {
            name: repr(value)
            for name, value in params.items()
            if name not in (*_SURROUNDINGS, self._kept_in, *others)
        }

    def _check_fitted(self) -> None:
        check_is_fitted(self, "module_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags

    # ---- saving

    def _get_saved_params(self) -> dict[str, Any]:
        params = super()._get_saved_params()
        # A file holds text; a path is one as well as its name.
        return {
            name: os.fspath(value) if isinstance(value, os.PathLike) else value
            for name, value in params.items()
        }

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        module = state.pop("module_", None)
        if module is not None:
            state["weights"] = weights_of(module)
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        weights = state.pop("weights", None)
        super()._set_state(state)
        if weights is not None:
            self.module_ = self._new_module_without_draw()
            set_weights(self.module_, weights)

    def _loading(self, n_bytes: int, n_arrays: int) -> AbstractContextManager[Any]:
        return Building(n_bytes, n_arrays)

    def _new_module_without_draw(self) -> nn.Module:
        with torch_seed(0):  # whatever is drawn is replaced; the global state stays as it is
            return self._build().eval()


def weights_of(module: nn.Module) -> dict[str, np.ndarray]:
    """Parameters and buffers by name; what is shared is there once, under its first name.

    Parameters
    ----------
    module : torch.nn.Module
        On the CPU.

    Returns
    -------
    dict of str to ndarray
    """
    seen: set[tuple[int, torch.Size]] = set()
    weights = {}
    for name, tensor in module.state_dict().items():
        place = (tensor.data_ptr(), tensor.shape)
        if tensor.numel() and place in seen:
            continue
        seen.add(place)
        weights[name] = tensor.detach().contiguous().numpy()
    return weights


def set_weights(module: nn.Module, weights: Any) -> None:
    """Put weights into a module that was built alike.

    Parameters
    ----------
    module : torch.nn.Module
    weights : dict of str to ndarray
        As `weights_of` gives them.

    Raises
    ------
    PersistError
        When a name, a shape or a type is not what the module has.
    """
    wanted = weights_of(module)
    if not isinstance(weights, dict) or weights.keys() != wanted.keys():
        given = sorted(weights) if isinstance(weights, dict) else type(weights).__name__
        raise PersistError(f"weights are {given!s:.80}, expected {sorted(wanted)!s:.80}")
    tensors = {}
    for name, array in weights.items():
        own = wanted[name]
        fits = isinstance(array, np.ndarray) and array.dtype == own.dtype
        if not fits or array.shape != own.shape:
            raise PersistError(
                f"weight {name!r} is not an array of shape {own.shape} and type {own.dtype}"
            )
        tensors[name] = torch.from_numpy(array.copy())
    # Not strict, for the further names of what is shared.
    module.load_state_dict(tensors, strict=False)
