"""Vectors of words that a network begins with, from skip-gram on the same texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textrep.embeddings.word2vec import Word2Vec

_SAMPLE = 1e-4  # share of the text from which on word2vec thins a word out
_LONG_TEXT = 100_000  # tokens; of a shorter one nothing is left out

Ids = NDArray[np.integer[Any]]


def put_skip_gram(
    weight: Tensor,
    words: Sequence[str],
    rows: Sequence[Ids],
    *,
    epochs: int,
    seed: int,
    deviation: float = 1.0,
    centred: bool = False,
    max_seconds: float | None = None,
    verbose: int = 0,
) -> int:
    """Begin with the vectors that skip-gram learns from the same texts.

    Word2vec sees a text a hundred times as fast as a network with layers does. Words that it has no
    vectors for keep theirs.

    Parameters
    ----------
    weight : tensor (n_words, dim)
        Written into.
    words : sequence of str
        All different.
    rows : sequence of integer arrays
        The numbers of the words of each text.
    epochs : int
    seed : int
    deviation : float, default=1.0
        Of all values that are written.
    centred : bool, default=False
        Whether what all vectors have in common is taken out of them.
    max_seconds : float or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    int
        How many words got their vector.
    """
    names = np.array(words, dtype=object)
    tokens = [names[row].tolist() for row in rows if len(row) > 1]
    if not tokens:
        return 0
    embedder = Word2Vec(
        vector_size=weight.shape[1],
        epochs=epochs,
        min_count=1,
        sample=_SAMPLE if sum(map(len, tokens)) >= _LONG_TEXT else 0.0,
        max_seconds=max_seconds,
        n_jobs=1,  # several threads never give the same vectors twice
        random_state=seed,
        verbose=verbose,
    ).fit(tokens)
    vectors = embedder.vectors_
    matrix = vectors.dense()
    places = np.array([place for place, word in enumerate(names) if word in vectors])
    found = matrix[[vectors.index(names[place]) for place in places]]
    if centred:
        found = found - found.mean(axis=0)
    scale = deviation / max(float(found.std()), 1e-12)
    with torch.no_grad():
        weight[torch.from_numpy(places)] = torch.from_numpy(found * np.float32(scale))
    return len(places)
