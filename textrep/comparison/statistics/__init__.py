"""What the figures of a comparison can bear: intervals, paired tests, the recommendation."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Recommendation": "recommendation",
        "accuracy_interval": "intervals",
        "approximate_randomization": "randomization",
        "detectable_difference": "power",
        "holm": "paired",
        "macro_f1_interval": "intervals",
        "mcnemar": "paired",
        "price": "prices",
        "recommend": "recommendation",
    },
)
