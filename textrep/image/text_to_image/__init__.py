"""Pictures of what a text says."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {"TextCondition": "text_condition", "TextToImage": "estimator"},
)
