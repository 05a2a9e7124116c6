"""Pixels: what reads images, and what makes them."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "VisionLanguageModel": "vision_language",
        "check_images": "pictures",
        "read_image": "pictures",
    },
)
