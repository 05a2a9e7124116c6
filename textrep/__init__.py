"""textrep turns text into vectors by every method behind one scikit-learn API.

Names resolve on first use, so importing the package costs next to nothing.

Examples
--------
>>> import textrep
>>> textrep.CountVectorizer().fit_transform(["so much text", "so little time"]).shape
(2, 5)
"""

from typing import TYPE_CHECKING

from textrep._version import __version__
from textrep.core.lazy import attach

if TYPE_CHECKING:
    from textrep.comparison import (
        ComparisonResult,
        LatentSemanticAnalysis,
        LLMClassifier,
        QuantileBins,
        TemperatureScaledClassifier,
        TopicModel,
        compare,
    )
    from textrep.contextual import (
        ElmoEmbedder,
        FewShotClassifier,
        RNNClassifier,
        TransformerClassifier,
        UlmfitClassifier,
    )
    from textrep.core.labels import LabelError
    from textrep.core.persist import PersistError, load, save
    from textrep.core.text import TextInputError
    from textrep.data import Corpus, DataError, load_corpus, stream_corpus
    from textrep.embeddings import (
        FastText,
        FastTextClassifier,
        GloVe,
        OneHotEmbedder,
        StaticEmbedder,
        VectorFileError,
        Word2Vec,
        WordVectors,
        read_vectors,
        write_vectors,
    )
    from textrep.generation import (
        GPT,
        CodeCompleter,
        RNNLanguageModel,
        RNNSeq2Seq,
        SwitchTransformer,
        TransformerSeq2Seq,
    )
    from textrep.image import VisionLanguageModel
    from textrep.preprocess import SpellingCorrector, Stemmer, SubwordTokenizer, TextCleaner
    from textrep.sparse import (
        NBSVM,
        BM25Index,
        BM25Transformer,
        BM25Vectorizer,
        CountVectorizer,
        HashingVectorizer,
        LogCountRatio,
        TfidfTransformer,
        TfidfVectorizer,
    )
    from textrep.sparse.patching import is_patched, patch_sklearn, patched_sklearn, unpatch_sklearn

__getattr__, __dir__, _names = attach(
    __name__,
    {
        "BM25Index": "sparse",
        "BM25Transformer": "sparse",
        "BM25Vectorizer": "sparse",
        "CodeCompleter": "generation",
        "ComparisonResult": "comparison",
        "Corpus": "data",
        "CountVectorizer": "sparse",
        "DataError": "data",
        "ElmoEmbedder": "contextual",
        "FastText": "embeddings",
        "FastTextClassifier": "embeddings",
        "FewShotClassifier": "contextual",
        "FusedPipeline": "sparse",
        "GPT": "generation",
        "GloVe": "embeddings",
        "HashingVectorizer": "sparse",
        "LLMClassifier": "comparison",
        "LabelError": "core.labels",
        "LatentSemanticAnalysis": "comparison",
        "LogCountRatio": "sparse",
        "NBSVM": "sparse",
        "OneHotEmbedder": "embeddings",
        "PersistError": "core.persist",
        "PretrainedLanguageModel": "generation",
        "QuantileBins": "comparison",
        "RNNClassifier": "contextual",
        "RNNLanguageModel": "generation",
        "RNNSeq2Seq": "generation",
        "SpellingCorrector": "preprocess",
        "StaticEmbedder": "embeddings",
        "Stemmer": "preprocess",
        "SubwordTokenizer": "preprocess",
        "TemperatureScaledClassifier": "comparison",
        "SwitchTransformer": "generation",
        "TextCleaner": "preprocess",
        "TextInputError": "core.text",
        "TfidfTransformer": "sparse",
        "TfidfVectorizer": "sparse",
        "TopicModel": "comparison",
        "TransformerClassifier": "contextual",
        "TransformerSeq2Seq": "generation",
        "UlmfitClassifier": "contextual",
        "VectorFileError": "embeddings",
        "VisionLanguageModel": "image",
        "Word2Vec": "embeddings",
        "WordVectors": "embeddings",
        "compare": "comparison",
        "fuse": "sparse",
        "is_patched": "sparse.patching",
        "load": "core.persist",
        "load_corpus": "data",
        "patch_sklearn": "sparse.patching",
        "patched_sklearn": "sparse.patching",
        "read_vectors": "embeddings",
        "save": "core.persist",
        "stream_corpus": "data",
        "unpatch_sklearn": "sparse.patching",
        "write_vectors": "embeddings",
    },
    submodules=(
        "cli",
        "comparison",
        "contextual",
        "core",
        "data",
        "embeddings",
        "generation",
        "image",
        "preprocess",
        "sparse",
    ),
)

__all__ = [
    "GPT",
    "NBSVM",
    "BM25Index",
    "BM25Transformer",
    "BM25Vectorizer",
    "CodeCompleter",
    "ComparisonResult",
    "Corpus",
    "CountVectorizer",
    "DataError",
    "ElmoEmbedder",
    "FastText",
    "FastTextClassifier",
    "FewShotClassifier",
    "FusedPipeline",
    "GloVe",
    "HashingVectorizer",
    "LLMClassifier",
    "LabelError",
    "LatentSemanticAnalysis",
    "LogCountRatio",
    "OneHotEmbedder",
    "PersistError",
    "PretrainedLanguageModel",
    "QuantileBins",
    "RNNClassifier",
    "RNNLanguageModel",
    "RNNSeq2Seq",
    "SpellingCorrector",
    "StaticEmbedder",
    "Stemmer",
    "SubwordTokenizer",
    "SwitchTransformer",
    "TemperatureScaledClassifier",
    "TextCleaner",
    "TextInputError",
    "TfidfTransformer",
    "TfidfVectorizer",
    "TopicModel",
    "TransformerClassifier",
    "TransformerSeq2Seq",
    "UlmfitClassifier",
    "VectorFileError",
    "VisionLanguageModel",
    "Word2Vec",
    "WordVectors",
    "__version__",
    "compare",
    "fuse",
    "is_patched",
    "load",
    "load_corpus",
    "patch_sklearn",
    "patched_sklearn",
    "read_vectors",
    "save",
    "stream_corpus",
    "unpatch_sklearn",
    "write_vectors",
]
