"""What turns out, while documents are read or counted, to be scikit-learn's own code's business."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


class Uncovered(Exception):
    """Base of errors that say why the kernels cannot count documents that scikit-learn may."""


def by_kernels_or(
    fallback: Callable[[], Result],
    by_kernels: Callable[[], Result],
    vectorizer: Any,
    raw_documents: Any,
) -> Result:
    """What the kernels answer, or ``fallback`` where they cannot and the documents, of which some
    were read by then, can be read again.
    """
    try:
        return by_kernels()
    except Uncovered:
        if vectorizer.input != "content" or iter(raw_documents) is raw_documents:
            raise
    return fallback()
