"""Pictures in, pictures out: a ResNet and a U-Net, for pictures of any size."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from textrep.image.gan.dcgan import Upsampled, first_weights, side_by_side

GENERATORS = ("resnet", "unet")
SMALLEST = 8
"""Pixels that a picture must have each way."""

_HALVINGS = 2  # of the ResNet
_MOST_DEPTH = 5
_MOST_TIMES = 8
_SLOPE = 0.2


class ResNetGenerator(nn.Module):
    """Down to a quarter of the size, some residual blocks, and up again.

    Borders are mirrored, since zeros around a picture come out as a frame; instance normalisation
    takes from each picture the brightness and contrast of each feature, which is its style.

    Parameters
    ----------
    n_channels : int
        Of pictures in and out.
    channels : int
        Feature maps at full size.
    n_blocks : int
        Residual blocks; the authors take 6 for 128 pixels and 9 for 256.
    upsampling : {"resize", "transposed"}

    References
    ----------
    J.-Y. Zhu, T. Park, P. Isola, A. Efros: Unpaired image-to-image translation using
    cycle-consistent adversarial networks, ICCV 2017, appendix 7.2.
    """

    def __init__(
        self, n_channels: int, *, channels: int, n_blocks: int, upsampling: str = "resize"
    ) -> None:
        super().__init__()
        widths = [channels * 2**i for i in range(_HALVINGS + 1)]
        self.first = nn.Sequential(*_mirrored(n_channels, widths[0], 7), nn.ReLU())
        self.down = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(widths[i], widths[i + 1], 3, stride=2, padding=1),
                nn.InstanceNorm2d(widths[i + 1]),
                nn.ReLU(),
            )
            for i in range(_HALVINGS)
        )
        self.blocks = nn.Sequential(*(_Residual(widths[-1]) for _ in range(n_blocks)))
        self.up = nn.ModuleList(
            Upsampled(widths[i + 1], widths[i], None, upsampling)
            for i in range(_HALVINGS - 1, -1, -1)
        )
        self.norms = nn.ModuleList(
            nn.InstanceNorm2d(widths[i]) for i in range(_HALVINGS - 1, -1, -1)
        )
        self.last = nn.Conv2d(widths[0], n_channels, 7, padding=3, padding_mode="reflect")
        first_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """(n, n_channels, height, width) from -1 to 1, in and out."""
        x = self.first(side_by_side(x))
        sizes = []
        for layer in self.down:
            sizes.append((x.shape[-2], x.shape[-1]))
            x = layer(x)
        x = self.blocks(x)
        for layer, norm in zip(self.up, self.norms, strict=True):
            x = torch.relu(norm(layer(x, sizes.pop())))
        return torch.tanh(self.last(x))


class _Residual(nn.Module):
    """Two convolutions whose result is added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_mirrored(channels, channels, 3), nn.ReLU(), *_mirrored(channels, channels, 3)
        )

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = x + self.layers(x)
        return added


def _mirrored(n_in: int, n_out: int, kernel: int) -> tuple[nn.Module, nn.Module]:
    convolution = nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2, padding_mode="reflect")
    return convolution, nn.InstanceNorm2d(n_out)


class UNetGenerator(nn.Module):
    """Halves down to a few pixels and doubles again, each size seeing what there was of it.

    What is where is handed across, so that translations keep shapes; a `ResNetGenerator` changes
    more. Here the picture itself is handed to the last layer too, for its finest lines.

    Parameters
    ----------
    n_channels : int
    channels : int
        Feature maps at half the size; up to eight times as many further down.
    size : (int, int)
        Of pictures that it is trained on, which says how often they can be halved.
    upsampling : {"resize", "transposed"}

    References
    ----------
    P. Isola et al.: Image-to-image translation with conditional adversarial networks, CVPR 2017,
    section 3.2.1.
    """

    def __init__(
        self,
        n_channels: int,
        *,
        channels: int,
        size: tuple[int, int],
        upsampling: str = "resize",
    ) -> None:
        super().__init__()
        # Of one pixel instance normalisation leaves nothing.
        depth = max(1, min(_MOST_DEPTH, min(size).bit_length() - 2))
        self.multiple = 2**depth
        widths = [channels * min(2**i, _MOST_TIMES) for i in range(depth)]
        self.down = nn.ModuleList()
        for i, width in enumerate(widths):
            given = widths[i - 1] if i else n_channels
            norm = nn.InstanceNorm2d(width) if i else nn.Identity()
            self.down.append(
                nn.Sequential(
                    nn.Conv2d(given, width, 4, stride=2, padding=1), norm, nn.LeakyReLU(_SLOPE)
                )
            )
        self.up, self.norms = nn.ModuleList(), nn.ModuleList()
        for i in range(depth - 1, 0, -1):
            both = widths[i] if i == depth - 1 else 2 * widths[i]
            self.up.append(Upsampled(both, widths[i - 1], None, upsampling))
            self.norms.append(nn.InstanceNorm2d(widths[i - 1]))
        both = widths[0] if depth == 1 else 2 * widths[0]
        self.widest = Upsampled(both, widths[0], None, upsampling)
        self.last = nn.Conv2d(
            widths[0] + n_channels, n_channels, 3, padding=1, padding_mode="reflect"
        )
        first_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """(n, n_channels, height, width) from -1 to 1, in and out."""
        height, width = x.shape[-2:]
        # To what can be halved so often and is more than one pixel then; a picture may be smaller
        # than what is added.
        n = self.multiple
        rows, columns = (max(2, -(-side // n)) * n for side in (height, width))
        x = pad(x, (0, columns - width, 0, rows - height), mode="replicate")
        x = side_by_side(x)
        whole, size = x, (x.shape[-2], x.shape[-1])
        seen: list[Tensor] = []
        for layer in self.down:
            x = layer(x)
            seen.append(x)
        seen.pop()
        for layer, norm in zip(self.up, self.norms, strict=True):
            across = seen.pop()
            x = norm(layer(torch.relu(x), (across.shape[-2], across.shape[-1])))
            x = torch.cat([x, across], dim=1)
        x = torch.relu(self.widest(torch.relu(x), size))
        drawn = torch.tanh(self.last(torch.cat([x, whole], dim=1)))
        return drawn[..., :height, :width]
