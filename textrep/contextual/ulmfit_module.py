"""The classifier of ULMFiT: the layers of a language model, three ways of pooling, and a head."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from textrep.embeddings.parameters import check_choice
from textrep.generation.recurrent_module import Dropouts, RecurrentLM
from textrep.layers.direction import Direction
from textrep.layers.masks import PaddingMask
from textrep.layers.pooling import pool_sequence, pooled_size

POOLED_LAYERS = ("last", "all")
POOLINGS = ("concat", "mean")

HEAD_SIZE = 50
"""Units between both blocks of the head (Howard and Ruder 2018, section 4.1)."""

FIRST_LAYER_DROPOUT, SECOND_LAYER_DROPOUT = 0.4, 0.1
"""Of the blocks of the head (fastai's `PoolingLinearClassifier`)."""


class RowNorm(nn.BatchNorm1d):
    """Batch normalisation that a batch of one row does not break.

    One row has no variance, so it is normalised by the running statistics, as in evaluation.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training and len(x) == 1:
            return functional.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(x)


class UlmfitModule(nn.Module):
    """Texts to logits.

    Parameters
    ----------
    encoder : RecurrentLM
        A language model; what it predicts words with is left out.
    n_classes : int
    dropout : float, default=1.0
        Times the dropout of the head.
    pooled_layers : {"last", "all"}, default="last"
        Whether the head sees the last recurrent layer alone, or the word vectors and all layers.
    pooling : {"concat", "mean"}, default="concat"
        Whether it sees the last step, the maximum and the mean of each, or the mean alone.

    References
    ----------
    J. Howard, S. Ruder: Universal Language Model Fine-tuning for Text Classification, ACL 2018,
    section 3.3.
    """

    def __init__(
        self,
        encoder: RecurrentLM,
        n_classes: int,
        *,
        dropout: float = 1.0,
        pooled_layers: str = "last",
        pooling: str = "concat",
    ) -> None:
        super().__init__()
        check_choice("pooling", pooling, POOLINGS)
        self.pooling = pooling
        check_choice("pooled_layers", pooled_layers, POOLED_LAYERS)
        self.pools_all = pooled_layers == "all"
        self.encoder = encoder
        del self.encoder.output
        sizes = [encoder.embedding.embedding_dim, *encoder.stack.sizes]
        width = sum(pooled_size(pooling, n) for n in (sizes if self.pools_all else sizes[-1:]))
        self.head = nn.Sequential(
            RowNorm(width),
            nn.Dropout(min(1.0, dropout * FIRST_LAYER_DROPOUT)),
            nn.Linear(width, HEAD_SIZE),
            nn.ReLU(),
            RowNorm(HEAD_SIZE),
            nn.Dropout(min(1.0, dropout * SECOND_LAYER_DROPOUT)),
            nn.Linear(HEAD_SIZE, n_classes),
        )

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Scores of the classes.

        Parameters
        ----------
        ids : int64 tensor (n_rows, longest)
        lengths : int64 tensor (n_rows,)

        Returns
        -------
        float tensor (n_rows, n_classes)
        """
        layers, _ = self.encoder.forward_states(ids, lengths)
        mask = PaddingMask.from_lengths(lengths, ids.shape[1])
        pooled = layers[-1:]  # each (n_rows, longest, size)
        if self.pools_all:
            pooled = [self.encoder.embedding(ids), *layers]
        return self.head(torch.cat([pool_sequence(x, mask, self.pooling) for x in pooled], dim=1))


def set_dropouts(encoder: RecurrentLM, dropouts: Dropouts) -> None:
    """Give a language model other dropouts, in place."""
    encoder.embedding_dropout = dropouts.embedding
    encoder.input_dropout.p = dropouts.input
    encoder.stack.dropout.p = dropouts.hidden
    encoder.output_dropout.p = dropouts.output
    for module in encoder.stack.modules():
        if isinstance(module, Direction):
            module.weight_dropout = dropouts.weight
