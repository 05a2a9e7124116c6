"""Classifiers of texts that start from an encoder, published or pre-trained here."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "AlbertClassifier": "presets",
        "BertClassifier": "presets",
        "DistilBertClassifier": "presets",
        "ModernBertClassifier": "presets",
        "EncoderClassifier": "encoder_classifier",
        "EncoderClassifierModule": "module",
        "EncoderClassifierTask": "task",
        "XLNetClassifier": "presets",
    },
)
