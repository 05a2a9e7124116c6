"""Which blocks each block looks at by chance, so that a text's own length alone decides."""

from __future__ import annotations

import torch
from torch import Tensor

from textrep.core.random import stream


def random_blocks(
    n_blocks: int,
    n_random: int,
    *,
    first: int,
    reach: int,
    causal: bool,
    real: Tensor,
    random_state: int,
) -> tuple[Tensor, Tensor]:
    """Distinct blocks outside each block's window.

    The blocks that could be chosen are dealt into `n_random` runs of equal length, and one is drawn
    of each, so that all are distinct without drawing again. The draws of a block do not depend on
    how many blocks follow: a text looks at the same blocks alone and padded.

    Parameters
    ----------
    n_blocks : int
        N, padding included.
    n_random : int
        Draws of each block, r.
    first : int
        Blocks before this one are never drawn: all look at them anyway.
    reach : int
        Blocks to either side that are looked at anyway.
    causal : bool
        Whether only earlier blocks are drawn.
    real : int64 Tensor, shape (B,)
        Blocks of each row that are not mere padding.
    random_state : int
        Of the draws.

    Returns
    -------
    blocks : int64 Tensor, shape (B, N, r)
    valid : bool Tensor, shape (B, N, r)
        False where there is no block left to draw.

    Examples
    --------
    >>> blocks, valid = random_blocks(
    ...     8, 2, first=1, reach=1, causal=True, real=torch.tensor([8]), random_state=0
    ... )
    >>> [drawn[keep].tolist() for drawn, keep in zip(blocks[0], valid[0])][:4]
    [[], [], [], [1]]
    """
    own = torch.arange(n_blocks, device=real.device)
    before = (own - reach - first).clamp(min=0).expand(len(real), n_blocks)
    skipped = (own + reach + 1).clamp(min=first)  # the first block behind the window
    after = torch.zeros_like(before) if causal else (real[:, None] - skipped).clamp(min=0)
    candidates = (before + after)[..., None]  # (B, N, 1)
    run = torch.arange(n_random + 1, device=real.device)
    edges = run * candidates // max(1, n_random)  # (B, N, r + 1)
    lengths = edges.diff(dim=-1)
    draws = stream(random_state, "blocks at random").random((n_blocks, n_random))
    chance = torch.from_numpy(draws).to(real.device)
    number = edges[..., :-1] + (chance * lengths).long()
    later = number - before[..., None] + skipped[:, None]
    blocks = torch.where(number < before[..., None], number + first, later)
    valid = lengths > 0
    return blocks.masked_fill(~valid, 0), valid
