"""Masking as DistilBERT's: rare words are hidden more often than frequent ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SMOOTHING = 0.7
"""A word that stands n times in the text is hidden with a probability in proportion to
n ** -0.7."""

SHARE = 0.15
"""Of the tokens of a batch that are hidden."""

MASKED, KEPT = 0.8, 0.1
"""Shares of the hidden tokens that become the mask, and that stay; the rest become any token."""


def masking_weights(
    rows: Iterable[NDArray[np.integer[Any]]],
    n_tokens: int,
    special: Sequence[int] | NDArray[np.integer[Any]],
    *,
    smoothing: float = SMOOTHING,
) -> NDArray[np.float32]:
    """How readily each token is hidden.

    Parameters
    ----------
    rows : iterable of int arrays
        Ids of the texts.
    n_tokens : int
        Size of the vocabulary.
    special : int array
        Tokens that are never hidden: padding, beginning and end, mask.
    smoothing : float, default=0.7

    Returns
    -------
    float32 ndarray (n_tokens,)
        max(count, 1) ** -smoothing; 0 for special ones.

    Examples
    --------
    >>> masking_weights([np.array([0, 2, 2, 2, 2, 1])], 4, [0], smoothing=0.5).tolist()
    [0.0, 1.0, 0.5, 1.0]
    """
    counts = np.zeros(n_tokens, dtype=np.int64)
    for row in rows:
        counts += np.bincount(row, minlength=n_tokens)
    weights = np.maximum(counts, 1).astype(np.float64) ** -smoothing
    weights[np.asarray(special, dtype=np.int64)] = 0.0
    return weights.astype(np.float32)


def mask_by_counts(
    ids: Tensor,
    lengths: Tensor,
    weights: Tensor,
    mask_id: int,
    *,
    share: float = SHARE,
) -> tuple[Tensor, Tensor]:
    """Hide some tokens of a batch, drawn without replacement in proportion to their weights.

    ceil(0.15 n) of the n real tokens of the whole batch are chosen, or all those of weight above 0
    where there are fewer. Of these, 80 % become the mask, 10 % stay and 10 % become any token of
    the vocabulary, special ones too, as in DistilBERT's own code.

    Parameters
    ----------
    ids : int64 Tensor, shape (B, T)
    lengths : int64 Tensor, shape (B,)
    weights : float Tensor, shape (n_tokens,)
        See `masking_weights`.
    mask_id : int
    share : float, default=0.15

    Returns
    -------
    ids : int64 Tensor, shape (B, T)
        With what is in the place of those chosen.
    chosen : bool Tensor, shape (B, T)

    References
    ----------
    V. Sanh et al.: DistilBERT, a distilled version of BERT, 2019, and the code that its authors
    published with it (``prepare_batch_mlm``).

    Examples
    --------
    >>> weights = torch.tensor([0.0, 0.0, 1.0, 1.0])
    >>> ids, lengths = torch.tensor([[2, 3, 0], [2, 3, 3]]), torch.tensor([2, 3])
    >>> with torch.random.fork_rng():
    ...     seen, chosen = mask_by_counts(ids, lengths, weights, 1, share=0.5)
    >>> int(chosen.sum()), bool(chosen[0, 2])
    (3, False)
    """
    real = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
    odds = weights[ids].float() * real
    wanted = min(math.ceil(share * int(lengths.sum())), int((odds > 0).sum()))
    chosen = torch.zeros_like(real)
    if wanted:
        chosen.view(-1)[torch.multinomial(odds.view(-1), wanted)] = True
    fate = torch.rand(ids.shape, device=ids.device)
    others = torch.randint(len(weights), ids.shape, device=ids.device)
    seen = ids.masked_fill(chosen & (fate < MASKED), mask_id)
    return torch.where(chosen & (fate >= MASKED + KEPT), others, seen), chosen
