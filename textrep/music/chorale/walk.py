"""New frames, one after another and note by note."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textrep.generation.sampling import Sampler
from textrep.layers.recurrent import State
from textrep.music.chorale.module import ChoraleModule, voice_order


class FrameWalk:
    """Pieces that are continued side by side.

    Parameters
    ----------
    module : ChoraleModule
        On its device, in evaluation mode.
    sampler : Sampler
    generators : sequence of torch.Generator
        One a piece.
    """

    def __init__(
        self, module: ChoraleModule, sampler: Sampler, generators: Sequence[torch.Generator]
    ) -> None:
        self._module = module
        self._sampler = sampler
        self._generators = list(generators)
        self._device = module.place.device
        self._state: State | None = None
        self._time = 0
        n_rows = len(self._generators)
        self._last = torch.zeros(n_rows, module.n_channels, module.n_pitches, device=self._device)

    @torch.inference_mode()
    def read(self, frames: NDArray[np.uint8]) -> None:
        """Take in frames (steps, C, P) of which all pieces go on."""
        given = torch.from_numpy(frames).to(self._device).float()
        for frame in given:
            self._features()
            self._last = frame.expand_as(self._last).clone()
            self._time += 1

    @torch.inference_mode()
    def go_on(self, steps: int, given: NDArray[np.int64] | None = None) -> NDArray[np.uint8]:
        """Further frames.

        Parameters
        ----------
        steps : int
        given : int64 ndarray (n_pieces, steps), optional
            What the first voice has: the number of a pitch, or P for a rest.

        Returns
        -------
        uint8 ndarray (n_pieces, steps, C, P)
        """
        found = []
        for step in range(steps):
            features = self._features()
            first = None if given is None else torch.from_numpy(given[:, step]).to(self._device)
            self._last = self._frame(features, first)
            self._time += 1
            found.append(self._last.to(torch.uint8).cpu())
        return torch.stack(found, dim=1).numpy()

    def _features(self) -> Tensor:
        """What the past says of each pitch, (B, P, D)."""
        starts = torch.full((len(self._last),), self._time, device=self._device)
        features, self._state = self._module.remember(self._last[:, None], starts, self._state)
        return features[:, 0]

    def _frame(self, features: Tensor, first: Tensor | None) -> Tensor:
        if self._module.voices:
            return self._voices(features, first)
        return self._chord(features) if self._module.ordered else self._sounding(features)

    def _voices(self, features: Tensor, first: Tensor | None) -> Tensor:
        frame = torch.zeros_like(self._last)
        nothing = torch.zeros_like(self._last)
        for place, voice in enumerate(voice_order(self._module.n_channels)):
            if place == 0 and first is not None:
                chosen = first
            else:
                slots = torch.full((len(frame),), voice, device=self._device)
                before = frame if self._module.ordered else nothing
                chosen = self._choose(self._module.scores(features, before, slots), None)
            rows = torch.nonzero(chosen < self._module.n_pitches)[:, 0]  # those that do not rest
            frame[rows, voice, chosen[rows]] = 1.0
        return frame

    def _chord(self, features: Tensor) -> Tensor:
        frame = torch.zeros_like(self._last)
        going = torch.arange(len(frame), device=self._device)
        count = 0
        while len(going):
            slot = min(count, self._module.n_slots - 1)
            slots = torch.full((len(going),), slot, device=self._device)
            scores = self._module.scores(features[going], frame[going], slots)
            chosen = self._choose(scores, going.tolist())
            on = chosen < self._module.n_pitches
            going, chosen = going[on], chosen[on]
            frame[going, 0, chosen] = 1.0
            count += 1
        return frame

    def _sounding(self, features: Tensor) -> Tensor:
        """Each pitch by itself: to be silent or to sound."""
        frame = torch.zeros_like(self._last)
        scores = self._module.sounding_scores(features)  # (B, P)
        for pitch in range(self._module.n_pitches):
            both = torch.stack([torch.zeros_like(scores[:, pitch]), scores[:, pitch]], dim=1)
            frame[:, 0, pitch] = self._choose(both, None).float()
        return frame

    def _choose(self, scores: Tensor, rows: list[int] | None) -> Tensor:
        generators = self._generators
        if rows is not None:
            generators = [generators[row] for row in rows]
        return self._sampler(scores.float(), None, generators).to(self._device)
