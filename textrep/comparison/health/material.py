"""What the checks look at: the documents of a task, and what is counted of them once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.health.copies import label_codes, normalised, number_groups
from textrep.comparison.health.letters import main_scripts
from textrep.comparison.health.near import NearCopies, find_near_copies
from textrep.comparison.task import Task


@dataclass(frozen=True, eq=False)
class Material:
    """A task and what several checks need to know of its documents.

    Parameters
    ----------
    task : Task
        To be looked at.

    Examples
    --------
    >>> from textrep.comparison.split import Split
    >>> splits = (Split(np.array([0, 1]), np.array([2])),)
    >>> material = Material(Task("pets", ["Meow !", "woof", "meow !"], np.array([1, 0, 1]), splits))
    >>> material.n_words, material.groups, material.parts
    (array([2, 1, 2]), array([0, 1, 0]), array([0, 0, 1]))
    """

    task: Task
    n_characters: NDArray[np.int64] = field(init=False)
    n_words: NDArray[np.int64] = field(init=False)
    exact_groups: NDArray[np.intp] = field(init=False)
    groups: NDArray[np.intp] = field(init=False)

    def __post_init__(self) -> None:
        texts = self.task.texts
        counts = np.zeros(len(texts), dtype=np.int64)

        def folded() -> Iterator[str]:
            for position, text in enumerate(texts):
                plain = normalised(text)
                counts[position] = plain.count(" ") + bool(plain)
                yield plain

        values = {
            "n_characters": np.array([len(text) for text in texts], dtype=np.int64),
            "exact_groups": number_groups(texts),
            "groups": number_groups(folded()),
            "n_words": counts,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @cached_property
    def codes(self) -> NDArray[np.intp]:
        """The labels, numbered from 0 in their sorted order."""
        return label_codes(self.task.labels)

    @cached_property
    def empty(self) -> NDArray[np.bool_]:
        """Whether a text is empty or white space."""
        return self.n_words == 0

    @cached_property
    def parts(self) -> NDArray[np.int64]:
        """Which part of the split a document is in: 0 for training and 1 for test; with folds the
        number of the one that it is tested in; -1 for none.
        """
        parts = np.full(len(self.task.texts), -1, dtype=np.int64)
        if not self.task.folds:
            parts[self.task.learnt] = 0
            parts[self.task.tested] = 1
            return parts
        for fold, split in enumerate(self.task.splits):
            parts[split.test] = fold
        return parts

    @cached_property
    def named_parts(self) -> dict[str, NDArray[np.intp]]:
        """Positions of the documents of the training and the test part; with folds, of all."""
        if self.task.folds:
            return {"all": self.task.tested}
        return {"train": self.task.learnt, "test": self.task.tested}

    @cached_property
    def scripts(self) -> NDArray[np.str_]:
        """The script that each text is mainly in."""
        return main_scripts(self.task.texts)

    @cached_property
    def near(self) -> NearCopies:
        """Documents that are nearly the same."""
        return find_near_copies(self.task.texts, self.n_words, self.groups, self.parts)
