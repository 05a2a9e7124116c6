"""A generator and a critic of plain convolutions (Radford, Metz and Chintala 2016)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, one_hot, relu

from textrep.image.gan.attention import PictureAttention
from textrep.image.gan.scales import channels_of, scales_of
from textrep.image.gan.spectral import SpectralConv2d, SpectralLinear

UPSAMPLINGS = ("resize", "transposed")
NORMALISATIONS = ("batch", "layer", "spectral", "none")

_SLOPE = 0.2  # of leaky rectifiers below 0
_DEVIATION = 0.02  # of first weights
_MOST_PLACES = 256  # that attention looks at; it goes where the picture has no more


class Upsampled(nn.Module):
    """A convolution to twice the size, cut to a size.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    size : (int, int) or None
        Height and width of what comes out, where each call does not say.
    upsampling : {"resize", "transposed"}
        Nearest pixels and then a 3 x 3 convolution over mirrored borders; or a transposed
        convolution of 5 x 5 with a stride of 2, which adds six or nine terms to one pixel and four
        to its neighbour and so leaves a checkerboard.

    References
    ----------
    A. Odena, V. Dumoulin, C. Olah: Deconvolution and checkerboard artifacts, Distill 2016.
    """

    def __init__(
        self, n_in: int, n_out: int, size: tuple[int, int] | None, upsampling: str
    ) -> None:
        super().__init__()
        self.size = size
        self.convolution: nn.Module
        if upsampling == "resize":
            self.convolution = nn.Sequential(
                nn.UpsamplingNearest2d(scale_factor=2),
                nn.Conv2d(n_in, n_out, 3, padding=1, padding_mode="reflect", bias=False),
            )
        else:
            self.convolution = nn.ConvTranspose2d(
                n_in, n_out, 5, stride=2, padding=2, output_padding=1, bias=False
            )

    def forward(self, x: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        doubled: Tensor = self.convolution(x)
        wanted = size or self.size
        return doubled if wanted is None else doubled[..., : wanted[0], : wanted[1]]


class DCGenerator(nn.Module):
    """Latent vectors -> pictures in [-1, 1].

    Parameters
    ----------
    picture : (int, int, int)
        Channels, height and width.
    latent_size : int
    channels : int
        Feature maps at the picture's own size; twice as many at each half.
    upsampling : {"resize", "transposed"}
    attention : bool
        Whether places look at each other, where there are at most 256.
    n_classes : int
        Kinds that can be asked for; 0 for none.
    """

    def __init__(
        self,
        picture: tuple[int, int, int],
        *,
        latent_size: int,
        channels: int,
        upsampling: str = "resize",
        attention: bool = False,
        n_classes: int = 0,
    ) -> None:
        super().__init__()
        n_channels, height, width = picture
        sizes = scales_of(height, width)
        widths = channels_of(channels, len(sizes))
        self.n_classes = n_classes
        self.base = (widths[-1], *sizes[-1])
        n_base = widths[-1] * sizes[-1][0] * sizes[-1][1]
        self.first = nn.Linear(latent_size + n_classes, n_base, bias=False)
        self.first_norm = nn.BatchNorm2d(widths[-1])
        at = _attended(sizes) if attention else None
        self.first_look = PictureAttention(widths[-1]) if at == len(sizes) - 1 else nn.Identity()
        self.blocks = nn.ModuleList()
        for i in range(len(sizes) - 2, -1, -1):
            self.blocks.append(
                nn.Sequential(
                    Upsampled(widths[i + 1], widths[i], sizes[i], upsampling),
                    nn.BatchNorm2d(widths[i]),
                    nn.ReLU(),
                    PictureAttention(widths[i]) if at == i else nn.Identity(),
                )
            )
        self.last = nn.Conv2d(widths[0], n_channels, 3, padding=1, padding_mode="reflect")
        first_weights(self)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """(n, latent_size), and int64 (n,) where there are classes, to (n, c, height, width)."""
        x = self.first(with_classes(latents, labels, self.n_classes))
        x = side_by_side(x.unflatten(1, self.base))
        x = self.first_look(relu(self.first_norm(x)))
        for block in self.blocks:
            x = block(x)
        # Without a normalisation before it, the output can have whatever range the pictures have.
        return torch.tanh(self.last(x))

    def settle(self, latents: Tensor, labels: Tensor | None = None) -> None:
        """Measure anew what batch normalisation uses outside training.

        The running means that training leaves are of weights that have changed since, and of none
        that were ever used where weights are averaged.

        Parameters
        ----------
        latents : tensor (n, latent_size)
            Hundreds of them.
        labels : int64 tensor (n,), optional
        """
        norms = [module for module in self.modules() if isinstance(module, nn.BatchNorm2d)]
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = 1.0  # one batch, taken as it is
        self.train()
        with torch.no_grad():
            self(latents, labels)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        self.eval()


class Critic(nn.Module):
    """Pictures in [-1, 1] -> scores, the higher the more real.

    Parameters
    ----------
    picture : (int, int, int)
        Channels, height and width.
    channels : int
        Feature maps at half the picture's size; twice as many at each further half.
    normalisation : {"batch", "layer", "spectral", "none"}
        Batch and layer normalisation are left out of the first layer.
    attention : bool
    n_classes : int
        With classes, the score gains the product of the features with a vector of the class
        (Miyato and Koyama 2018).

    Attributes
    ----------
    n_maps : int
        Channels of the last feature maps.
    """

    def __init__(
        self,
        picture: tuple[int, int, int],
        *,
        channels: int,
        normalisation: str = "batch",
        attention: bool = False,
        n_classes: int = 0,
    ) -> None:
        super().__init__()
        n_channels, height, width = picture
        sizes = scales_of(height, width)
        widths = [n_channels, *channels_of(channels, max(1, len(sizes) - 1))]
        spectral = normalisation == "spectral"
        convolution = SpectralConv2d if spectral else nn.Conv2d
        at = _attended(sizes) if attention else None
        layers: list[nn.Module] = []
        for i in range(len(widths) - 1):
            halved = i + 1 < len(sizes)
            layers += [
                # Of what is too small to be halved the size is kept.
                convolution(widths[i], widths[i + 1], 4 if halved else 3, 2 if halved else 1, 1),
                _norm(normalisation if i else "none", widths[i + 1]),
                nn.LeakyReLU(_SLOPE),
            ]
            if at is not None and i + 1 == max(1, min(at, len(widths) - 1)):
                layers.append(PictureAttention(widths[i + 1]))
        self.layers = nn.Sequential(*layers)
        self.n_maps = widths[-1]
        with torch.no_grad():
            n_features = self.layers.eval()(torch.zeros(1, *picture)).numel()
        self.layers.train()
        make = SpectralLinear if spectral else nn.Linear
        self.score = make(n_features, 1)
        self.of_class = nn.Embedding(n_classes, n_features) if n_classes else None
        first_weights(self)

    def features(self, pictures: Tensor) -> Tensor:
        """(n, c, height, width) to the last feature maps."""
        maps: Tensor = self.layers(side_by_side(pictures))
        return maps

    def forward(self, pictures: Tensor, labels: Tensor | None = None) -> Tensor:
        """(n, c, height, width) to scores (n,), without a sigmoid."""
        features = self.features(pictures).flatten(1)
        score: Tensor = self.score(features).squeeze(1)
        if self.of_class is not None and labels is not None:
            score = score + (self.of_class(labels) * features).sum(dim=1)
        return score


def with_classes(latents: Tensor, labels: Tensor | None, n_classes: int) -> Tensor:
    """Latent vectors with their classes behind them, one value for each class."""
    if not n_classes:
        return latents
    assert labels is not None
    return torch.cat([latents, one_hot(labels, n_classes).to(latents.dtype)], dim=1)


def first_weights(module: nn.Module) -> None:
    """Draw weights of convolutions and linear layers from N(0, 0.02), as DCGAN does."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.Embedding):
            nn.init.normal_(part.weight, std=_DEVIATION)
            if getattr(part, "bias", None) is not None:
                nn.init.zeros_(part.bias)  # type: ignore[arg-type]


def _attended(sizes: list[tuple[int, int]]) -> int:
    """Number of the largest size with no more places than attention can look at."""
    fits = [i for i, (height, width) in enumerate(sizes) if height * width <= _MOST_PLACES]
    return fits[0] if fits else len(sizes) - 1


def _norm(normalisation: str, n_channels: int) -> nn.Module:
    if normalisation == "batch":
        return nn.BatchNorm2d(n_channels)
    if normalisation == "layer":
        return nn.GroupNorm(1, n_channels)  # over all values of one picture
    return nn.Identity()


def side_by_side(x: Tensor) -> Tensor:
    """The same maps, with the channels of a pixel beside each other in memory.

    Convolutions are up to twice as fast so. Weights stay as they are: the state of an optimiser
    that is read from a checkpoint has the order of memory that weights usually have.
    """
    return x.contiguous(memory_format=torch.channels_last)


def lrelu(x: Tensor) -> Tensor:
    """The critic's rectifier, for generators that share it."""
    return leaky_relu(x, _SLOPE)
