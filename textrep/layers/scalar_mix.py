"""A learned mixture of the layers of a network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from textrep.embeddings.parameters import check_count
from textrep.layers.masks import PaddingMask

EPSILON = 1e-5
"""Added to a variance before its root, as in layer normalisation."""


class ScalarMix(nn.Module):
    r"""A learned mixture of layers, :math:`\gamma \sum_j s_j h_j` with s a softmax.

    Parameters
    ----------
    n_layers : int
        Their weights are alike at first: the mixture is the mean.
    layer_norm : bool, default=False
        Whether each layer is first scaled to mean 0 and variance 1 over the real steps and all
        features of a text, without parameters.

    Attributes
    ----------
    scalars : Parameter, shape (n_layers,)
        Before the softmax.
    gamma : Parameter, scalar

    Notes
    -----
    AllenNLP's normalisation takes mean and variance over all texts of a batch, so that a text's
    vectors depend on its neighbours. Here each text has its own.

    References
    ----------
    Peters et al. (2018), Deep contextualized word representations, equation 1 and section 3.2.

    Examples
    --------
    >>> import torch
    >>> ScalarMix(2)([torch.zeros(3), torch.ones(3)]).tolist()
    [0.5, 0.5, 0.5]
    """

    def __init__(self, n_layers: int, *, layer_norm: bool = False) -> None:
        super().__init__()
        check_count("n_layers", n_layers, 1)
        self.layer_norm = bool(layer_norm)
        self.scalars = nn.Parameter(torch.zeros(n_layers))
        self.gamma = nn.Parameter(torch.ones(()))

    def normalized_weights(self) -> Tensor:
        """Weights of the layers (n_layers,), which add up to 1."""
        return self.scalars.softmax(dim=0)

    def forward(self, layers: Sequence[Tensor], mask: PaddingMask | None = None) -> Tensor:
        """Mix layers of one shape into one of that shape.

        Parameters
        ----------
        layers : sequence of n_layers Tensor
            Of any shape; (B, T, D) with ``layer_norm``.
        mask : PaddingMask of shape (B, T), optional
            Real steps, for ``layer_norm``; all where absent. Padding is 0 in what it gives.

        Raises
        ------
        ValueError
            If the number of layers is another one.
        """
        if len(layers) != len(self.scalars):
            raise ValueError(f"layers must be {len(self.scalars)} tensors, got {len(layers)}")
        if self.layer_norm:
            layers = [_normalised(layer, mask) for layer in layers]
        weights = self.normalized_weights().unbind()
        mixed = torch.stack([weight * layer for weight, layer in zip(weights, layers, strict=True)])
        return self.gamma * mixed.sum(dim=0)


def _normalised(layer: Tensor, mask: PaddingMask | None) -> Tensor:
    """Each row (T, D) with mean 0 and variance 1 over its real steps, and 0 at padding."""
    keep = torch.ones_like(layer[..., :1]) if mask is None else mask.keep[..., None].to(layer.dtype)
    count = (keep.sum(dim=(1, 2), keepdim=True) * layer.shape[2]).clamp(min=1)
    mean = (layer * keep).sum(dim=(1, 2), keepdim=True) / count
    centred = (layer - mean) * keep
    variance = centred.square().sum(dim=(1, 2), keepdim=True) / count
    return centred / (variance + EPSILON).sqrt()
