"""Text -> text: language models, encoder-decoder; the one sampler and the one beam search."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "RNNLanguageModel": "rnn_language_model",
        "RecurrentLM": "recurrent_module",
        "Sampler": "sampling",
    },
)
