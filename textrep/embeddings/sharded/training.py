"""Training on the parts of a corpus: each moves common vectors by itself, and again and again what
they did is put together.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from textrep.core.partitions import Sent, merged_in_order
from textrep.core.progress import Progress, progress
from textrep.core.random import streams
from textrep.embeddings.corpus import TokenCorpus
from textrep.embeddings.corpus_training import Start, seeds_of_chunks
from textrep.embeddings.kernels.corpus import count_words
from textrep.embeddings.parameters import epochs_for
from textrep.embeddings.sharded.steps import Learning, Step, merge_learnings
from textrep.embeddings.training import Outcome, has_stalled, mean_loss
from textrep.embeddings.window_training import WindowTraining

if TYPE_CHECKING:
    from textrep.embeddings.word2vec import Word2Vec


class Size(NamedTuple):
    """How large a part is.

    Attributes
    ----------
    n_chunks, n_sentences : int
    """

    n_chunks: int
    n_sentences: int


@dataclass
class Matrices:
    """Input and output vectors, see `Start`."""

    inputs: np.ndarray
    outputs: np.ndarray


def size_of(corpus: TokenCorpus) -> Size:
    """The size of a part."""
    return Size(len(corpus.chunks), corpus.n_sentences)


class ShardedTraining:
    """Word vectors while they are trained on parts of a corpus.

    Parameters
    ----------
    settings : Word2Vec
        With an integer for `random_state`.
    sent : dask.delayed.Delayed
        Of the same settings, for the tasks.
    shards : sequence of dask.delayed.Delayed
        Of `TokenCorpus`, with words and counts of the whole.
    sizes : sequence of Size
        Of the parts.
    n_tokens : int
        Words of the vocabulary in the whole corpus.
    rounds : int
        Times in an epoch that the parts' steps are merged.
    """

    def __init__(
        self,
        settings: Word2Vec,
        sent: Any,
        shards: Sequence[Any],
        sizes: Sequence[Size],
        n_tokens: int,
        rounds: int,
    ) -> None:
        self._settings = settings
        self._sent = sent
        self._shards = shards
        self._sizes = sizes
        self._n_tokens = n_tokens
        self._rounds = rounds
        self._epochs = epochs_for(settings.epochs, n_tokens)
        self._seeds = self._seeds_of_shards()
        self._common = self._first_matrices()

    def _seeds_of_shards(self) -> list[np.ndarray]:
        """Seeds of the chunks of each part: those of a corpus that has the chunks of all of them,
        so that training on one part is that on one machine.
        """
        random = streams(self._settings.random_state, ["chunks"])["chunks"]
        ends = np.cumsum([size.n_chunks for size in self._sizes])
        seeds = seeds_of_chunks(random, self._epochs, int(ends[-1]))
        return np.split(seeds, ends[:-1], axis=1)

    def _first_matrices(self) -> Any:
        import dask

        (first,) = dask.persist(dask.delayed(_first, pure=False)(self._sent, self._shards[0]))
        return first

    def train(self, verbose: int) -> Outcome:
        """Train all epochs, or as many as the settings leave.

        Parameters
        ----------
        verbose : int
            1 shows a progress bar, which moves after each round.

        Returns
        -------
        Outcome

        Raises
        ------
        FloatingPointError
            When the loss is not finite: the learning rate is too high.
        """
        begun = time.monotonic()
        limit = self._settings.max_seconds
        deadline = np.inf if limit is None else begun + limit
        outcome = Outcome()
        bar: Progress[None] = progress(
            total=float(self._n_tokens) * self._epochs,
            description="Learning word vectors",
            verbose=verbose,
            unit="words",
        )
        with bar:
            for epoch in range(self._epochs):
                complete = self._train_epoch(epoch, deadline, outcome.losses, bar)
                done = not complete or has_stalled(outcome.losses, self._settings.tol)
                if done:
                    outcome.stopped_early = not complete or epoch + 1 < self._epochs
                    break
        outcome.n_epochs = len(outcome.losses)
        outcome.seconds = time.monotonic() - begun
        return outcome

    def matrices(self) -> Matrices:
        """The vectors as they are, brought to this process."""
        return self._common.compute()

    def _train_epoch(
        self, epoch: int, deadline: float, losses: list[float], bar: Progress[None]
    ) -> bool:
        """All rounds of an epoch; False when the time was up before its end."""
        loss, n_terms, number = 0.0, 0.0, 0
        while number < self._rounds and time.monotonic() <= deadline:
            figures = self._train_round(epoch, number)
            loss, n_terms = loss + figures[0], n_terms + figures[1]
            bar.update(figures[2])
            number += 1
        if n_terms:
            losses.append(mean_loss(loss, n_terms, epoch))
        return number == self._rounds

    def _train_round(self, epoch: int, number: int) -> tuple[float, float, int]:
        """Move the common vectors; the loss, the terms in it, and the words."""
        import dask

        train, move, figures_of = (
            dask.delayed(task, pure=False) for task in (_train, _moved, _figures)
        )
        shares = [_share(size.n_chunks, number, self._rounds) for size in self._sizes]
        learnings = [
            train(self._sent, shard, self._common, epoch, chunks, seeds)
            for shard, chunks, seeds in zip(self._shards, shares, self._seeds, strict=True)
            if len(chunks)
        ]
        if not learnings:
            return 0.0, 0.0, 0
        learnt = merged_in_order(learnings, merge_learnings)
        self._common, figures = dask.persist(move(self._common, learnt), figures_of(learnt))
        return figures.compute()


def _share(n_chunks: int, number: int, rounds: int) -> range:
    """The chunks of a part that a round trains on.

    >>> [list(_share(5, number, 2)) for number in range(2)]
    [[0, 1], [2, 3, 4]]
    """
    return range(n_chunks * number // rounds, n_chunks * (number + 1) // rounds)


# ---- tasks


def _first(sent: Sent, corpus: TokenCorpus) -> Matrices:
    """The vectors that training begins with, those of training on one machine."""
    return Matrices(*WindowTraining(sent.value, corpus).matrices())


def _train(
    sent: Sent,
    corpus: TokenCorpus,
    common: Matrices,
    epoch: int,
    chunks: range,
    seeds: np.ndarray,
) -> Learning:
    """What some chunks of a part do to the common vectors, which are left as they are."""
    start = Start(common.inputs.copy(), common.outputs.copy(), seeds)
    training = WindowTraining(sent.value, corpus, start)
    loss, n_terms = training.train_chunks(epoch, chunks)
    inputs, outputs = training.matrices()
    inputs -= common.inputs
    outputs -= common.outputs
    words = _occurrences(corpus, chunks)
    seen = training.rows_seen(words)
    steps = [Step(rows, often) for rows, often in zip((inputs, outputs), seen, strict=True)]
    return Learning(steps[0], steps[1], int(words.sum()), float(loss), float(n_terms))


def _occurrences(corpus: TokenCorpus, chunks: range) -> np.ndarray:
    """How often each word stands in some chunks, int64 (n_words,)."""
    counts = np.zeros(len(corpus.words), dtype=np.int64)
    for i in chunks:
        count_words(corpus.read(i), counts)
    return counts


def _moved(common: Matrices, learnt: Learning) -> Matrices:
    return Matrices(common.inputs + learnt.inputs.rows, common.outputs + learnt.outputs.rows)


def _figures(learnt: Learning) -> tuple[float, float, int]:
    return learnt.loss, learnt.n_terms, learnt.n_words
