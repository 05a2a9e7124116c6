"""A part of texts, where there is no time for all."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import TypeVar

import numpy as np

from textrep.core.random import stream

Text = TypeVar("Text", bound=Sized)


def drawn(texts: Sequence[Text], length: int, seed: int) -> list[Text]:
    """Texts drawn at random, in their order, of so great a length together; one at least.

    Parameters
    ----------
    texts : sequence of str or of arrays of tokens
    length : int
        In characters or tokens.
    seed : int

    Returns
    -------
    list
        All of them where they are no longer.

    Examples
    --------
    >>> drawn(["one", "two", "three"], 8, 0)
    ['one', 'three']
    """
    lengths = np.array([len(text) for text in texts])
    if lengths.sum() <= length:
        return list(texts)
    order = stream(seed, "texts").permutation(len(texts))
    n = max(1, int(np.searchsorted(np.cumsum(lengths[order]), length, side="right")))
    return [texts[i] for i in np.sort(order[:n]).tolist()]
