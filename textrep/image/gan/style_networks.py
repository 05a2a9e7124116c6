"""A generator that is told its style at each size (Karras et al. 2019 and 2020), without CUDA code.

A mapping network turns a latent vector into a style; convolutions whose weights the style scales
turn a constant into a picture. What the early layers are told is the shape, what the late ones are
told is the stroke and the shade, so that two styles can be mixed.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate

from textrep.image.gan.dcgan import lrelu, side_by_side, with_classes
from textrep.image.gan.scales import channels_of, scales_of

MAPPING_LAYERS = 4
_TINY = 1e-8
_GAIN = math.sqrt(2.0)  # what a rectifier takes from the variance


class MappingNetwork(nn.Module):
    """Latent vectors, put on a sphere -> styles.

    Parameters
    ----------
    latent_size, style_size : int
    n_layers : int
    n_classes : int
    """

    def __init__(
        self, latent_size: int, style_size: int, n_layers: int = MAPPING_LAYERS, n_classes: int = 0
    ) -> None:
        super().__init__()
        self.n_classes = n_classes
        sizes = [latent_size + n_classes, *[style_size] * n_layers]
        layers = [nn.Linear(n_in, n_out) for n_in, n_out in itertools.pairwise(sizes)]
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, a=0.2)
            nn.init.zeros_(layer.bias)
        self.layers = nn.ModuleList(layers)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """(n, latent_size) to (n, style_size)."""
        x = latents * (latents.square().mean(dim=1, keepdim=True) + _TINY).rsqrt()
        x = with_classes(x, labels, self.n_classes)
        for layer in self.layers:
            x = lrelu(layer(x))
        return x


class ModulatedConv2d(nn.Module):
    """A convolution whose weights each picture's style scales, input channel by input channel.

    With demodulation, the scaled weights of each output channel are divided by their norm, so that
    a strong style does not make loud features (Karras et al. 2020, equations 1 and 3). As both
    factors leave the sum over places alone, the input is scaled before one common convolution and
    the output after it.

    Parameters
    ----------
    n_in, n_out : int
    kernel : int
        Odd.
    style_size : int
    demodulate : bool, default=True
    """

    def __init__(
        self, n_in: int, n_out: int, kernel: int, style_size: int, *, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_out, n_in, kernel, kernel))
        nn.init.normal_(self.weight, std=1.0 / math.sqrt(n_in * kernel**2))
        self.scales = nn.Linear(style_size, n_in)
        nn.init.normal_(self.scales.weight, std=1.0 / math.sqrt(style_size))
        nn.init.ones_(self.scales.bias)
        self.demodulate = demodulate

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(n, n_in, height, width) and (n, style_size) to (n, n_out, height, width)."""
        scale = self.scales(style)  # (n, n_in)
        y = conv2d(x * scale[:, :, None, None], self.weight, padding=self.weight.shape[-1] // 2)
        if not self.demodulate:
            return y
        squares = self.weight.square().sum(dim=(2, 3))  # (n_out, n_in)
        norm = (scale.square() @ squares.T + _TINY).rsqrt()  # (n, n_out)
        return y * norm[:, :, None, None]


class StyleLayer(nn.Module):
    """A modulated convolution, noise, a bias and a rectifier.

    Outside training the noise is one picture that stays the same, so that a style has one answer.
    """

    noise: Tensor

    def __init__(self, n_in: int, n_out: int, size: tuple[int, int], style_size: int) -> None:
        super().__init__()
        self.convolution = ModulatedConv2d(n_in, n_out, 3, style_size)
        self.bias = nn.Parameter(torch.zeros(n_out, 1, 1))
        self.strength = nn.Parameter(torch.zeros(()))
        self.size = size
        self.register_buffer("noise", torch.randn(1, 1, *size))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        height, width = self.size
        if x.shape[-2:] != (height, width):
            x = interpolate(x, scale_factor=2, mode="nearest")[..., :height, :width]
        x = self.convolution(x, style)
        noise = self.noise
        if self.training:
            noise = torch.randn(len(x), 1, height, width, device=x.device)
        return _GAIN * lrelu(x + self.strength * noise + self.bias)


class StyleGenerator(nn.Module):
    """Latent vectors -> pictures, nearly all within [-1, 1].

    Parameters
    ----------
    picture : (int, int, int)
        Channels, height and width.
    latent_size : int
        Of latents and of styles.
    channels : int
        Feature maps at the picture's own size; twice as many at each half.
    n_classes : int

    Attributes
    ----------
    n_layers : int
        That are told a style of their own: one at the smallest size, two at each other.
    mean_style : tensor (latent_size,)
        Set by `settle`.
    """

    mean_style: Tensor

    def __init__(
        self,
        picture: tuple[int, int, int],
        *,
        latent_size: int,
        channels: int,
        n_classes: int = 0,
    ) -> None:
        super().__init__()
        n_channels, height, width = picture
        sizes = scales_of(height, width)[::-1]
        widths = channels_of(channels, len(sizes))[::-1]
        self.mapping = MappingNetwork(latent_size, latent_size, n_classes=n_classes)
        self.constant = nn.Parameter(torch.randn(1, widths[0], *sizes[0]))
        self.layers = nn.ModuleList([StyleLayer(widths[0], widths[0], sizes[0], latent_size)])
        for i in range(1, len(sizes)):
            self.layers.append(StyleLayer(widths[i - 1], widths[i], sizes[i], latent_size))
            self.layers.append(StyleLayer(widths[i], widths[i], sizes[i], latent_size))
        self.to_picture = nn.ModuleList(
            ModulatedConv2d(n, n_channels, 1, latent_size, demodulate=False) for n in widths
        )
        self.bias = nn.Parameter(torch.zeros(n_channels, 1, 1))
        self.register_buffer("mean_style", torch.zeros(latent_size))

    @property
    def n_layers(self) -> int:
        return len(self.layers)

    def styles(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """(n, latent_size) to the same style for each layer, (n, n_layers, latent_size)."""
        style = self.mapping(latents, labels)
        return style[:, None, :].expand(-1, self.n_layers, -1)

    def draw(self, styles: Tensor) -> Tensor:
        """(n, n_layers, latent_size) to pictures (n, c, height, width)."""
        x = side_by_side(self.constant.expand(len(styles), -1, -1, -1))
        picture: Tensor | None = None
        for i, layer in enumerate(self.layers):
            x = layer(x, styles[:, i])
            if i % 2:  # the first of two layers at a size
                continue
            own = self.to_picture[i // 2](x, styles[:, i])
            if picture is not None:
                height, width = own.shape[-2:]
                larger = interpolate(picture, scale_factor=2, mode="nearest")
                own = own + larger[..., :height, :width]
            picture = own
        assert picture is not None
        return picture + self.bias

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """(n, latent_size), and int64 (n,) where there are classes, to (n, c, height, width)."""
        return self.draw(self.styles(latents, labels))

    def settle(self, latents: Tensor, labels: Tensor | None = None) -> None:
        """Set the mean of the styles, from hundreds of latents (n, latent_size)."""
        with torch.no_grad():
            self.mean_style.copy_(self.mapping(latents, labels).mean(dim=0))
        self.eval()


def truncate(styles: Tensor, mean: Tensor, share: float) -> Tensor:
    """Styles nearer to their mean: pictures more usual and less varied.

    Parameters
    ----------
    styles : tensor (..., style_size)
    mean : tensor (style_size,)
    share : float
        Of the distance that is kept: 1 leaves all, 0 makes all alike (Karras et al. 2019, appendix
        B).

    Returns
    -------
    tensor (..., style_size)
    """
    return torch.lerp(mean.expand_as(styles), styles, share)


def mix(first: Tensor, second: Tensor, crossover: Tensor | int) -> Tensor:
    """Styles of which the layers before the crossover take the first, the others the second.

    Parameters
    ----------
    first, second : tensor (n, n_layers, style_size)
    crossover : int, or int64 tensor (n,)

    Returns
    -------
    tensor (n, n_layers, style_size)
    """
    layer = torch.arange(first.shape[1], device=first.device)
    if isinstance(crossover, Tensor):
        crossover = crossover[:, None]
    early = layer[None, :] < crossover  # (n or 1, n_layers)
    return torch.where(early[..., None], first, second)
