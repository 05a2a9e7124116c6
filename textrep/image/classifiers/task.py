"""Training of classifiers of pictures, and the network's part that all of them have."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from textrep.engine.loss import LossSum
from textrep.engine.task import Task
from textrep.image.classifiers.augmentation import moved

_LEAST_DEVIATION = 1e-3  # of a channel that is the same everywhere


class PictureNetwork(nn.Module):
    """Pictures -> features -> scores of classes; subclasses say how features are made.

    Parameters
    ----------
    n_channels : int
        Of the pictures.
    width : int
        Of what the body of the network gives.
    feature_size, n_classes : int

    Attributes
    ----------
    mean, deviation : Tensor (n_channels,)
        Of the pixels that were learnt from, by which all are standardised.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, n_channels: int, width: int, feature_size: int, n_classes: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_channels))
        self.register_buffer("deviation", torch.ones(n_channels))
        self.to_features = nn.Linear(width, feature_size)
        self.output = nn.Linear(feature_size, n_classes)

    def standardise_by(self, pixels: NDArray[np.float32]) -> None:
        """Take mean and deviation of each channel from pictures (n, C, H, W)."""
        axes = (0, 2, 3)
        self.mean.copy_(torch.from_numpy(pixels.mean(axis=axes, dtype=np.float64)))
        deviation = np.maximum(pixels.std(axis=axes, dtype=np.float64), _LEAST_DEVIATION)
        self.deviation.copy_(torch.from_numpy(deviation))

    def body(self, pictures: Tensor) -> Tensor:
        """Standardised pictures (B, C, H, W) as (B, width)."""
        raise NotImplementedError

    def features(self, pictures: Tensor) -> Tensor:
        """What lies before the scores, none below 0: (B, feature_size)."""
        mean, deviation = self.mean[:, None, None], self.deviation[:, None, None]
        return F.relu(self.to_features(self.body((pictures - mean) / deviation)))

    def forward(self, pictures: Tensor) -> Tensor:
        """Scores of classes, (B, n_classes)."""
        return self.output(self.features(pictures))


class PictureClassificationTask(Task):
    """Cross entropy of a network of pictures.

    Parameters
    ----------
    module : PictureNetwork
    class_weights : float array (n_classes,)
        What the loss of the pictures of each class is multiplied by.
    shift : int
        Pixels by which pictures are moved in training, at most.
    """

    class_weights: Tensor

    def __init__(
        self, module: PictureNetwork, class_weights: NDArray[np.floating[Any]], shift: int
    ) -> None:
        super().__init__()
        self.module = module
        self.shift = shift
        weights = torch.as_tensor(np.asarray(class_weights, dtype=np.float32))
        self.register_buffer("class_weights", weights, persistent=False)

    def loss(self, phase: str, batch: tuple[Tensor, Tensor]) -> LossSum:
        """Sum over the pictures; ``correct`` counts those that are classified rightly."""
        pictures, labels = batch
        if self.training:
            pictures = moved(pictures, self.shift)
        logits = self.module(pictures).float()  # (B, n_classes)
        losses = F.cross_entropy(logits, labels, reduction="none")
        total = (losses * self.class_weights[labels]).sum()
        correct = (logits.argmax(dim=1) == labels).sum()
        return LossSum(total, float(len(labels)), {"correct": correct})
