"""Stacks of small convolutions that can be looked into, and the files of their weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d, relu

from textrep.core.files import atomic_write
from textrep.core.messages import printable, shown

Blocks = Sequence[Sequence[int]]
"""Channels of each convolution, block by block; pictures are halved between blocks."""

SMALL_BLOCKS: Blocks = ((16, 16), (32, 32), (64, 64), (64, 64))
"""Of the network that comes with textrep, which `benchmarks/train_small_vgg.py` trains."""

SMALL_FILE = Path(__file__).with_name("small_vgg.safetensors")

POOLINGS = ("average", "max")

# Convolutions of each block of VGG-11, 13, 16 and 19 (Simonyan and Zisserman 2015, table 1).
_BY_COUNT = {8: (1, 1, 2, 2, 2), 10: (2, 2, 2, 2, 2), 13: (2, 2, 3, 3, 3), 16: (2, 2, 4, 4, 4)}
# What torchvision's weights were trained with.
_IMAGENET_MEAN, _IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_TINY = 1e-8


class VGG(nn.Module):
    """Blocks of 3 x 3 convolutions with rectifiers (Simonyan and Zisserman 2015), without classes.

    Parameters
    ----------
    blocks : sequence of sequences of int
        Channels of each convolution.
    batch_norm : bool, default=False
        For training; `folded` takes it out afterwards.
    pooling : {"average", "max"}, default="average"
        Between blocks. Averages make smoother pictures (Gatys et al. 2016, section 2).

    Attributes
    ----------
    mean, deviation : tensor (3, 1, 1)
        That pictures are normalised by.
    names : list of str
        Of the layers: ``"conv1_1"``, ``"relu1_1"``, ..., ``"pool1"``.

    Examples
    --------
    >>> network = VGG([[4, 4], [8]])
    >>> network.names
    ['conv1_1', 'relu1_1', 'conv1_2', 'relu1_2', 'pool1', 'conv2_1', 'relu2_1']
    >>> network(torch.rand(1, 3, 8, 8), ["relu2_1"])["relu2_1"].shape
    torch.Size([1, 8, 4, 4])
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self, blocks: Blocks, *, batch_norm: bool = False, pooling: str = "average"
    ) -> None:
        super().__init__()
        self.blocks = [list(block) for block in blocks]
        self.pooling = pooling
        self.convolutions = nn.ModuleDict()
        self.norms = nn.ModuleDict()
        self.names: list[str] = []
        given = 3
        for i, block in enumerate(self.blocks, start=1):
            if i > 1:
                self.names.append(f"pool{i - 1}")
            for j, channels in enumerate(block, start=1):
                place = f"{i}_{j}"
                self.convolutions[place] = nn.Conv2d(given, channels, 3, padding=1)
                if batch_norm:
                    self.norms[place] = nn.BatchNorm2d(channels)
                self.names += [f"conv{place}", f"relu{place}"]
                given = channels
        self.register_buffer("mean", torch.zeros(3, 1, 1))
        self.register_buffer("deviation", torch.ones(3, 1, 1))

    def forward(self, pictures: Tensor, wanted: Iterable[str]) -> dict[str, Tensor]:
        """What some layers make of pictures (n, 3, height, width) from 0 to 1.

        Rectifiers make new tensors, so that a convolution that is asked for stays as it was.

        Parameters
        ----------
        pictures : tensor (n, 3, height, width)
        wanted : iterable of str
            Layers; those behind the last of them are not computed.

        Returns
        -------
        dict of str to tensor (n, channels, height, width)
        """
        left = set(wanted)
        found: dict[str, Tensor] = {}
        x = (pictures - self.mean) / self.deviation
        for name in self.names:
            if not left:
                break
            x = self._layer(name, x)
            if name in left:
                found[name] = x
                left.remove(name)
        return found

    def by_place(self) -> list[tuple[str, nn.Conv2d]]:
        """The convolutions by block and number, such as ``"1_1"``, from below."""
        return [
            (place, layer)
            for place, layer in self.convolutions.items()
            if isinstance(layer, nn.Conv2d)
        ]

    def _layer(self, name: str, x: Tensor) -> Tensor:
        kind, place = name[:4], name[4:]
        if kind == "relu":
            return relu(x)
        if kind == "pool":
            return avg_pool2d(x, 2) if self.pooling == "average" else max_pool2d(x, 2)
        y: Tensor = self.convolutions[place](x)
        return self.norms[place](y) if place in self.norms else y


def folded(network: VGG) -> VGG:
    """The same function outside training, without batch normalisation."""
    plain = VGG(network.blocks, pooling=network.pooling)
    plain.mean.copy_(network.mean)
    plain.deviation.copy_(network.deviation)
    trained = dict(network.by_place())
    with torch.no_grad():
        for place, layer in plain.by_place():
            norm, own = network.norms[place], trained[place]
            assert isinstance(norm, nn.BatchNorm2d)
            assert norm.running_mean is not None
            assert norm.running_var is not None
            assert own.bias is not None
            assert layer.bias is not None
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()
            layer.weight.copy_(own.weight * scale[:, None, None, None])
            layer.bias.copy_((own.bias - norm.running_mean) * scale + norm.bias)
    return plain.eval()


@torch.no_grad()
def balance(network: VGG, pictures: Tensor) -> None:
    """Scale the convolutions so that the mean of each rectifier's output is 1.

    What the network computes stays the same but for factors, and losses of different layers are of
    one size, so that none needs a weight of its own (Gatys et al. 2016, section 2).

    Parameters
    ----------
    network : VGG
        Without batch normalisation; changed in place.
    pictures : tensor (n, 3, height, width)
        Over which means are taken.
    """
    for place, layer in network.by_place():
        assert layer.bias is not None
        # Layer by layer from below: what a layer is given has a mean of 1 already.
        mean = float(network(pictures, [f"relu{place}"])[f"relu{place}"].mean())
        factor = 1.0 / max(mean, _TINY)
        layer.weight.mul_(factor)
        layer.bias.mul_(factor)


# ---- weights


def small_vgg(*, pooling: str = "average") -> VGG:
    """The network that comes with textrep: 145,000 weights, learnt from 9,000 pictures of CIFAR-10.

    Returns
    -------
    VGG
        In evaluation mode.
    """
    return read_vgg(SMALL_FILE, pooling=pooling)


def read_vgg(path: str | Path, *, pooling: str = "average") -> VGG:
    """A VGG network from a file of weights.

    Parameters
    ----------
    path : str or Path
        A safetensors file, or what `torch.save` wrote of tensors alone; with the names of
        torchvision's VGG-11, 13, 16 and 19 (``features.0.weight``, ...), with or without batch
        normalisation, in any width, or those that `save_vgg` gives. Nothing in it is executed.
    pooling : {"average", "max"}, default="average"

    Returns
    -------
    VGG
        In evaluation mode; torchvision's with the mean and deviation of ImageNet.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds no such network.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file of weights {printable(str(path))}")
    weights = _tensors_of(path)
    try:
        own = "mean" in weights and any(name.startswith("convolutions.") for name in weights)
        network = _own(weights, pooling) if own else _torchvisions(weights, pooling)
    except (IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{printable(str(path))} holds no VGG network: {error}") from None
    return network.eval()


def save_vgg(path: str | Path, network: VGG) -> None:
    """Write a network without batch normalisation, in half precision."""
    from safetensors.torch import save

    weights = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    with atomic_write(path) as file:
        file.write(save(weights))


def _tensors_of(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(str(path))
        except SafetensorError as error:
            raise ValueError(f"{printable(str(path))} is no safetensors file: {error}") from None
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and pickle have many
        raise ValueError(
            f"{printable(str(path))} is no file of tensors alone: {str(error)[:200]}"
        ) from None
    tensors = isinstance(found, Mapping) and all(
        isinstance(name, str) and torch.is_tensor(value) for name, value in found.items()
    )
    if not tensors:
        raise ValueError(f"{printable(str(path))} is no table of tensors by name")
    return dict(found)


def _own(weights: Mapping[str, Tensor], pooling: str) -> VGG:
    widths: dict[int, list[int]] = {}
    for name, value in weights.items():
        if match := re.fullmatch(r"convolutions\.(\d+)_\d+\.bias", name):
            widths.setdefault(int(match[1]), []).append(len(value))
    network = VGG([widths[i] for i in sorted(widths)], pooling=pooling)
    network.load_state_dict({name: value.float() for name, value in weights.items()})
    return network


def _torchvisions(weights: Mapping[str, Tensor], pooling: str) -> VGG:
    """By position: convolutions have weights with four axes, batch normalisation means."""
    numbers = sorted(
        int(match[1])
        for name, value in weights.items()
        if (match := re.fullmatch(r"features\.(\d+)\.weight", name)) and value.ndim == 4
    )
    if len(numbers) not in _BY_COUNT:
        raise ValueError(
            f"it has {len(numbers)} convolutions named features.N.weight; VGG-11, 13, 16 and 19 "
            f"have {', '.join(map(str, _BY_COUNT))}"
        )
    left = iter(numbers)
    blocks = [
        [len(weights[f"features.{next(left)}.bias"]) for _ in range(n)]
        for n in _BY_COUNT[len(numbers)]
    ]
    with_norms = f"features.{numbers[0] + 1}.running_mean" in weights
    network = VGG(blocks, batch_norm=with_norms, pooling=pooling)
    state = {
        "mean": torch.tensor(_IMAGENET_MEAN).view(3, 1, 1),
        "deviation": torch.tensor(_IMAGENET_DEVIATION).view(3, 1, 1),
    }
    for number, place in zip(numbers, network.convolutions, strict=True):
        for part in ("weight", "bias"):
            state[f"convolutions.{place}.{part}"] = weights[f"features.{number}.{part}"].float()
        if with_norms:
            for part in ("weight", "bias", "running_mean", "running_var"):
                value = weights[f"features.{number + 1}.{part}"].float()
                state[f"norms.{place}.{part}"] = value
            state[f"norms.{place}.num_batches_tracked"] = torch.zeros((), dtype=torch.int64)
    network.load_state_dict(state)
    return folded(network.eval()) if with_norms else network


def check_layers(name: str, layers: Any, known: Iterable[str]) -> list[str]:
    """Names of layers, each of which there is."""
    known = list(known)
    wanted = None if isinstance(layers, str) or not isinstance(layers, Iterable) else list(layers)
    if wanted is None or not all(isinstance(layer, str) for layer in wanted):
        raise ValueError(f"{name} must be a list of names of layers, got {shown(layers)}")
    for layer in wanted:
        if layer not in known:
            some = ", ".join(map(repr, known[:20]))
            raise ValueError(f"{name} has {layer!r}, which is no layer; there are {some}")
    return wanted
