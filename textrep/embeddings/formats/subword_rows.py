"""The vectors of a fastText model's words, n-grams included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from textrep.core.messages import shown
from textrep.embeddings.formats.errors import VectorFileError
from textrep.embeddings.formats.fasttext_bin import FastTextFile
from textrep.embeddings.neighbours import blocks
from textrep.embeddings.subword_vectors import NgramTable, SubwordVectors, mean_rows
from textrep.embeddings.subwords import subwords_of


def subword_vectors(
    file: FastTextFile, *, lazy: bool = True, path: Path | None = None
) -> SubwordVectors:
    """Word vectors of a fastText model, which answer for unseen words, too.

    Parameters
    ----------
    file : FastTextFile
    lazy : bool, default=True
        Compute the vector of a word when it is asked for; otherwise all of them at once, which
        searches for neighbours are faster with.
    path : Path, default=None
        Where the model was read, for messages.

    Returns
    -------
    SubwordVectors

    Examples
    --------
    >>> matrix = np.array([[1, 2], [3, 4]], dtype=np.float32)
    >>> file = FastTextFile(dim=2, words=["to"], counts=[7], n_tokens=7, bucket=1, minn=4, maxn=4,
    ...     input=matrix, output=matrix[:1])
    >>> vectors = subword_vectors(file)
    >>> vectors["to"], vectors["be"]  # "to" and "<to>", "<be>"
    (array([2., 3.], dtype=float32), array([3., 4.], dtype=float32))
    """
    rows = SubwordRows(file, path)
    n_words = len(file.words)
    table = NgramTable(file.minn, _longest_ngram(file), file.bucket, None, file.input[n_words:])
    matrix = rows if lazy else rows[:]
    return SubwordVectors(file.words, matrix, ngrams=table, counts=file.counts)


class SubwordRows:
    """The means of each word's own row and those of its n-grams, computed when asked for.

    Works as the `matrix` of `WordVectors`. Pickled, it becomes an array in memory.

    Parameters
    ----------
    file : FastTextFile
    path : Path or None
        For messages.

    Attributes
    ----------
    shape : (int, int)
    dtype : numpy.dtype
        float32.
    """

    dtype = np.dtype(np.float32)
    ndim = 2

    def __init__(self, file: FastTextFile, path: Path | None) -> None:
        self.shape = (len(file.words), file.dim)
        self._file = file
        self._path = path

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        if isinstance(rows, int | np.integer):
            return self[[rows]][0]
        chosen = np.arange(len(self))[rows]
        means = np.empty((len(chosen), self.shape[1]), dtype=np.float32)
        for first, last in blocks(*means.shape):
            means[first:last] = self._means(chosen[first:last])
        return means

    def _means(self, rows: np.ndarray) -> np.ndarray:
        file = self._file
        words = [file.words[row] for row in rows.tolist()]
        ngrams = subwords_of(
            words, min_n=file.minn, max_n=_longest_ngram(file), bucket=max(file.bucket, 1)
        )
        # Before the n-grams of each word comes the word itself.
        bounds = ngrams.bounds + np.arange(len(words) + 1)
        own = np.zeros(bounds[-1], dtype=bool)
        own[bounds[:-1]] = True
        parts = np.empty(len(own), dtype=np.int64)
        parts[own] = rows
        parts[~own] = ngrams.buckets + np.int64(len(self))
        means, _ = mean_rows(file.input, parts, bounds)
        if not np.isfinite(means).all():
            bad = words[int(np.flatnonzero(~np.isfinite(means).all(axis=1))[0])]
            raise VectorFileError(
                f"the vector of {shown(bad)} has NaN or infinite values", path=self._path
            )
        return means

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return np.array, (self[:],)

    def __copy__(self) -> SubwordRows:
        return self

    def __deepcopy__(self, memo: Any) -> SubwordRows:
        return self  # read-only


def _longest_ngram(file: FastTextFile) -> int:
    """0 where the model has no buckets, whatever its arguments say."""
    return file.maxn if file.bucket else 0
