"""The network of `EncoderClassifier`: an encoder, and what makes scores of its vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from textrep.contextual.encoder_classifier.windows import TextBatch, pool_windows
from textrep.contextual.encoders.batches import pooled
from textrep.contextual.encoders.encoder import Encoder, EncoderBatch

_INITIAL_DEVIATION = 0.02  # BERT's
_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "distilbert": torch.relu,
    "electra": functional.gelu,
    "modernbert": functional.gelu,
}
"""Of the head of each type of network, as transformers has it; tanh of the others."""


class ClassificationHead(nn.Module):
    """Vectors of texts -> outputs: linear, bent, dropout, linear; as transformers' heads are.

    That of BERT and ALBERT is called pooler there. What they have learnt in it before is not taken
    over: with few labels a fresh one does better (Zhang et al. 2021, section 5).

    Parameters
    ----------
    config : transformers config
        Of the encoder.
    n_outputs : int
    dropout : float

    References
    ----------
    T. Zhang et al.: Revisiting few-sample BERT fine-tuning, ICLR 2021.
    """

    def __init__(self, config: Any, n_outputs: int, dropout: float) -> None:
        super().__init__()
        size = config.hidden_size
        self.dense = nn.Linear(size, size, bias=getattr(config, "classifier_bias", True))
        self.norm: nn.Module = nn.Identity()
        if config.model_type == "modernbert":
            self.norm = nn.LayerNorm(size, eps=config.norm_eps, bias=config.norm_bias)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(size, n_outputs)
        self._activation = _ACTIVATIONS.get(config.model_type, torch.tanh)
        deviation = getattr(config, "initializer_range", _INITIAL_DEVIATION)
        for layer in (self.dense, self.output):
            nn.init.normal_(layer.weight, std=deviation)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, vectors: Tensor) -> Tensor:
        """Outputs (B, n_outputs) of vectors (B, D)."""
        bent = self.norm(self._activation(self.dense(vectors)))
        outputs: Tensor = self.output(self.dropout(bent))
        return outputs


class EncoderClassifierModule(nn.Module):
    """An encoder with a head.

    Parameters
    ----------
    encoder : Encoder
        Shared, not copied.
    n_outputs : int
    pooling : {"cls", "mean", "max"}
        How the vectors of the tokens of a row become one.
    window_pooling : {"mean", "max"}
        How the outputs of the windows of a text become one.
    dropout : float
        Of the head.

    Attributes
    ----------
    encoder : Encoder
    network : torch.nn.Module
        That of the encoder, of transformers.
    head : ClassificationHead
    """

    def __init__(
        self,
        encoder: Encoder,
        n_outputs: int,
        *,
        pooling: str,
        window_pooling: str,
        dropout: float,
    ) -> None:
        super().__init__()
        self.network = encoder.module
        self.head = ClassificationHead(encoder.config, n_outputs, dropout)
        self._pooling = pooling
        self._window_pooling = window_pooling
        # Not a part of its own: the network is one already.
        object.__setattr__(self, "encoder", encoder)

    encoder: Encoder

    def forward(self, texts: TextBatch) -> Tensor:
        """Outputs of texts, (n_texts, n_outputs)."""
        return self.together(self.of_windows(texts.windows), texts.counts)

    def of_windows(self, windows: EncoderBatch, *, traced: bool = False) -> Tensor:
        """Outputs of single rows, (B, n_outputs), in float32; see `pooled`."""
        outputs: Tensor = self.head(self.pooled(windows, traced=traced))
        return outputs.float()

    def together(self, outputs: Tensor, counts: Tensor) -> Tensor:
        """What the windows of each text say together, (n_texts, n_outputs)."""
        return pool_windows(outputs, counts, self._window_pooling)

    def pooled(self, windows: EncoderBatch, *, traced: bool = False) -> Tensor:
        """Vectors of single rows, (B, D).

        Parameters
        ----------
        windows : EncoderBatch
        traced : bool, default=False
            Whether what is computed may not depend on the values, so that it can be exported; not
            of XLNet.
        """
        given: dict[str, Any] = {}
        if traced:
            places = torch.arange(windows.ids.shape[1], device=windows.ids.device)
            # Padding as a text of its own, which is masked whether there is any or not.
            given["segments"] = (places < windows.lengths[:, None]).long()
            given["positions"] = places.expand_as(windows.ids)
        hidden = self.encoder.hidden(windows, **given)
        return pooled(hidden, windows.lengths, self._pooling, cls_last=self.encoder.cls_last)

    def vectors(self, texts: TextBatch) -> Tensor:
        """Vectors of texts, the mean of those of their windows, (n_texts, D)."""
        return pool_windows(self.pooled(texts.windows).float(), texts.counts, "mean")

    @torch.no_grad()
    def rescale(self, scale: float, shift: float) -> None:
        """Multiply all outputs, and then add to them, from now on."""
        self.head.output.weight.mul_(scale)
        self.head.output.bias.mul_(scale).add_(shift)
