"""Corpora by name or path: named data sets, tables and folders of documents."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Card": "cards",
        "Corpus": "corpus",
        "DataError": "errors",
        "Verification": "verification",
        "fetch": "store",
        "load_card": "cards",
        "load_corpus": "load",
        "names": "cards",
        "stream_corpus": "load",
        "verify": "verification",
    },
)
