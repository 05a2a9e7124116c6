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
    from textrep.comparison import ComparisonResult, compare
    from textrep.core.labels import LabelError
    from textrep.core.persist import PersistError, load, save
    from textrep.core.text import TextInputError
    from textrep.data import Corpus, load_corpus
    from textrep.sparse import (
        CountVectorizer,
        HashingVectorizer,
        TfidfTransformer,
        TfidfVectorizer,
    )

__getattr__, __dir__, _names = attach(
    __name__,
    {
        "ComparisonResult": "comparison",
        "Corpus": "data",
        "CountVectorizer": "sparse",
        "HashingVectorizer": "sparse",
        "LabelError": "core.labels",
        "PersistError": "core.persist",
        "TextInputError": "core.text",
        "TfidfTransformer": "sparse",
        "TfidfVectorizer": "sparse",
        "compare": "comparison",
        "load": "core.persist",
        "load_corpus": "data",
        "save": "core.persist",
    },
    submodules=("cli", "comparison", "core", "data", "sparse"),
)

__all__ = [
    "ComparisonResult",
    "Corpus",
    "CountVectorizer",
    "HashingVectorizer",
    "LabelError",
    "PersistError",
    "TextInputError",
    "TfidfTransformer",
    "TfidfVectorizer",
    "__version__",
    "compare",
    "load",
    "load_corpus",
    "save",
]
