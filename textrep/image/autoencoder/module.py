"""The module of an autoencoder, and what is minimised."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from textrep.engine.loss import LossSum
from textrep.engine.task import Task
from textrep.image.autoencoder.noise import corrupted
from textrep.image.codes import CodeModule
from textrep.image.estimator import ProgressPictures
from textrep.image.nets.pairs import Pair

LOSSES = ("mse", "bce")
OUTPUTS = ("sigmoid", "linear")


class AutoencoderModule(CodeModule):
    """Two networks.

    Parameters
    ----------
    pair : Pair
    output : {"sigmoid", "linear"}
        What is done to the numbers of the decoder; linear ones are cut off outside [0, 1] where
        nothing is trained.
    """

    def __init__(self, pair: Pair, output: str) -> None:
        super().__init__()
        self.encoder, self.decoder = pair
        self.logits = output == "sigmoid"

    def encode(self, pixels: Tensor) -> Tensor:
        return self.encoder(pixels)

    def decode(self, codes: Tensor) -> Tensor:
        return self.finished(self.decoder(codes)).clamp(0, 1)

    def finished(self, raw: Tensor) -> Tensor:
        """Numbers of the decoder -> pixels."""
        return raw.float().sigmoid() if self.logits else raw.float()


def picture_loss(module: AutoencoderModule, raw: Tensor, pixels: Tensor, kind: str) -> Tensor:
    """Sum over pictures, pixels and channels, in float32."""
    if kind == "bce":
        return binary_cross_entropy_with_logits(raw.float(), pixels, reduction="sum")
    return (module.finished(raw) - pixels).square().sum()


class AutoencoderTask(Task):
    """Reconstruct pictures, of which noise is seen in place of themselves.

    Parameters
    ----------
    module : AutoencoderModule
    loss : {"mse", "bce"}
    noise_kind : str
    noise : float
    progress : ProgressPictures
    """

    def __init__(
        self,
        module: AutoencoderModule,
        loss: str,
        noise_kind: str,
        noise: float,
        progress: ProgressPictures,
    ) -> None:
        super().__init__()
        self.module = module
        self._loss = loss
        self._noise = noise_kind, noise
        self._progress = progress

    def begin_epoch(self, epoch: int) -> None:
        self._progress(self, epoch)

    def finish(self, n_epochs: int) -> None:
        """Draw what training came to."""
        self._progress(self, n_epochs)

    def loss(self, phase: str, batch: Tensor) -> LossSum:
        raw = self.module.decoder(self.module.encoder(corrupted(batch, *self._noise)))
        total = picture_loss(self.module, raw, batch, self._loss)
        measures = {}
        if self._loss != "mse":
            with torch.no_grad():
                measures["squared_error"] = (self.module.finished(raw) - batch).square().sum()
        return LossSum(total, len(batch), measures)


class LayerTask(Task):
    """Reconstruct what one layer of a dense encoder is given, by the layer that mirrors it.

    Parameters
    ----------
    block, mirror : Module
    module : AutoencoderModule or None
        Of the first layer, whose input is the pictures and whose loss that of the whole.
    loss : str
    noise_kind : str
    noise : float
    """

    def __init__(
        self,
        block: nn.Module,
        mirror: nn.Module,
        module: AutoencoderModule | None,
        loss: str,
        noise_kind: str,
        noise: float,
    ) -> None:
        super().__init__()
        self.block, self.mirror = block, mirror
        self._whole = (module,)  # in a tuple, so that its other layers are not trained
        self._loss = loss
        self._noise = noise_kind, noise

    def loss(self, phase: str, batch: Tensor) -> LossSum:
        values = batch.flatten(1)
        module = self._whole[0]
        if module is None:
            found = self.mirror(self.block(values))
            return LossSum((found.float() - values).square().sum(), len(values))
        raw = self.mirror(self.block(corrupted(values, *self._noise)))
        return LossSum(picture_loss(module, raw, values, self._loss), len(values))
