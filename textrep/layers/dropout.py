"""Dropout for sequences: one mask over time, and whole words of an embedding."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textrep.embeddings.parameters import check_number

HIGHEST = 0.999999
"""Dropout must leave something; 1 would divide by zero."""

_STEPS = 2**16  # of a share, where masks are made of 16 random bits for each feature


def check_dropout(name: str, p: float) -> None:
    """Refuse what is no probability below one.

    >>> check_dropout("dropout", 1.5)
    Traceback (most recent call last):
    ...
    ValueError: dropout must be a finite number of at least 0 and at most 0.999999, got 1.5
    """
    check_number(name, p, least=0, most=HIGHEST)


def drop(x: Tensor, p: float) -> Tensor:
    """Dropout in training, which on the CPU takes a quarter of the time of torch's.

    torch draws a number of its own for each feature; here each takes 16 bits of one, so that shares
    are multiples of 1 / 65,536.

    Parameters
    ----------
    x : Tensor
    p : float
        Share of the features that are set to 0, at least 0 and below 1. The rest is divided by
        ``1 - p``.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> sorted(set(drop(torch.ones(100), 0.5).tolist()))
    [0.0, 2.0]
    """
    if x.device.type != "cpu":
        return F.dropout(x, p)
    n_dropped = min(round(p * _STEPS), _STEPS - 1)
    draws = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    bits = draws.view(torch.int16)[: x.numel()].view(x.shape)
    kept = (bits >= n_dropped - _STEPS // 2).to(x.dtype)
    return x * kept.mul_(_STEPS / (_STEPS - n_dropped))


class LockedDropout(nn.Module):
    """Dropout whose mask is the same at every step of a sequence (variational dropout).

    Parameters
    ----------
    p : float
        Share of the features that are set to 0, at least 0 and below 1. The rest is divided by
        ``1 - p``.

    References
    ----------
    Gal and Ghahramani (2016), A theoretically grounded application of dropout in recurrent neural
    networks; Merity et al. (2018), Regularizing and optimizing LSTM language models, section 4.2.

    Examples
    --------
    >>> import torch
    >>> dropped = LockedDropout(0.5)(torch.ones(2, 3, 4))
    >>> bool((dropped == dropped[:, :1]).all())
    True
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        check_dropout("p", p)
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Sequences (B, T, D), dropped in training and unchanged in evaluation."""
        if not self.training or self.p == 0:
            return x
        ones = x.new_ones(x.shape[0], 1, x.shape[2])
        return x * F.dropout(ones, self.p)

    def extra_repr(self) -> str:
        """What ``repr`` shows."""
        return f"p={self.p}"


def embed(embedding: nn.Embedding, ids: Tensor, p: float, training: bool) -> Tensor:
    """Look up vectors, with some words of the vocabulary dropped at all their occurrences.

    Parameters
    ----------
    embedding : nn.Embedding
        V vectors of D features. It is never edited.
    ids : Tensor of int64, shape (B, T)
    p : float
        Share of the V words that are dropped; the rest is divided by ``1 - p``.
    training : bool
        Nothing is dropped where false.

    Returns
    -------
    Tensor, shape (B, T, D)

    References
    ----------
    Gal and Ghahramani (2016), section 4.2; Merity et al. (2018), section 4.3.
    """
    vectors = embedding(ids)
    if not training or p == 0:
        return vectors
    # A factor for each word of the table, looked up like its vector: the table is not copied.
    factors = F.dropout(torch.ones(embedding.num_embeddings, device=ids.device), p)
    return vectors * factors[ids].unsqueeze(-1).to(vectors.dtype)


class DroppedEmbedding(nn.Module):
    """An embedding that drops whole words while training.

    Parameters
    ----------
    embedding : nn.Embedding
        The table, held as ``embedding``. Where it is also a submodule of something else, use the
        function `embed` instead, so that it appears only once among the weights.
    p : float
        Share of the vocabulary that is dropped from a batch, at least 0 and below 1.

    See Also
    --------
    embed : The same as a function.

    Examples
    --------
    >>> import torch
    >>> layer = DroppedEmbedding(torch.nn.Embedding(5, 3), 0.4).eval()
    >>> layer(torch.tensor([[1, 2]])).shape
    torch.Size([1, 2, 3])
    """

    def __init__(self, embedding: nn.Embedding, p: float) -> None:
        super().__init__()
        check_dropout("p", p)
        self.embedding = embedding
        self.p = p

    def forward(self, ids: Tensor) -> Tensor:
        """Vectors (B, T, D) of the words (B, T)."""
        return embed(self.embedding, ids, self.p, self.training)
