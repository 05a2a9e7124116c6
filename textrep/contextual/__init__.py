"""Texts in, contextual vectors and classes out: recurrent networks and what they are pre-trained to
know.
"""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "ElmoEmbedder": "elmo",
        "FewShotClassifier": "few_shot",
        "RNNClassifier": "rnn_classifier",
        "TransformerClassifier": "transformer_classifier",
        "UlmfitClassifier": "ulmfit",
    },
)
