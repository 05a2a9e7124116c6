"""What is done with pictures by way of their noise: to it and back, from one to another."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_number
from textrep.image.diffusion.base import DiffusionEstimator
from textrep.image.latent import between, normal_noise
from textrep.image.pixels import Pixels

_STEPS = 50  # of the diffusion, there and back


class DiffusionVerbs(DiffusionEstimator):
    """Base of the diffusion models that take labels."""

    def _given(self, labels: Any, n: int) -> NDArray[np.int64] | None:
        """What the network is told for n pictures."""
        raise NotImplementedError

    def encode(self, X: Any, *, labels: Any = None, steps: int = _STEPS) -> NDArray[np.float32]:
        """The noise that DDIM would make pictures of.

        Parameters
        ----------
        X : pictures, (n_samples, channels, height, width)
        labels : label or array-like (n_samples,), default=None
            None tells the network nothing.
        steps : int, default=50
            More are more exact.

        Returns
        -------
        float32 ndarray (n_samples, d)
            Nearly standard normal.
        """
        pixels = self._check(X)
        self._way(steps)
        noise = self._walk_out(self._codes(pixels), self._given(labels, len(pixels)), steps=steps)
        return noise.reshape(len(noise), -1)

    def decode(self, noise: Any, *, labels: Any = None, steps: int = _STEPS) -> Pixels:
        """Pictures of noise, by DDIM.

        Parameters
        ----------
        noise : array-like (n, d)
        labels : label or array-like (n,), default=None
        steps : int, default=50

        Returns
        -------
        float32 ndarray (n, channels, height, width)
        """
        self._check_fitted()
        self._way(steps)
        values = np.asarray(noise, dtype=np.float32)
        size = math.prod(self.code_shape_)
        if values.ndim != 2 or values.shape[1] != size or not len(values):
            raise ValueError(f"noise must be (n, {size}), got {values.shape}")
        if not np.isfinite(values).all():
            raise ValueError("noise holds a number that is not finite")
        start = np.ascontiguousarray(values).reshape(-1, *self.code_shape_)
        return self._pictures(self._walk_back(start, self._given(labels, len(start)), steps=steps))

    def interpolate(self, a: Any, b: Any, steps: int = 8, *, labels: Any = None) -> Pixels:
        """Pictures on the way from one to another, along an arc between their noises.

        Parameters
        ----------
        a, b : picture, (channels, height, width)
        steps : int, default=8
            Pictures, both ends included.
        labels : label, default=None

        Returns
        -------
        float32 ndarray (steps, channels, height, width)
        """
        n = min(_STEPS, self.n_steps)
        first, last = (
            self.encode(np.asarray(picture)[None], labels=labels, steps=n) for picture in (a, b)
        )
        way = between(first[0], last[0], steps, spherical=True)
        return self.decode(way, labels=labels, steps=n)

    def reconstruct(
        self,
        X: Any,
        *,
        strength: float = 0.5,
        labels: Any = None,
        steps: int = 25,
        random_state: RandomState = None,
    ) -> Pixels:
        """Pictures with noise mixed in, and taken out again.

        Parameters
        ----------
        X : pictures, (n_samples, channels, height, width)
        strength : float, default=0.5
            Share of the way into noise: near 0 nothing changes, 1 leaves nothing of a picture.
        labels : label or array-like (n_samples,), default=None
        steps : int, default=25
            Of the whole way, of which `strength` is gone.
        random_state : int, Generator, RandomState or None, default=None

        Returns
        -------
        float32 ndarray (n_samples, channels, height, width)
        """
        pixels = self._check(X)
        self._way(steps)
        check_number("strength", strength, least=0, most=1)
        codes = self._codes(pixels)
        start = steps - round(strength * steps)
        if start < steps:
            kept = self._schedule().way_back(steps)[start][1]
            noise = normal_noise(len(codes), self.code_shape_, random_state)
            noisy = (math.sqrt(kept) * codes + math.sqrt(1 - kept) * noise).astype(np.float32)
            codes = self._walk_back(
                noisy, self._given(labels, len(codes)), steps=steps, start=start
            )
        return self._pictures(codes)
