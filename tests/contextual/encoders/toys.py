"""Tiny encoders of each architecture."""

from __future__ import annotations

import functools
from typing import Any

from textrep.contextual.encoders import ARCHITECTURES, Encoder, EncoderTokenizer

TEXTS = [
    "so much text, so little time",
    "the quick brown fox jumps over the lazy dog",
    "time flies like an arrow; fruit flies like a banana",
    "much ado about nothing",
    "a little text about time",
]
SIZE = {"num_layers": 3, "hidden_size": 16, "num_heads": 2, "inner_size": 24}
PACKING = tuple(name for name in ARCHITECTURES if name != "xlnet")


@functools.cache
def tokenizer_for(architecture: str) -> EncoderTokenizer:
    """A tokenizer of some 100 tokens; byte-level BPE needs 256 more."""
    size = 320 if architecture == "roberta" else 110
    return EncoderTokenizer.train(TEXTS * 3, architecture=architecture, vocab_size=size)


def toy(architecture: str = "bert", *, seed: int = 0, **changes: Any) -> Encoder:
    """A tiny encoder with random weights, in evaluation mode."""
    if architecture == "modernbert":
        changes.setdefault("local_attention", 6)
    return Encoder.new(
        architecture, SIZE, tokenizer_for(architecture), max_length=32, seed=seed, **changes
    )
