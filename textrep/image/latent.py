"""Points of a space of codes: where samples start, and the way from one to another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.core.random import RandomState, stream
from textrep.embeddings.parameters import check_count

_SAME_DIRECTION = 1e-6  # of angles, where the arc is a straight line


def normal_noise(
    n: int, shape: tuple[int, ...], random_state: RandomState, name: str = "sample"
) -> NDArray[np.float32]:
    """Standard normal numbers, of which the first are the same for any `n`.

    Parameters
    ----------
    n : int
    shape : tuple of int
        Of each.
    random_state : None, int, Generator or RandomState
    name : str, default="sample"
        Of the stream.

    Returns
    -------
    float32 ndarray (n, *shape)

    Examples
    --------
    >>> bool((normal_noise(2, (3,), 0) == normal_noise(5, (3,), 0)[:2]).all())
    True
    """
    check_count("n", n, 1)
    return stream(random_state, name).standard_normal((n, *shape), dtype=np.float32)


def between(a: Any, b: Any, steps: int, *, spherical: bool = False) -> NDArray[np.float32]:
    """Points on the way from one code to another, both included.

    Parameters
    ----------
    a, b : array-like of one shape
    steps : int
        Points, at least 2.
    spherical : bool, default=False
        Along an arc, as noise drawn from a normal distribution asks for: the middle of the straight
        line between two such points is 0.707 as long as they are, where no sample ever is.

    Returns
    -------
    float32 ndarray (steps, *shape)

    References
    ----------
    T. White: Sampling generative networks, 2016, section 2.

    Examples
    --------
    >>> between([1.0, 0.0], [0.0, 1.0], 3).tolist()
    [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    >>> between([1.0, 0.0], [0.0, 1.0], 3, spherical=True)[1].round(3)
    array([0.707, 0.707], dtype=float32)
    """
    check_count("steps", steps, 2)
    first, last = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.shape != last.shape:
        raise ValueError(f"a and b must be of one shape, got {first.shape} and {last.shape}")
    share = np.linspace(0, 1, steps).reshape(-1, *[1] * first.ndim)
    weights = (1 - share, share)
    if spherical:
        lengths = np.linalg.norm(first) * np.linalg.norm(last)
        cosine = float(np.sum(first * last) / lengths) if lengths else 1.0
        angle = np.arccos(np.clip(cosine, -1, 1))
        if _SAME_DIRECTION < angle < np.pi - _SAME_DIRECTION:
            weights = (np.sin((1 - share) * angle), np.sin(share * angle))
            weights = (weights[0] / np.sin(angle), weights[1] / np.sin(angle))
    return (weights[0] * first + weights[1] * last).astype(np.float32)
