"""Style transfer: the scene of one picture with the strokes and colours of another."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Objective": "losses",
        "StyleTransfer": "style_transfer",
        "VGG": "vgg",
        "gram": "losses",
        "read_vgg": "vgg",
        "save_vgg": "vgg",
        "small_vgg": "vgg",
        "total_variation": "losses",
    },
)
