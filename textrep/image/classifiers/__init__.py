"""Classes of pictures: a residual network and a Transformer of patches."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "PictureClassifier": "base",
        "ResNetClassifier": "resnet",
        "VisionTransformerClassifier": "vision_transformer",
    },
)
