"""Walks between noise and code, and between code and picture."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textrep.core.random import RandomState, stream
from textrep.embeddings.parameters import check_choice, check_count
from textrep.engine.device import autocast, choose_device, choose_precision
from textrep.engine.inference import lent_to
from textrep.image.diffusion.module import Denoiser, DiffusionModule
from textrep.image.diffusion.sampling import (
    METHODS,
    guided,
    step_between,
    step_outward,
    target_of,
)
from textrep.image.diffusion.schedules import NoiseSchedule
from textrep.image.estimator import PictureEstimator
from textrep.image.latent import normal_noise
from textrep.image.pixels import Pixels

_ROWS = 512  # codes at once
_DRAWN_LEVELS = 10  # of noise, at which a picture is looked at to score it


class DiffusionWalks(PictureEstimator):
    """What a diffusion model does once its network is there."""

    space: str
    autoencoder: Any
    n_steps: int
    schedule: str
    prediction: str

    module_: DiffusionModule
    autoencoder_: Any
    code_shape_: tuple[int, int, int]
    code_range_: float

    def _nothing(self) -> NDArray[np.int64] | None:
        """What is told in place of a condition that is dropped."""
        raise NotImplementedError

    def _schedule(self) -> NoiseSchedule:
        return NoiseSchedule.of(self.schedule, self.n_steps)

    def _own_coder(self) -> bool:
        return self.space == "latent" and self.autoencoder is None

    # ---- pictures and codes

    def _raw_codes(self, pixels: Pixels) -> NDArray[np.float32]:
        if self.space == "pixel":
            return pixels
        if not self._own_coder():
            codes = np.asarray(self.autoencoder_.encode(pixels), dtype=np.float32)
            return codes.reshape(len(pixels), *self.code_shape_)
        return self._of_coder("encode", pixels)

    def _codes(self, pixels: Pixels) -> NDArray[np.float32]:
        """Standardised codes (n, *code_shape_)."""
        return self.module_.standardised(torch.from_numpy(self._raw_codes(pixels))).numpy()

    def _pictures(self, codes: NDArray[np.float32]) -> Pixels:
        """Pictures of standardised codes."""
        raw = self.module_.restored(torch.from_numpy(codes).cpu()).detach().numpy()
        if self.space == "pixel":
            found = raw
        elif self._own_coder():
            found = self._of_coder("decode", raw)
        else:
            flat = self.code_shape_[1:] == (1, 1)
            found = np.asarray(self.autoencoder_.decode(raw.reshape(len(raw), -1) if flat else raw))
        return np.ascontiguousarray(np.clip(found, 0, 1), dtype=np.float32)

    def _of_coder(self, verb: str, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean codes of pictures, or pictures of codes.

        The autoencoder alone is lent to the device: the network may be in training there.
        """
        device = choose_device(self.device)
        precision = choose_precision(self.precision, device)
        coder = self.module_.coder
        assert coder is not None
        found = []
        with torch.inference_mode(), lent_to(coder, device), autocast(device, precision):
            for start in range(0, len(array), _ROWS):
                part = torch.from_numpy(array[start : start + _ROWS]).to(device)
                made = coder.encode(part)[0] if verb == "encode" else coder.decode(part).sigmoid()
                found.append(made.cpu())
        return torch.cat(found).numpy()

    # ---- walks

    def _walk_back(
        self,
        noise: NDArray[np.float32],
        given: NDArray[np.int64] | None,
        *,
        steps: int,
        eta: float = 0.0,
        guidance: float = 1.0,
        random_state: RandomState = None,
        start: int = 0,
        device: torch.device | None = None,
    ) -> NDArray[np.float32]:
        """From noise, or from the step numbered `start` of the way, to standardised codes."""
        way = self._schedule().way_back(steps)[start:]
        draw = stream(random_state, "steps") if eta else None

        def step(x: Tensor, output: Tensor, kept: float, after: float) -> Tensor:
            fresh = None
            if draw is not None:
                drawn = draw.standard_normal(tuple(x.shape), dtype=np.float32)
                fresh = torch.from_numpy(drawn).to(x.device)
            return step_between(
                x,
                output,
                kept,
                after,
                prediction=self.prediction,
                clip=self.code_range_,
                eta=eta,
                fresh=fresh,
            )

        return self._walk(noise, given, way, step, guidance, device)

    def _walk_out(
        self, codes: NDArray[np.float32], given: NDArray[np.int64] | None, *, steps: int
    ) -> NDArray[np.float32]:
        """From standardised codes to the noise that they come from."""

        def step(x: Tensor, output: Tensor, kept: float, after: float) -> Tensor:
            return step_outward(x, output, kept, after, prediction=self.prediction)

        return self._walk(codes, given, self._schedule().way_out(steps), step, 1.0, None)

    def _walk(
        self,
        start: NDArray[np.float32],
        given: NDArray[np.int64] | None,
        way: list[tuple[int, float, float]],
        step: Callable[[Tensor, Tensor, float, float], Tensor],
        guidance: float,
        device: torch.device | None,
    ) -> NDArray[np.float32]:
        here = choose_device(self.device) if device is None else device
        precision = choose_precision(self.precision, here)
        x = torch.from_numpy(start).to(here)
        told = None if given is None else torch.from_numpy(given).to(here)
        # Where training lends its network for pictures of the progress, it is there already.
        denoiser = self.module_.denoiser
        lent = lent_to(denoiser, here) if device is None else contextlib.nullcontext()
        with torch.no_grad(), lent:
            for number, kept, after in way:
                share = (number + 1) / self.n_steps
                with autocast(here, precision):
                    parts = [
                        self._said(
                            denoiser,
                            x[i : i + _ROWS],
                            share,
                            None if told is None else told[i : i + _ROWS],
                            guidance,
                        )
                        for i in range(0, len(x), _ROWS)
                    ]
                x = step(x, torch.cat(parts), kept, after)
        return x.cpu().numpy()

    def _said(
        self,
        denoiser: Denoiser,
        x: Tensor,
        share: float,
        given: Tensor | None,
        guidance: float,
    ) -> Tensor:
        """What the network says of codes, with guidance where that is not 1."""
        nothing = self._nothing()
        without = None
        if nothing is not None:
            without = torch.from_numpy(nothing).to(x.device).expand(len(x), *nothing.shape)
        shares = x.new_full((len(x),), share)
        if given is None or guidance == 1.0:
            return denoiser(x, shares, without if given is None else given)
        assert without is not None
        # Both halves in one batch, which takes less time than two.
        both = denoiser(x.repeat(2, 1, 1, 1), shares.repeat(2), torch.cat([given, without]))
        asked, unasked = both.chunk(2)
        return guided(asked, unasked, guidance)

    def _denoising_error(
        self, codes: NDArray[np.float32], given: NDArray[np.int64] | None
    ) -> NDArray[np.float64]:
        """Mean squared error for each code, at levels of noise that are spread evenly, (n,)."""
        noise = normal_noise(_DRAWN_LEVELS, self.code_shape_, 0, "score")
        found = np.zeros(len(codes))
        for level in range(_DRAWN_LEVELS):
            number = int((level + 0.5) / _DRAWN_LEVELS * self.n_steps)
            kept = torch.tensor(self._schedule().kept[number], dtype=torch.float32)
            x, drawn = torch.from_numpy(codes), torch.from_numpy(noise[level])
            noisy = kept.sqrt() * x + (1 - kept).sqrt() * drawn
            said = self._asked(noisy.numpy(), given, number)
            wanted = target_of(self.prediction, x, drawn, kept).numpy()
            found += np.square(said - wanted, dtype=np.float64).mean(axis=(1, 2, 3))
        return found / _DRAWN_LEVELS

    def _asked(
        self, noisy: NDArray[np.float32], given: NDArray[np.int64] | None, number: int
    ) -> NDArray[np.float32]:
        """What the network says of codes at one step of the schedule."""

        def nowhere(x: Tensor, output: Tensor, kept: float, after: float) -> Tensor:
            return output

        return self._walk(noisy, given, [(number, 0.0, 0.0)], nowhere, 1.0, None)

    def _features(
        self, codes: NDArray[np.float32], given: NDArray[np.int64] | None, number: int
    ) -> NDArray[np.float32]:
        """What leaves the middle of the network at one step, with one noise for all codes."""
        kept = float(self._schedule().kept[number])
        noise = normal_noise(1, self.code_shape_, 0, "features")
        noisy = (np.sqrt(kept) * codes + np.sqrt(1 - kept) * noise).astype(np.float32)
        share = (number + 1) / self.n_steps
        if given is None and (nothing := self._nothing()) is not None:
            given = np.array(np.broadcast_to(nothing, (len(codes), *nothing.shape)))

        def middle(module: Any, x: Tensor, told: Tensor | None = None) -> Tensor:
            return module.denoiser.features(x, x.new_full((len(x),), share), told)

        return self._apply(middle, noisy) if given is None else self._apply(middle, noisy, given)

    @staticmethod
    def _eta(method: str) -> float:
        check_choice("method", method, METHODS)
        return float(method == "ddpm")

    def _way(self, steps: int) -> None:
        check_count("steps", steps, 1, self.n_steps)
