"""How likely texts are to a masked language model: each token is hidden once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from textrep.contextual.encoders.tokens import EncoderRow
from textrep.contextual.masked_lm.heads import MaskedLanguageModule
from textrep.contextual.masked_lm.masking import IGNORED
from textrep.engine.batches import pad
from textrep.engine.device import choose_device
from textrep.engine.inference import apply_in_batches, lent_to

_MAX_TOKENS = 8192  # of a batch; the scores of a vocabulary take much room


class ScoredBatch(NamedTuple):
    """Rows in which some tokens are hidden.

    Attributes
    ----------
    ids, types : int64 tensor (B, T)
    lengths : int64 tensor (B,)
    targets : int64 tensor (B, T)
        The hidden tokens; -100 elsewhere.
    """

    ids: Tensor
    types: Tensor
    lengths: Tensor
    targets: Tensor


def masked_log_likelihoods(
    module: MaskedLanguageModule,
    rows: Sequence[EncoderRow],
    *,
    n_passes: int,
    device: str,
    precision: str,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Log-likelihoods of the tokens of each row, given the others.

    A row is read `n_passes` times. Each time every `n_passes`-th token is hidden, so that each is
    once, and none has more of its neighbours hidden than in training. Special and unknown tokens
    never are.

    Parameters
    ----------
    module : MaskedLanguageModule
    rows : sequence of EncoderRow
    n_passes : int
    device, precision : str

    Returns
    -------
    sums : float64 array (n_rows,)
        In nats.
    counts : int64 array (n_rows,)
        Tokens in each sum.
    """
    tokenizer = module.encoder.tokenizer
    places = [np.flatnonzero(~np.isin(row.ids, tokenizer.special_ids)) for row in rows]
    # A pass of a row that has fewer tokens than there are passes would hide none.
    items = [(i, k) for i in range(len(rows)) for k in range(min(n_passes, len(places[i])))]
    lengths = np.array([len(rows[i].ids) for i, _ in items], dtype=np.int64)

    def collate(numbers: np.ndarray) -> ScoredBatch:
        taken = [items[number] for number in numbers]
        batch = module.encoder.collate([rows[i] for i, _ in taken])
        targets = []
        for i, k in taken:
            target = np.full(len(rows[i].ids), IGNORED, dtype=np.int64)
            hidden = places[i][k::n_passes]
            target[hidden] = rows[i].ids[hidden]
            targets.append(target)
        wanted = pad(targets, IGNORED)
        ids = batch.ids.masked_fill(wanted != IGNORED, tokenizer.mask_id)
        return ScoredBatch(ids, batch.types, batch.lengths, wanted)

    sums = np.zeros(len(rows))
    with lent_to(module, choose_device(device)) as lent:
        found = apply_in_batches(
            lambda batch: _sums(lent, batch),
            lengths,
            collate,
            device=device,
            precision=precision,
            max_tokens=_MAX_TOKENS,
        )
    for (i, _), value in zip(items, found, strict=True):
        sums[i] += float(value)
    return sums, np.array([len(place) for place in places], dtype=np.int64)


def _sums(module: MaskedLanguageModule, batch: ScoredBatch) -> Tensor:
    """Log-likelihood of the hidden tokens of each row, (B,)."""
    chosen = batch.targets != IGNORED
    logits = module.scores(module.hidden(batch)[chosen])
    losses = functional.cross_entropy(logits, batch.targets[chosen], reduction="none")
    of_row = chosen.nonzero()[:, 0]
    return torch.zeros(len(batch.ids), device=losses.device).index_add_(0, of_row, -losses)
