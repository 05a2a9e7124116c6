"""Sounds and texts as they are given: one for each, or a ValueError that says what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from textrep.core.messages import shown
from textrep.core.text import check_texts
from textrep.embeddings.parameters import check_count


def listed(X: Any) -> list[Any]:
    """Sounds as a list, or a ValueError that says what was given in place of one."""
    if X is None or isinstance(X, str | bytes | dict):
        raise ValueError(f"X must be a list of sounds, got {shown(X)}; put one sound into a list")
    if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "fiu":
        raise ValueError(f"X is one sound of {len(X)} samples; put it into a list")
    try:
        sounds = list(X)
    except TypeError:
        raise ValueError(f"X must be a list of sounds, got {shown(X)}") from None
    if not sounds:
        raise ValueError("X is empty: there are no sounds in it")
    return sounds


def prompts(labels: Any, n: int) -> list[str]:
    """A text for each of n sounds, as they were given for all of them or for each.

    >>> prompts("bells", 2)
    ['bells', 'bells']
    """
    check_count("n", n, 1)
    if labels is None:
        raise ValueError("labels is missing: a published model draws sounds of texts")
    texts = [labels] * n if isinstance(labels, str) else check_texts(labels, name="labels")
    if len(texts) != n:
        raise ValueError(f"labels must be one text or {n} of them, got {len(texts)}")
    return texts
