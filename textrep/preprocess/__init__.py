"""Raw text -> clean text and tokens: cleaning, stop words, stemming, spelling, subwords."""

from typing import TYPE_CHECKING

from textrep.core.lazy import attach

if TYPE_CHECKING:
    from textrep.preprocess.cleaner import TextCleaner
    from textrep.preprocess.codec import TextCodec
    from textrep.preprocess.resolve import resolve_spelling, resolve_stemmer
    from textrep.preprocess.spelling import SpellingCorrector
    from textrep.preprocess.stemmer import Stemmer
    from textrep.preprocess.stopwords import stop_words
    from textrep.preprocess.subwords import SubwordTokenizer
    from textrep.preprocess.tokenizer_codec import TokenizerCodec

__getattr__, __dir__, _names = attach(
    __name__,
    {
        "SpellingCorrector": "spelling",
        "Stemmer": "stemmer",
        "SubwordTokenizer": "subwords",
        "TextCleaner": "cleaner",
        "TextCodec": "codec",
        "TokenizerCodec": "tokenizer_codec",
        "resolve_spelling": "resolve",
        "resolve_stemmer": "resolve",
        "stop_words": "stopwords",
    },
)

__all__ = [
    "SpellingCorrector",
    "Stemmer",
    "SubwordTokenizer",
    "TextCleaner",
    "TextCodec",
    "TokenizerCodec",
    "resolve_spelling",
    "resolve_stemmer",
    "stop_words",
]
