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
        "Outcome": "outcome",
        "LatentSemanticAnalysis": "semantics",
        "QuantileBins": "quantile_bins",
        "RUNGS": "rungs",
        "Rung": "rungs",
        "SavedModel": "saved_model",
        "TemperatureScaledClassifier": "calibration",
        "TopicModel": "topics",
        "check_model_target": "saving",
        "choose_rungs": "rungs",
        "compare": "run",
        "explain": "explaining",
        "llm_rung": "llm.rung",
        "load_model": "saved_model",
        "save_model": "saving",
        "split_texts": "split",
    },
)
