"""From hidden vectors to a distribution over a vocabulary."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from textrep.core.messages import shown
from textrep.embeddings.parameters import check_count, check_number

MOST_LOGITS = 2**26
"""Logits that are held at once while training, 256 MB; beyond, they are computed twice."""


class SoftmaxOutput(nn.Module):
    """A linear layer and a softmax over the vocabulary.

    Parameters
    ----------
    hidden_size : int
        Features D of the hidden vectors.
    vocabulary_size : int
        Words V.
    tied : nn.Embedding, optional
        An embedding of V vectors of D features whose table is also the weight of this layer. It is
        not a submodule of this one: its owner moves, saves and trains it, once.
    bias : bool, default=True

    Raises
    ------
    ValueError
        If the embedding has another shape.

    References
    ----------
    Press and Wolf (2017), Using the output embedding to improve language models; Inan et al.
    (2017), Tying word vectors and word classifiers (`tied`).

    Examples
    --------
    >>> import torch
    >>> embedding = torch.nn.Embedding(7, 4)
    >>> output = SoftmaxOutput(4, 7, tied=embedding)
    >>> output.weight is embedding.weight
    True
    >>> output.log_probs(torch.randn(2, 4)).exp().sum(1).allclose(torch.ones(2))
    True
    """

    def __init__(
        self,
        hidden_size: int,
        vocabulary_size: int,
        *,
        tied: nn.Embedding | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_count("hidden_size", hidden_size, 1)
        check_count("vocabulary_size", vocabulary_size, 1)
        shape = (vocabulary_size, hidden_size)
        if tied is not None and tuple(tied.weight.shape) != shape:
            raise ValueError(
                f"tied must be an embedding of shape {shape}, got {tuple(tied.weight.shape)}: "
                "give the last layer the size of the embedding"
            )
        self.table = None if tied is not None else nn.Parameter(torch.empty(shape))
        # In a tuple it is no submodule, yet copies and pickles of the whole keep the tie.
        self._tied = (tied,)
        self.bias = nn.Parameter(torch.zeros(vocabulary_size)) if bias else None
        if self.table is not None:
            bound = 1 / math.sqrt(hidden_size)
            nn.init.uniform_(self.table, -bound, bound)

    @property
    def weight(self) -> Tensor:
        """The weight (V, D), that of the embedding where tied."""
        (tied,) = self._tied
        if tied is not None:
            return tied.weight
        assert self.table is not None
        return self.table

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores (..., V) of hidden vectors (..., D), before the softmax."""
        return F.linear(hidden, self.weight, self.bias)

    def log_probs(self, hidden: Tensor) -> Tensor:
        """Log-probabilities (..., V), at least float32, of hidden vectors (..., D)."""
        return torch.log_softmax(_full(self.logits(hidden)), dim=-1)

    def nll(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Negative log-likelihood of each target, in nats.

        Parameters
        ----------
        hidden : Tensor, shape (N, D)
        targets : Tensor of int64, shape (N,)

        Returns
        -------
        Tensor, shape (N,)
        """
        rows = max(1, MOST_LOGITS // len(self.weight))
        if len(targets) <= rows or not torch.is_grad_enabled():
            parts = zip(hidden.split(rows), targets.split(rows), strict=True)
            return torch.cat([self._nll(*part) for part in parts])
        return torch.cat(
            [
                checkpoint(self._nll, *part, use_reentrant=False, preserve_rng_state=False)
                for part in zip(hidden.split(rows), targets.split(rows), strict=True)
            ]
        )

    def _nll(self, hidden: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(_full(self.logits(hidden)), targets, reduction="none")


class AdaptiveOutput(nn.Module):
    """A softmax in two steps: frequent words, or one of some groups of rarer ones.

    Parameters
    ----------
    hidden_size : int
        Features D of the hidden vectors.
    vocabulary_size : int
        Words V, numbered from the most to the least frequent.
    cutoffs : sequence of int
        Where the groups of rarer words begin, rising, each above 0 and below V.
    div_value : float, default=4.0
        Each group has so many times fewer features than the one before.

    Raises
    ------
    ValueError
        If the cutoffs do not rise between 0 and V, or no feature is left for the last group.

    References
    ----------
    Grave et al. (2017), Efficient softmax approximation for GPUs.

    Examples
    --------
    >>> import torch
    >>> output = AdaptiveOutput(16, 100, cutoffs=[10, 40])
    >>> output.log_probs(torch.randn(2, 16)).exp().sum(1).allclose(torch.ones(2))
    True
    """

    def __init__(
        self,
        hidden_size: int,
        vocabulary_size: int,
        cutoffs: Sequence[int],
        *,
        div_value: float = 4.0,
    ) -> None:
        super().__init__()
        check_count("hidden_size", hidden_size, 1)
        check_count("vocabulary_size", vocabulary_size, 2)
        check_number("div_value", div_value, least=1)
        check_cutoffs(cutoffs, vocabulary_size)
        if hidden_size < div_value ** len(cutoffs):
            raise ValueError(
                f"hidden_size must be at least div_value ** {len(cutoffs)} = "
                f"{div_value ** len(cutoffs):g} for so many cutoffs, got {hidden_size}"
            )
        self.softmax = nn.AdaptiveLogSoftmaxWithLoss(
            hidden_size, vocabulary_size, list(cutoffs), div_value=div_value, head_bias=True
        )

    def log_probs(self, hidden: Tensor) -> Tensor:
        """Log-probabilities (..., V) of hidden vectors (..., D)."""
        with torch.autocast(hidden.device.type, enabled=False):
            flat = self.softmax.log_prob(_full(hidden.reshape(-1, hidden.shape[-1])))
        return flat.view(*hidden.shape[:-1], -1)

    def nll(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Negative log-likelihood (N,) of targets (N,), in nats, of hidden vectors (N, D)."""
        with torch.autocast(hidden.device.type, enabled=False):
            return -self.softmax(_full(hidden), targets).output


class TiedAdaptiveOutput(nn.Module):
    """The softmax in two steps, with the vectors of an embedding for the weights of all words.

    Rarer words keep all features, unlike those of `AdaptiveOutput`; what is saved is that only the
    positions where a group is the answer are multiplied with its words.

    Parameters
    ----------
    embedding : nn.Embedding
        V vectors of D features, of words from the most to the least frequent. It is not a submodule
        of this one: its owner moves, saves and trains it, once.
    cutoffs : sequence of int
        As for `AdaptiveOutput`.

    Raises
    ------
    ValueError
        If the cutoffs do not rise between 0 and V.

    References
    ----------
    Grave et al. (2017), Efficient softmax approximation for GPUs; Press and Wolf (2017), Using the
    output embedding to improve language models.

    Examples
    --------
    >>> import torch
    >>> output = TiedAdaptiveOutput(torch.nn.Embedding(100, 16), cutoffs=[10, 40])
    >>> output.log_probs(torch.randn(2, 16)).exp().sum(1).allclose(torch.ones(2))
    True
    """

    def __init__(self, embedding: nn.Embedding, cutoffs: Sequence[int]) -> None:
        super().__init__()
        vocabulary_size, hidden_size = embedding.weight.shape
        check_cutoffs(cutoffs, vocabulary_size)
        # In a tuple it is no submodule, yet copies and pickles of the whole keep the tie.
        self._tied = (embedding,)
        self.cutoffs = [int(cut) for cut in cutoffs]
        self._groups = list(itertools.pairwise([*self.cutoffs, vocabulary_size]))
        bound = 1 / math.sqrt(hidden_size)
        self.groups = nn.Parameter(torch.empty(len(self._groups), hidden_size))
        nn.init.uniform_(self.groups, -bound, bound)
        self.group_bias = nn.Parameter(torch.zeros(len(self._groups)))
        self.bias = nn.Parameter(torch.zeros(vocabulary_size))

    @property
    def weight(self) -> Tensor:
        """The vectors (V, D) of the words."""
        return self._tied[0].weight

    def _head(self) -> tuple[Tensor, Tensor]:
        """Weights and biases of the frequent words, then of the groups."""
        first = self.cutoffs[0]
        weight = torch.cat([self.weight[:first], self.groups])
        return weight, torch.cat([self.bias[:first], self.group_bias])

    def log_probs(self, hidden: Tensor) -> Tensor:
        """Log-probabilities (..., V) of hidden vectors (..., D)."""
        head = torch.log_softmax(_full(F.linear(hidden, *self._head())), dim=-1)
        first = self.cutoffs[0]
        parts = [head[..., :first]]
        for number, (low, high) in enumerate(self._groups):
            logits = F.linear(hidden, self.weight[low:high], self.bias[low:high])
            inside = torch.log_softmax(_full(logits), dim=-1)
            parts.append(inside + head[..., first + number, None])
        return torch.cat(parts, dim=-1)

    def nll(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Negative log-likelihood (N,) of targets (N,), in nats, of hidden vectors (N, D)."""
        first = self.cutoffs[0]
        bounds = torch.tensor([low for low, _ in self._groups], device=targets.device)
        group = torch.bucketize(targets, bounds, right=True)  # 0: a frequent word
        coarse = torch.where(group == 0, targets, first + group - 1)
        nll = F.cross_entropy(_full(F.linear(hidden, *self._head())), coarse, reduction="none")
        for number, (low, high) in enumerate(self._groups, start=1):
            rows = (group == number).nonzero().squeeze(1)
            if not len(rows):
                continue
            logits = F.linear(hidden[rows], self.weight[low:high], self.bias[low:high])
            inside = F.cross_entropy(_full(logits), targets[rows] - low, reduction="none")
            nll = nll.index_add(0, rows, inside)
        return nll


def check_cutoffs(cutoffs: Sequence[int], vocabulary_size: int) -> None:
    """Refuse cutoffs that do not rise between 0 and the size of the vocabulary."""
    bounds = [0, *cutoffs, vocabulary_size]
    if len(bounds) < 3 or any(a >= b for a, b in itertools.pairwise(bounds)):
        raise ValueError(
            f"cutoffs must rise from above 0 to below vocabulary_size={vocabulary_size}, "
            f"got {shown(cutoffs)}"
        )


def _full(values: Tensor) -> Tensor:
    """At least single precision: half has too few bits for a sum over a vocabulary."""
    return values if values.dtype == torch.float64 else values.float()
