"""What a diffusion model is made of, and its training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from textrep.engine.loss import LossSum
from textrep.engine.task import Task
from textrep.image.diffusion.coder import PictureCoder
from textrep.image.diffusion.sampling import target_of
from textrep.image.diffusion.schedules import NoiseSchedule
from textrep.image.diffusion.unet import DenoisingUNet
from textrep.layers.masks import PaddingMask

_FIRST_DEVIATION = 0.02

Spoken = tuple[Tensor, Tensor | None, PaddingMask | None]
"""What is added to the time (B, told_size), tokens (B, L, memory_size), which of them are real."""

Told = tuple[Tensor | None, Tensor | None, PaddingMask | None]
"""The same, where there may be nothing to tell."""


class Condition(Protocol):
    """A module that makes of classes or texts what the network is told."""

    memory_size: int

    def __call__(self, given: Tensor) -> Spoken: ...


class ClassCondition(nn.Module):
    """A learnt vector for each class, and one more for none of them.

    Parameters
    ----------
    n_classes : int
        The number after the last class stands for none.
    size : int
    """

    memory_size = 0

    def __init__(self, n_classes: int, size: int) -> None:
        super().__init__()
        self.vectors = nn.Embedding(n_classes + 1, size)
        nn.init.normal_(self.vectors.weight, std=_FIRST_DEVIATION)

    def forward(self, given: Tensor) -> Spoken:
        """Numbers of classes, int64 (B,)."""
        return self.vectors(given), None, None


class Denoiser(nn.Module):
    """A U-Net and what it is told of class or text.

    Parameters
    ----------
    network : DenoisingUNet
    condition : module, optional
        See `Condition`.
    """

    def __init__(self, network: DenoisingUNet, condition: nn.Module | None = None) -> None:
        super().__init__()
        self.network = network
        self.condition = condition

    def forward(self, x: Tensor, shares: Tensor, given: Tensor | None) -> Tensor:
        """Noise or `v` of codes (B, ...), float32; see `DenoisingUNet`."""
        return self.network(x, shares, *self._spoken(given)).float()

    def features(self, x: Tensor, shares: Tensor, given: Tensor | None) -> Tensor:
        """See `DenoisingUNet.features`."""
        return self.network.features(x, shares, *self._spoken(given)).float()

    def _spoken(self, given: Tensor | None) -> Told:
        if self.condition is None or given is None:
            return (None, None, None)
        return self.condition(given)


class DiffusionModule(nn.Module):
    """Pictures <-> codes, and what removes noise from these.

    Parameters
    ----------
    denoiser : Denoiser
    n_codes : int
        Channels of a code.
    coder : PictureCoder, optional

    Attributes
    ----------
    centre, spread : Tensor (n_codes,)
        What codes are standardised by. Noise has variance 1, and a schedule suits codes that have
        it too (Rombach et al. 2022, appendix G).
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, denoiser: Denoiser, n_codes: int, coder: PictureCoder | None = None) -> None:
        super().__init__()
        self.denoiser = denoiser
        self.coder = coder
        self.register_buffer("centre", torch.zeros(n_codes))
        self.register_buffer("spread", torch.ones(n_codes))

    def standardised(self, codes: Tensor) -> Tensor:
        """Codes (B, n_codes, ...) as the denoiser takes them."""
        return (codes - self.centre[:, None, None]) / self.spread[:, None, None]

    def restored(self, codes: Tensor) -> Tensor:
        """The way back."""
        return codes * self.spread[:, None, None] + self.centre[:, None, None]


class DiffusionTask(Task):
    """The squared error of what is said of codes with noise.

    Parameters
    ----------
    denoiser : Denoiser
    schedule : NoiseSchedule
    prediction : {"v", "epsilon"}
    nothing : int64 Tensor or None
        What is told in place of a condition that is dropped.
    drop : float
        Share of the conditions that are.
    progress : callable, optional
        Called with the epoch as each begins.
    """

    kept: Tensor
    nothing: Tensor | None

    def __init__(
        self,
        denoiser: Denoiser,
        schedule: NoiseSchedule,
        prediction: str,
        *,
        nothing: Tensor | None = None,
        drop: float = 0.0,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__()
        self.denoiser = denoiser
        self.prediction = prediction
        self.drop = drop
        self._progress = progress
        kept = torch.from_numpy(schedule.kept).float()
        self.register_buffer("kept", kept, persistent=False)
        self.register_buffer("nothing", nothing, persistent=False)

    def begin_epoch(self, epoch: int) -> None:
        """Draw pictures of the progress."""
        if self._progress is not None:
            self._progress(epoch)

    def loss(self, phase: str, batch: Tensor | tuple[Tensor, Tensor]) -> LossSum:
        """Mean over the numbers of a code, summed over the codes."""
        codes, given = batch if isinstance(batch, tuple) else (batch, None)
        n_steps = len(self.kept)
        # The steps of a batch are spread evenly: the loss varies less (Kingma et al. 2021, I.1).
        start = torch.rand((), device=codes.device)
        places = (start + torch.arange(len(codes), device=codes.device) / len(codes)) % 1.0
        steps = (places * n_steps).long().clamp(max=n_steps - 1)
        noise = torch.randn_like(codes)
        kept = self.kept[steps][:, None, None, None]
        noisy = kept.sqrt() * codes + (1 - kept).sqrt() * noise
        wanted = target_of(self.prediction, codes, noise, kept)
        if given is not None and self.nothing is not None:
            dropped = torch.rand(len(given), device=given.device) < self.drop
            given = torch.where(dropped.view(-1, *[1] * (given.ndim - 1)), self.nothing, given)
        said = self.denoiser(noisy, (steps + 1) / n_steps, given)
        error = (said - wanted).square().mean(dim=(1, 2, 3))
        return LossSum(error.sum(), float(len(codes)))
