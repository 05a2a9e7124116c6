"""Training on the windows of a corpus, which `Word2Vec` and `FastText` do alike but for their
kernels: vectors, learning rate, random numbers and checkpoint.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from textrep.core.random import streams
from textrep.embeddings.checkpoint import Checkpoint
from textrep.embeddings.corpus import TokenCorpus
from textrep.embeddings.initial import fill_uniform
from textrep.embeddings.parameters import (
    MOST,
    check_choice,
    check_count,
    check_epochs,
    check_number,
    epochs_for,
)
from textrep.embeddings.trained import TrainedEmbedder
from textrep.embeddings.training import Outcome, train_epochs
from textrep.sparse.threads import wanted_threads

ALGORITHMS = ("skipgram", "cbow")

_NOT_IDENTITY = frozenset(
    "checkpoint max_seconds max_memory n_jobs verbose pooling lowercase token_pattern "
    "tokenizer".split()
)
"""Parameters that interrupted training may be taken up with others of; the words themselves are
compared.
"""


def check_window_parameters(settings: Any) -> None:
    """Refuse what is out of range of the parameters that `Word2Vec` and `FastText` share."""
    check_choice("algorithm", settings.algorithm, ALGORITHMS)
    check_epochs(settings.epochs)
    check_count("negative", settings.negative, 1, MOST)
    check_number("ns_exponent", settings.ns_exponent)
    check_number("min_alpha", settings.min_alpha, least=0)


def seeds_of_chunks(random: np.random.Generator, epochs: int, n_chunks: int) -> np.ndarray:
    """Seeds of the chunks of a corpus, uint64 (epochs, n_chunks)."""
    return random.integers(2**63, size=(epochs, n_chunks), dtype=np.uint64)


def checkpoint_of(
    settings: TrainedEmbedder, corpus: TokenCorpus, arrays: Mapping[str, np.ndarray], **more: Any
) -> Checkpoint | None:
    """The checkpoint of training on a corpus, if one is asked for.

    Parameters
    ----------
    settings : TrainedEmbedder
    corpus : TokenCorpus
    arrays : mapping of str to ndarray
        What training changes, and its random numbers.
    **more
        JSON values that tell it from other training beside parameters, words and counts.
    """
    if settings.checkpoint is None:
        return None
    text = "\n".join(corpus.words).encode("utf-8", "surrogatepass")
    names = set(settings.get_params(deep=False)) - _NOT_IDENTITY
    parameters = {name: str(getattr(settings, name)) for name in sorted(names)}
    if not isinstance(settings.random_state, Integral | None):
        # A generator looks different in each process; what it gave is in the arrays.
        parameters["random_state"] = type(settings.random_state).__name__
    identity = {
        "model": type(settings).__name__,
        "parameters": parameters,
        "words": hashlib.sha256(text).hexdigest(),
        "counts": hashlib.sha256(corpus.counts.tobytes()).hexdigest(),
        **more,
    }
    return Checkpoint(settings.checkpoint, arrays, identity)


class Start(NamedTuple):
    """What training begins with.

    Attributes
    ----------
    inputs, outputs : float32 ndarray (n_inputs, stride) and (n_outputs + 1, stride)
        The vectors, each padded with zeros to a whole number of the processor's registers; changed
        by training.
    seeds : uint64 ndarray (epochs, n_chunks)
        Of the random numbers that each chunk is trained with.
    """

    inputs: np.ndarray
    outputs: np.ndarray
    seeds: np.ndarray


class CorpusTraining(ABC):
    """Two matrices while they are trained on the windows of a corpus.

    Parameters
    ----------
    settings : Word2Vec or FastText
    corpus : TokenCorpus
    n_inputs, n_outputs : int
        Rows of the matrices; the outputs get one more, of zeros, which the kernels pad with.
    reach : float
        The inputs begin uniformly from -reach to reach, the outputs as zeros.
    start : Start, optional
        What to begin with in place of that.
    """

    def __init__(
        self,
        settings: Any,
        corpus: TokenCorpus,
        n_inputs: int,
        n_outputs: int,
        reach: float,
        start: Start | None = None,
    ) -> None:
        from textrep.embeddings.kernels.simd import padded

        self._settings = settings
        self._corpus = corpus
        self._dim = int(settings.vector_size)
        self._stride = padded(self._dim)
        self._epochs = epochs_for(settings.epochs, corpus.n_tokens)
        if start is None:
            start = self._random_start(n_inputs, n_outputs, reach)
        self._inputs, self._outputs, self._seeds = start

    def _random_start(self, n_inputs: int, n_outputs: int, reach: float) -> Start:
        random = streams(self._settings.random_state, ["vectors", "chunks"])
        inputs = np.zeros((n_inputs, self._stride), dtype=np.float32)
        fill_uniform(inputs[:, : self._dim], reach, random["vectors"])
        outputs = np.zeros((n_outputs + 1, self._stride), dtype=np.float32)
        n_chunks = len(self._corpus.chunks)
        return Start(inputs, outputs, seeds_of_chunks(random["chunks"], self._epochs, n_chunks))

    def train(self) -> Outcome:
        """Train all epochs, or as many as the settings and the checkpoint leave."""
        settings, corpus = self._settings, self._corpus
        arrays: dict[str, np.ndarray] = {
            "inputs": self._inputs,
            "outputs": self._outputs,
            "seeds": self._seeds,
        }
        return train_epochs(
            self._train_chunk,
            [chunk.n_tokens for chunk in corpus.chunks],
            epochs=self._epochs,
            threads=wanted_threads(settings.n_jobs),
            verbose=settings.verbose,
            description="Learning word vectors",
            tol=settings.tol,
            max_seconds=settings.max_seconds,
            checkpoint=checkpoint_of(settings, corpus, arrays, chunks=corpus.chunks),
        )

    def train_chunks(self, epoch: int, chunks: Iterable[int]) -> tuple[float, float]:
        """Train on some chunks, one after another.

        Parameters
        ----------
        epoch : int
            From 0; the learning rate goes by it.
        chunks : iterable of int
            Their numbers.

        Returns
        -------
        loss : float
            The sum over the terms.
        n_terms : float
        """
        each = [self._train_chunk(epoch, i) for i in chunks]
        return sum(loss for loss, _ in each), sum(n_terms for _, n_terms in each)

    def _train_chunk(self, epoch: int, i: int) -> tuple[float, float]:
        chunk = self._corpus.chunks[i]
        return self._call_kernel(
            self._corpus.read(i), self._rate(epoch, chunk.first), self._rate(epoch, chunk.last),
            self._seeds[epoch, i],
        )  # fmt: skip

    def _rate(self, epoch: int, position: int) -> float:
        """The learning rate at a place in the text: it falls in a straight line."""
        settings = self._settings
        last = max(1, self._corpus.chunks[-1].last)
        done = (epoch + position / last) / self._epochs
        alpha = settings.start_alpha()
        return float(alpha + (min(alpha, settings.min_alpha) - alpha) * done)

    @abstractmethod
    def _call_kernel(
        self, ids: np.ndarray, rate: float, last_rate: float, seed: np.uint64
    ) -> tuple[float, float]:
        """Train on a chunk.

        Parameters
        ----------
        ids : int32 ndarray
            Words, -1 behind each sentence.
        rate, last_rate : float
            The learning rate at its beginning and at its end.
        seed : numpy.uint64

        Returns
        -------
        loss : float
            The sum over the terms.
        n_terms : float
        """
