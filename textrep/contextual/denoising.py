"""Pre-training of an encoder on texts without labels: tokens are hidden, and it fills them in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from textrep.contextual.classification import Rows, data_digest
from textrep.engine.batches import LengthBatches, pad
from textrep.engine.loop import Outcome, train
from textrep.engine.loss import LossSum
from textrep.engine.seeding import torch_seed
from textrep.engine.settings import TrainingSettings
from textrep.engine.task import Task
from textrep.layers.output import SoftmaxOutput
from textrep.preprocess.codec import SPECIALS

MASKED, REPLACED = 0.8, 0.1
"""Shares of the chosen tokens that become the mask, and any token; the rest stay (BERT)."""


class Encoder(nn.Module):
    """What can be pre-trained.

    Attributes
    ----------
    embedding : nn.Embedding
        The vectors of its tokens; the last one is that of the mask.
    """

    embedding: nn.Embedding

    def encode(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Vectors in context, (B, T, D), of ids (B, T) of these lengths (B,)."""
        raise NotImplementedError


def corrupt(ids: Tensor, lengths: Tensor, *, share: float, mask: int) -> tuple[Tensor, Tensor]:
    """Hide some tokens of each row, other ones each time.

    Of those chosen, 80 % become the mask, 10 % any token, and 10 % stay, so that an encoder can
    trust no token that it sees. What is no part of a text (padding, the unknown token) is neither
    chosen nor put in place of another.

    Parameters
    ----------
    ids : int64 Tensor, shape (B, T)
    lengths : int64 Tensor, shape (B,)
    share : float
        Of the tokens of a row that are chosen; one at least, if there is one.
    mask : int
        Number of the mask, the one behind all tokens.

    Returns
    -------
    ids : int64 Tensor, shape (B, T)
        With what is in the place of those chosen.
    chosen : bool Tensor, shape (B, T)

    References
    ----------
    J. Devlin et al.: BERT: Pre-training of deep bidirectional transformers for language
    understanding, NAACL 2019, section 3.1.

    Examples
    --------
    >>> with torch.random.fork_rng():
    ...     seen, chosen = corrupt(torch.full((1, 8), 4), torch.tensor([8]), share=1.0, mask=5)
    >>> bool(chosen.all())
    True
    """
    first = len(SPECIALS)
    real = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
    real = real & (ids >= first)
    draw = torch.rand(ids.shape, device=ids.device).masked_fill(~real, 2.0)
    least = draw.amin(dim=1, keepdim=True)
    chosen = real & ((draw < share) | (draw == least))
    fate = torch.rand(ids.shape, device=ids.device)
    others = torch.randint(first, max(mask, first + 1), ids.shape, device=ids.device)
    seen = ids.masked_fill(chosen & (fate < MASKED), mask)
    replaced = chosen & (fate >= MASKED) & (fate < MASKED + REPLACED)
    return torch.where(replaced, others, seen), chosen


class DenoisingTask(Task):
    """Cross entropy of the hidden tokens alone.

    Parameters
    ----------
    encoder : Encoder
        The vectors of its tokens also score them.
    share : float
        Of the tokens that are hidden.
    """

    def __init__(self, encoder: Encoder, share: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.share = share
        n_tokens, size = encoder.embedding.weight.shape
        self.output = SoftmaxOutput(size, n_tokens, tied=encoder.embedding)

    def loss(self, phase: str, batch: Rows) -> LossSum:
        """Sum over the hidden tokens, in nats; ``correct`` counts those that are found."""
        mask = len(self.encoder.embedding.weight) - 1
        seen, chosen = corrupt(batch.ids, batch.lengths, share=self.share, mask=mask)
        vectors = self.encoder.encode(seen, batch.lengths)[chosen]  # (N, D)
        targets = batch.ids[chosen]
        logits = self.output.logits(vectors).float()  # (N, n_tokens)
        total = nn.functional.cross_entropy(logits, targets, reduction="sum")
        correct = (logits.argmax(dim=1) == targets).sum()
        return LossSum(total, float(len(targets)), {"correct": correct})


def denoise(
    encoder: Encoder,
    rows: Sequence[np.ndarray],
    settings: TrainingSettings,
    *,
    share: float,
    max_rows: int,
    device: str,
    precision: str,
    seed: int,
    checkpoint: str | os.PathLike[str] | None = None,
    identity: Mapping[str, Any],
    verbose: int,
    description: str,
) -> Outcome:
    """Train an encoder in place to fill in hidden tokens.

    Parameters
    ----------
    encoder : Encoder
    rows : sequence of int arrays
        Ids of each text.
    settings : TrainingSettings
    share : float
        See `DenoisingTask`.
    max_rows : int
        In a batch.
    device, precision, seed, checkpoint, identity, verbose, description
        See `textrep.engine.train`; of the data, the identity here tells by itself.

    Returns
    -------
    Outcome

    Raises
    ------
    ValueError
        If no row has a token to hide.
    """
    with torch_seed(seed):
        task = DenoisingTask(encoder, share)
    return train(
        task,
        unlabelled_batches(rows, max_rows=max_rows, seed=seed),
        settings,
        device=device,
        precision=precision,
        seed=seed,
        checkpoint=checkpoint,
        identity={**identity, "data": data_digest(rows, np.zeros(len(rows), dtype=np.int64))},
        verbose=verbose,
        description=description,
        unit="tokens",
    )


def unlabelled_batches(rows: Sequence[np.ndarray], *, max_rows: int, seed: int) -> LengthBatches:
    """Batches of the rows in which there is something to hide.

    Parameters
    ----------
    rows : sequence of int arrays
        Ids of each text.
    max_rows : int
        In a batch.
    seed : int

    Returns
    -------
    LengthBatches

    Raises
    ------
    ValueError
        If there are none.
    """
    kept = [row for row in rows if (row >= len(SPECIALS)).any()]
    if not kept:
        raise ValueError("no text has a known token; there is nothing to pre-train on")
    lengths = np.array([len(row) for row in kept], dtype=np.int64)

    def collate(numbers: np.ndarray) -> Rows:
        return Rows(pad([kept[i] for i in numbers]), torch.from_numpy(lengths[numbers]))

    return LengthBatches(lengths, collate, max_rows=max_rows, seed=seed)
