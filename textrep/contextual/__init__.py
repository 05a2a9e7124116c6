"""Texts in, contextual vectors and classes out: recurrent networks and what they are pre-trained to
know.
"""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "AlbertClassifier": "encoder_classifier",
        "BertClassifier": "encoder_classifier",
        "DistilBertClassifier": "encoder_classifier",
        "ModernBertClassifier": "encoder_classifier",
        "DistilledClassifier": "distillation.distilled_classifier",
        "ElmoEmbedder": "elmo",
        "EncoderClassifier": "encoder_classifier",
        "EncoderEmbedder": "encoder_embedder.encoder_embedder",
        "FewShotClassifier": "few_shot",
        "MaskedLanguageModel": "masked_lm",
        "PermutationLanguageModel": "permutation_lm.permutation_language_model",
        "RNNClassifier": "rnn_classifier",
        "SemanticSearch": "encoder_embedder.search",
        "StaticStudent": "distillation.static_student",
        "TokenClassifier": "tagging.token_classifier",
        "TransformerClassifier": "transformer_classifier",
        "UlmfitClassifier": "ulmfit",
        "XLNetClassifier": "encoder_classifier",
        "DistillationReport": "distillation.report",
        "distill": "distillation.distill",
        "entity_scores": "tagging.entity_scores",
        "read_conll": "tagging.conll",
        "write_conll": "tagging.conll",
    },
)
