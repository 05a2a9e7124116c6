"""The training of a `Word2Vec`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textrep.embeddings.corpus import TokenCorpus
from textrep.embeddings.corpus_training import CorpusTraining, Start
from textrep.embeddings.objective import Objective, keep_thresholds, objective_of
from textrep.embeddings.vocabulary import keep_probabilities

if TYPE_CHECKING:
    from textrep.embeddings.word2vec import Word2Vec


class WindowTraining(CorpusTraining):
    """Input and output vectors of a `Word2Vec` while they are trained on a corpus.

    Parameters
    ----------
    settings : Word2Vec
    corpus : TokenCorpus
    start : Start, optional
        See `CorpusTraining`.
    """

    def __init__(self, settings: Word2Vec, corpus: TokenCorpus, start: Start | None = None) -> None:
        self._objective: Objective = objective_of(
            corpus.counts, settings.loss, int(settings.negative), settings.ns_exponent
        )
        self._keep = keep_thresholds(keep_probabilities(corpus.counts, settings.sample))
        # As word2vec.c begins.
        reach = 1 / (2 * settings.vector_size)
        n_words = len(corpus.words)
        super().__init__(settings, corpus, n_words, self._objective.n_rows, reach, start)

    def matrices(self) -> tuple[np.ndarray, np.ndarray]:
        """Input and output vectors as training holds them, see `Start`."""
        return self._inputs, self._outputs

    def word_matrix(self) -> np.ndarray:
        """Vectors of the words, float32 (n_words, vector_size)."""
        return np.ascontiguousarray(self._inputs[:, : self._dim])

    def rows_seen(self, occurrences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How often some text has what each row of the matrices stands for.

        Parameters
        ----------
        occurrences : int64 ndarray (n_words,)
            Of each word in the text.

        Returns
        -------
        inputs, outputs : float32 ndarray (n_rows,)
            An output row stands for a word or, with hierarchical softmax, for all words below a
            turn of the tree. The last one stands for none.
        """
        inputs = occurrences.astype(np.float32)
        objective = self._objective
        if objective.negative:
            return inputs, np.append(inputs, np.float32(0))
        turns = np.diff(objective.offsets)  # of each word; none where there is only one
        points = objective.points[: int(turns.sum())]
        outputs = np.bincount(points, np.repeat(inputs, turns), objective.n_rows + 1)
        return inputs, outputs.astype(np.float32)

    def _call_kernel(
        self, ids: np.ndarray, rate: float, last_rate: float, seed: np.uint64
    ) -> tuple[float, float]:
        from textrep.embeddings.kernels.cbow import train_cbow
        from textrep.embeddings.kernels.skipgram import train_skipgram

        settings, objective = self._settings, self._objective
        before = (
            self._inputs.reshape(-1), self._outputs.reshape(-1), self._stride, ids, self._keep,
            *objective.arrays, int(settings.window), objective.negative,
        )  # fmt: skip
        if settings.algorithm == "skipgram":
            return train_skipgram(*before, rate, last_rate, seed)
        corrected = settings.cbow_gradient == "corrected"
        return train_cbow(*before, corrected, rate, last_rate, seed)
