"""Attention whose time and memory grow with the length of a text, not with its square.

All of them are a `Mechanism`, as full attention is, and none of them ever makes a table of queries
by keys.
"""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "ATTENTIONS": "choice",
        "BlockSparseAttention": "block_sparse",
        "LSHAttention": "lsh",
        "LinearAttention": "linear",
        "LinformerAttention": "linformer",
        "MECHANISMS": "choice",
        "PerformerAttention": "performer",
        "SlidingWindowAttention": "block_sparse",
        "make_mechanism": "choice",
        "mechanisms_of_layers": "choice",
    },
)
