"""Whether the data are fit to compare methods on, and what to do where they are not."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Finding": "finding",
        "Health": "overview",
        "LabelErrors": "label_errors",
        "dedupe": "removal",
        "examine": "examination",
        "find_label_errors": "label_errors",
        "out_of_fold": "crossing",
    },
)
