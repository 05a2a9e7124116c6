"""Tokens in, static vectors of words and documents out: word2vec, fastText, GloVe and what is made
of them.
"""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "AnalogyScores": "scores",
        "SimilarityScore": "scores",
        "TokenCorpus": "corpus",
        "UnknownWordError": "unknown",
        "VectorFileError": "formats",
        "WordEmbedder": "embedder",
        "WordVectors": "vectors",
        "evaluate_analogies": "evaluation",
        "evaluate_similarity": "evaluation",
        "read_corpus": "corpus",
        "read_vectors": "formats",
        "write_vectors": "formats",
    },
)
