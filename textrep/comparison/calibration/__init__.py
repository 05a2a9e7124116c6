"""Probabilities that can be believed: scores, temperature scaling, and how far off they are."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "ReliabilityBin": "error",
        "Temperature": "temperature",
        "TemperatureScaledClassifier": "classifier",
        "calibration_error": "error",
        "find_temperature": "temperature",
        "reliability": "error",
        "scores_of": "scores",
        "soften": "scores",
    },
)
