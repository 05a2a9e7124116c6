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
        "BlockShape": "transformer",
        "CharacterCNN": "characters",
        "DroppedEmbedding": "dropout",
        "FeedForward": "feed_forward",
        "FullAttention": "multi_head",
        "Highway": "characters",
        "KeyValueCache": "key_value_cache",
        "LearnedPositions": "positions",
        "LockedDropout": "dropout",
        "Mechanism": "multi_head",
        "MultiHeadAttention": "multi_head",
        "MultiplicativeAttention": "attention",
        "PaddingMask": "masks",
        "Pooling": "pooling",
        "RecurrentStack": "recurrent",
        "RotaryPositions": "positions",
        "ScalarMix": "scalar_mix",
        "SinusoidalPositions": "positions",
        "SoftmaxOutput": "output",
        "SwitchFeedForward": "experts",
        "TiedAdaptiveOutput": "output",
        "TransformerBlock": "transformer",
        "TransformerStack": "transformer",
        "alibi_slopes": "positions",
        "detach_state": "recurrent",
        "dict_to_state": "recurrent",
        "pool_sequence": "pooling",
        "pooled_size": "pooling",
        "select_state": "recurrent",
        "state_to_dict": "recurrent",
    },
)
