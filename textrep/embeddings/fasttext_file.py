"""A `FastText` model as a file of the fastText program, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from textrep.embeddings.formats.fasttext_bin import FastTextFile
from textrep.embeddings.subword_vectors import NgramTable, SubwordVectors

if TYPE_CHECKING:
    from textrep.embeddings.fasttext import FastText

PARAMETERS = {
    "algorithm": "model",
    "vector_size": "dim",
    "window": "ws",
    "min_n": "minn",
    "max_n": "maxn",
    "bucket": "bucket",
    "negative": "neg",
    "sample": "t",
    "min_count": "min_count",
    "epochs": "epoch",
}
"""Parameters of `FastText` -> arguments of the program that a file holds."""


def file_of(model: FastText) -> FastTextFile:
    """A fitted model as the program's file holds it.

    Parameters
    ----------
    model : FastText

    Returns
    -------
    FastTextFile
        Its output matrix is zeros, which training on would need and nothing else does. Its input
        matrix is made as it is written: buckets without a vector are rows of zeros.
    """
    vectors = model.vectors_
    ngrams = vectors.ngrams
    bucket = ngrams.bucket if ngrams.max_n else 0
    counts = np.ones(len(vectors), np.int64) if vectors.counts is None else vectors.counts
    arguments = {theirs: getattr(model, ours) for ours, theirs in PARAMETERS.items()}
    arguments |= {
        "dim": vectors.dim,
        "epoch": max(1, model.n_epochs_),
        "minn": ngrams.min_n if bucket else 0,
        "maxn": ngrams.max_n,
        "bucket": bucket,
    }
    return FastTextFile(
        **arguments,
        words=vectors.words,
        counts=counts,
        input=_InputRows(vectors, bucket),
        output=np.zeros((len(vectors), vectors.dim), dtype=np.float32),
        n_tokens=int(counts.sum()),
    )


class _InputRows:
    """Rows of words, then of all buckets: slices are made when asked for."""

    def __init__(self, vectors: SubwordVectors, bucket: int) -> None:
        self.shape = (len(vectors) + bucket, vectors.dim)
        self._vectors = vectors
        self._order = _ordered(vectors.ngrams)

    def __getitem__(self, rows: slice) -> np.ndarray:
        first, last, _ = rows.indices(self.shape[0])
        n_words = len(self._vectors)
        words = own_rows(self._vectors, min(first, n_words), min(last, n_words))
        buckets = self._of_buckets(max(first - n_words, 0), max(last - n_words, 0))
        return np.concatenate([words, buckets])

    def _of_buckets(self, first: int, last: int) -> np.ndarray:
        ngrams = self._vectors.ngrams
        if ngrams.buckets is None:
            return np.asarray(ngrams.matrix[first:last])
        rows = np.zeros((last - first, self.shape[1]), dtype=np.float32)
        sorted_buckets = ngrams.buckets[self._order]
        begin, end = np.searchsorted(sorted_buckets, [first, last])
        rows[sorted_buckets[begin:end] - first] = ngrams.matrix[self._order[begin:end]]
        return rows


def _ordered(ngrams: NgramTable) -> np.ndarray:
    return np.argsort([] if ngrams.buckets is None else ngrams.buckets)


def own_rows(vectors: SubwordVectors, first: int, last: int) -> np.ndarray:
    """The vectors of words without those of their n-grams.

    Parameters
    ----------
    vectors : SubwordVectors
    first, last : int
        The words are ``range(first, last)``.

    Returns
    -------
    float32 ndarray (last - first, dim)
        Of a word with n n-grams, n + 1 times its vector less the sum of those of the n-grams.
    """
    words = vectors.words[first:last]
    n = np.diff(vectors.ngrams.subwords(words).bounds)[:, np.newaxis]
    of_ngrams, _ = vectors.ngrams.means(words)
    whole = vectors.rows(np.arange(first, last)).astype(np.float64)
    return (whole * (n + 1) - of_ngrams * n).astype(np.float32)


def parameters_of(file: FastTextFile) -> dict[str, Any]:
    """The parameters of `FastText` that a file names."""
    parameters = {ours: getattr(file, theirs) for ours, theirs in PARAMETERS.items()}
    if not (file.bucket and file.maxn):
        parameters |= {"max_n": 0, "bucket": max(file.bucket, 1)}
    return parameters | {"min_n": max(file.minn, 1)}
