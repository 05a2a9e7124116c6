"""The model of fastText's text classifier: what its input rows stand for, and its two matrices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from textrep.embeddings.initial import fill_uniform
from textrep.embeddings.kernels.simd import padded
from textrep.embeddings.label_tree import Labels
from textrep.embeddings.subwords import subwords_of
from textrep.embeddings.word_ngrams import Documents
from textrep.sparse.lexicon import Lexicon, pack_strings
from textrep.sparse.threads import run_parallel, split_evenly, wanted_threads

LEAST_TOKENS = 1 << 15
"""Tokens below which a further thread costs more (about 0.1 ms to start) than it saves."""


@dataclass(frozen=True)
class Features:
    """What the rows of the input matrix stand for: first the words, then the buckets.

    Attributes
    ----------
    words : list of str
        Those with a row of their own, ``</s>`` among them.
    counts : ndarray of shape (n_words,), int64
    buckets : ndarray of shape (n_buckets,), int32
        The buckets of n-grams that have a row, in ascending order; row ``n_words + i`` is that of
        ``buckets[i]``. All others are taken as rows of zeros.
    bucket : int
        How many buckets there are.
    word_ngrams : int
        Most words of an n-gram.
    min_n, max_n : int
        Characters of the n-grams inside words; ``max_n=0`` for none.
    """

    words: list[str]
    counts: np.ndarray
    buckets: np.ndarray
    bucket: int
    word_ngrams: int
    min_n: int
    max_n: int

    @property
    def n_rows(self) -> int:
        return len(self.words) + len(self.buckets)

    @cached_property
    def lexicon(self) -> Lexicon:
        """The words, to find them by."""
        lexicon = Lexicon()
        lexicon.insert(*pack_strings(self.words))
        return lexicon

    @cached_property
    def row_of(self) -> np.ndarray:
        """Row of each bucket, -1 for those without, int32 (bucket,)."""
        row_of = np.full(self.bucket, -1, dtype=np.int32)
        row_of[self.buckets] = np.arange(len(self.words), self.n_rows, dtype=np.int32)
        return row_of

    def rows_of(self, documents: Documents) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the distinct tokens of documents: int64 (n_tokens + 1,) bounds in int32 rows."""
        from textrep.embeddings.kernels.supervised import find_tokens

        lexicon = self.lexicon
        ids = find_tokens(*documents.packed, lexicon.table, lexicon.arena, lexicon.offsets)
        if not self.max_n:
            bounds = np.zeros(len(ids) + 1, dtype=np.int64)
            np.cumsum(ids >= 0, out=bounds[1:])
            return bounds, ids[ids >= 0]
        inside = subwords_of(
            documents.words(), min_n=self.min_n, max_n=self.max_n, bucket=self.bucket
        )
        return _merge(ids, self.row_of[inside.buckets], inside.bounds)

    def __getstate__(self) -> dict[str, Any]:
        # What is made for looking up is made again.
        return {k: v for k, v in vars(self).items() if k not in ("lexicon", "row_of")}


def _merge(ids: np.ndarray, rows: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put the row of each known word before those of its n-grams."""
    known = ids >= 0
    joined = np.concatenate([ids[known], rows])
    word = np.concatenate([np.flatnonzero(known), np.repeat(np.arange(len(ids)), np.diff(bounds))])
    order = np.argsort(word, kind="stable")
    sizes = np.diff(bounds) + known
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), joined[order].astype(np.int32)


class TrainingRows(NamedTuple):
    """Input rows of documents to learn from, as the kernel `train` takes them.

    Attributes
    ----------
    tokens, bounds, row_bounds, row_list, ngrams, ngram_bounds : see the kernel
    n_inputs : int64 (n_documents,), words and n-grams with a row or without
    most_rows : int
    """

    tokens: np.ndarray
    bounds: np.ndarray
    row_bounds: np.ndarray
    row_list: np.ndarray
    ngrams: np.ndarray
    ngram_bounds: np.ndarray
    n_inputs: np.ndarray
    most_rows: int


def learn_features(
    documents: Documents,
    *,
    min_count: int,
    min_ngram_count: int,
    word_ngrams: int,
    bucket: int,
    min_n: int,
    max_n: int,
    n_jobs: int | None,
) -> tuple[Features, TrainingRows]:
    """Give rows to the words and n-grams of documents.

    Parameters
    ----------
    documents : Documents
    min_count : int
        How often a word must occur to get a row.
    min_ngram_count : int
        How often the n-grams of a bucket must occur for it to get one.
    word_ngrams, bucket, min_n, max_n : see `Features`
    n_jobs : int or None
        Threads.
    """
    from textrep.embeddings.kernels.supervised import count_buckets, count_inputs, number_rows

    counts = np.bincount(documents.tokens, minlength=documents.lexicon.size)
    kept = counts >= min_count
    kept[documents.end] = True
    chosen = np.flatnonzero(kept)
    chosen = chosen[np.argsort(-counts[chosen], kind="stable")]
    strings = documents.words()
    words = [strings[i] for i in chosen.tolist()]

    ngrams, ngram_bounds = _ngram_buckets(documents, word_ngrams, bucket, n_jobs)
    occurrences = np.zeros(bucket if len(ngrams) or max_n else 0, dtype=np.int64)
    count_buckets(ngrams, occurrences)
    if max_n:
        inside = subwords_of(strings, min_n=min_n, max_n=max_n, bucket=bucket)
        repeats = np.repeat(counts, np.diff(inside.bounds))
        occurrences += np.bincount(inside.buckets, repeats, bucket).astype(np.int64)
    buckets = np.flatnonzero(occurrences >= max(1, min_ngram_count)).astype(np.int32)
    features = Features(words, counts[chosen], buckets, bucket, word_ngrams, min_n, max_n)

    row_bounds, row_list = features.rows_of(documents)
    inside_words, between_words = count_inputs(
        documents.tokens, documents.bounds, row_bounds, word_ngrams
    )
    n_inputs = inside_words + between_words
    if len(ngrams):
        number_rows(ngrams, ngram_bounds, features.row_of)
    return features, TrainingRows(
        documents.tokens, documents.bounds, row_bounds, row_list,
        ngrams[: ngram_bounds[-1]], ngram_bounds, n_inputs, int(n_inputs.max(initial=0)),
    )  # fmt: skip


def _ngram_buckets(
    documents: Documents, word_ngrams: int, bucket: int, n_jobs: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Buckets of the word n-grams of all documents, int32, and their bounds."""
    from textrep.embeddings.kernels.supervised import bucket_ngrams, count_inputs

    no_rows = np.zeros(documents.lexicon.size + 1, dtype=np.int64)
    _, sizes = count_inputs(documents.tokens, documents.bounds, no_rows, word_ngrams)
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    buckets = np.empty(bounds[-1], dtype=np.int32)
    if len(buckets):
        threads = threads_for(documents, n_jobs)
        call = (documents.tokens, documents.bounds, documents.hashes, word_ngrams, bucket)
        ranges = split_evenly(documents.bounds, threads)
        run_parallel(
            bucket_ngrams,
            [(*call, first, last, int(bounds[first]), buckets) for first, last in ranges],
            threads,
        )
    return buckets, bounds


def threads_for(documents: Documents, n_jobs: int | None) -> int:
    """Threads worth starting for some documents."""
    return max(1, min(wanted_threads(n_jobs), len(documents.tokens) // LEAST_TOKENS))


@dataclass(frozen=True)
class SupervisedModel:
    """A trained classifier.

    Attributes
    ----------
    features : Features
    labels : Labels
        What the output rows stand for.
    dim : int
    inputs : ndarray of shape (n_rows, padded(dim)), float32
        The columns from `dim` on are zeros.
    outputs : ndarray of shape (n_classes, padded(dim)), float32
    """

    features: Features
    labels: Labels
    dim: int
    inputs: np.ndarray
    outputs: np.ndarray

    def scores(self, documents: Documents, n_jobs: int | None) -> np.ndarray:
        """Products of each document's mean row with the output rows, float32
        (n_documents, n_outputs).
        """
        from textrep.embeddings.kernels.supervised import score

        features = self.features
        row_bounds, row_list = features.rows_of(documents)
        longest = features.word_ngrams
        row_of = features.row_of if longest > 1 else np.empty(0, dtype=np.int32)
        most_tokens = int(np.diff(documents.bounds).max(initial=0))
        per_token = int(np.diff(row_bounds).max(initial=0)) + min(longest, most_tokens)
        most = per_token * most_tokens
        scores = np.empty((len(documents), len(self.outputs)), dtype=np.float32)
        call = (
            self.inputs.ravel(), self.outputs.ravel(), self.outputs.shape[1],
            documents.tokens, documents.bounds, row_bounds, row_list, documents.hashes,
            longest, features.bucket, row_of, most,
        )  # fmt: skip
        threads = threads_for(documents, n_jobs)
        ranges = split_evenly(documents.bounds, threads)
        run_parallel(score, [(*call, *r, scores) for r in ranges], threads)
        return scores


def initial_matrix(n_rows: int, dim: int, random: np.random.Generator) -> np.ndarray:
    """Uniform numbers from -1/dim to 1/dim, as fastText begins, and zeros from ``dim`` on; float32
    (n_rows, padded(dim)).
    """
    matrix = np.zeros((n_rows, padded(dim)), dtype=np.float32)
    fill_uniform(matrix[:, :dim], 1 / dim, random)
    return matrix
