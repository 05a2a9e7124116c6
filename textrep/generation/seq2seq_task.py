"""What is minimised when an encoder-decoder learns from pairs of texts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from textrep.engine.loss import LossSum
from textrep.engine.task import Task
from textrep.generation.encoder_decoder import EncoderDecoder
from textrep.generation.label_smoothing import smoothed_nll
from textrep.generation.teacher_forcing import mix_inputs
from textrep.generation.text_pairs import Pairs
from textrep.layers.masks import PaddingMask


class Seq2SeqTask(Task):
    """Cross-entropy of the targets' units, the end sign among them and padding not.

    In evaluation mode it is that of the units themselves, without smoothing and with all right
    words given.

    Parameters
    ----------
    module : EncoderDecoder
    label_smoothing : float
        See `textrep.generation.label_smoothing`.
    teacher_forcing : float
        See `textrep.generation.teacher_forcing`.
    """

    def __init__(
        self, module: EncoderDecoder, label_smoothing: float = 0.0, teacher_forcing: float = 1.0
    ) -> None:
        super().__init__()
        self.module = module
        self.label_smoothing = float(label_smoothing)
        self.teacher_forcing = float(teacher_forcing)

    def loss(self, phase: str, batch: Pairs) -> LossSum:
        """Sums over the units of the targets; ``nll`` is without smoothing."""
        state = self.module.encode(*batch.sources)
        inputs = batch.inputs
        if self.training and self.teacher_forcing < 1:
            inputs = mix_inputs(inputs, self._predicted(inputs, state), self.teacher_forcing)
        features = self.module.features(inputs, state)
        keep = PaddingMask.from_lengths(batch.lengths, batch.targets.shape[1]).keep
        targets = batch.targets[keep]
        logits = self.module.output.logits(features[keep])
        smoothing = self.label_smoothing if self.training else 0.0
        losses, nll = smoothed_nll(logits, targets, smoothing)
        return LossSum(losses.sum(), len(targets), {"nll": nll.sum()})

    @torch.no_grad()
    def _predicted(self, inputs: Tensor, state: Any) -> Tensor:
        """The likeliest unit at each place of the right text, (B, T)."""
        features = self.module.features(inputs, state)
        return self.module.output.logits(features).argmax(dim=2)


def pair_nll(module: EncoderDecoder, batch: Pairs) -> Tensor:
    """Negative log-likelihood of each target, summed over its units: float (B,), in nats."""
    features = module.features(batch.inputs, module.encode(*batch.sources))
    keep = PaddingMask.from_lengths(batch.lengths, batch.targets.shape[1]).keep
    table = features.new_zeros(keep.shape, dtype=torch.float32)
    table[keep] = module.output.nll(features[keep], batch.targets[keep])
    return table.sum(dim=1, dtype=torch.float64)
