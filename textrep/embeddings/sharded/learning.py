"""A `Word2Vec` from a dask collection: its words, its vectors, and what the poolings need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.base import clone

from textrep.core.partitions import merged_in_order, send, text_parts
from textrep.core.random import stream
from textrep.embeddings.corpus import TokenCorpus
from textrep.embeddings.pooling import PoolingLearner
from textrep.embeddings.sharded.training import ShardedTraining, Size, size_of
from textrep.embeddings.sharded.words import (
    Vocabulary,
    corpus_of,
    merge_words,
    number_part,
    settle_words,
    words_of,
)
from textrep.embeddings.training import Outcome
from textrep.embeddings.vectors import WordVectors

if TYPE_CHECKING:
    from textrep.embeddings.word2vec import Word2Vec


class Learnt(NamedTuple):
    """What was learnt from a collection.

    Attributes
    ----------
    vectors : WordVectors
    outcome : Outcome
    n_tokens : int
        Words of the vocabulary in the text.
    pooling : PoolingLearner
        That has seen all documents.
    """

    vectors: WordVectors
    outcome: Outcome
    n_tokens: int
    pooling: PoolingLearner


def learn_from_parts(model: Word2Vec, X: Any, rounds: int) -> Learnt:
    """Learn vectors where the text lies; see `Word2Vec.fit_shards`.

    Parameters
    ----------
    model : Word2Vec
        Its parameters have been checked; it is left as it is.
    X : dask collection
        See `textrep.core.partitions.text_parts`.
    rounds : int

    Returns
    -------
    Learnt

    Raises
    ------
    TextInputError
        For another collection, and for what is neither text nor list of tokens.
    ValueError
        When no word is left.
    FloatingPointError
        When training diverges.
    """
    settings = _settings_of_tasks(model)
    sent = send(settings)
    shards, vocabulary = _read(settings, sent, X)
    sizes = _sizes(shards)
    n_tokens = int(vocabulary.counts.sum())
    training = ShardedTraining(settings, sent, shards, sizes, n_tokens, rounds)
    outcome = training.train(model.verbose)
    matrix = training.matrices().inputs[:, : settings.vector_size]
    vectors = WordVectors(vocabulary.words, np.ascontiguousarray(matrix), counts=vocabulary.counts)
    return Learnt(vectors, outcome, n_tokens, _pooling(shards, sizes))


def _settings_of_tasks(model: Word2Vec) -> Word2Vec:
    """The parameters, with a seed that all tasks may take their own numbers from."""
    seed = model.random_state
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        seed = int(stream(seed, "shards").integers(2**63))
    return clone(model).set_params(random_state=seed, n_jobs=1, verbose=0)


def _read(settings: Word2Vec, sent: Any, X: Any) -> tuple[Sequence[Any], Vocabulary]:
    """The parts as corpora, held where they are computed, and the vocabulary of all."""
    import dask

    number, words, settle, take = (
        dask.delayed(task, pure=False) for task in (number_part, words_of, settle_words, corpus_of)
    )
    numbered = [number(sent, part, i) for i, part in enumerate(text_parts(X).delayed)]
    merged = merged_in_order([words(part) for part in numbered], merge_words)
    vocabulary = settle(merged, settings.min_count, settings.max_vocabulary)
    vocabulary, *shards = dask.persist(vocabulary, *(take(part, vocabulary) for part in numbered))
    return shards, vocabulary.compute()


def _sizes(shards: Sequence[Any]) -> list[Size]:
    import dask

    size = dask.delayed(size_of, pure=False)
    return list(dask.compute(*(size(shard) for shard in shards)))


def _pooling(shards: Sequence[Any], sizes: Sequence[Size]) -> PoolingLearner:
    """What the poolings need to know of the documents of all parts."""
    import dask

    see = dask.delayed(_seen, pure=False)
    before = np.cumsum([0, *(size.n_sentences for size in sizes)]).tolist()
    learners = [see(shard, first) for shard, first in zip(shards, before, strict=False)]
    return merged_in_order(learners, _merged).compute()


# ---- tasks


def _seen(corpus: TokenCorpus, before: int) -> PoolingLearner:
    learner = PoolingLearner(len(corpus.words), before)
    learner.add_corpus(corpus)
    return learner


def _merged(learners: list[PoolingLearner]) -> PoolingLearner:
    merged, *others = learners
    for later in others:
        merged = merged.merge(later)
    return merged
