"""Pieces of texts as batches of the language models, for training and for what comes after."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from textrep.contextual.bilm_module import BilmBatch
from textrep.contextual.elmo_words import PADDING, Sentences, targets_of_words
from textrep.embeddings.vectors import WordVectors
from textrep.engine.batches import LengthBatches, pad

Collate = Callable[[np.ndarray], BilmBatch]


def collator(
    sentences: Sentences, vocabulary: Sequence[str], vectors: WordVectors | None
) -> Collate:
    """What makes a batch of some pieces.

    Parameters
    ----------
    sentences : Sentences
    vocabulary : sequence of str
        Words that are predicted.
    vectors : WordVectors or None
        Vectors of words that are known beforehand.

    Returns
    -------
    callable
        From numbers of pieces, int64 (B,), to a `BilmBatch`, in which each distinct word is
        written once.
    """
    targets = targets_of_words(sentences, vocabulary)
    known = None if vectors is None else _known(sentences, vectors)

    def collate(rows: np.ndarray) -> BilmBatch:
        pieces = [sentences.piece(row) for row in rows]
        table = pad(pieces).numpy()
        words, place = np.unique(table, return_inverse=True)
        characters = sentences.characters[words].astype(np.int64)
        longest = int((characters != PADDING).any(axis=0).sum())
        return BilmBatch(
            torch.from_numpy(characters[:, :longest]),
            torch.from_numpy(place.reshape(table.shape).astype(np.int64)),
            torch.from_numpy(targets[table]),
            torch.tensor([len(piece) for piece in pieces], dtype=torch.int64),
            None if known is None else torch.from_numpy(known[words]),
        )

    return collate


def _known(sentences: Sentences, vectors: WordVectors) -> np.ndarray:
    """Vectors by the numbers of words, float32 (n_words + 1, dim); the mark has zeros."""
    of_words, _ = vectors.vectors_of(sentences.words)
    return np.concatenate([np.zeros((1, vectors.dim), dtype=np.float32), of_words])


def batches_of(
    sentences: Sentences,
    pieces: np.ndarray,
    collate: Collate,
    max_tokens: int,
    seed: int | None = None,
) -> LengthBatches:
    """Batches of some pieces.

    Parameters
    ----------
    sentences : Sentences
    pieces : int64 (n,)
        Their numbers.
    collate : callable
        Of `collator`.
    max_tokens : int
        Words of a batch, with padding.
    seed : int, optional
        Of the order; by length and always the same when left out.

    Returns
    -------
    LengthBatches
    """
    return LengthBatches(
        sentences.lengths[pieces],
        lambda rows: collate(pieces[rows]),
        max_tokens=max_tokens,
        seed=seed or 0,
        shuffle=seed is not None,
    )


def held_out_pieces(
    sentences: Sentences, fraction: float, random: np.random.Generator
) -> np.ndarray:
    """Draw texts to hold out; the pieces of a text stay together.

    Parameters
    ----------
    sentences : Sentences
    fraction : float
        Of the texts with words, rounded down.
    random : numpy.random.Generator

    Returns
    -------
    bool ndarray (n_pieces,)

    Examples
    --------
    >>> from textrep.contextual.elmo_words import read_sentences
    >>> sentences = read_sentences([["a"] * 4, ["b"]], list, 2, 5)
    >>> held_out_pieces(sentences, 0.5, np.random.default_rng(0)).tolist()
    [True, True, False]
    """
    full = np.unique(sentences.text)
    return np.isin(sentences.text, random.permutation(full)[: int(len(full) * fraction)])
