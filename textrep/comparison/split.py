"""Training and test part, or folds, stratified and with identical texts on one side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.errors import ComparisonError
from textrep.core.messages import shown


class Split(NamedTuple):
    """Ascending positions of the training and of the test texts."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]


def split_texts(
    texts: Sequence[str],
    labels: NDArray[Any],
    test_size: float,
    rng: np.random.Generator,
) -> Split:
    """Split at random so that no text stands on both sides.

    Texts that are equal character for character make one group, which goes to one side whole. Each
    class gives the test part `test_size` of its texts, as nearly as its groups allow, and at least
    one group to each side.

    Parameters
    ----------
    texts : sequence of str, length n_samples
        The documents.
    labels : ndarray of shape (n_samples,)
        Their classes. A group whose members disagree counts for the class of its first.
    test_size : float
        Share of the texts to test on, between 0 and 1.
    rng : numpy.random.Generator
        Decides which.

    Returns
    -------
    Split

    Raises
    ------
    ComparisonError
        When `test_size` is out of range or a class has fewer than two different texts.

    Examples
    --------
    >>> texts = ["a", "b", "b", "c", "x", "y"]
    >>> labels = np.array(["n", "n", "n", "n", "p", "p"])
    >>> train, test = split_texts(texts, labels, 0.5, np.random.default_rng(0))
    >>> {texts[i] for i in train} & {texts[i] for i in test}
    set()
    """
    if not isinstance(test_size, int | float | np.number) or not 0 < test_size < 1:
        raise ComparisonError(
            f"test_size={shown(test_size)}: the share to test on must lie between 0 and 1, "
            "such as 0.2"
        )
    by_class = _grouped(texts, labels)
    _check_classes(by_class, 2, "one to learn from and one to test on")
    test = np.zeros(len(texts), dtype=bool)
    for own in by_class.values():
        for group in _draw(own, test_size, rng):
            test[group] = True
    return Split(np.flatnonzero(~test), np.flatnonzero(test))


def fold_texts(
    texts: Sequence[str],
    labels: NDArray[Any],
    n_folds: int,
    rng: np.random.Generator,
) -> tuple[Split, ...]:
    """Split at random into folds, each of which is tested by what is learnt from the others.

    Texts that are equal character for character stand in one fold. Each class is spread over the
    folds as evenly as its groups of equal texts allow.

    Parameters
    ----------
    texts : sequence of str, length n_samples
        The documents.
    labels : ndarray of shape (n_samples,)
        Their classes. A group whose members disagree counts for the class of its first.
    n_folds : int
        Number of folds, at least 2.
    rng : numpy.random.Generator
        Decides which.

    Returns
    -------
    tuple of Split, length n_folds

    Raises
    ------
    ComparisonError
        When a class has fewer different texts than there are folds.

    Examples
    --------
    >>> labels = np.array(["n", "n", "n", "p", "p", "p"])
    >>> folds = fold_texts(["a", "a", "b", "x", "y", "z"], labels, 2, np.random.default_rng(0))
    >>> sorted(np.concatenate([fold.test for fold in folds]).tolist())
    [0, 1, 2, 3, 4, 5]
    """
    by_class = _grouped(texts, labels)
    _check_classes(by_class, n_folds, "one for each fold")
    fold_of = np.empty(len(texts), dtype=np.intp)
    sizes = np.zeros(n_folds, dtype=np.intp)
    for own in by_class.values():
        own_sizes = np.zeros(n_folds, dtype=np.intp)
        # The largest first, each to the fold that has least of the class, then least of all.
        order = sorted(rng.permutation(len(own)).tolist(), key=lambda i: -len(own[i]))
        for i in order:
            fold = int(np.lexsort((sizes, own_sizes))[0])
            fold_of[own[i]] = fold
            own_sizes[fold] += len(own[i])
            sizes[fold] += len(own[i])
    return tuple(
        Split(np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold))
        for fold in range(n_folds)
    )


def _grouped(texts: Sequence[str], labels: NDArray[Any]) -> dict[Any, list[list[int]]]:
    """Positions of equal texts, by the class of their first."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for position, text in enumerate(texts):
        groups[text].append(position)
    # Python's own values: numpy's do not all compare and hash alike.
    values = labels.tolist()
    by_class: dict[Any, list[list[int]]] = {label: [] for label in values}
    for members in groups.values():
        by_class[values[members[0]]].append(members)
    return by_class


def _check_classes(by_class: dict[Any, list[list[int]]], needed: int, use: str) -> None:
    for label, groups in by_class.items():
        if len(groups) < needed:
            count = f"{len(groups)} different text{'s' * (len(groups) != 1)}"
            raise ComparisonError(
                f"class {shown(label)} has {count} of its own; {needed} are needed, {use}: add "
                "some, or leave the class out"
            )


def _draw(groups: list[list[int]], test_size: float, rng: np.random.Generator) -> list[list[int]]:
    """Groups for the test part, about `test_size` of the members and never all the groups."""
    wanted = max(1, round(test_size * sum(map(len, groups))))
    drawn: list[list[int]] = []
    room = wanted
    for i in rng.permutation(len(groups)):
        if len(groups[i]) <= room and len(drawn) < len(groups) - 1:
            drawn.append(groups[i])
            room -= len(groups[i])
    # Every group is larger than the share: the smallest comes nearest to it.
    return drawn or [min(groups, key=len)]
