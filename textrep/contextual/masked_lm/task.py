"""What a masked language model minimises."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from textrep.contextual.masked_lm.heads import MaskedLanguageModule
from textrep.contextual.masked_lm.masking import IGNORED, MaskingTables, mask_tokens, masking_tables
from textrep.contextual.masked_lm.packing import MaskedBatch
from textrep.engine.loss import LossSum
from textrep.engine.task import ParameterGroup, Task

_FIXED = 7  # seed of what is hidden in validation, the same each time


class MaskedLanguageTask(Task):
    """Cross entropy of the hidden tokens, and of what is said of pairs.

    Parameters
    ----------
    module : MaskedLanguageModule
    probability : float
        That a token is hidden; other ones each time.
    whole_words : bool, default=False
    pair_weight : float, default=0.0
        What the loss of a pair is multiplied by. The means of both losses are added, as BERT does,
        where it is the number of hidden tokens to a pair: a constant, so that the gradient of two
        batches is that of both at once.
    vector_factor : float, default=1.0
        Times the learning rate, for the vectors of the tokens.
    """

    special: Tensor
    starts: Tensor
    ordinary: Tensor

    def __init__(
        self,
        module: MaskedLanguageModule,
        *,
        probability: float,
        whole_words: bool = False,
        pair_weight: float = 0.0,
        vector_factor: float = 1.0,
    ) -> None:
        super().__init__()
        self.module = module
        self.probability = probability
        self.whole_words = whole_words
        self.pair_weight = pair_weight
        self.vector_factor = vector_factor
        tables = masking_tables(module.encoder.tokenizer)
        for name in ("special", "starts", "ordinary"):
            self.register_buffer(name, getattr(tables, name), persistent=False)
        self._mask = tables.mask

    def groups(self, phase: str) -> list[ParameterGroup]:
        """All parameters; apart from the others, the vectors that learn more slowly."""
        if self.vector_factor == 1:
            return super().groups(phase)
        module: Any = self.module.encoder.module
        vectors = module.get_input_embeddings().weight
        trained = [each for each in self.parameters() if each.requires_grad]
        return [
            ParameterGroup([each for each in trained if each is not vectors]),
            ParameterGroup([vectors], "vectors", self.vector_factor),
        ]

    def loss(self, phase: str, batch: MaskedBatch) -> LossSum:
        """Sum over the hidden tokens, in nats; ``correct`` counts those that are found.

        In evaluation mode the same tokens are hidden each time. Where there are pairs,
        ``masked_loss`` is the loss of the hidden tokens alone.
        """
        random = None
        if not self.training:
            random = torch.Generator(device=batch.ids.device).manual_seed(_FIXED)
        places = torch.arange(batch.ids.shape[1], device=batch.ids.device)
        inputs, targets = mask_tokens(
            batch.ids,
            places < batch.lengths[:, None],
            MaskingTables(self.special, self.starts, self.ordinary, self._mask),
            probability=self.probability,
            random=random,
            whole_words=self.whole_words,
        )
        return self.masked_loss(batch, inputs, targets)

    def masked_loss(self, batch: MaskedBatch, inputs: Tensor, targets: Tensor) -> LossSum:
        """The loss where it is known what is hidden.

        Parameters
        ----------
        batch : MaskedBatch
        inputs, targets : int64 tensor (B, T)
            As `mask_tokens` gives them.

        Returns
        -------
        LossSum
        """
        hidden = self.module.hidden(batch, inputs)  # (B, T, D)
        chosen = targets != IGNORED
        wanted = targets[chosen]  # (N,)
        logits = self.module.scores(hidden[chosen])  # (N, n_tokens)
        total = functional.cross_entropy(logits, wanted, reduction="sum")
        measures: dict[str, Any] = {"correct": (logits.argmax(dim=1) == wanted).sum()}
        if self.module.pair_head is not None and batch.pairs is not None:
            measures["masked_loss"] = total.detach()
            total = total + self.pair_weight * self._pair_loss(batch, hidden, batch.pairs)
        return LossSum(total, float(len(wanted)), measures)

    def _pair_loss(self, batch: MaskedBatch, hidden: Tensor, pairs: Tensor) -> Tensor:
        assert self.module.pair_head is not None
        if batch.segments is None or batch.positions is None:
            vectors = hidden[:, 0]
        else:
            # Row by row, as the labels are.
            vectors = hidden[(batch.positions == 0) & (batch.segments > 0)]
        logits = self.module.pair_head(vectors)  # (n_texts, 2)
        return functional.cross_entropy(logits, pairs, ignore_index=IGNORED, reduction="sum")
