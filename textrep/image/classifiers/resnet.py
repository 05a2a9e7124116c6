"""`ResNetClassifier`: classes of pictures by a residual network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from textrep.core.messages import shown
from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_count
from textrep.image.classifiers.base import PictureClassifier
from textrep.image.classifiers.task import PictureNetwork

_HALVED = 16  # sides that are so long are halved by the first convolution


class ResidualBlock(nn.Module):
    """Two convolutions and the way around them.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    stride : int
        2 halves the sides.

    References
    ----------
    K. He et al.: Deep residual learning for image recognition, CVPR 2016, section 4.2.
    """

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(n_out)
        self.second = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(n_out)
        # At first each block lets through what comes in (Goyal et al. 2017, section 5.1).
        nn.init.zeros_(self.second_norm.weight)
        self.around: nn.Module = nn.Identity()
        if stride != 1 or n_in != n_out:
            self.around = nn.Sequential(
                nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, n_in, H, W) to (B, n_out, H / stride, W / stride), sides rounded up."""
        y = F.relu(self.first_norm(self.first(x)))
        return F.relu(self.around(x) + self.second_norm(self.second(y)))


class ResNet(PictureNetwork):
    """A residual network with a mean over all places at its end.

    Parameters
    ----------
    n_channels : int
        Of the pictures.
    channels : sequence of int
        Of each stage; sides are halved between them.
    blocks : int
        Of each stage.
    feature_size, n_classes : int
    stride : int
        Of the first convolution.
    """

    def __init__(
        self,
        n_channels: int,
        channels: Sequence[int],
        blocks: int,
        feature_size: int,
        n_classes: int,
        stride: int,
    ) -> None:
        super().__init__(n_channels, channels[-1], feature_size, n_classes)
        self.entry = nn.Conv2d(n_channels, channels[0], 3, stride, padding=1, bias=False)
        self.entry_norm = nn.BatchNorm2d(channels[0])
        stages: list[nn.Module] = []
        n_in = channels[0]
        for stage, n_out in enumerate(channels):
            for block in range(blocks):
                halved = stage > 0 and block == 0
                stages.append(ResidualBlock(n_in, n_out, 2 if halved else 1))
                n_in = n_out
        self.stages = nn.Sequential(*stages)

    def body(self, pictures: Tensor) -> Tensor:
        """Means over all places, (B, channels[-1])."""
        x = F.relu(self.entry_norm(self.entry(pictures)))
        return self.stages(x).mean(dim=(2, 3))


class ResNetClassifier(PictureClassifier):
    """Classes of pictures by a residual network.

    Its penultimate layer, `transform`, gives the features by which `textrep.image.measures` tell
    how good made pictures are.

    Parameters
    ----------
    channels : sequence of int, default=(16, 32, 64)
        Of the stages, between which sides are halved; of pictures with sides of 16 and more the
        first convolution halves them too.
    blocks : int, default=2
        Of two convolutions, in each stage.
    feature_size : int, default=64
        Features of the layer before the classes.
    shift : int, default=2
        Pixels by which pictures are moved in training, at most, each way.
    flip : bool, default=False
        Mirror half of the pictures in training; not for digits and letters.
    epochs : int, default=6
        Times that the pictures are trained on.
    batch_size : int, default=128
        At least 2; a picture that is left over alone waits for the next epoch.
    learning_rate : float, default=3e-3
        The highest.
    weight_decay : float, default=0.01
        Of AdamW.
    schedule : str, default="one-cycle"
        How the rate goes up and down, see `textrep.engine.TrainingSettings`.
    class_weight : dict, "balanced" or None, default=None
        What the loss of each class is multiplied by.
    validation_fraction : float, default=0.0
        Share of each class that is held out to tell which epoch was best, whose weights are kept;
        fewer than 20 pictures are not.
    patience : int or None, default=None
        Stop after so many epochs without a lower loss on the pictures held out.
    max_seconds : float or None, default=None
        Time for training; the learning rate falls in it.
    checkpoint : str, path or None, default=None
        A file that keeps the state of training, from which `fit` goes on after an interruption;
        `random_state` must then be an int.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; "auto" takes the best there is.
    precision : {"auto", "fp32", "bf16"}, default="auto"
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    classes_ : ndarray (n_classes,)
        The labels, sorted.
    n_channels_, n_features_in_ : int
    image_size_ : (int, int)
        Height and width.
    module_ : torch.nn.Module
        The network, on the CPU.
    history_ : list of dict
        Loss, share of pictures that were classified rightly, learning rate and time of each epoch.
    n_epochs_ : int
    stopped_early_, out_of_time_ : bool
        Whether `patience` or `max_seconds` ended training; whether it was the latter.

    See Also
    --------
    textrep.VisionTransformerClassifier : Reads patches by attention.

    References
    ----------
    K. He et al.: Deep residual learning for image recognition, CVPR 2016.

    Examples
    --------
    >>> from textrep import ResNetClassifier
    >>> from textrep.image import load_pictures
    >>> digits = load_pictures("digits", part="train")
    >>> classifier = ResNetClassifier(channels=(8, 16), blocks=1, shift=0, epochs=6, batch_size=25,
    ...                               learning_rate=0.01, device="cpu", random_state=0)
    >>> classifier = classifier.fit(digits.pictures[:500], digits.labels[:500])
    >>> classifier.score(digits.pictures[:500], digits.labels[:500]) > 0.7
    True
    """

    # One picture alone, that stages have made one pixel of, has no variance to normalise by.
    _least_batch = 2

    module_: ResNet

    def __init__(
        self,
        *,
        channels: Sequence[int] = (16, 32, 64),
        blocks: int = 2,
        feature_size: int = 64,
        shift: int = 2,
        flip: bool = False,
        epochs: int = 6,
        batch_size: int = 128,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.01,
        schedule: str = "one-cycle",
        class_weight: Any = None,
        validation_fraction: float = 0.0,
        patience: int | None = None,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.channels = channels
        self.blocks = blocks
        self.feature_size = feature_size
        self.shift = shift
        self.flip = flip
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.max_seconds = max_seconds
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    def _check_shape(self) -> None:
        listed = isinstance(self.channels, list | tuple)
        if not listed or not self.channels:
            raise ValueError(f"channels must be a list of integers, got {shown(self.channels)}")
        for number in self.channels:
            check_count("channels", number, 1)
        check_count("blocks", self.blocks, 1)

    def _build(self) -> ResNet:
        return ResNet(
            self.n_channels_,
            self.channels,
            self.blocks,
            self.feature_size,
            len(self.classes_),
            2 if min(self.image_size_) >= _HALVED else 1,
        )
