"""A rung for language models that are hosted behind an OpenAI-compatible endpoint."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "CostCapReached": "errors",
        "LLMClassifier": "classifier",
        "LLMError": "errors",
        "llm_rung": "rung",
    },
)
