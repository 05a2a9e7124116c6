"""Files with vectors: word2vec's text and binary, GloVe's text, fastText's .vec and .bin."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "FastTextFile": "fasttext_bin",
        "VectorFileError": "errors",
        "read_fasttext": "fasttext_bin",
        "read_vectors": "files",
        "subword_vectors": "subword_rows",
        "write_fasttext": "fasttext_bin",
        "write_vectors": "files",
    },
)
