"""What all neural classifiers of texts share: labels, held-out rows, loss, answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from torch import nn
from torch.nn import functional

from textrep.core.messages import shown
from textrep.core.text import check_texts
from textrep.engine.batches import LengthBatches, pad
from textrep.engine.device import choose_device
from textrep.engine.estimator import TorchEstimator
from textrep.engine.inference import apply_in_batches, lent_to
from textrep.engine.loop import Outcome
from textrep.engine.loss import LossSum
from textrep.engine.settings import TrainingSettings
from textrep.engine.task import Task
from textrep.sparse.log_count_ratio import read_classes

_SEED_BITS = 63

FEWEST_HELD_OUT = 20
"""Texts by which a validation loss can be judged; where fewer would be held out, none are."""


class LabelledRows(NamedTuple):
    """A batch of texts with their classes.

    Attributes
    ----------
    ids : int64 tensor (n_rows, longest)
    lengths : int64 tensor (n_rows,)
    labels : int64 tensor (n_rows,)
        Numbers of classes.
    """

    ids: torch.Tensor
    lengths: torch.Tensor
    labels: torch.Tensor


class Rows(NamedTuple):
    """A batch of texts without labels; see `LabelledRows`."""

    ids: torch.Tensor
    lengths: torch.Tensor


class ClassificationTask(Task):
    """Cross entropy of a module that gives one score a class.

    Parameters
    ----------
    module : nn.Module
        Takes ids (n_rows, longest) and lengths (n_rows,), gives logits (n_rows, n_classes).
    class_weights : float array (n_classes,)
        What the loss of the texts of each class is multiplied by.
    """

    class_weights: torch.Tensor

    def __init__(self, module: nn.Module, class_weights: NDArray[np.floating[Any]]) -> None:
        super().__init__()
        self.module = module
        weights = torch.as_tensor(np.asarray(class_weights, dtype=np.float32))
        self.register_buffer("class_weights", weights, persistent=False)

    def loss(self, phase: str, batch: LabelledRows) -> LossSum:
        """Sum over the texts; ``correct`` counts those that are classified rightly."""
        logits = self.module(batch.ids, batch.lengths).float()  # (n_rows, n_classes)
        losses = functional.cross_entropy(logits, batch.labels, reduction="none")
        total = (losses * self.class_weights[batch.labels]).sum()
        correct = (logits.argmax(dim=1) == batch.labels).sum()
        return LossSum(total, float(len(batch.labels)), {"correct": correct})


def labelled_batches(
    rows: Sequence[NDArray[np.integer[Any]]],
    group: NDArray[np.int64],
    chosen: NDArray[np.int64],
    *,
    max_rows: int,
    seed: int = 0,
    shuffle: bool = True,
) -> LengthBatches:
    """Batches of `LabelledRows`.

    Parameters
    ----------
    rows : sequence of integer arrays
        Ids of all texts.
    group : int64 array
        Number of the class of each.
    chosen : int64 array (n,)
        Which of them to take.
    max_rows : int
        In a batch.
    seed : int, default=0
    shuffle : bool, default=True

    Returns
    -------
    LengthBatches
    """
    taken = [rows[i] for i in chosen]
    labels = torch.from_numpy(group[chosen])
    lengths = np.array([len(row) for row in taken], dtype=np.int64)

    def collate(numbers: np.ndarray) -> LabelledRows:
        ids = pad([taken[i] for i in numbers])
        return LabelledRows(ids, torch.from_numpy(lengths[numbers]), labels[numbers])

    return LengthBatches(lengths, collate, max_rows=max_rows, seed=seed, shuffle=shuffle)


def hold_out(
    group: NDArray[np.int64], fraction: float, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide texts into those to learn from and those that tell when to stop.

    Parameters
    ----------
    group : int64 array (n_samples,)
        Number of the class of each text.
    fraction : float
        Share of each class that is held out, rounded; one text of a class at least is learnt from.
    random : Generator

    Returns
    -------
    learnt, held_out : int64 arrays
        Positions, ascending. Where fewer than `FEWEST_HELD_OUT` would be held out, none are.

    Examples
    --------
    >>> learnt, held_out = hold_out(np.repeat([0, 1], 200), 0.1, np.random.default_rng(0))
    >>> len(learnt), np.bincount(np.repeat([0, 1], 200)[held_out]).tolist()
    (360, [20, 20])
    """
    parts = [np.zeros(0, dtype=np.int64)]
    for number in range(int(group.max()) + 1):
        members = np.flatnonzero(group == number)
        n_held_out = min(round(fraction * len(members)), len(members) - 1)
        parts.append(random.permutation(members)[: max(0, n_held_out)])
    held_out = np.sort(np.concatenate(parts))
    if len(held_out) < FEWEST_HELD_OUT:
        held_out = held_out[:0]
    return np.setdiff1d(np.arange(len(group)), held_out), held_out


def epochs_for(
    epochs: int | str, n_texts: int, batch_size: int, *, steps: int, fewest: int, most: int
) -> int:
    """Epochs as given, or what "auto" stands for: as many as make so many batches, within bounds.

    >>> bounds = {"steps": 1500, "fewest": 6, "most": 60}
    >>> [epochs_for("auto", n, 32, **bounds) for n in (12, 1600, 100_000)]
    [60, 30, 6]
    >>> epochs_for(3, 12, 32, **bounds)
    3
    """
    if not isinstance(epochs, str):
        return int(epochs)
    batches = -(-n_texts // batch_size)
    return max(fewest, min(most, -(-steps // batches)))


def weights_of_classes(
    class_weight: Any, classes: np.ndarray, group: NDArray[np.int64]
) -> NDArray[np.float64]:
    """What the loss of each class is multiplied by.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        As scikit-learn's; classes that a dict leaves out have the weight 1.
    classes : ndarray (n_classes,)
    group : int64 array (n_samples,)
        Number of each text's class.

    Returns
    -------
    float64 ndarray (n_classes,)

    Raises
    ------
    ValueError
        If it is something else, names what is no class, or has a weight that is none.

    Examples
    --------
    >>> weights_of_classes({"spam": 3}, np.array(["ham", "spam"]), np.array([0, 1, 0]))
    array([1., 3.])
    """
    try:
        weights = compute_class_weight(class_weight, classes=classes, y=classes[group])
    except (TypeError, ValueError) as error:
        raise ValueError(
            "class_weight must be None, 'balanced' or a dict with a weight for each of the classes "
            f"{shown(classes.tolist())}; got {shown(class_weight)}"
        ) from error
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise ValueError(
            "the weights in class_weight must be finite, not negative and not all 0, got "
            f"{shown(class_weight)}"
        )
    return np.asarray(weights, dtype=np.float64)


def data_digest(rows: Sequence[NDArray[np.integer[Any]]], group: NDArray[np.int64]) -> str:
    """What tells texts and labels from others, for a training that is taken up.

    Parameters
    ----------
    rows : sequence of integer arrays
        Ids of each text.
    group : int64 array
        Number of the class of each.

    Returns
    -------
    str
        Hexadecimal.
    """
    digest = hashlib.sha256(np.array([len(row) for row in rows], dtype=np.int64).tobytes())
    for row in rows:
        digest.update(np.asarray(row, dtype=np.int64).tobytes())
    digest.update(group.tobytes())
    return digest.hexdigest()


class NeuralClassifier(ClassifierMixin, TorchEstimator):
    """Base of the classifiers of texts whose model is a torch module.

    A subclass turns texts into ids in `_rows` and builds, in `_build`, a module that takes ids and
    lengths and gives logits, see `ClassificationTask`.
    """

    class_weight: Any
    batch_size: int
    validation_fraction: float
    classes_: np.ndarray

    def _rows(self, texts: list[str]) -> list[np.ndarray]:
        """Ids of each text, at least one."""
        raise NotImplementedError

    def _settings(self, n_texts: int, max_seconds: float | None) -> TrainingSettings:
        """How to train on so many texts."""
        raise NotImplementedError

    def _train_classifier(
        self,
        rows: Sequence[np.ndarray],
        group: NDArray[np.int64],
        class_weights: NDArray[np.float64],
        *,
        random: Mapping[str, np.random.Generator],
        max_seconds: float | None,
        apart: tuple[str, ...] = (),
        unit: str = "tokens",
    ) -> Outcome:
        """Train ``module_`` on rows, a part of which is held out.

        Parameters
        ----------
        rows : sequence of int arrays
            Ids of each text.
        group : int64 array (n_samples,)
            Number of the class of each.
        class_weights : float64 array (n_classes,)
        random : mapping of str to Generator
            For what is ``"held out"``, and for the ``"order"``.
        max_seconds : float or None
        apart : tuple of str, default=()
            Parameters that are no part of this training.
        unit : str, default="tokens"
            What ids are called in the progress bar.
        """
        learnt, held_out = hold_out(group, self.validation_fraction, random["held out"])
        seed = int(random["order"].integers(2**_SEED_BITS))
        validation = labelled_batches(
            rows, group, held_out, max_rows=self.batch_size, shuffle=False
        )
        return self._train(
            ClassificationTask(self.module_, class_weights),
            labelled_batches(rows, group, learnt, max_rows=self.batch_size, seed=seed),
            self._settings(len(learnt), max_seconds),
            validation if len(held_out) else None,
            identity={
                "parameters": self._training_parameters(*apart),
                "data": data_digest(rows, group),
            },
            description=type(self).__name__,
            unit=unit,
        )

    def _read_labels(self, y: Any, n_samples: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Classes (n_classes,), number of each text's, and weights of the classes."""
        classes, group = read_classes(self, y, n_samples)
        return classes, group, weights_of_classes(self.class_weight, classes, group)

    def _log_odds(self, X: Any) -> NDArray[np.float64]:
        """What the module says of texts, (n_samples, n_classes)."""
        self._check_fitted()
        rows = self._rows(check_texts(X, name="X"))
        lengths = np.array([len(row) for row in rows], dtype=np.int64)

        def collate(numbers: np.ndarray) -> Rows:
            return Rows(pad([rows[i] for i in numbers]), torch.from_numpy(lengths[numbers]))

        device = choose_device(self.device)
        with lent_to(self.module_, device) as module:
            answers = apply_in_batches(
                lambda batch: module(batch.ids, batch.lengths).float(),
                lengths,
                collate,
                device=device,
                precision=self.precision,
            )
        return np.stack([np.asarray(answer, dtype=np.float64) for answer in answers])

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """What each class's probability is proportional to, as a logarithm.

        Parameters
        ----------
        X : iterable of str, of length n_samples

        Returns
        -------
        float64 ndarray
            (n_samples,) for two classes, the second less the first; else (n_samples, n_classes).
        """
        odds = self._log_odds(X)
        return odds[:, 1] - odds[:, 0] if len(self.classes_) == 2 else odds

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : iterable of str, of length n_samples

        Returns
        -------
        float64 ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return np.asarray(log_softmax(self._log_odds(X), axis=1))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of the classes.

        Parameters
        ----------
        X : iterable of str, of length n_samples

        Returns
        -------
        float64 ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; rows sum to 1.
        """
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: Any) -> np.ndarray:
        """The class of each text.

        Parameters
        ----------
        X : iterable of str, of length n_samples

        Returns
        -------
        ndarray (n_samples,) of the type of the labels
        """
        best = self._log_odds(X).argmax(axis=1)
        return self.classes_[best]
