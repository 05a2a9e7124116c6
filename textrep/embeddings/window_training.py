"""The training of a `Word2Vec`: its vectors, learning rate, random numbers and checkpoint."""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING

import numpy as np

from textrep.core.random import streams
from textrep.embeddings.checkpoint import Checkpoint
from textrep.embeddings.corpus import TokenCorpus
from textrep.embeddings.objective import Objective, keep_thresholds, objective_of
from textrep.embeddings.training import Outcome, train_epochs
from textrep.embeddings.vocabulary import keep_probabilities
from textrep.sparse.threads import wanted_threads

if TYPE_CHECKING:
    from textrep.embeddings.word2vec import Word2Vec

_NOT_IDENTITY = frozenset(
    "checkpoint max_seconds n_jobs verbose pooling lowercase token_pattern tokenizer".split()
)
"""Parameters that interrupted training may be taken up with others of; the words themselves are
compared.
"""


class WindowTraining:
    """Input and output vectors of a `Word2Vec` while they are trained on a corpus.

    Parameters
    ----------
    settings : Word2Vec
    corpus : TokenCorpus
    """

    def __init__(self, settings: Word2Vec, corpus: TokenCorpus) -> None:
        from textrep.embeddings.kernels.simd import padded

        self._settings = settings
        self._corpus = corpus
        self._objective: Objective = objective_of(
            corpus.counts, settings.loss, settings.negative, settings.ns_exponent
        )
        self._keep = keep_thresholds(keep_probabilities(corpus.counts, settings.sample))
        random = streams(settings.random_state, ["vectors", "chunks"])
        n_words, dim = len(corpus.words), settings.vector_size
        self._stride = padded(dim)
        self._inputs = np.zeros((n_words, self._stride), dtype=np.float32)
        # As word2vec.c begins: inputs uniform within 1 / (2 dim), outputs zero.
        self._inputs[:, :dim] = random["vectors"].random((n_words, dim), dtype=np.float32)
        self._inputs[:, :dim] -= 0.5
        self._inputs[:, :dim] /= dim
        self._outputs = np.zeros((self._objective.n_rows + 1, self._stride), dtype=np.float32)
        chunks = (settings.epochs, len(corpus.chunks))
        self._seeds = random["chunks"].integers(2**63, size=chunks, dtype=np.uint64)

    def word_matrix(self) -> np.ndarray:
        """Vectors of the words, float32 (n_words, vector_size)."""
        return np.ascontiguousarray(self._inputs[:, : self._settings.vector_size])

    def train(self) -> Outcome:
        """Train all epochs, or as many as the settings and the checkpoint leave."""
        settings = self._settings
        outcome = train_epochs(
            self._train_chunk,
            [chunk.n_tokens for chunk in self._corpus.chunks],
            epochs=settings.epochs,
            threads=wanted_threads(settings.n_jobs),
            verbose=settings.verbose,
            description="Learning word vectors",
            tol=settings.tol,
            max_seconds=settings.max_seconds,
            checkpoint=self._checkpoint(),
        )
        if not outcome.losses and not outcome.stopped_early:
            warnings.warn(
                "no word in X has another word beside it, so nothing was learnt: each text is one "
                "sentence, and needs two words of the vocabulary",
                stacklevel=3,
            )
        return outcome

    def _train_chunk(self, epoch: int, i: int) -> tuple[float, float]:
        from textrep.embeddings.kernels.cbow import train_cbow
        from textrep.embeddings.kernels.skipgram import train_skipgram

        settings, objective = self._settings, self._objective
        chunk = self._corpus.chunks[i]
        before = (
            self._inputs.reshape(-1), self._outputs.reshape(-1), self._stride,
            self._corpus.read(i), self._keep, *objective.arrays, int(settings.window),
            objective.negative,
        )  # fmt: skip
        rates = self._rate(epoch, chunk.first), self._rate(epoch, chunk.last)
        seed = self._seeds[epoch, i]
        if settings.algorithm == "skipgram":
            return train_skipgram(*before, *rates, seed)
        return train_cbow(*before, settings.cbow_gradient == "corrected", *rates, seed)

    def _rate(self, epoch: int, position: int) -> float:
        """The learning rate at a place in the text."""
        settings = self._settings
        last = max(1, self._corpus.chunks[-1].last)
        done = (epoch + position / last) / settings.epochs
        alpha = settings.start_alpha()
        return float(alpha + (min(alpha, settings.min_alpha) - alpha) * done)

    def _checkpoint(self) -> Checkpoint | None:
        settings, corpus = self._settings, self._corpus
        if settings.checkpoint is None:
            return None
        names = set(settings.get_params(deep=False)) - _NOT_IDENTITY
        text = "\n".join(corpus.words).encode("utf-8", "surrogatepass")
        identity = {
            "model": type(settings).__name__,
            "parameters": {name: str(getattr(settings, name)) for name in sorted(names)},
            "words": hashlib.sha256(text).hexdigest(),
            "counts": hashlib.sha256(corpus.counts.tobytes()).hexdigest(),
            "chunks": corpus.chunks,
        }
        arrays: dict[str, np.ndarray] = {
            "inputs": self._inputs,
            "outputs": self._outputs,
            "seeds": self._seeds,
        }
        return Checkpoint(settings.checkpoint, arrays, identity)
