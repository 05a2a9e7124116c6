"""The four random inputs of a phrase, and the vector that they are laid out in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from textrep.core.random import RandomState
from textrep.image.latent import normal_noise

INPUTS = ("chords", "style", "melody", "groove")
"""In this order they lie in a latent vector."""


def input_shapes(latent_size: int, n_tracks: int) -> dict[str, tuple[int, ...]]:
    """Shape of each input of one phrase: `melody` and `groove` have a vector for each track.

    Parameters
    ----------
    latent_size, n_tracks : int

    Returns
    -------
    dict of str to tuple of int

    Examples
    --------
    >>> input_shapes(32, 4)
    {'chords': (32,), 'style': (32,), 'melody': (4, 32), 'groove': (4, 32)}
    """
    of_all, of_each = (latent_size,), (n_tracks, latent_size)
    return {"chords": of_all, "style": of_all, "melody": of_each, "groove": of_each}


def flat_size(latent_size: int, n_tracks: int) -> int:
    """Numbers of a phrase's latent vector."""
    return latent_size * (2 + 2 * n_tracks)


def draw_inputs(
    n: int, latent_size: int, n_tracks: int, random_state: RandomState
) -> dict[str, NDArray[np.float32]]:
    """Standard normal inputs, each from its own stream; the first are the same for any `n`.

    Parameters
    ----------
    n, latent_size, n_tracks : int
    random_state : None, int, Generator or RandomState

    Returns
    -------
    dict of str to float32 ndarray (n, *shape)
    """
    shapes = input_shapes(latent_size, n_tracks)
    return {name: normal_noise(n, shape, random_state, name) for name, shape in shapes.items()}


def flattened(inputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """Inputs beside each other, (n, flat_size)."""
    rows = [inputs[name].reshape(len(inputs[name]), -1) for name in INPUTS]
    return np.ascontiguousarray(np.concatenate(rows, axis=1))


def divided(latents: Tensor, latent_size: int, n_tracks: int) -> list[Tensor]:
    """The inputs of latent vectors (n, flat_size), in the order of `INPUTS`."""
    n = len(latents)
    sizes = [latent_size, latent_size, n_tracks * latent_size, n_tracks * latent_size]
    chords, style, melody, groove = latents.split(sizes, dim=1)
    shape = (n, n_tracks, latent_size)
    return [chords, style, melody.reshape(shape), groove.reshape(shape)]


def check_input(name: str, given: Any, n: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """One input of n phrases, as it was given for all of them or for each.

    Parameters
    ----------
    name : str
    given : array-like (n, *shape), or (*shape) for all
    n : int
    shape : tuple of int

    Returns
    -------
    float32 ndarray (n, *shape)

    Raises
    ------
    ValueError
        If it has another shape or holds a number that is not finite.

    Examples
    --------
    >>> check_input("style", np.ones(2), 3, (2,)).shape
    (3, 2)
    """
    try:
        values = np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be an array of numbers {(n, *shape)}") from None
    if values.shape == shape:
        values = np.broadcast_to(values, (n, *shape))
    if values.shape != (n, *shape):
        raise ValueError(f"{name} must be {(n, *shape)}, or {shape} for all, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds a number that is not finite")
    return values
