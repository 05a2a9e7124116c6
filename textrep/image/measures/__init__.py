"""How good made pictures are, without foreign weights: distances and neighbours of features."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "GenerativeScores": "report",
        "density_coverage": "neighbours",
        "frechet_distance": "frechet",
        "kernel_distance": "kernel",
        "measure_pictures": "report",
        "mode_counts": "modes",
        "precision_recall": "neighbours",
        "two_sample_accuracy": "neighbours",
    },
)
