"""What is kept of a scene, of a style, and how smooth a picture is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

Features = Callable[[Tensor, Iterable[str]], dict[str, Tensor]]
"""Takes pictures (n, 3, height, width) and names of layers; gives what they make by name."""

_TINY = 1e-12


class LossWeights(NamedTuple):
    """Of the three parts."""

    content: float
    style: float
    variation: float


def gram(features: Tensor) -> Tensor:
    """How much each two features occur together, wherever that is.

    Parameters
    ----------
    features : tensor (n, channels, height, width)

    Returns
    -------
    tensor (n, channels, channels)
        Divided by channels * height * width, so that it does not grow with the picture.

    References
    ----------
    L. Gatys, A. Ecker, M. Bethge: Image style transfer using convolutional neural networks, CVPR
    2016, equation 3.

    Examples
    --------
    >>> gram(torch.ones(1, 2, 3, 3))
    tensor([[[0.5000, 0.5000],
             [0.5000, 0.5000]]])
    """
    flat = features.flatten(2)  # (n, channels, places)
    return flat @ flat.transpose(1, 2) / (flat.shape[1] * flat.shape[2])


def distance(found: Tensor, wanted: Tensor) -> Tensor:
    """Squared distance over the squared length of what is wanted, for each picture (n,).

    As a share it is of one size whatever the layer and the network, so that weights of losses need
    not be found anew for each.

    Parameters
    ----------
    found, wanted : tensor (n, ...)

    Returns
    -------
    tensor (n,)

    Examples
    --------
    >>> distance(torch.tensor([[3.0, 3.0]]), torch.tensor([[2.0, 2.0]]))
    tensor([0.2500])
    """
    squared = (found - wanted).flatten(1).square().sum(dim=1)
    return squared / (wanted.flatten(1).square().sum(dim=1) + _TINY)


def total_variation(pictures: Tensor) -> Tensor:
    """Mean absolute difference of neighbours, down and across, for each picture.

    Parameters
    ----------
    pictures : tensor (n, channels, height, width)

    Returns
    -------
    tensor (n,)

    Examples
    --------
    >>> total_variation(torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]]))  # 0 down, 1 across
    tensor([1.])
    """
    down = (pictures[:, :, 1:] - pictures[:, :, :-1]).abs()
    across = (pictures[:, :, :, 1:] - pictures[:, :, :, :-1]).abs()
    return down.flatten(1).mean(dim=1) + across.flatten(1).mean(dim=1)


class Objective:
    """The losses of a picture that is to become the scene of one in the style of another.

    Parameters
    ----------
    features : callable
    content : tensor (1, 3, height, width)
        The scene.
    content_layers : list of str
    grams : mapping of str to tensor (channels, channels)
        Of the style, by layer.
    weights : LossWeights
    """

    def __init__(
        self,
        features: Features,
        content: Tensor,
        content_layers: list[str],
        grams: Mapping[str, Tensor],
        weights: LossWeights,
    ) -> None:
        self._features = features
        self._grams = grams
        self._weights = weights
        self._layers = list(dict.fromkeys([*content_layers, *grams]))
        with torch.no_grad():
            self._content = features(content, content_layers)

    def losses(self, picture: Tensor) -> dict[str, Tensor]:
        """The three parts before weights, scalars: means over layers of shares."""
        found = self._features(picture, self._layers)
        content = [distance(found[name], wanted) for name, wanted in self._content.items()]
        style = [distance(gram(found[name]), g[None]) for name, g in self._grams.items()]
        zero = picture.new_zeros(())
        return {
            "content": torch.stack(content).mean() if content else zero,
            "style": torch.stack(style).mean() if style else zero,
            "variation": total_variation(picture).mean(),
        }

    def total(self, losses: Mapping[str, Tensor]) -> Tensor:
        """Their weighted sum."""
        weights = self._weights
        return (
            weights.content * losses["content"]
            + weights.style * losses["style"]
            + weights.variation * losses["variation"]
        )
