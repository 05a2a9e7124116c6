"""The random numbers that vectors begin training with."""

from __future__ import annotations

import numpy as np

from textrep.embeddings.neighbours import blocks


def fill_uniform(rows: np.ndarray, reach: float, random: np.random.Generator) -> None:
    """Fill rows with random numbers, uniformly from -reach to reach.

    Parameters
    ----------
    rows : float32 ndarray (n_rows, dim)
        May be columns of a wider matrix. Filled in place, block by block: no copy of it is made.
    reach : float
    random : numpy.random.Generator

    Examples
    --------
    >>> rows = np.zeros((100, 4), dtype=np.float32)
    >>> fill_uniform(rows, 0.5, np.random.default_rng(0))
    >>> rows.min().round(1), rows.max().round(1), rows.mean().round(1)
    (np.float32(-0.5), np.float32(0.5), np.float32(0.0))
    """
    dim = rows.shape[1]
    for first, last in blocks(*rows.shape):
        block = random.random((last - first, dim), dtype=np.float32)
        block *= 2.0
        block -= 1.0
        block *= np.float32(reach)
        rows[first:last] = block
