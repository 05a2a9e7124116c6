"""The command line: `textrep NOUN VERB`, one file a noun."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, {"main": "app"})
