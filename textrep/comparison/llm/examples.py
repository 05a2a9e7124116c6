"""A few texts of each class to show a model what the classes are like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def draw_examples(
    group: NDArray[np.int64], per_class: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Draw as many samples of each class, without repeats.

    Parameters
    ----------
    group : ndarray of shape (n_samples,)
        Number of the class of each.
    per_class : int
        How many; of a class that has fewer, all.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (n_drawn,)
        Their positions, in random order: models lean towards the class that comes last.

    Examples
    --------
    >>> group = np.array([0, 0, 0, 1, 1, 2])
    >>> drawn = draw_examples(group, 2, np.random.default_rng(0))
    >>> np.bincount(group[drawn]).tolist()
    [2, 2, 1]
    """
    drawn = [
        rng.permutation(np.flatnonzero(group == number))[:per_class] for number in np.unique(group)
    ]
    return rng.permutation(np.concatenate(drawn))
