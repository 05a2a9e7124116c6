"""Tokens in, static vectors of words and documents out: word2vec, fastText, GloVe and what is made
of them.
"""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "AnalogyScores": "scores",
        "FastText": "fasttext",
        "GloVe": "glove",
        "NgramTable": "subword_vectors",
        "FastTextClassifier": "fasttext_classifier",
        "OneHotEmbedder": "one_hot",
        "SimilarityScore": "scores",
        "StaticEmbedder": "static",
        "SubwordVectors": "subword_vectors",
        "TokenCorpus": "corpus",
        "UnknownWordError": "unknown",
        "VectorFileError": "formats",
        "Word2Vec": "word2vec",
        "WordEmbedder": "embedder",
        "WordMap": "mapping",
        "WordVectors": "vectors",
        "evaluate_analogies": "evaluation",
        "evaluate_similarity": "evaluation",
        "map_words": "mapping",
        "quantised": "quantise",
        "read_corpus": "corpus",
        "read_vectors": "formats",
        "write_vectors": "formats",
    },
)
