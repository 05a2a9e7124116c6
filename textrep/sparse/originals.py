"""scikit-learn's own vectorisers, whatever `textrep.patch_sklearn` has put in their place."""

from __future__ import annotations

import types
from typing import Any

import sklearn.feature_extraction.text as module

from textrep.sparse.count import CountVectorizer
from textrep.sparse.hashing import HashingVectorizer
from textrep.sparse.tfidf import TfidfVectorizer
from textrep.sparse.weighting import TfidfTransformer

MODULE: Any = module
"""Where scikit-learn keeps them."""

OURS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (CountVectorizer, TfidfVectorizer, TfidfTransformer, HashingVectorizer)
}
"""The drop-ins by their common names."""

ORIGINALS: dict[str, Any] = {
    name: next(
        base
        for base in kind.__mro__
        if base.__module__ == MODULE.__name__ and base.__name__ == name
    )
    for name, kind in OURS.items()
}
"""The classes that the drop-ins stand for, which they are subclasses of."""

UNPATCHED: Any = types.ModuleType(MODULE.__name__, MODULE.__doc__)
"""scikit-learn's module as it is without a patch."""

vars(UNPATCHED).update(vars(MODULE), **ORIGINALS)
