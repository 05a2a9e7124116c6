"""Vectors of texts, words and sentences from encoders, and search by them."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "EncoderEmbedder": "encoder_embedder",
        "SemanticSearch": "search",
        "info_nce": "contrastive",
    },
)
