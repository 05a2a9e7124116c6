"""Text -> text: language models, encoder-decoder; the one sampler and the one beam search."""

from typing import TYPE_CHECKING

from textrep.core.lazy import attach

if TYPE_CHECKING:
    from textrep.generation.beam import Hypothesis, beam_search
    from textrep.generation.rnn_language_model import RNNLanguageModel
    from textrep.generation.rnn_seq2seq import RNNSeq2Seq
    from textrep.generation.sampling import Sampler

__getattr__, __dir__, _names = attach(
    __name__,
    {
        "Hypothesis": "beam",
        "RNNLanguageModel": "rnn_language_model",
        "RNNSeq2Seq": "rnn_seq2seq",
        "Sampler": "sampling",
        "beam_search": "beam",
    },
)

__all__ = [
    "Hypothesis",
    "RNNLanguageModel",
    "RNNSeq2Seq",
    "Sampler",
    "beam_search",
]
