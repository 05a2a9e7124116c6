"""`TrainedEmbedder`: what `Word2Vec`, `FastText` and `GloVe` have in common."""

from __future__ import annotations

import os
import warnings
from typing import Any, Self

import numpy as np

from textrep.core.messages import type_name
from textrep.core.partitions import is_partitioned
from textrep.core.random import RandomState
from textrep.core.text import TextInputError
from textrep.embeddings.checkpoint import check_path
from textrep.embeddings.corpus import TokenCorpus
from textrep.embeddings.embedder import WordEmbedder
from textrep.embeddings.parameters import MOST, check_count, check_number
from textrep.embeddings.pooling import check_pooling
from textrep.embeddings.training import Outcome, divergence
from textrep.embeddings.vectors import WordVectors
from textrep.sparse.threads import wanted_threads


class TrainedEmbedder(WordEmbedder):
    """Base of the estimators that learn vectors of words from a corpus, epoch by epoch.

    A subclass stores the parameters below and those of `WordEmbedder`, checks its own in
    `_check_parameters`, and learns in `_learn`.

    Attributes
    ----------
    loss_history_ : list of float
        Mean loss of each epoch.
    n_epochs_ : int
        Epochs begun.
    stopped_early_ : bool
        Whether `tol` or `max_seconds` ended training.
    n_words_trained_ : int
        Words of the vocabulary in the text.
    """

    vector_size: int
    window: int
    min_count: int
    max_vocabulary: int | None
    sample: float
    epochs: Any
    alpha: Any
    tol: float | None
    max_seconds: float | None
    checkpoint: str | os.PathLike[str] | None
    random_state: RandomState

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the vectors of words.

        Parameters
        ----------
        X : iterable of str, iterable of lists of str, or pathlib.Path
            Texts, or lists of tokens, each of which is a sentence; a generator of either, which is
            read once; or a text file, plain or compressed, with a sentence on each line, which may
            be larger than memory. No sentence is too long. See `textrep.embeddings.read_corpus`.
            `Word2Vec` also takes dask collections, see its `fit_shards`.
        y : ignored

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        TextInputError
            When X is something else, with the position of what is wrong.
        DataError
            When a file cannot be read or is not UTF-8.
        ValueError
            When a parameter is out of its range, or no word is left.
        PersistError
            When the file `checkpoint` is of another training, or damaged.
        FloatingPointError
            When training diverges because `alpha` is too high.

        Warns
        -----
        UserWarning
            When no word stands beside another, so that there is nothing to learn from.
        """
        if is_partitioned(X):
            return self._fit_parts(X)
        self._check_parameters()
        with self._read_corpus(X) as corpus:
            vectors, outcome = self._learn(corpus)
            self._take(vectors, outcome, corpus.n_tokens)
            self._fit_pooling(corpus)
        return self

    def _fit_parts(self, X: Any) -> Self:
        """`fit` of a dask collection, for subclasses that can."""
        raise TextInputError(
            f"X is a {type_name(X)}, whose parts {type(self).__name__} cannot learn from where "
            "they lie, as Word2Vec does; give a generator of its texts, or a file"
        )

    def start_alpha(self) -> float:
        """The learning rate at the start, `alpha`."""
        return self.alpha

    def _check_parameters(self) -> None:
        """Refuse what is out of range, before the corpus is read."""
        for name in ("vector_size", "window"):
            check_count(name, getattr(self, name), 1, MOST)
        check_number("alpha", self.start_alpha(), above=0)
        check_number("sample", self.sample, least=0, most=1)
        for name in ("tol", "max_seconds"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), least=0)
        check_pooling(self.pooling)
        wanted_threads(self.n_jobs)
        if self.checkpoint is not None:
            check_path(self.checkpoint)

    def _learn(self, corpus: TokenCorpus) -> tuple[WordVectors, Outcome]:
        """Train on a corpus."""
        raise NotImplementedError

    def _take(self, vectors: WordVectors, outcome: Outcome, n_words_trained: int) -> None:
        """Take the vectors, unless they are none; `_fit_pooling` has to follow."""
        if not np.isfinite(vectors.dense()).all():
            raise divergence("training ended with vectors that are not finite")
        if not outcome.losses and not outcome.stopped_early:
            left = f" that sub-sampling (sample={self.sample:g}) leaves" if self.sample else ""
            warnings.warn(
                "no word in X has another word beside it, so nothing was learnt: each text is one "
                f"sentence, and needs two words of the vocabulary{left}",
                stacklevel=3,
            )
        self.vectors_ = vectors
        self.loss_history_ = outcome.losses
        self.n_epochs_ = outcome.n_epochs
        self.stopped_early_ = outcome.stopped_early
        self.n_words_trained_ = n_words_trained
