"""Text -> text: language models, encoder-decoder; the one sampler and the one beam search."""

from typing import TYPE_CHECKING

from textrep.core.lazy import attach

if TYPE_CHECKING:
    from textrep.generation.beam import Hypothesis, beam_search
    from textrep.generation.chat import Chat
    from textrep.generation.code.completer import CodeCompleter
    from textrep.generation.expert_plot import plot_expert_use
    from textrep.generation.gpt import GPT
    from textrep.generation.in_context import InContextResult, InContextScore, evaluate_in_context
    from textrep.generation.pretrained_language_model import PretrainedLanguageModel
    from textrep.generation.rnn_language_model import RNNLanguageModel
    from textrep.generation.rnn_seq2seq import RNNSeq2Seq
    from textrep.generation.sampling import Sampler
    from textrep.generation.switch_transformer import SwitchTransformer
    from textrep.generation.transformer_seq2seq import TransformerSeq2Seq

__getattr__, __dir__, _names = attach(
    __name__,
    {
        "GPT": "gpt",
        "CodeCompleter": "code.completer",
        "Chat": "chat",
        "Hypothesis": "beam",
        "InContextResult": "in_context",
        "InContextScore": "in_context",
        "PretrainedLanguageModel": "pretrained_language_model",
        "RNNLanguageModel": "rnn_language_model",
        "RNNSeq2Seq": "rnn_seq2seq",
        "Sampler": "sampling",
        "SwitchTransformer": "switch_transformer",
        "TransformerSeq2Seq": "transformer_seq2seq",
        "beam_search": "beam",
        "evaluate_in_context": "in_context",
        "plot_expert_use": "expert_plot",
    },
)

__all__ = [
    "GPT",
    "Chat",
    "CodeCompleter",
    "Hypothesis",
    "InContextResult",
    "InContextScore",
    "PretrainedLanguageModel",
    "RNNLanguageModel",
    "RNNSeq2Seq",
    "Sampler",
    "SwitchTransformer",
    "TransformerSeq2Seq",
    "beam_search",
    "evaluate_in_context",
    "plot_expert_use",
]
