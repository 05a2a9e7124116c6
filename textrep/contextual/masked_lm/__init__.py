"""Encoders that learn from texts without labels to fill in tokens that are hidden from them."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Candidate": "filling",
        "MaskedLanguageModel": "masked_language_model",
        "MaskedLanguageModule": "heads",
        "MaskedLanguageTask": "task",
        "mask_tokens": "masking",
        "masked_batches": "packing",
        "masking_tables": "masking",
        "replace_chosen": "masking",
    },
)
