"""Convolutional networks from pictures to codes and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import interpolate

from textrep.image.nets.choices import initialise, make_activation, make_normalisation


def halved(size: tuple[int, int], times: int) -> list[tuple[int, int]]:
    """Height and width before and after each halving, rounded up.

    >>> halved((28, 20), 3)
    [(28, 20), (14, 10), (7, 5), (4, 3)]
    """
    sizes = [size]
    for _ in range(times):
        height, width = sizes[-1]
        sizes.append((-(-height // 2), -(-width // 2)))
    return sizes


class ConvEncoder(nn.Module):
    """Pictures -> numbers: convolutions that halve height and width, then a linear layer.

    Parameters
    ----------
    shape : (int, int, int)
        Channels, height and width of a picture.
    channels : sequence of int
        After each halving.
    n_out : int
        Numbers that come out.
    activation, normalisation, initialisation : str
        See `textrep.image.nets.choices`.
    last : str, default="linear"
        Activation of what comes out.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        channels: Sequence[int],
        n_out: int,
        activation: str,
        normalisation: str | None,
        initialisation: str,
        last: str = "linear",
    ) -> None:
        super().__init__()
        self.stages = nn.Sequential()
        before = shape[0]
        for width in channels:
            conv = nn.Conv2d(before, width, kernel_size=3, stride=2, padding=1)
            initialise(conv, initialisation, activation)
            self.stages.append(conv)
            self.stages.append(make_normalisation(normalisation, width, planes=True))
            self.stages.append(make_activation(activation))
            before = width
        height, width = halved((shape[1], shape[2]), len(channels))[-1]
        self.head = nn.Linear(before * height * width, n_out)
        initialise(self.head, initialisation, last)
        self.end = make_activation(last)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.end(self.head(self.stages(pixels).flatten(1)))


class ConvDecoder(nn.Module):
    """Codes -> raw pictures: a linear layer, then enlargements with a convolution after each.

    Enlarging by the nearest pixel and convolving leaves no checkerboard, as a transposed
    convolution does whose kernel is no multiple of its stride.

    Parameters
    ----------
    shape : (int, int, int)
    channels : sequence of int
        Those of the encoder; they are used backwards.
    n_in : int
        Numbers of a code.
    activation, normalisation, initialisation : str

    References
    ----------
    A. Odena, V. Dumoulin, C. Olah: Deconvolution and checkerboard artifacts, Distill 2016.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        channels: Sequence[int],
        n_in: int,
        activation: str,
        normalisation: str | None,
        initialisation: str,
    ) -> None:
        super().__init__()
        *larger, smallest = halved((shape[1], shape[2]), len(channels))
        self._sizes = larger[::-1]
        self._start = (channels[-1], *smallest)
        self.head = nn.Linear(n_in, channels[-1] * smallest[0] * smallest[1])
        initialise(self.head, initialisation, activation)
        self.begin = make_activation(activation)
        self.convs, self.after = nn.ModuleList(), nn.ModuleList()
        before = channels[-1]
        for width in [*channels[-2::-1], None]:
            n_out = shape[0] if width is None else width
            conv = nn.Conv2d(before, n_out, kernel_size=3, padding=1)
            initialise(conv, initialisation, "linear" if width is None else activation)
            self.convs.append(conv)
            after: nn.Module = nn.Identity()
            if width is not None:
                after = nn.Sequential(
                    make_normalisation(normalisation, width, planes=True),
                    make_activation(activation),
                )
            self.after.append(after)
            before = n_out

    @property
    def last(self) -> Any:
        """The convolution that gives pixels."""
        return self.convs[-1]

    def forward(self, codes: Tensor) -> Tensor:
        planes = self.begin(self.head(codes)).unflatten(1, self._start)
        for size, conv, after in zip(self._sizes, self.convs, self.after, strict=True):
            planes = after(conv(interpolate(planes, size, mode="nearest")))
        return planes
