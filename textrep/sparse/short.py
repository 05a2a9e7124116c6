"""A handful of short texts, for which starting the kernels takes longer than counting in Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from textrep.sparse.matrix import csr_container

TINY_CHARACTERS = 300
"""Texts shorter than this altogether are fitted by scikit-learn's own code and counted by
`count_short`.
"""

SMALL_VOCABULARY = 300_000
"""Terms for which the first call with short texts makes the dict (some 0.1 s) that the next ones
use.
"""

TERMS_A_CALL = 1000
"""Further terms that each such call adds, so that a vocabulary of millions has its dict after some
thousand calls. A call saves the time of about 100 terms.
"""


def is_tiny(raw_documents: Any) -> bool:
    """Whether documents are a handful of short strings."""
    return (
        type(raw_documents) is list
        and len(raw_documents) < 8
        and all(type(document) is str for document in raw_documents)
        and sum(map(len, raw_documents)) < TINY_CHARACTERS
    )


def dict_pays(n_terms: int, n_calls: int) -> bool:
    """Whether a dict of the vocabulary is soon made beside what it has been missed for."""
    return n_terms <= SMALL_VOCABULARY + TERMS_A_CALL * n_calls


def count_short(
    texts: Iterable[str],
    analyze: Callable[[str], Iterable[str]],
    column_of: Mapping[str, int],
    dtype: Any,
) -> Any:
    """Matrix of counts, indices sorted; terms without a column are left out."""
    indices: list[int] = []
    counts: list[int] = []
    bounds = [0]
    for text in texts:
        counted: Counter[Any] = Counter(map(column_of.get, analyze(text)))
        counted.pop(None, None)  # the terms without a column
        row = sorted(counted)
        indices += row
        counts += [counted[column] for column in row]
        bounds.append(len(indices))
    data, columns, indptr = (np.array(n, dtype=np.int32) for n in (counts, indices, bounds))
    shape = len(bounds) - 1, len(column_of)
    return csr_container()((data, columns, indptr), shape=shape, dtype=dtype)
