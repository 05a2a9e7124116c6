"""Torch modules without opinions: recurrent layers, attention, masks, pooling, outputs, characters.

Batch first everywhere; a mask says True where something may be attended.
"""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "AdaptiveOutput": "output",
        "AdditiveAttention": "attention",
        "AttentionMask": "masks",
        "AttentionPooling": "pooling",
        "CharacterCNN": "characters",
        "DroppedEmbedding": "dropout",
        "Highway": "characters",
        "LockedDropout": "dropout",
        "MultiplicativeAttention": "attention",
        "PaddingMask": "masks",
        "Pooling": "pooling",
        "RecurrentStack": "recurrent",
        "ScalarMix": "scalar_mix",
        "SoftmaxOutput": "output",
        "TiedAdaptiveOutput": "output",
        "detach_state": "recurrent",
        "dict_to_state": "recurrent",
        "pool_sequence": "pooling",
        "pooled_size": "pooling",
        "select_state": "recurrent",
        "state_to_dict": "recurrent",
    },
)
