"""Which classes are taken for which: the confusion matrix and the figures of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support

from textrep.comparison.report.wording import label_text

# More columns than this do not fit on a page.
_MAX_SHOWN = 20
_MAX_PAIRS = 12


@dataclass(frozen=True)
class Cell:
    """One field of the matrix: texts, and their share of those of its row."""

    count: int
    share: float


@dataclass(frozen=True)
class Pair:
    """Texts of one class that were taken for another, and their share of the class."""

    given: str
    predicted: str
    count: int
    share: float


@dataclass(frozen=True)
class ClassFigures:
    """How well one class is told from the others."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Confusions:
    """What the rung took for what.

    Attributes
    ----------
    labels : tuple of str
        Of the classes shown, in the order of rows (given) and columns (predicted).
    rows : tuple of tuple of Cell
    n_classes : int
        Of which the classes shown are those most often confused.
    pairs : tuple of Pair
        The most frequent confusions.
    classes : tuple of ClassFigures
        Of every class.
    """

    labels: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    n_classes: int
    pairs: tuple[Pair, ...]
    classes: tuple[ClassFigures, ...]


def confusions(truth: NDArray[Any], predicted: NDArray[Any]) -> Confusions:
    """Count which classes are taken for which.

    Parameters
    ----------
    truth, predicted : ndarray of shape (n_tested,)
        Labels given and labels predicted.

    Returns
    -------
    Confusions

    Examples
    --------
    >>> found = confusions(np.array(["a", "a", "b"]), np.array(["a", "b", "b"]))
    >>> [[cell.count for cell in row] for row in found.rows]
    [[1, 1], [0, 1]]
    >>> found.pairs
    (Pair(given='a', predicted='b', count=1, share=0.5),)
    """
    labels, numbers = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    n_classes = len(labels)
    rows, columns = numbers[: len(truth)], numbers[len(truth) :]
    counts = np.bincount(rows * n_classes + columns, minlength=n_classes**2)
    counts = counts.reshape(n_classes, n_classes)
    names = [label_text(label) for label in labels.tolist()]
    given = np.maximum(counts.sum(axis=1), 1)
    shown = _most_confused(counts)
    return Confusions(
        labels=tuple(names[i] for i in shown),
        rows=tuple(
            tuple(Cell(int(counts[i, j]), float(counts[i, j] / given[i])) for j in shown)
            for i in shown
        ),
        n_classes=n_classes,
        pairs=_pairs(counts, names),
        classes=_class_figures(rows, columns, names),
    )


def _errors(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    errors = counts.copy()
    np.fill_diagonal(errors, 0)
    return errors


def _most_confused(counts: NDArray[np.int64]) -> list[int]:
    """Numbers of the classes with most errors in their row and column, in their order."""
    errors = _errors(counts)
    involved = errors.sum(axis=0) + errors.sum(axis=1)
    return sorted(np.argsort(-involved, kind="stable")[:_MAX_SHOWN].tolist())


def _pairs(counts: NDArray[np.int64], names: Sequence[str]) -> tuple[Pair, ...]:
    errors = _errors(counts)
    order = np.argsort(-errors, axis=None, kind="stable")[:_MAX_PAIRS]
    cells = [divmod(int(cell), len(names)) for cell in order]
    return tuple(
        Pair(names[i], names[j], int(errors[i, j]), float(errors[i, j] / counts[i].sum()))
        for i, j in cells
        if errors[i, j] > 0
    )


def _class_figures(
    truth: NDArray[np.intp], predicted: NDArray[np.intp], names: Sequence[str]
) -> tuple[ClassFigures, ...]:
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, predicted, labels=range(len(names)), zero_division=0.0
    )
    return tuple(
        ClassFigures(name, float(p), float(r), float(f), int(n))
        for name, p, r, f, n in zip(names, precision, recall, f1, support, strict=True)
    )
