"""XLNet's network with both of its streams, and what goes into it."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from textrep.contextual.encoders.encoder import Encoder

NO_TARGET = -100
"""What stands in the place of a target where a row has fewer than others; torch's own."""


class PermutationBatch(NamedTuple):
    """Rows, and what is predicted of them.

    Attributes
    ----------
    ids : int64 Tensor (B, T)
        As they are: what is predicted is hidden by `blocked` alone.
    types : int64 Tensor (B, T)
        Segments.
    lengths : int64 Tensor (B,)
    blocked : bool Tensor (B, T, T)
        ``blocked[b, i, j]``: token i must not see token j.
    places : int64 Tensor (B, P)
        Where the targets stand.
    targets : int64 Tensor (B, P)
        Their ids; `NO_TARGET` behind the last one of a row.
    """

    ids: Tensor
    types: Tensor
    lengths: Tensor
    blocked: Tensor
    places: Tensor
    targets: Tensor


class TwoStreamNetwork(nn.Module):
    """An encoder of XLNet with its query stream and a head for its vocabulary.

    The content stream carries each token with what it may see. The query stream carries the place
    of each target and what may be seen from there, but not the target: it predicts.

    Parameters
    ----------
    encoder : Encoder
        Of the architecture ``"xlnet"``; its module becomes part of this network.

    Attributes
    ----------
    model : transformers.XLNetLMHeadModel
        Whose vocabulary head has the weights of the embedding.

    Raises
    ------
    ValueError
        If the encoder is of another architecture.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        from transformers import XLNetLMHeadModel

        if encoder.config.model_type != "xlnet":
            raise ValueError(
                f"a permutation language model needs an encoder of type 'xlnet', this one is "
                f"{encoder.config.model_type!r}; take MaskedLanguageModel for it"
            )
        model: Any = XLNetLMHeadModel(encoder.config)
        model.transformer = encoder.module
        model.tie_weights()
        self.model = model

    def hidden(self, batch: PermutationBatch) -> Tensor:
        """Vectors of the query stream at the targets, (B, P, D); without meaning at no target."""
        real = torch.arange(batch.ids.shape[1], device=batch.ids.device) < batch.lengths[:, None]
        weight = self.model.lm_loss.weight
        mapping = torch.zeros(
            (*batch.places.shape, batch.ids.shape[1]), dtype=weight.dtype, device=weight.device
        )  # (B, P, T)
        asked = (batch.targets != NO_TARGET).to(weight.dtype)
        mapping.scatter_(2, batch.places[..., None], asked[..., None])
        found = self.model.transformer(
            input_ids=batch.ids,
            attention_mask=real.to(weight.dtype),
            token_type_ids=batch.types,
            perm_mask=batch.blocked.to(weight.dtype),
            target_mapping=mapping,
            use_mems=False,
            return_dict=True,
        )
        hidden: Tensor = found.last_hidden_state
        return hidden

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of all tokens, (..., n_tokens), of vectors (..., D)."""
        scores: Tensor = self.model.lm_loss(hidden)
        return scores

    def forward(self, batch: PermutationBatch) -> Tensor:
        """Scores of all tokens at the targets, those of a row after the other, (N, n_tokens)."""
        return self.logits(self.hidden(batch)[batch.targets != NO_TARGET])
