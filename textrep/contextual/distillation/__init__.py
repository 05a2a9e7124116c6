"""Small students of large encoders: fewer layers, or word vectors alone."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "DistillationReport": "report",
        "DistilledClassifier": "distilled_classifier",
        "Recipe": "recipe",
        "PieceVectors": "piece_vectors",
        "StaticStudent": "static_student",
        "agreement": "report",
        "evenly_spaced_layers": "student",
    },
)
