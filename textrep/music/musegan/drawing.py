"""What a trained generator of phrases can be asked for: with inputs fixed, varied, on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_choice, check_count
from textrep.engine.device import choose_device
from textrep.engine.estimator import TorchEstimator
from textrep.engine.inference import lent_to
from textrep.image.gan.task import Players
from textrep.image.latent import between
from textrep.music.musegan.inputs import (
    INPUTS,
    check_input,
    draw_inputs,
    flattened,
    input_shapes,
)
from textrep.music.musegan.networks import PhraseGenerator
from textrep.music.musegan.phrase_rolls import Phrases

_ROWS = 256  # phrases at once where nothing is trained
_SHOWN = 16  # phrases that the effect of an input is measured over


class PhraseDrawing(TorchEstimator):
    """The part of `MuseGAN` that needs its generator alone.

    Attributes
    ----------
    module_ : Players
    """

    latent_size: int
    n_tracks: int

    module_: Players

    def latents(
        self, n: int = 1, *, random_state: RandomState = None
    ) -> dict[str, NDArray[np.float32]]:
        """Inputs as `sample` draws them, for `decode` and `interpolate`.

        Parameters
        ----------
        n : int, default=1
        random_state : int, Generator, RandomState or None, default=None

        Returns
        -------
        dict of str to float32 ndarray
            ``chords`` and ``style`` (n, latent_size), ``melody`` and ``groove`` (n, n_tracks,
            latent_size), standard normal.
        """
        return draw_inputs(n, self.latent_size, self.n_tracks, random_state)

    def sample(
        self,
        n: int = 1,
        *,
        chords: Any = None,
        style: Any = None,
        melody: Any = None,
        groove: Any = None,
        random_state: RandomState = None,
    ) -> Phrases:
        """New phrases.

        Parameters
        ----------
        n : int, default=1
        chords, style : array-like (n, latent_size), or (latent_size,) for all, default=None
        melody, groove : array-like (n, n_tracks, latent_size), or without n, default=None
            Inputs that are fixed; those left out are drawn.
        random_state : int, Generator, RandomState or None, default=None
            Of what is drawn; the first phrases are the same for any `n`, and an input is the same
            whichever others are fixed.

        Returns
        -------
        bool ndarray (n, n_tracks, n_bars, steps_per_bar, n_pitches)
        """
        self._check_fitted()
        inputs = self.latents(n, random_state=random_state)
        fixed = {"chords": chords, "style": style, "melody": melody, "groove": groove}
        shapes = input_shapes(self.latent_size, self.n_tracks)
        for name, given in fixed.items():
            if given is not None:
                inputs[name] = check_input(name, given, n, shapes[name])
        return self._draw(flattened(inputs))

    def decode(self, latents: dict[str, Any]) -> Phrases:
        """Phrases of inputs.

        Parameters
        ----------
        latents : dict of str to array-like
            All four, as `latents` gives them.

        Returns
        -------
        bool ndarray (n, n_tracks, n_bars, steps_per_bar, n_pitches)
        """
        self._check_fitted()
        return self._draw(flattened(self._checked(latents, "latents")))

    def interpolate(self, a: dict[str, Any], b: dict[str, Any], steps: int = 8) -> Phrases:
        """Phrases on the way from some inputs to others, each vector along its own arc.

        Parameters
        ----------
        a, b : dict of str to array-like
            Inputs of one phrase, as `latents` gives them.
        steps : int, default=8
            Phrases, both ends included.

        Returns
        -------
        bool ndarray (steps, n_tracks, n_bars, steps_per_bar, n_pitches)
        """
        self._check_fitted()
        check_count("steps", steps, 2)
        first, last = self._checked(a, "a", n=1), self._checked(b, "b", n=1)
        way = {}
        for name, shape in input_shapes(self.latent_size, self.n_tracks).items():
            starts, ends = (x[name].reshape(-1, self.latent_size) for x in (first, last))
            arcs = [
                between(start, end, steps, spherical=True)
                for start, end in zip(starts, ends, strict=True)
            ]
            way[name] = np.stack(arcs, axis=1).reshape(steps, *shape)
        return self._draw(flattened(way))

    def effect(
        self, input_name: str, n: int = _SHOWN, *, random_state: RandomState = None
    ) -> Phrases:
        """Phrases that differ in one input alone, and so show what it does.

        Parameters
        ----------
        input_name : {"chords", "style", "melody", "groove"}
        n : int, default=16
        random_state : int, Generator, RandomState or None, default=None

        Returns
        -------
        bool ndarray (n, n_tracks, n_bars, steps_per_bar, n_pitches)
            How much they differ, and in what, tells `textrep.music.musegan.variation`.
        """
        self._check_fitted()
        check_choice("input_name", input_name, INPUTS)
        inputs = self.latents(n, random_state=random_state)
        for name, values in inputs.items():
            if name != input_name:
                values[:] = values[0]
        return self._draw(flattened(inputs))

    def _checked(
        self, latents: Any, name: str, n: int | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """All four inputs, of as many phrases each."""
        if not isinstance(latents, dict) or set(latents) != set(INPUTS):
            given = sorted(latents) if isinstance(latents, dict) else type(latents).__name__
            raise ValueError(f"{name} must be a dict of {', '.join(INPUTS)}, got {given}")
        shapes = input_shapes(self.latent_size, self.n_tracks)
        chords = np.asarray(latents["chords"])
        n = n or (len(chords) if chords.ndim > 1 else 1)
        return {
            key: check_input(f"{name}[{key!r}]", latents[key], n, shapes[key]) for key in INPUTS
        }

    def _draw(self, latents: NDArray[np.float32]) -> Phrases:
        """Phrases of latent vectors: the likeliest pitch or silence of each step."""

        def decided(module: Players, part: torch.Tensor) -> torch.Tensor:
            generator = module.generator
            assert isinstance(generator, PhraseGenerator)
            return generator.decided(part)

        return np.concatenate(self._in_parts(decided, latents))

    def _in_parts(self, function: Any, array: NDArray[Any]) -> list[NDArray[Any]]:
        """A function of the module and of some rows at a time, without gradients."""
        device = choose_device(self.device)
        found = []
        with torch.inference_mode(), lent_to(self.module_, device) as module:
            for start in range(0, len(array), _ROWS):
                part = torch.tensor(array[start : start + _ROWS]).to(device)
                found.append(function(module, part).cpu().numpy())
        return found
