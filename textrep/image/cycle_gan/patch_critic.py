"""A critic that says of each patch of a picture whether it is real."""

from __future__ import annotations

from torch import Tensor, nn

from textrep.image.gan.dcgan import first_weights, side_by_side

_SLOPE = 0.2
_LEAST_TO_HALVE = 8  # pixels; two more layers take two pixels of what is left
_MOST_TIMES = 8


class PatchCritic(nn.Module):
    """Pictures in [-1, 1] -> a map of scores, one for each patch of some size.

    As it sees no more than a patch, it judges strokes and colours and leaves the scene to the
    cycle. With three halvings a patch is 70 pixels wide, with two 34, with one 16.

    Parameters
    ----------
    n_channels : int
    channels : int
        Feature maps of the first layer; up to eight times as many later.
    n_layers : int
        Halvings, of which as many are left out as a small picture asks for.
    size : (int, int)
        Of pictures.

    References
    ----------
    P. Isola et al.: Image-to-image translation with conditional adversarial networks, CVPR 2017,
    section 3.2.2.
    """

    def __init__(
        self, n_channels: int, *, channels: int, n_layers: int, size: tuple[int, int]
    ) -> None:
        super().__init__()
        halvings = 0
        while halvings < n_layers and min(size) >> halvings >= _LEAST_TO_HALVE:
            halvings += 1
        widths = [channels * min(2**i, _MOST_TIMES) for i in range(halvings + 1)]
        layers: list[nn.Module] = []
        for i, width in enumerate(widths):
            given = widths[i - 1] if i else n_channels
            layers += [
                nn.Conv2d(given, width, 4, stride=2 if i < halvings else 1, padding=1),
                nn.InstanceNorm2d(width) if i else nn.Identity(),
                nn.LeakyReLU(_SLOPE),
            ]
        layers.append(nn.Conv2d(widths[-1], 1, 4, padding=1))
        self.layers = nn.Sequential(*layers)
        first_weights(self)

    def forward(self, pictures: Tensor) -> Tensor:
        """(n, n_channels, height, width) to scores (n, rows, columns)."""
        scores: Tensor = self.layers(side_by_side(pictures))
        return scores.squeeze(1)
