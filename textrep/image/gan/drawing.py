"""What a trained generator can be asked for: pictures of nothing, of vectors, of two styles."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.core.random import RandomState, stream
from textrep.embeddings.parameters import check_count, check_number
from textrep.image.asked import class_numbers
from textrep.image.estimator import PictureEstimator
from textrep.image.gan.latents import draw_latents
from textrep.image.gan.style_networks import StyleGenerator, mix, truncate
from textrep.image.gan.task import GANModule
from textrep.image.latent import between
from textrep.image.pixels import Pixels


class GANDrawing(PictureEstimator):
    """The part of `GAN` that needs its generator alone.

    Attributes
    ----------
    module_ : GANModule
    classes_ : ndarray (n_classes,)
    class_shares_ : ndarray (n_classes,)
    """

    architecture: str
    latent_size: int
    conditional: bool

    module_: GANModule
    classes_: NDArray[Any]
    class_shares_: NDArray[np.float64]

    def sample(
        self,
        n: int = 1,
        *,
        random_state: RandomState = None,
        truncation: float | None = None,
        labels: Any = None,
    ) -> Pixels:
        """New pictures.

        Parameters
        ----------
        n : int, default=1
        random_state : int, Generator, RandomState or None, default=None
            Of the vectors; the first pictures are the same for any `n`.
        truncation : float or None, default=None
            Less variety, and fewer failures. Of "dcgan", values of the vectors beyond it, such as
            1.0, are left out; of "style", the share of the distance to the mean style that is kept,
            such as 0.7.
        labels : label or array-like (n,), optional
            Classes that are asked for, where it is conditional; drawn as often as they were in
            `fit` when left out.

        Returns
        -------
        float32 ndarray (n, channels, height, width)
            From 0 to 1.
        """
        self._check_fitted()
        check_count("n", n, 1)
        if truncation is not None:
            check_number("truncation", truncation, above=0)
        style = self.architecture == "style"
        latents = self.codes(n, random_state=random_state, truncation=None if style else truncation)
        group = self._asked(labels, n, random_state)
        return self._draw(latents, group, truncation if style else None)

    def codes(
        self, n: int = 1, *, random_state: RandomState = None, truncation: float | None = None
    ) -> NDArray[np.float32]:
        """Vectors as `sample` draws them, for `decode` and `interpolate`.

        Parameters
        ----------
        n : int, default=1
        random_state : int, Generator, RandomState or None, default=None
        truncation : float or None, default=None
            Values beyond it are left out.

        Returns
        -------
        float32 ndarray (n, latent_size)
        """
        return draw_latents(n, self.latent_size, random_state, truncation)

    def decode(self, codes: Any, *, labels: Any = None) -> Pixels:
        """Pictures of vectors.

        Parameters
        ----------
        codes : array-like (n, latent_size)
        labels : label or array-like (n,), optional
            As for `sample`; where it is conditional they are needed.

        Returns
        -------
        float32 ndarray (n, channels, height, width)
        """
        self._check_fitted()
        latents = self._check_codes("codes", codes)
        if self.conditional and labels is None:
            raise ValueError("labels is needed: what is drawn depends on the class")
        return self._draw(latents, self._asked(labels, len(latents), None))

    def interpolate(self, a: Any, b: Any, steps: int = 8, *, labels: Any = None) -> Pixels:
        """Pictures on the way from one vector to another, along the sphere that vectors lie near.

        Parameters
        ----------
        a, b : array-like (latent_size,)
            See `codes`.
        steps : int, default=8
            Pictures, both ends among them.
        labels : label or array-like (steps,), optional

        Returns
        -------
        float32 ndarray (steps, channels, height, width)
        """
        self._check_fitted()
        first, last = self._check_codes("a", [a])[0], self._check_codes("b", [b])[0]
        return self.decode(between(first, last, steps, spherical=True), labels=labels)

    def mix(self, coarse: Any, fine: Any, crossover: int | None = None) -> Pixels:
        """Pictures with the shape of some vectors and the strokes of others, of "style" only.

        Parameters
        ----------
        coarse, fine : array-like (n, latent_size)
            See `codes`.
        crossover : int or None, default=None
            Layers that `coarse` has, the smallest ones; None for half of them.

        Returns
        -------
        float32 ndarray (n, channels, height, width)
        """
        self._check_fitted()
        generator = self.module_.generator
        if not isinstance(generator, StyleGenerator) or self.conditional:
            raise ValueError("mix needs architecture='style' without classes")
        crossover = generator.n_layers // 2 if crossover is None else crossover
        check_count("crossover", crossover, 0, generator.n_layers)
        first, second = self._check_codes("coarse", coarse), self._check_codes("fine", fine)
        if len(first) != len(second):
            raise ValueError(f"coarse has {len(first)} vectors and fine {len(second)}")

        def draw(module: Any, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
            own: StyleGenerator = module.generator
            return to_pixels(own.draw(mix(own.styles(one), own.styles(other), crossover)))

        return self._apply(draw, first, second)

    def _draw(
        self, latents: Pixels, group: NDArray[np.int64] | None, truncation: float | None = None
    ) -> Pixels:
        def draw(module: Any, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
            generator = module.generator
            if truncation is None:
                return to_pixels(generator(z, labels))
            styles = truncate(generator.styles(z, labels), generator.mean_style, truncation)
            return to_pixels(generator.draw(styles))

        arrays = [latents] if group is None else [latents, group]
        return self._apply(draw, *arrays)

    def _check_codes(self, name: str, codes: Any) -> NDArray[np.float32]:
        table = np.asarray(codes, np.float32)
        if table.ndim != 2 or table.shape[1] != self.latent_size or not len(table):
            raise ValueError(f"{name} must be (n, {self.latent_size}), got {table.shape}")
        if not np.isfinite(table).all():
            raise ValueError(f"{name} holds a number that is not finite")
        return np.ascontiguousarray(table)

    def _asked(self, labels: Any, n: int, random_state: RandomState) -> NDArray[np.int64] | None:
        """Numbers of the classes that are asked for."""
        if not self.conditional:
            if labels is not None:
                raise ValueError("labels needs a GAN that has learnt classes: conditional=True")
            return None
        if labels is None:
            return self._draw_classes(n, random_state)
        return class_numbers(labels, n, self.classes_)

    def _draw_classes(self, n: int, random_state: RandomState) -> NDArray[np.int64]:
        share = stream(random_state, "classes").random(n)
        ends = np.cumsum(self.class_shares_)[:-1]
        return np.searchsorted(ends, share, side="right").astype(np.int64)


def to_pixels(pictures: torch.Tensor) -> torch.Tensor:
    """From [-1, 1], or about so, to [0, 1]."""
    return ((pictures + 1.0) * 0.5).clamp(0.0, 1.0)
