"""Word vectors in a quarter of the memory: int8 with a scale for each row."""

from __future__ import annotations

import numpy as np

from textrep.core.messages import shown
from textrep.embeddings.neighbours import blocks
from textrep.embeddings.vectors import WordVectors

LEVELS = 127
"""int8 without -128, so that a vector and its negative are equally exact."""


def quantise_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of floats as int8, each with a scale of its own.

    Parameters
    ----------
    rows : float32 ndarray (n, dim)
        Finite values.

    Returns
    -------
    quantised : int8 ndarray (n, dim)
        ``rows`` is about ``quantised * scale[:, None]``: no value is off by more than half the
        scale of its row (and the rounding of float32).
    scale : float32 ndarray (n,)
        Largest absolute value of each row / 127.

    Examples
    --------
    >>> quantised, scale = quantise_rows(np.array([[0.5, -1.0, 0.0]], dtype=np.float32))
    >>> quantised
    array([[  64, -127,    0]], dtype=int8)
    >>> quantised * scale[:, np.newaxis]
    array([[ 0.503937, -1.      ,  0.      ]], dtype=float32)
    """
    scale = np.abs(rows).max(axis=1, initial=0).astype(np.float32) / np.float32(LEVELS)
    # Where a row is of zeros, or of numbers too small for its scale, zeros are what it becomes.
    divisor = np.where(scale > 0, scale, np.float32(np.inf))
    levels = np.rint(rows / divisor[:, np.newaxis])
    return np.clip(levels, -LEVELS, LEVELS).astype(np.int8), scale


def quantised(vectors: WordVectors) -> WordVectors:
    """The same words with vectors in int8.

    Parameters
    ----------
    vectors : WordVectors
        Those of a subclass lose what it has beyond words and a matrix, such as subwords.

    Returns
    -------
    WordVectors
        Vectors that are int8 already are given back as they are.

    Raises
    ------
    ValueError
        When a vector has NaN or infinite values.

    Examples
    --------
    >>> vectors = WordVectors(["a", "b"], np.array([[1, 0.5], [0, 3]], dtype=np.float32))
    >>> small = quantised(vectors)
    >>> small
    <WordVectors: 2 words, 2 dimensions, int8>
    >>> small["a"]
    array([1. , 0.503937], dtype=float32)
    """
    if vectors.scale is not None:
        return vectors
    matrix = np.empty((len(vectors), vectors.dim), dtype=np.int8)
    scale = np.empty(len(vectors), dtype=np.float32)
    for first, last in blocks(len(vectors), vectors.dim):
        rows = vectors.rows(np.arange(first, last))
        finite = np.isfinite(rows).all(axis=1)
        if not finite.all():
            bad = vectors.words[first + int(np.argmin(finite))]
            raise ValueError(f"the vector of {shown(bad)} has NaN or infinite values")
        matrix[first:last], scale[first:last] = quantise_rows(rows)
    return WordVectors(vectors.words, matrix, counts=vectors.counts, scale=scale)
