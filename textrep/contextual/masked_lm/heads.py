"""What stands on an encoder in pre-training: scores of all tokens, and what is said of a pair."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from textrep.contextual.encoders.encoder import Encoder, EncoderBatch, implementation_of
from textrep.contextual.encoders.tokens import EncoderTokenizer
from textrep.core.messages import printable

_SCORERS: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "bert": lambda model, vectors: model.cls(vectors),
    "albert": lambda model, vectors: model.predictions(vectors),
    "distilbert": lambda model, vectors: model.vocab_projector(
        model.vocab_layer_norm(model.activation(model.vocab_transform(vectors)))
    ),
    "modernbert": lambda model, vectors: model.decoder(model.head(vectors)),
    "roberta": lambda model, vectors: model.lm_head(vectors),
    "electra": lambda model, vectors: model.generator_lm_head(model.generator_predictions(vectors)),
}

PRETRAINED = tuple(_SCORERS)
"""Architectures that can be pre-trained here."""


def masked_model(config: Any) -> nn.Module:
    """The masked language model, of transformers, of a configuration, with new weights.

    Its vocabulary head (dense, activation, norm, and the vectors of the tokens as weights of the
    softmax) works on any vectors, so that it need only see those of hidden tokens.

    Raises
    ------
    ValueError
        If the architecture is none of `PRETRAINED`.
    """
    check_pretrained(config.model_type)
    from transformers import AutoModelForMaskedLM

    config._attn_implementation = implementation_of(config)
    return AutoModelForMaskedLM.from_config(
        config, dtype=torch.float32, trust_remote_code=False
    ).eval()


def check_pretrained(architecture: str) -> None:
    """Refuse an architecture that is none of `PRETRAINED`."""
    if architecture not in _SCORERS:
        instead = "; PermutationLanguageModel trains it" if architecture == "xlnet" else ""
        raise ValueError(
            f"a masked language model is one of {', '.join(PRETRAINED)}, got "
            f"{printable(str(architecture))!r}{instead}"
        )


def vocabulary_scores(model: nn.Module, vectors: Tensor) -> Tensor:
    """Logits of all tokens.

    Parameters
    ----------
    model : nn.Module
        As `masked_model` gives it.
    vectors : Tensor (N, D)
        Of the last layer, at whichever places are wanted.

    Returns
    -------
    float32 Tensor (N, n_tokens)
    """
    config: Any = model.config
    return _SCORERS[config.model_type](model, vectors).float()


class PairHead(nn.Module):
    """Whether a pair is right, from the vector of its class token.

    Parameters
    ----------
    size : int
        Features D.
    dropout : float
        Before the last layer, as ALBERT has it.
    deviation : float, default=0.02
        Of the first weights.
    """

    def __init__(self, size: int, dropout: float, deviation: float = 0.02) -> None:
        super().__init__()
        self.pooler = nn.Linear(size, size)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(size, 2)
        for layer in (self.pooler, self.classifier):
            nn.init.normal_(layer.weight, std=deviation)
            nn.init.zeros_(layer.bias)

    def forward(self, vectors: Tensor) -> Tensor:
        """Logits (N, 2), of right and wrong, of vectors (N, D)."""
        return self.classifier(self.dropout(torch.tanh(self.pooler(vectors)))).float()


class MaskedLanguageModule(nn.Module):
    """An encoder with its heads.

    Parameters
    ----------
    model : nn.Module
        As `masked_model` gives it.
    tokenizer : EncoderTokenizer
    max_length : int or None, default=None
        See `Encoder`.
    pairs : bool, default=False
        Whether there is a `PairHead`.

    Attributes
    ----------
    encoder : Encoder
        The model without its head, the same weights.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: EncoderTokenizer,
        *,
        max_length: int | None = None,
        pairs: bool = False,
    ) -> None:
        super().__init__()
        self.model = model
        config: Any = model.config
        base: Any = model.base_model
        self.encoder = Encoder(config, base, tokenizer, max_length=max_length)
        dropout = getattr(config, "classifier_dropout_prob", 0.0) if pairs else 0.0
        self.pair_head = PairHead(self.encoder.hidden_size, dropout) if pairs else None

    def hidden(self, batch: Any, ids: Tensor | None = None) -> Tensor:
        """Vectors of the last layer, (B, T, D).

        Parameters
        ----------
        batch : EncoderBatch or MaskedBatch
        ids : int64 tensor (B, T), optional
            What is read in place of those of the batch.
        """
        plain = EncoderBatch(batch.ids if ids is None else ids, batch.types, batch.lengths)
        return self.encoder.hidden(
            plain,
            segments=getattr(batch, "segments", None),
            positions=getattr(batch, "positions", None),
        )

    def scores(self, vectors: Tensor) -> Tensor:
        """Logits of all tokens, float32 (N, n_tokens), of vectors (N, D)."""
        return vocabulary_scores(self.model, vectors)


def published_form(module: MaskedLanguageModule) -> nn.Module:
    """The model as transformers saves it, with the head for pairs where it has a place for one."""
    model: Any = module.model
    head = module.pair_head
    if head is None or model.config.model_type not in ("bert", "albert"):
        return model
    from transformers import AutoModelForPreTraining

    whole: Any = AutoModelForPreTraining.from_config(
        model.config, dtype=torch.float32, trust_remote_code=False
    )
    whole.load_state_dict(model.state_dict(), strict=False)
    if model.config.model_type == "bert":
        pooler, classifier = whole.bert.pooler.dense, whole.cls.seq_relationship
    else:
        pooler, classifier = whole.albert.pooler, whole.sop_classifier.classifier
    pooler.load_state_dict(head.pooler.state_dict())
    classifier.load_state_dict(head.classifier.state_dict())
    return whole.eval()
