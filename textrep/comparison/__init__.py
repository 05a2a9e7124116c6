"""Every representation on one data set, side by side."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "ComparisonError": "errors",
        "ComparisonResult": "result",
        "CostCapReached": "llm.errors",
        "LLMClassifier": "llm.classifier",
        "LLMError": "llm.errors",
        "Outcome": "result",
        "LatentSemanticAnalysis": "semantics",
        "RUNGS": "rungs",
        "Rung": "rungs",
        "TemperatureScaledClassifier": "calibration",
        "TopicModel": "topics",
        "choose_rungs": "rungs",
        "compare": "run",
        "llm_rung": "llm.rung",
        "split_texts": "split",
    },
)
