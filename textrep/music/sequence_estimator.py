"""What estimators share that learn from pieces which note comes next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from sklearn.utils import Tags

from textrep.core.messages import shown
from textrep.core.random import RandomState, stream
from textrep.embeddings.parameters import check_number
from textrep.engine.estimator import TorchEstimator
from textrep.engine.seeding import seed_of
from textrep.engine.settings import TrainingSettings
from textrep.generation.sampling import row_generators

_MAX_GRAD_NORM = 1.0

Piece = TypeVar("Piece")


class SequenceEstimator(TorchEstimator):
    """Base of the estimators of pieces that are trained by their likelihood.

    A subclass declares the parameters of `TorchEstimator`, those below, and has `log_likelihoods`.

    Parameters
    ----------
    epochs : int
    batch_size : int
        Pieces to a batch.
    learning_rate : float
        The highest of `schedule`.
    schedule : str
    warmup : float
    weight_decay : float
    ema_decay : float or None
        See `textrep.engine.TrainingSettings` for these.
    validation_fraction : float
        Share of the pieces that is held out.
    patience : int or None
    max_seconds : float or None
    """

    epochs: int
    batch_size: int
    learning_rate: float
    schedule: str
    warmup: float
    weight_decay: float
    ema_decay: float | None
    validation_fraction: float
    patience: int | None
    max_seconds: float | None

    def _check_training(self, has_validation: bool) -> None:
        """Refuse parameters of training that are out of range."""
        check_number("validation_fraction", self.validation_fraction, least=0, most=0.5)
        if self.patience is not None and not has_validation and not self.validation_fraction:
            raise ValueError(
                f"patience={self.patience} needs pieces to watch: give validation_fraction or "
                "fit(..., validation=...)"
            )
        self._settings()
        self._check_surroundings()

    def _settings(self) -> TrainingSettings:
        return TrainingSettings(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            schedule=self.schedule,
            warmup=self.warmup,
            max_grad_norm=_MAX_GRAD_NORM,
            ema_decay=self.ema_decay,
            patience=self.patience,
            max_seconds=self.max_seconds,
        )

    def _hold_out(self, pieces: Sequence[Piece]) -> tuple[list[Piece], list[Piece]]:
        """Pieces to learn from, one at least, and those held out, at random."""
        n_held_out = min(round(self.validation_fraction * len(pieces)), len(pieces) - 1)
        order = stream(self.random_state, "held out").permutation(len(pieces))
        held_out = set(order[:n_held_out].tolist())
        return (
            [piece for number, piece in enumerate(pieces) if number not in held_out],
            [piece for number, piece in enumerate(pieces) if number in held_out],
        )

    def _generators(self, n: int, random_state: RandomState) -> list[torch.Generator]:
        """A stream of random numbers for each piece that is written."""
        return row_generators(seed_of(random_state, "generation"), n)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = False
        return tags


def pieces_of(X: Any, name: str) -> list[Any]:
    """What was given, as a list of pieces that are still to be looked at.

    Raises
    ------
    TypeError
        If it is no collection.
    ValueError
        If it is empty.

    Examples
    --------
    >>> pieces_of("a file", "X")
    Traceback (most recent call last):
    ...
    TypeError: X must be a list of pieces, got the single value 'a file'
    """
    if not isinstance(X, str | bytes | dict):
        try:
            pieces = list(X)
        except TypeError:
            pass
        else:
            if not pieces:
                raise ValueError(f"{name} is empty: it has no piece")
            return pieces
    raise TypeError(f"{name} must be a list of pieces, got the single value {shown(X)}")
