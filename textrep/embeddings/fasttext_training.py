"""The training of a `FastText`: rows of words and of the n-grams in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textrep.embeddings.corpus import TokenCorpus
from textrep.embeddings.corpus_training import CorpusTraining
from textrep.embeddings.objective import keep_thresholds
from textrep.embeddings.subword_vectors import NgramTable, SubwordVectors, mean_rows
from textrep.embeddings.subwords import subwords_of
from textrep.embeddings.vocabulary import alias_table, keep_probabilities, negative_weights

if TYPE_CHECKING:
    from textrep.embeddings.fasttext import FastText


class FastTextTraining(CorpusTraining):
    """Vectors of the parts of words and output vectors while they are trained on a corpus.

    Parameters
    ----------
    settings : FastText
    corpus : TokenCorpus
    """

    def __init__(self, settings: FastText, corpus: TokenCorpus) -> None:
        self._buckets, self._rows, self._bounds = parts_of(
            corpus.words, int(settings.min_n), int(settings.max_n), int(settings.bucket)
        )
        # The program counts words outside the vocabulary, too.
        keep = keep_probabilities(corpus.counts, settings.sample, total=corpus.n_raw)
        self._keep = keep_thresholds(keep)
        self._table = alias_table(negative_weights(corpus.counts, settings.ns_exponent))
        n_words = len(corpus.words)
        # As the program begins.
        reach = 1 / settings.vector_size
        super().__init__(settings, corpus, n_words + len(self._buckets), n_words, reach)

    def vectors(self) -> SubwordVectors:
        """The words and n-grams as they are."""
        settings, corpus, dim = self._settings, self._corpus, self._dim
        words, _ = mean_rows(self._inputs, self._rows, self._bounds)
        # Views of the n-grams, not a copy: they are most of what training holds.
        ngrams = self._inputs[len(corpus.words) :, :dim]
        table = NgramTable(
            int(settings.min_n), int(settings.max_n), int(settings.bucket), self._buckets, ngrams
        )
        matrix = np.ascontiguousarray(words[:, :dim])
        return SubwordVectors(corpus.words, matrix, ngrams=table, counts=corpus.counts)

    def _call_kernel(
        self, ids: np.ndarray, rate: float, last_rate: float, seed: np.uint64
    ) -> tuple[float, float]:
        settings = self._settings
        if settings.algorithm == "skipgram":
            from textrep.embeddings.kernels.fasttext import train_skipgram as train
        else:
            from textrep.embeddings.kernels.fasttext_cbow import train_cbow as train
        return train(
            self._inputs.reshape(-1), self._outputs.reshape(-1), self._stride, self._rows,
            self._bounds, ids, self._keep, *self._table, int(settings.window),
            int(settings.negative), rate, last_rate, seed,
        )  # fmt: skip


def parts_of(
    words: list[str], min_n: int, max_n: int, bucket: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What words consist of.

    Parameters
    ----------
    words : list of str
    min_n, max_n, bucket : int
        See `subwords_of`.

    Returns
    -------
    buckets : int32 ndarray (n_buckets,)
        Those of the words' n-grams, in the order met: those of frequent words lie together.
    rows : int32 ndarray (n_parts,)
        Row of each part: first the words' own, then those of `buckets`.
    bounds : int64 ndarray (n_words + 1,)
        Word w consists of ``rows[bounds[w]:bounds[w + 1]]``.

    Examples
    --------
    >>> buckets, rows, bounds = parts_of(["to", "so"], 2, 2, 1000)  # "<t", "to", "o>", "<s", "so"
    >>> len(buckets), rows.tolist(), bounds.tolist()
    (5, [0, 2, 3, 4, 1, 5, 6, 4], [0, 4, 8])
    """
    found = subwords_of(words, min_n=min_n, max_n=max_n, bucket=bucket)
    distinct, met_at, number = np.unique(found.buckets, return_index=True, return_inverse=True)
    order = np.argsort(met_at)
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    bounds = found.bounds + np.arange(len(words) + 1)
    rows = np.empty(bounds[-1], dtype=np.int32)
    own = np.zeros(len(rows), dtype=bool)
    own[bounds[:-1]] = True
    rows[own] = np.arange(len(words), dtype=np.int32)
    rows[~own] = len(words) + rank[number]
    return distinct[order], rows, bounds
