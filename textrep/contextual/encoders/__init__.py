"""Encoders of transformers (BERT and its kin) with the tokenizers they read texts by."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "ARCHITECTURES": "shapes",
        "POOLINGS": "batches",
        "SIZES": "shapes",
        "Encoder": "encoder",
        "EncoderBatch": "encoder",
        "EncoderRow": "tokens",
        "EncoderTokenizer": "tokens",
        "encoder_batches": "batches",
        "encoder_from_state": "state",
        "encoder_state": "state",
        "make_config": "shapes",
        "pooled": "batches",
        "resolve_encoder": "loading",
    },
)
