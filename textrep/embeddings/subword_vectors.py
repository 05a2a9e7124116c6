"""`SubwordVectors`: word vectors that know unseen words by their character n-grams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from textrep.embeddings.open_vectors import OpenVectors
from textrep.embeddings.subwords import Subwords, subwords_of

_ROWS_AT_ONCE = 1 << 16
"""Rows gathered at a time, 26 MB at 100 dimensions."""


@dataclass(frozen=True)
class NgramTable:
    """Vectors of hashed character n-grams.

    Attributes
    ----------
    min_n, max_n : int
        Shortest and longest n-gram, in code points; ``max_n=0`` for none.
    bucket : int
        Number of buckets that n-grams are hashed to.
    buckets : ndarray of shape (n_rows,), int32, or None
        The buckets that have a row, each once; all others count as zeros. None for all of them in
        their order, as in a file of fastText.
    matrix : array of shape (n_rows, dim), float32
        In memory or mapped from a file.

    Examples
    --------
    >>> buckets = subwords_of(["to"], min_n=4, max_n=4, bucket=50).buckets  # "<to>"
    >>> table = NgramTable(4, 4, 50, buckets, np.array([[1, 2]], dtype=np.float32))
    >>> table.means(["to", "be"])
    (array([[1., 2.],
           [0., 0.]], dtype=float32), array([ True, False]))
    """

    min_n: int
    max_n: int
    bucket: int
    buckets: np.ndarray | None
    matrix: Any

    @cached_property
    def _row_of(self) -> np.ndarray:
        """Row of each bucket, -1 where it has none, int32 (bucket,)."""
        row_of = np.full(self.bucket, -1, dtype=np.int32)
        assert self.buckets is not None
        row_of[self.buckets] = np.arange(len(self.buckets), dtype=np.int32)
        return row_of

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_row_of"}

    def subwords(self, words: Sequence[str]) -> Subwords:
        """The buckets of the n-grams of words."""
        return subwords_of(words, min_n=self.min_n, max_n=self.max_n, bucket=self.bucket)

    def means(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The mean of the vectors of each word's n-grams.

        Parameters
        ----------
        words : sequence of str, n long

        Returns
        -------
        means : float32 ndarray (n, dim)
            N-grams without a row count as zeros.
        known : bool ndarray (n,)
            Whether any of a word's n-grams has a row.
        """
        found = self.subwords(words)
        rows = found.buckets if self.buckets is None else self._row_of[found.buckets]
        return mean_rows(self.matrix, rows, found.bounds)


def mean_rows(matrix: Any, rows: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of rows of a matrix.

    Parameters
    ----------
    matrix : array (n_rows, dim) of float32
    rows : int32 ndarray (n_parts,)
        -1 for a row of zeros.
    bounds : int64 ndarray (n + 1,)
        Mean i is over ``rows[bounds[i]:bounds[i + 1]]``.

    Returns
    -------
    means : float32 ndarray (n, dim)
        Zeros where there are no rows.
    known : bool ndarray (n,)
        Whether there is any row other than -1.
    """
    n, dim = len(bounds) - 1, int(matrix.shape[1])
    means = np.zeros((n, dim), dtype=np.float32)
    known = np.zeros(n, dtype=bool)
    filled = np.flatnonzero(np.diff(bounds))  # reduceat cannot sum over nothing
    starts, sizes = bounds[filled], np.diff(bounds)[filled].astype(np.float32)
    for first, last in _blocks(starts):
        begin = starts[first]
        part = rows[begin : starts[last] if last < len(starts) else bounds[-1]]
        there = part >= 0
        gathered = np.zeros((len(part), dim), dtype=np.float32)
        gathered[there] = matrix[part[there]]
        sums = np.add.reduceat(gathered, starts[first:last] - begin)
        means[filled[first:last]] = sums / sizes[first:last, np.newaxis]
        known[filled[first:last]] = np.logical_or.reduceat(there, starts[first:last] - begin)
    return means, known


def _blocks(starts: np.ndarray) -> Iterator[tuple[int, int]]:
    """Ranges of words with about `_ROWS_AT_ONCE` rows each."""
    first = 0
    while first < len(starts):
        last = int(np.searchsorted(starts, starts[first] + _ROWS_AT_ONCE))
        yield first, last
        first = last


class SubwordVectors(OpenVectors):
    """Word vectors that also answer for words beyond their list, by their character n-grams.

    Parameters
    ----------
    words : list of str, n_words long
    matrix : array (n_words, dim) of float32
        Vectors of the words, n-grams included.
    ngrams : NgramTable
        Vectors of n-grams, of as many dimensions.
    counts : int array (n_words,), default=None

    Attributes
    ----------
    ngrams : NgramTable

    Raises
    ------
    TypeError, ValueError
        As for `WordVectors`, and when the n-grams have another number of dimensions.

    See Also
    --------
    WordVectors : What it shares with vectors without subwords.

    Notes
    -----
    The vector of an unseen word is the mean over all its n-grams, in which those that no word of
    the vocabulary has count as zeros. ``in``, `index`, `rows` and what looks for neighbours know
    the words of the list only.

    References
    ----------
    Bojanowski, Grave, Joulin, Mikolov (2017). Enriching word vectors with subword information.
    TACL 5.

    Examples
    --------
    >>> import numpy as np
    >>> found = subwords_of(["to"], min_n=2, max_n=2, bucket=50)  # "<t", "to", "o>"
    >>> rows = np.array([[3, 0], [0, 3], [0, 0]], dtype=np.float32)
    >>> table = NgramTable(2, 2, 50, found.buckets, rows)
    >>> vectors = SubwordVectors(["to"], np.array([[1, 1]], dtype=np.float32), ngrams=table)
    >>> vectors["to"], vectors["t"], "t" in vectors  # "<t", "t>"
    (array([1., 1.], dtype=float32), array([1.5, 0. ], dtype=float32), False)
    """

    def __init__(
        self, words: Sequence[str], matrix: Any, *, ngrams: NgramTable, counts: Any = None
    ) -> None:
        super().__init__(words, matrix, counts=counts)
        if ngrams.matrix.shape[1] != self.dim:
            raise ValueError(
                f"the n-grams have {ngrams.matrix.shape[1]} dimensions, but the words {self.dim}"
            )
        self.ngrams = ngrams

    def _of_unseen(self, words: list[str]) -> tuple[np.ndarray, np.ndarray]:
        return self.ngrams.means(words)
