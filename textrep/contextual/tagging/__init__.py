"""A tag for each word: names of persons and places, parts of speech."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "EntityScores": "entity_scores",
        "TaggedSentences": "conll",
        "TokenClassifier": "token_classifier",
        "entities": "entity_scores",
        "read_conll": "conll",
        "write_conll": "conll",
    },
)
