"""Attention of recurrent decoders: which of some keys each query looks at."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from textrep.embeddings.parameters import check_choice, check_count
from textrep.layers.masks import Mask, as_attention_mask

KINDS = ("dot", "general")


class _Attention(nn.Module):
    """Scores to weights to a mean of the values; subclasses say what the scores are."""

    def prepare(self, keys: Tensor) -> Tensor:
        """Keys (B, K, D) as `attend` takes them, projected once for however many queries."""
        raise NotImplementedError

    def scores(self, query: Tensor, prepared: Tensor) -> Tensor:
        """How well each prepared key suits each query (B, Q, D): (B, Q, K)."""
        raise NotImplementedError

    def forward(
        self, query: Tensor, keys: Tensor, values: Tensor, mask: Mask | None = None
    ) -> tuple[Tensor, Tensor]:
        """Look at keys that are not prepared yet.

        Parameters
        ----------
        query : Tensor, shape (B, Q, query_size)
        keys : Tensor, shape (B, K, key_size)
        values : Tensor, shape (B, K, V)
        mask : PaddingMask (B, K) or AttentionMask, optional
            Which keys may be attended; all where absent.

        Returns
        -------
        context : Tensor, shape (B, Q, V)
            Mean of the values by the weights; 0 where no key may be attended.
        weights : Tensor, shape (B, Q, K)
            Exactly 0 at masked keys; rows sum to 1, or are all 0 where no key is left.
        """
        return self.attend(query, self.prepare(keys), values, mask)

    def attend(
        self, query: Tensor, prepared: Tensor, values: Tensor, mask: Mask | None = None
    ) -> tuple[Tensor, Tensor]:
        """As `forward`, with what `prepare` made of the keys."""
        scores = self.scores(query, prepared)
        weights = as_attention_mask(mask, scores).softmax(scores)
        return torch.matmul(weights.to(values.dtype), values), weights


class AdditiveAttention(_Attention):
    """Attention by a small network: the score is ``v . tanh(W q + U k)``.

    Parameters
    ----------
    query_size, key_size : int
        Features of queries and keys.
    attention_size : int
        Features of the tanh.

    References
    ----------
    Bahdanau et al. (2015), Neural machine translation by jointly learning to align and translate,
    appendix A.1.2.

    Examples
    --------
    >>> import torch
    >>> attention = AdditiveAttention(4, 6, 5)
    >>> query, keys, values = torch.randn(2, 1, 4), torch.randn(2, 3, 6), torch.ones(2, 3, 7)
    >>> context, weights = attention(query, keys, values)
    >>> context.shape, weights.shape
    (torch.Size([2, 1, 7]), torch.Size([2, 1, 3]))
    """

    def __init__(self, query_size: int, key_size: int, attention_size: int) -> None:
        super().__init__()
        check_count("attention_size", attention_size, 1)
        self.query = nn.Linear(query_size, attention_size)
        self.key = nn.Linear(key_size, attention_size, bias=False)
        self.score = nn.Linear(attention_size, 1, bias=False)

    def prepare(self, keys: Tensor) -> Tensor:
        """Keys (B, K, key_size) as (B, K, attention_size)."""
        return self.key(keys)

    def scores(self, query: Tensor, prepared: Tensor) -> Tensor:
        """Scores (B, Q, K)."""
        both = self.query(query)[:, :, None] + prepared[:, None]  # (B, Q, K, attention_size)
        return self.score(torch.tanh(both))[..., 0]


class MultiplicativeAttention(_Attention):
    """Attention by products: the score is ``q . k``, or ``q . W k``.

    Parameters
    ----------
    query_size, key_size : int
        Features of queries and keys; the same for "dot".
    kind : {"dot", "general"}, default="general"
        Without or with the matrix W.

    References
    ----------
    Luong et al. (2015), Effective approaches to attention-based neural machine translation,
    equation 8.

    Examples
    --------
    >>> import torch
    >>> attention = MultiplicativeAttention(2, 2, kind="dot")
    >>> keys = torch.tensor([[[200.0, 0.0], [0.0, 200.0]]])
    >>> attention(torch.tensor([[[0.0, 1.0]]]), keys, keys)[1].tolist()
    [[[0.0, 1.0]]]
    """

    def __init__(self, query_size: int, key_size: int, *, kind: str = "general") -> None:
        super().__init__()
        check_choice("kind", kind, KINDS)
        if kind == "dot" and query_size != key_size:
            raise ValueError(
                f"kind='dot' needs queries and keys of one size, got {query_size} and {key_size}; "
                "kind='general' takes any"
            )
        self.kind = kind
        self.key = nn.Linear(key_size, query_size, bias=False) if kind == "general" else None
        if self.key is not None:
            nn.init.normal_(self.key.weight, std=1 / math.sqrt(key_size))

    def prepare(self, keys: Tensor) -> Tensor:
        """Keys (B, K, key_size) as (B, K, query_size)."""
        return keys if self.key is None else self.key(keys)

    def scores(self, query: Tensor, prepared: Tensor) -> Tensor:
        """Scores (B, Q, K)."""
        return torch.matmul(query, prepared.transpose(1, 2))
