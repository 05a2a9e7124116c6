"""Self-attention over the places of a picture, as generators and critics use it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_NARROWER = 8  # queries and keys have so much fewer channels; values, half of them


class PictureAttention(nn.Module):
    """Each place adds what it finds at all others, from nothing at the start on.

    Parameters
    ----------
    n_channels : int

    Attributes
    ----------
    strength : Parameter, a scalar
        What the attention is multiplied by before it is added: 0 at first, so that the network
        learns from its neighbourhoods before it looks afar.

    Notes
    -----
    The softmax is written out: torch's fused attention has no second derivative, which a gradient
    penalty needs.

    References
    ----------
    H. Zhang et al.: Self-attention generative adversarial networks, ICML 2019, equations 2-3.

    Examples
    --------
    >>> layer, x = PictureAttention(8), torch.rand(1, 8, 3, 3)
    >>> bool((layer(x) == x).all())
    True
    """

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        narrow, half = max(1, n_channels // _NARROWER), max(1, n_channels // 2)
        self.query = nn.Conv2d(n_channels, narrow, 1, bias=False)
        self.key = nn.Conv2d(n_channels, narrow, 1, bias=False)
        self.value = nn.Conv2d(n_channels, half, 1, bias=False)
        self.output = nn.Conv2d(half, n_channels, 1, bias=False)
        self.strength = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) in and out."""
        q = self.query(x).flatten(2)  # (n, narrow, places)
        k = self.key(x).flatten(2)
        v = self.value(x).flatten(2)  # (n, half, places)
        looks = (q.transpose(1, 2) @ k).softmax(dim=-1)  # (n, places, places looked at)
        found = (v @ looks.transpose(1, 2)).unflatten(2, x.shape[2:])
        mixed: Tensor = x + self.strength * self.output(found)
        return mixed
