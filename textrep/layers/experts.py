"""A feed-forward layer of many experts, of which each token sees one (Switch)."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.layers.dropout import check_dropout
from textrep.layers.feed_forward import ACTIVATIONS, GATED, activate
from textrep.layers.grouped_linear import grouped_linear, put_rows, take_rows
from textrep.layers.masks import PaddingMask

_FARTHEST = 2.0  # deviations from zero, of first weights


class Routing(NamedTuple):
    """What a router did with a batch; padding does not count.

    Attributes
    ----------
    balance : float32 scalar Tensor
        N times the sum over the experts of share of tokens times mean probability: 1 where all
        have the same, N where one has all. The shares have no gradient.
    z : float32 scalar Tensor
        Mean square of the log of the sum of the exponentials of the router's scores.
    counts : int64 Tensor (n_experts,)
        Tokens that chose each expert.
    dropped : float32 scalar Tensor
        Share of the tokens for which their expert had no room.
    """

    balance: Tensor
    z: Tensor
    counts: Tensor
    dropped: Tensor


class SwitchFeedForward(nn.Module):
    """Each token goes through the feed-forward layer of the expert that a router likes best for it.

    What the expert gives is multiplied by the router's probability of it, so that the router
    learns. An expert has room for so many tokens of a batch; of those that come too late the layer
    gives exact zeros, and a block with a way around it passes them on as they are.

    Parameters
    ----------
    size : int
        Features D that come in and go out.
    inner_size : int
        Features inside each expert: a token costs what it costs in one `FeedForward` of that size.
    n_experts : int
        N.
    capacity_factor : float or None, default=1.25
        In training an expert has room for ``ceil(tokens / N * capacity_factor)`` tokens, those that
        come first in the batch. None for room for all; 0 for none.
    eval_capacity_factor : float or None, default=None
        The same in evaluation. With any but None, what a text gets depends on the others in its
        batch.
    activation : {"relu", "gelu", "gelu-tanh", "geglu", "swiglu"}, default="gelu"
    dropout : float, default=0.0
        Inside the experts (expert dropout).
    jitter : float, default=0.0
        In training the router sees features times random numbers between 1 - jitter and 1 + jitter.
    bias : bool, default=True
        Of the experts; the router has none.
    init_scale : float, default=0.1
        Variance of first weights times the number of features that a layer reads. The usual is 1;
        sparse models are stabler with a tenth.

    Attributes
    ----------
    router : nn.Linear
    up, down : nn.Parameter, shapes (N, F, D) and (N, D, inner_size)
        F is inner_size, twice that where gated.
    up_bias, down_bias : nn.Parameter, shapes (N F,) and (N D,), or None
        Flat, so that they count as vectors, which weight decay leaves alone.

    Notes
    -----
    The router computes in float32, whatever the precision of the rest.

    References
    ----------
    W. Fedus, B. Zoph, N. Shazeer: Switch Transformers: scaling to trillion parameter models with
    simple and efficient sparsity, JMLR 2022, sections 2.1, 2.2 (equations 4-6) and 2.4.

    B. Zoph et al.: ST-MoE: designing stable and transferable sparse expert models, 2022 (equation
    5: the z-loss).

    Examples
    --------
    >>> layer = SwitchFeedForward(8, 16, 4).eval()
    >>> layer(torch.randn(2, 3, 8)).shape
    torch.Size([2, 3, 8])
    >>> int(layer.take_routing().counts.sum())
    6
    """

    def __init__(
        self,
        size: int,
        inner_size: int,
        n_experts: int,
        *,
        capacity_factor: float | None = 1.25,
        eval_capacity_factor: float | None = None,
        activation: str = "gelu",
        dropout: float = 0.0,
        jitter: float = 0.0,
        bias: bool = True,
        init_scale: float = 0.1,
    ) -> None:
        super().__init__()
        for name, count in (("size", size), ("inner_size", inner_size), ("n_experts", n_experts)):
            check_count(name, count, 1)
        for name, factor in (
            ("capacity_factor", capacity_factor),
            ("eval_capacity_factor", eval_capacity_factor),
        ):
            if factor is not None:
                check_number(name, factor, least=0)
        check_choice("activation", activation, ACTIVATIONS)
        check_dropout("dropout", dropout)
        check_number("jitter", jitter, least=0, most=1)
        check_number("init_scale", init_scale, above=0)
        self.size = size
        self.n_experts = n_experts
        self.capacity_factor = capacity_factor
        self.eval_capacity_factor = eval_capacity_factor
        self.activation = activation
        self.dropout = dropout
        self.jitter = jitter
        entry = inner_size * (2 if activation in GATED else 1)
        self.router = nn.Linear(size, n_experts, bias=False)
        self.up = nn.Parameter(torch.empty(n_experts, entry, size))
        self.down = nn.Parameter(torch.empty(n_experts, size, inner_size))
        self.up_bias = nn.Parameter(torch.zeros(n_experts * entry)) if bias else None
        self.down_bias = nn.Parameter(torch.zeros(n_experts * size)) if bias else None
        self._routing: Routing | None = None
        for weight in (self.router.weight, self.up, self.down):
            draw_scaled(weight, init_scale)

    def forward(self, x: Tensor, mask: PaddingMask | None = None) -> Tensor:
        """Features of each token to others.

        Parameters
        ----------
        x : Tensor, shape (..., D)
        mask : PaddingMask, optional
            Of x (B, T, D): padding chooses no expert, takes no room, and gets zeros.

        Returns
        -------
        Tensor, shape (..., D)
        """
        flat = x.reshape(-1, self.size)  # (n, D)
        keep = None if mask is None else mask.keep.reshape(-1)
        scores = self._scores(flat)  # (n, N)
        likely = scores.softmax(dim=-1)
        gates, experts = likely.max(dim=-1, keepdim=True)  # (n, 1)
        rows, sizes, counts = self._places(experts[:, 0], keep)
        self._routing = self._describe(scores, likely, counts, sum(sizes), keep)
        kind = _kind_of(flat)
        found = take_rows(flat.to(kind), rows)  # (m, D), by expert
        found = grouped_linear(found, self.up.to(kind), self._bias(self.up_bias, kind), sizes)
        found = activate(found, self.activation)
        if self.dropout and self.training:
            found = F.dropout(found, self.dropout)
        found = grouped_linear(found, self.down.to(kind), self._bias(self.down_bias, kind), sizes)
        found = found * take_rows(gates, rows).to(kind)
        return put_rows(found, rows, len(flat)).to(x.dtype).view(x.shape)

    def choose(self, x: Tensor) -> Tensor:
        """The expert of each token, int64 (...), of features (..., D)."""
        return self._scores(x).argmax(dim=-1)

    def take_routing(self) -> Routing:
        """What the router did in the last forward pass, once.

        With gradients in training; what is not taken is held until the next pass.
        """
        if self._routing is None:
            raise RuntimeError("take_routing() follows a forward pass, and there was none")
        routing, self._routing = self._routing, None
        return routing

    def _scores(self, x: Tensor) -> Tensor:
        """The router's scores, float32 (..., N)."""
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            if self.jitter and self.training:
                x = x * torch.empty_like(x).uniform_(1 - self.jitter, 1 + self.jitter)
            return F.linear(x, self.router.weight.float())

    def _places(self, experts: Tensor, keep: Tensor | None) -> tuple[Tensor, list[int], Tensor]:
        """Tokens that find room, by expert and in their order; how many; how many wanted to."""
        if keep is not None:
            experts = experts.masked_fill(~keep, self.n_experts)  # behind all experts
        order = experts.argsort(stable=True)
        counts = experts.bincount(minlength=self.n_experts + 1)[: self.n_experts]
        wanted: list[int] = counts.tolist()
        n_tokens = sum(wanted)
        room = self._room(n_tokens)
        sizes = [min(room, count) for count in wanted]
        if sizes == wanted:
            return order[:n_tokens], sizes, counts
        starts = counts.cumsum(0) - counts
        parts = zip(starts.tolist(), sizes, strict=True)
        return torch.cat([order[start : start + size] for start, size in parts]), sizes, counts

    def _room(self, n_tokens: int) -> int:
        """Tokens that each expert can take."""
        factor = self.capacity_factor if self.training else self.eval_capacity_factor
        return n_tokens if factor is None else math.ceil(n_tokens / self.n_experts * factor)

    def _describe(
        self, scores: Tensor, likely: Tensor, counts: Tensor, n_placed: int, keep: Tensor | None
    ) -> Routing:
        if keep is not None:
            scores, likely = scores[keep], likely[keep]
        if not self.training:
            scores, likely = scores.detach(), likely.detach()
        n_tokens = max(1, len(scores))
        shares = counts.float() / n_tokens
        return Routing(
            balance=self.n_experts * (shares * likely.sum(dim=0) / n_tokens).sum(),
            z=scores.logsumexp(dim=-1).square().sum() / n_tokens,
            counts=counts,
            dropped=scores.new_tensor(1 - n_placed / n_tokens if len(scores) else 0.0),
        )

    def _bias(self, bias: Tensor | None, kind: torch.dtype) -> Tensor | None:
        return None if bias is None else bias.to(kind).view(self.n_experts, -1)

    def extra_repr(self) -> str:
        """What ``repr`` says."""
        return (
            f"size={self.size}, n_experts={self.n_experts}, activation={self.activation!r}, "
            f"capacity_factor={self.capacity_factor}"
        )


@torch.no_grad()
def draw_scaled(weight: Tensor, scale: float) -> None:
    """First weights (..., D): a normal distribution of variance scale / D, cut at two deviations.

    >>> weight = torch.empty(100, 400)
    >>> draw_scaled(weight, 0.1)
    >>> bool(weight.abs().max() <= 2 * (0.1 / 400) ** 0.5)
    True
    """
    deviation = math.sqrt(scale / weight.shape[-1])
    most = _FARTHEST * deviation
    nn.init.trunc_normal_(weight, std=deviation, a=-most, b=most)


def _kind_of(x: Tensor) -> torch.dtype:
    """What the matrices are multiplied in: torch's autocast does not see into our own functions."""
    if torch.is_autocast_enabled(x.device.type):
        return torch.get_autocast_dtype(x.device.type)
    return x.dtype
