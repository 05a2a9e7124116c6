"""`StyleTransfer`: the scene of one picture in the style of another."""

from __future__ import annotations

import os
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import TransformerMixin
from torch import Tensor, nn
from torch.nn.functional import interpolate

from textrep.core.messages import shown
from textrep.core.progress import Progress, progress
from textrep.core.random import RandomState, stream
from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.engine.device import choose_device
from textrep.engine.inference import lent_to
from textrep.image.estimator import PictureEstimator
from textrep.image.pixels import Pixels, check_pictures
from textrep.image.style_transfer.colours import with_colours_of
from textrep.image.style_transfer.hooked import Hooked
from textrep.image.style_transfer.losses import LossWeights, Objective, gram
from textrep.image.style_transfer.optimising import OPTIMIZERS, by_adam, by_lbfgs
from textrep.image.style_transfer.vgg import POOLINGS, VGG, check_layers, read_vgg, small_vgg

SMALL = "small-vgg"
STARTS = ("content", "noise")

_MOST_HALVINGS = 10
_SMALLEST_START = 32  # pixels of a side that is not halved below
_SMALLEST = 8  # pixels, which the small network halves three times


class StyleTransfer(TransformerMixin, PictureEstimator):
    """Pictures -> the same scenes with the strokes and colours of a painting.

    There is nothing to train: the pixels of the result are what is learnt, so that a network for
    seeing finds in it the features of the scene, place by place, and those of the painting,
    wherever they are.

    Parameters
    ----------
    features : "small-vgg", path or torch.nn.Module, default="small-vgg"
        The network that sees: the small one that comes with textrep; a file of weights of
        torchvision's VGG-11 to 19, which see more (``vgg19-dcbb9e9d.pth``; see
        `textrep.image.style_transfer.read_vgg`); or any module that takes pictures
        (n, 3, height, width) from 0 to 1.
    content_layers : list of str or None, default=None
        Layers that tell of the scene; None for the second rectifier of the last block but one.
        ``module_.names`` are those that there are. Of a module, names are needed.
    style_layers : list of str or None, default=None
        Layers that tell of the style; None for the first rectifier of each block.
    content_weight : float, default=1.0
        Of the squared distance of features, as a share of the squared length of the scene's own.
    style_weight : float, default=10.0
        Of the squared distance of Gram matrices, as a share likewise; each is a mean over layers.
    tv_weight : float, default=0.1
        Of the mean absolute difference of neighbouring pixels.
    steps : int, default=200
        At each size.
    halvings : int, default=1
        Times that a scene is halved to begin with, as far as 32 pixels are left: strokes are laid
        out at the small size, where they are twice as large, and refined at the next. More of them
        make it more of a painting and less of a photograph (Gatys et al. 2017, section 6).
    optimizer : {"lbfgs", "adam"}, default="lbfgs"
        "lbfgs" needs fewer steps and has nothing to be tuned.
    learning_rate : float, default=0.02
        Of "adam".
    start : {"content", "noise"}, default="content"
        What the result is before the first step.
    preserve_colours : bool, default=False
        Whether the style gives the brightness alone, and colours stay those of the scene.
    pooling : {"average", "max"}, default="average"
        How a VGG network halves.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; "auto" takes the best there is.
    precision : {"fp32"}, default="fp32"
        In fewer bits, gradients of pixels are too coarse for "lbfgs".
    random_state : int, Generator, RandomState or None, default=None
        Of noise to start from.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    module_ : VGG or Hooked
        The network, on the CPU.
    content_layers_, style_layers_ : list of str
    grams_ : list of float32 ndarray (channels, channels)
        Of the style, for each of ``style_layers_``; means over the pictures of `fit`.
    n_channels_, image_size_, n_features_in_ : int, (int, int), int
        Of the style's pictures.

    See Also
    --------
    textrep.CycleGAN : Learns from many pictures of a style, and then translates at once.

    References
    ----------
    L. Gatys, A. Ecker, M. Bethge: Image style transfer using convolutional neural networks, CVPR
    2016.

    L. Gatys, A. Ecker, M. Bethge, A. Hertzmann, E. Shechtman: Controlling perceptual factors in
    neural style transfer, CVPR 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from textrep.image import StyleTransfer
    >>> rng = np.random.default_rng(0)
    >>> scene, painting = rng.random((1, 3, 16, 16)), 0.5 * rng.random((1, 3, 16, 16))
    >>> model = StyleTransfer(steps=5, device="cpu").fit(painting)
    >>> made = model.transform(scene)
    >>> model.losses(made, scene)["style"] < 0.5 * model.losses(scene, scene)["style"]
    True
    """

    content_layers_: list[str]
    style_layers_: list[str]
    grams_: list[NDArray[np.float32]]
    module_: VGG | Hooked

    checkpoint = None  # nothing is trained

    def __init__(
        self,
        *,
        features: Any = SMALL,
        content_layers: Any = None,
        style_layers: Any = None,
        content_weight: float = 1.0,
        style_weight: float = 10.0,
        tv_weight: float = 0.1,
        steps: int = 200,
        halvings: int = 1,
        optimizer: str = "lbfgs",
        learning_rate: float = 0.02,
        start: str = "content",
        preserve_colours: bool = False,
        pooling: str = "average",
        device: str = "auto",
        precision: str = "fp32",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.features = features
        self.content_layers = content_layers
        self.style_layers = style_layers
        self.content_weight = content_weight
        self.style_weight = style_weight
        self.tv_weight = tv_weight
        self.steps = steps
        self.halvings = halvings
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.start = start
        self.preserve_colours = preserve_colours
        self.pooling = pooling
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    # ---- the style

    def fit(self, X: Any, y: Any = None) -> Self:
        """Take the style of pictures.

        Parameters
        ----------
        X : pictures
            Of at least 8 x 8 pixels, 16 x 16 for torchvision's networks, grey or of three colours;
            of several the mean style is taken.
        y : ignored

        Returns
        -------
        self : StyleTransfer

        Raises
        ------
        ValueError
            If `X` holds no pictures, a file no network, or a parameter is out of its range.
        """
        self._check_parameters()
        self.__dict__.pop("module_", None)
        module = self._read_network()
        content, style = self._choose_layers(module)
        pixels = _coloured(self._check_scenes(self._check_fit(X, least=1), module=module))
        with lent_to(module, choose_device(self.device)) as lent:
            sums: list[Any] = [0.0] * len(style)
            for picture in pixels:
                with torch.no_grad():
                    seen = lent(self._on_device(picture), [*content, *style])
                sums = [s + gram(seen[name])[0] for s, name in zip(sums, style, strict=True)]
        self.module_, self.content_layers_, self.style_layers_ = module, content, style
        self.grams_ = [(total / len(pixels)).cpu().numpy() for total in sums]
        return self

    def _read_network(self) -> VGG | Hooked:
        """The network, and ``blocks_``, by which a file's is built again without the file."""
        self.__dict__.pop("blocks_", None)
        if isinstance(self.features, nn.Module) or self.features == SMALL:
            return self._build()
        network = read_vgg(self.features, pooling=self.pooling)
        self.blocks_ = network.blocks
        return network.requires_grad_(False)

    def _build(self) -> VGG | Hooked:
        network: VGG | Hooked
        if isinstance(self.features, nn.Module):
            network = Hooked(self.features)
        elif self.features == SMALL:
            network = small_vgg(pooling=self.pooling)
        else:
            network = VGG(self.blocks_, pooling=self.pooling)
        return network.eval().requires_grad_(False)

    def _choose_layers(self, module: VGG | Hooked) -> tuple[list[str], list[str]]:
        content, style = self.content_layers, self.style_layers
        if isinstance(module, Hooked):
            if content is None or style is None:
                raise ValueError(
                    "content_layers and style_layers are needed with a module of one's own; it has "
                    f"{shown(module.names)}"
                )
        else:
            n_blocks = len(module.blocks)
            if content is None:
                block = max(1, n_blocks - 1)
                content = [f"relu{block}_{min(2, len(module.blocks[block - 1]))}"]
            if style is None:
                style = [f"relu{i}_1" for i in range(1, n_blocks + 1)]
        return (
            check_layers("content_layers", content, module.names),
            check_layers("style_layers", style, module.names),
        )

    def _check_parameters(self) -> None:
        """Refuse what is out of range, before any work."""
        if not isinstance(self.features, str | os.PathLike | nn.Module):
            raise ValueError(
                f"features must be {SMALL!r}, a path or a torch module, got {shown(self.features)}"
            )
        for name in ("content_weight", "style_weight", "tv_weight"):
            check_number(name, getattr(self, name), least=0)
        if not self.content_weight + self.style_weight:
            raise ValueError("content_weight and style_weight are both 0: there is nothing to do")
        check_count("steps", self.steps, 1)
        check_count("halvings", self.halvings, 0, _MOST_HALVINGS)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_number("learning_rate", self.learning_rate, above=0)
        check_choice("start", self.start, STARTS)
        check_choice("pooling", self.pooling, POOLINGS)
        check_choice("precision", self.precision, ("fp32",))
        if not isinstance(self.preserve_colours, bool | np.bool_):
            raise ValueError(
                f"preserve_colours must be True or False, got {shown(self.preserve_colours)}"
            )
        self._check_surroundings()

    # ---- the transfer

    def transform(self, X: Any) -> Pixels:
        """Give scenes the style.

        Parameters
        ----------
        X : pictures
            Scenes of at least 8 x 8 pixels, of any one size, grey or of three colours.

        Returns
        -------
        float32 ndarray (n, channels, height, width)
            Of the size and channels of `X`.
        """
        self._check_fitted()
        pixels = self._check_scenes(X)
        coloured = _coloured(pixels)
        bar: Progress[None] = progress(
            total=float(self.steps * len(pixels) * len(self._sizes(*pixels.shape[2:]))),
            description="Style transfer",
            verbose=self.verbose,
            unit="steps",
        )
        with bar, lent_to(self.module_, choose_device(self.device)) as module:
            made = np.stack([self._transfer(module, scene, bar) for scene in coloured])
        if self.preserve_colours:
            made = with_colours_of(made, coloured)
        return made if pixels.shape[1] == 3 else made.mean(axis=1, keepdims=True)

    def stylise(self, content: Any, style: Any) -> Pixels:
        """`fit` to a style and `transform` scenes.

        Parameters
        ----------
        content, style : pictures

        Returns
        -------
        float32 ndarray (n, channels, height, width)
        """
        return self.fit(style).transform(content)

    def _transfer(self, module: Any, scene: NDArray[np.float32], bar: Any) -> NDArray[np.float32]:
        content = self._on_device(scene)
        made: Tensor | None = None
        if self.start == "noise":  # the same for each scene, alone or among others
            noise = stream(self.random_state, "noise").random(scene.shape, dtype=np.float32)
            made = self._on_device(noise)

        def told(steps: int) -> None:
            bar.update(steps)

        for size in self._sizes(scene.shape[1], scene.shape[2]):
            smaller = _resized(content, size)
            objective = self._objective(module, smaller)
            begin = smaller if made is None else _resized(made, size)
            if self.optimizer == "lbfgs":
                made = by_lbfgs(objective, begin, self.steps, told)
            else:
                rate = self.learning_rate
                made = by_adam(objective, begin, self.steps, told, learning_rate=rate)
            made = made.to(content.device)
        assert made is not None
        return made[0].cpu().numpy()

    def _sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Sizes at which a scene is worked at, the smallest first."""
        sizes = [(height, width)]
        while len(sizes) <= self.halvings and min(sizes[0]) >= 2 * _SMALLEST_START:
            sizes.insert(0, (sizes[0][0] // 2, sizes[0][1] // 2))
        return sizes

    def _objective(self, module: Any, content: Tensor) -> Objective:
        grams = {
            name: torch.from_numpy(table).to(content.device)
            for name, table in zip(self.style_layers_, self.grams_, strict=True)
        }
        weights = LossWeights(self.content_weight, self.style_weight, self.tv_weight)
        return Objective(module, content, self.content_layers_, grams, weights)

    # ---- how well it went

    def losses(self, X: Any, content: Any) -> dict[str, float]:
        """The parts of what is minimised, before weights.

        Parameters
        ----------
        X : pictures
            Results.
        content : pictures
            Their scenes.

        Returns
        -------
        dict of str to float
            Means over the pictures of ``"content"`` and ``"style"``, shares of squared lengths, and
            ``"variation"``; and ``"total"``, their weighted sum.
        """
        self._check_fitted()
        results = _coloured(self._check_scenes(X))
        scenes = _coloured(self._check_scenes(content, "content"))
        if results.shape != scenes.shape:
            raise ValueError(f"X is {results.shape} and content {scenes.shape}")
        sums = dict.fromkeys(("content", "style", "variation", "total"), 0.0)
        with torch.no_grad(), lent_to(self.module_, choose_device(self.device)) as module:
            for result, scene in zip(results, scenes, strict=True):
                objective = self._objective(module, self._on_device(scene))
                parts = objective.losses(self._on_device(result))
                for name, value in {**parts, "total": objective.total(parts)}.items():
                    sums[name] += float(value) / len(results)
        return sums

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the loss that is left after the transfer to some scenes.

        Parameters
        ----------
        X : pictures
        y : ignored

        Returns
        -------
        float
            0 is best; of other weights, layers or networks it is not comparable.
        """
        return -self.losses(self.transform(X), X)["total"]

    def _check_scenes(self, X: Any, name: str = "X", module: nn.Module | None = None) -> Pixels:
        pixels = check_pictures(X, name=name)
        module = getattr(self, "module_", None) if module is None else module
        smallest = _SMALLEST
        if isinstance(module, VGG):  # which halves between its blocks
            smallest = max(smallest, 2 ** (len(module.blocks) - 1))
        if pixels.shape[1] not in (1, 3) or min(pixels.shape[2:]) < smallest:
            raise ValueError(
                f"{name} has pictures of {pixels.shape[2]} x {pixels.shape[3]} pixels with "
                f"{pixels.shape[1]} channels; at least {smallest} each way and 1 or 3 channels "
                "are needed"
            )
        return pixels

    def _check_fit(self, X: Any, *, name: str = "X", least: int = 1) -> Pixels:
        return self._check_scenes(super()._check_fit(X, name=name, least=least), name)

    def _on_device(self, picture: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(picture)[None].to(choose_device(self.device))


def _resized(picture: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(picture.shape[2:]) == size:
        return picture
    return interpolate(picture, size, mode="bilinear", antialias=True).clamp(0.0, 1.0)


def _coloured(pixels: Pixels) -> Pixels:
    """With three channels."""
    return pixels if pixels.shape[1] == 3 else np.repeat(pixels, 3, axis=1)
