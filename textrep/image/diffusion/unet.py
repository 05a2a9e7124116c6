"""The network that tells noise from picture: a U-Net small enough for a CPU.

Down, middle and up as in diffusers' UNet2DModel, but what went down is added on the way up where
that concatenates, which takes two thirds of the time, and attention stands in the middle alone.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textrep.layers.dropout import drop
from textrep.layers.masks import PaddingMask
from textrep.layers.multi_head import MultiHeadAttention

_GROUPS = 8  # of normalised channels, at most
_LONGEST_WAVE = 10_000.0  # Vaswani et al. (2017), section 3.5
_TIMES = 1000.0  # what the end of the schedule is told as, however many steps it has
_WIDER = 4  # times the first channels, for what is told of time and class


def group_norm(n_channels: int) -> nn.GroupNorm:
    """A norm over as many groups as divide the channels, 8 at most.

    >>> group_norm(12).num_groups
    4
    """
    return nn.GroupNorm(math.gcd(_GROUPS, n_channels), n_channels)


def time_waves(shares: Tensor, size: int) -> Tensor:
    """Sines and cosines of a share of the way into noise.

    Parameters
    ----------
    shares : Tensor (B,)
        Above 0 and at most 1.
    size : int

    Returns
    -------
    float32 Tensor (B, size)
        The last is 0 where `size` is odd.
    """
    half = size // 2
    numbers = torch.arange(half, device=shares.device, dtype=torch.float32)
    rates = torch.exp(-math.log(_LONGEST_WAVE) / max(half, 1) * numbers)
    angles = shares.float()[:, None] * _TIMES * rates  # (B, half)
    return F.pad(torch.cat([angles.sin(), angles.cos()], dim=1), (0, size - 2 * half))


class ResidualBlock(nn.Module):
    """Two convolutions, scaled and shifted by what is told of time and class.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    told_size : int
    kernel_size : int
        1 where the codes are vectors.
    dropout : float
    """

    def __init__(
        self, n_in: int, n_out: int, told_size: int, kernel_size: int, dropout: float
    ) -> None:
        super().__init__()
        padding = kernel_size // 2
        self.first_norm = group_norm(n_in)
        self.first = nn.Conv2d(n_in, n_out, kernel_size, padding=padding)
        self.told = nn.Linear(told_size, 2 * n_out)
        self.second_norm = group_norm(n_out)
        self.second = nn.Conv2d(n_out, n_out, kernel_size, padding=padding)
        self.around = nn.Identity() if n_in == n_out else nn.Conv2d(n_in, n_out, 1)
        self.dropout = dropout
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """(B, n_in, H, W) to (B, n_out, H, W)."""
        y = self.first(F.silu(self.first_norm(x)))
        scale, shift = self.told(told)[:, :, None, None].chunk(2, dim=1)
        y = F.silu(self.second_norm(y) * (1 + scale) + shift)
        if self.training and self.dropout:
            y = drop(y, self.dropout)
        return self.around(x) + self.second(y)


class Look(nn.Module):
    """Attention between all places, and from each to the tokens of a text.

    Parameters
    ----------
    n_channels, n_heads : int
    memory_size : int
        Features of the tokens; 0 where there are none.
    """

    def __init__(self, n_channels: int, n_heads: int, memory_size: int) -> None:
        super().__init__()
        self.norm = group_norm(n_channels)
        self.attention = MultiHeadAttention(n_channels, n_heads)
        nn.init.zeros_(self.attention.out.weight)
        self.memory = nn.Linear(memory_size, n_channels) if memory_size else None
        self.memory_norm = nn.LayerNorm(n_channels) if memory_size else None
        self.memory_attention = (
            MultiHeadAttention(n_channels, n_heads, cross=True) if memory_size else None
        )

    def forward(self, x: Tensor, memory: Tensor | None, mask: PaddingMask | None) -> Tensor:
        """(B, C, H, W) to the same; memory (B, L, memory_size)."""
        places = self.norm(x).flatten(2).transpose(1, 2)  # (B, H W, C)
        found = x.flatten(2).transpose(1, 2) + self.attention(places)[0]
        if self.memory_attention is not None:
            assert self.memory is not None
            assert self.memory_norm is not None
            assert memory is not None
            seen = self.memory(memory)
            found = (
                found + self.memory_attention(self.memory_norm(found), memory=seen, mask=mask)[0]
            )
        return found.transpose(1, 2).reshape(x.shape)


class DenoisingUNet(nn.Module):
    """A code with noise, and how much of it -> the noise, or `v`.

    Parameters
    ----------
    code_shape : (channels, height, width)
        The sides must be multiples of 2 to the number of levels less one.
    channels : sequence of int
        Of each level; sides are halved between them.
    blocks : int
        Of two convolutions, on each level, down and up.
    n_heads : int
        Of the attention in the middle, which divide the last channels.
    memory_size : int, default=0
        Features of the tokens that it looks at; 0 for none.
    dropout : float, default=0.0

    Attributes
    ----------
    told_size : int
        Features of what is told of class or text.

    Notes
    -----
    A new one says 0 to everything.

    References
    ----------
    O. Ronneberger, P. Fischer, T. Brox: U-Net: convolutional networks for biomedical image
    segmentation, MICCAI 2015.

    P. Dhariwal, A. Nichol: Diffusion models beat GANs on image synthesis, NeurIPS 2021, section 3.

    Examples
    --------
    >>> network = DenoisingUNet((4, 6, 6), [8, 16], blocks=1, n_heads=2)
    >>> network(torch.randn(3, 4, 6, 6), torch.rand(3)).abs().max().item()
    0.0
    """

    def __init__(
        self,
        code_shape: tuple[int, int, int],
        channels: Sequence[int],
        blocks: int,
        n_heads: int,
        *,
        memory_size: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        n_codes, *sides = code_shape
        self.told_size = _WIDER * channels[0]
        self.n_waves = channels[0]
        self.time = nn.Sequential(
            nn.Linear(self.n_waves, self.told_size),
            nn.SiLU(),
            nn.Linear(self.told_size, self.told_size),
        )
        kernel = 1 if max(sides) == 1 else 3

        def block(n_in: int, n_out: int) -> ResidualBlock:
            return ResidualBlock(n_in, n_out, self.told_size, kernel, dropout)

        self.entry = nn.Conv2d(n_codes, channels[0], kernel, padding=kernel // 2)
        starts = [channels[0], *channels[:-1]]
        self.down = nn.ModuleList(
            nn.ModuleList(block(n_in if i == 0 else n_out, n_out) for i in range(blocks))
            for n_in, n_out in zip(starts, channels, strict=True)
        )
        self.shrink = nn.ModuleList(nn.Conv2d(n, n, 3, stride=2, padding=1) for n in channels[:-1])
        last = channels[-1]
        self.before, self.after = block(last, last), block(last, last)
        self.look = Look(last, n_heads, memory_size)
        self.up = nn.ModuleList(nn.ModuleList(block(n, n) for _ in range(blocks)) for n in channels)
        # Nearest neighbours and a convolution leave no chequers, as transposed convolutions do.
        self.grow = nn.ModuleList(
            nn.Conv2d(n_in, n_out, 3, padding=1) for n_out, n_in in itertools.pairwise(channels)
        )
        self.exit_norm = group_norm(channels[0])
        self.exit = nn.Conv2d(channels[0], n_codes, kernel, padding=kernel // 2)
        nn.init.zeros_(self.exit.weight)
        nn.init.zeros_(self.exit.bias)  # type: ignore[arg-type]

    def forward(
        self,
        x: Tensor,
        shares: Tensor,
        told: Tensor | None = None,
        memory: Tensor | None = None,
        mask: PaddingMask | None = None,
    ) -> Tensor:
        """What it says of codes.

        Parameters
        ----------
        x : Tensor (B, channels, height, width)
        shares : Tensor (B,)
            How far on the way into noise each is, above 0 and at most 1.
        told : Tensor (B, told_size), optional
            Of class or text.
        memory : Tensor (B, L, memory_size), optional
        mask : PaddingMask (B, L), optional

        Returns
        -------
        Tensor, as `x`
        """
        spoken = self._told(shares, told)
        x, ways = self._descend(x, spoken)
        x = self._middle(x, spoken, memory, mask)
        for level in reversed(range(len(self.up))):
            for block in self.up[level]:  # type: ignore[attr-defined]
                x = block(x + ways.pop(), spoken)
            if level:
                x = self.grow[level - 1](F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return self.exit(F.silu(self.exit_norm(x)))

    def features(
        self,
        x: Tensor,
        shares: Tensor,
        told: Tensor | None = None,
        memory: Tensor | None = None,
        mask: PaddingMask | None = None,
    ) -> Tensor:
        """Means over all places of what leaves the middle, (B, channels[-1])."""
        spoken = self._told(shares, told)
        x, _ = self._descend(x, spoken)
        return self._middle(x, spoken, memory, mask).mean(dim=(2, 3))

    def _told(self, shares: Tensor, told: Tensor | None) -> Tensor:
        time = self.time(time_waves(shares, self.n_waves))
        return F.silu(time if told is None else time + told)

    def _descend(self, x: Tensor, spoken: Tensor) -> tuple[Tensor, list[Tensor]]:
        x = self.entry(x)
        ways = []
        for level, blocks in enumerate(self.down):
            for block in blocks:  # type: ignore[attr-defined]
                x = block(x, spoken)
                ways.append(x)
            if level < len(self.shrink):
                x = self.shrink[level](x)
        return x, ways

    def _middle(
        self, x: Tensor, spoken: Tensor, memory: Tensor | None, mask: PaddingMask | None
    ) -> Tensor:
        return self.after(self.look(self.before(x, spoken), memory, mask), spoken)
