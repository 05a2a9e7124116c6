"""What a comparison is held on: documents, their labels, further columns, and which part tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.split import Split

Inputs: TypeAlias = "list[str] | NDArray[np.object_]"


@dataclass(frozen=True, eq=False)
class Task:
    """Labelled documents and the splits on which every rung is fitted and tested.

    Parameters
    ----------
    name : str
        Of the data set.
    texts : sequence of str, length n_documents
        All documents, those to learn from and those to test on.
    labels : ndarray of shape (n_documents,)
        Their classes.
    splits : tuple of Split
        One of training and test part, or one for each fold of a cross-validation; no document is
        tested twice.
    numeric : mapping of str to ndarray of shape (n_documents,) of float64, default={}
        Further columns of numbers; NaN where a value is missing.
    categorical : mapping of str to ndarray of shape (n_documents,) of object, default={}
        Further columns of categories, each a str; empty where a value is missing.
    origins : sequence of str of length n_documents, or None, default=None
        Where each document stands in the data as they were given, such as ``"test row 17"``; None
        calls them by their positions.
    unused : mapping of str to ndarray of shape (n_documents,) of object, default={}
        Columns that came with the documents and are not learnt from; None where a part lacks one.

    Examples
    --------
    >>> splits = (Split(np.array([0, 1]), np.array([2])),)
    >>> task = Task("pets", ["meow", "woof", "mew"], np.array(["cat", "dog", "cat"]), splits)
    >>> task.inputs(task.tested), task.truth.tolist(), task.classes
    (['mew'], ['cat'], ('cat', 'dog'))
    """

    name: str
    texts: Sequence[str] = field(repr=False)
    labels: NDArray[Any] = field(repr=False)
    splits: tuple[Split, ...] = field(repr=False)
    numeric: Mapping[str, NDArray[np.float64]] = field(default_factory=dict, repr=False)
    categorical: Mapping[str, NDArray[np.object_]] = field(default_factory=dict, repr=False)
    origins: Sequence[str] | None = field(default=None, repr=False)
    unused: Mapping[str, NDArray[np.object_]] = field(default_factory=dict, repr=False)

    @property
    def folds(self) -> int:
        """Number of folds of the cross-validation; 0 for one training and one test part."""
        return len(self.splits) if len(self.splits) > 1 else 0

    @property
    def tested(self) -> NDArray[np.intp]:
        """Positions of the documents that are tested on, ascending."""
        return np.sort(np.concatenate([split.test for split in self.splits]))

    @property
    def learnt(self) -> NDArray[np.intp]:
        """Positions of the documents that the saved model learns from, ascending."""
        if self.folds:
            return np.arange(len(self.texts))
        return self.splits[0].train

    @property
    def truth(self) -> NDArray[Any]:
        """Labels of the documents that are tested on, in the order of `tested`."""
        return self.labels[self.tested]

    @property
    def classes(self) -> tuple[Any, ...]:
        """The labels that can be learnt, sorted."""
        return tuple(np.unique(self.labels[self.learnt]).tolist())

    @property
    def has_columns(self) -> bool:
        """Whether there is more than text to learn from."""
        return bool(self.numeric or self.categorical)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the further columns, in the order of the tables of `inputs`."""
        return (*self.numeric, *self.categorical)

    def inputs(self, positions: NDArray[np.intp]) -> Inputs:
        """What a pipeline is given of some documents.

        Parameters
        ----------
        positions : ndarray of shape (n,)
            Of the documents.

        Returns
        -------
        list of str of length n, or ndarray of shape (n, 1 + n_numeric + n_categorical) of object
            The second where there are further columns: text, numbers, categories.
        """
        texts = [self.texts[i] for i in positions]
        if not self.has_columns:
            return texts
        columns = [*self.numeric.values(), *self.categorical.values()]
        table = np.empty((len(texts), 1 + len(columns)), dtype=object)
        table[:, 0] = texts
        for at, values in enumerate(columns, start=1):
            table[:, at] = values[positions]
        return table

    def origin(self, position: int) -> str:
        """Where a document stands in the data as they were given.

        Parameters
        ----------
        position : int
            Of the document.

        Returns
        -------
        str
        """
        return f"document {position}" if self.origins is None else self.origins[position]
