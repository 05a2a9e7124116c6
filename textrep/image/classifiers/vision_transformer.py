"""`VisionTransformerClassifier`: classes of pictures by attention between patches."""

from __future__ import annotations

import os
from typing import Any

from torch import Tensor, nn

from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_count
from textrep.image.classifiers.base import PictureClassifier
from textrep.image.classifiers.task import PictureNetwork
from textrep.layers.dropout import check_dropout, drop
from textrep.layers.positions import LearnedPositions
from textrep.layers.transformer import BlockShape, TransformerStack

_INNER = 4  # times the features, inside the feed-forward layers (Vaswani et al. 2017)


class VisionTransformer(PictureNetwork):
    """Patches as tokens, blocks of attention, the mean of all tokens.

    Parameters
    ----------
    n_channels : int
        Of the pictures.
    size : (int, int)
        Their height and width.
    patch_size : int
    shape : BlockShape
    n_layers, feature_size, n_classes : int
    """

    def __init__(
        self,
        n_channels: int,
        size: tuple[int, int],
        patch_size: int,
        shape: BlockShape,
        n_layers: int,
        feature_size: int,
        n_classes: int,
    ) -> None:
        super().__init__(n_channels, shape.size, feature_size, n_classes)
        self.patches = nn.Conv2d(n_channels, shape.size, patch_size, patch_size)
        n_patches = (size[0] // patch_size) * (size[1] // patch_size)
        self.positions = LearnedPositions(n_patches, shape.size)
        self.stack = TransformerStack(shape, n_layers)
        self.dropout = shape.dropout

    def body(self, pictures: Tensor) -> Tensor:
        """Means over all patches, (B, D)."""
        x = self.patches(pictures).flatten(2).transpose(1, 2)  # (B, T, D)
        x = self.positions(x)
        if self.training and self.dropout:
            x = drop(x, self.dropout)
        return self.stack(x)[0].mean(dim=1)


class VisionTransformerClassifier(PictureClassifier):
    """Classes of pictures by a Transformer whose tokens are square patches.

    It knows nothing of what lies beside what, and learns it from the pictures: of tens of
    thousands it needs more time than `ResNetClassifier` to be as good.

    Parameters
    ----------
    patch_size : int, default=4
        Pixels of a patch's side; height and width of the pictures must be multiples of it. The
        time is about that of their number.
    num_layers : int, default=4
    num_heads : int, default=4
    hidden_size : int, default=64
        Features of a patch; a multiple of `num_heads`.
    dropout : float, default=0.0
    feature_size : int, default=64
        Features of the layer before the classes.
    shift : int, default=1
        Pixels by which pictures are moved in training, at most, each way.
    flip : bool, default=False
        Mirror half of the pictures in training; not for digits and letters.
    epochs : int, default=10
        Times that the pictures are trained on.
    batch_size : int, default=128
    learning_rate : float, default=2e-3
        The highest.
    weight_decay : float, default=0.05
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
    textrep.ResNetClassifier : Reads by convolutions.

    References
    ----------
    A. Dosovitskiy et al.: An image is worth 16x16 words: Transformers for image recognition at
    scale, ICLR 2021.

    L. Beyer, X. Zhai, A. Kolesnikov: Better plain ViT baselines for ImageNet-1k, 2022 (the mean of
    the patches in place of a token for the class).

    Examples
    --------
    >>> from textrep import VisionTransformerClassifier
    >>> from textrep.image import load_pictures
    >>> digits = load_pictures("digits", part="train")
    >>> classifier = VisionTransformerClassifier(patch_size=2, num_layers=1, hidden_size=32,
    ...     epochs=15, batch_size=25, learning_rate=5e-3, shift=0, device="cpu", random_state=0)
    >>> classifier = classifier.fit(digits.pictures[:500], digits.labels[:500])
    >>> classifier.score(digits.pictures[:500], digits.labels[:500]) > 0.7
    True
    """

    module_: VisionTransformer

    def __init__(
        self,
        *,
        patch_size: int = 4,
        num_layers: int = 4,
        num_heads: int = 4,
        hidden_size: int = 64,
        dropout: float = 0.0,
        feature_size: int = 64,
        shift: int = 1,
        flip: bool = False,
        epochs: int = 10,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.05,
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
        self.patch_size = patch_size
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.hidden_size = hidden_size
        self.dropout = dropout
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
        for name in ("patch_size", "num_layers", "num_heads", "hidden_size"):
            check_count(name, getattr(self, name), 1)
        check_dropout("dropout", self.dropout)
        if self.hidden_size % self.num_heads:
            raise ValueError(
                f"hidden_size must be a multiple of num_heads={self.num_heads}, got "
                f"{self.hidden_size}"
            )

    def _fits_size(self) -> None:
        height, width = self.image_size_
        if height % self.patch_size or width % self.patch_size:
            raise ValueError(
                f"X has pictures of {height} x {width} pixels, which patch_size={self.patch_size} "
                "does not divide; take another, or resize the pictures"
            )

    def _build(self) -> VisionTransformer:
        shape = BlockShape(
            size=self.hidden_size,
            n_heads=self.num_heads,
            inner_size=_INNER * self.hidden_size,
            dropout=self.dropout,
        )
        return VisionTransformer(
            self.n_channels_,
            self.image_size_,
            self.patch_size,
            shape,
            self.num_layers,
            self.feature_size,
            len(self.classes_),
        )
