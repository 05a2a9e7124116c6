"""`OneHotEmbedder`: each word a dimension of its own, where word vectors begin."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import scipy.sparse

from textrep.embeddings.counted import Counted
from textrep.embeddings.embedder import WordEmbedder
from textrep.embeddings.kernels.pooling import take_out
from textrep.embeddings.pooling import oriented
from textrep.embeddings.vectors import WordVectors
from textrep.embeddings.vectors_state import (
    pack_counts,
    pack_words,
    unpack_words,
)


class OneHotEmbedder(WordEmbedder):
    """Texts -> vectors with one dimension for each word.

    The vector of a word is 1 in its own dimension and 0 in all others. So every two words are
    equally far from each other: the distance is always the square root of 2 and the cosine 0,
    between "good" and "great" as between "good" and "granite". And each new word is a new
    dimension. Embeddings that are trained, `Word2Vec` and its like, are the answer to both.

    The mean of a document's words is then how large a share of the document each word is: a bag
    of words. `CountVectorizer` and `TfidfVectorizer` give the same as sparse matrices, which also
    large collections have room for.

    Parameters
    ----------
    max_vocabulary : int or None, default=None
        So many of the most frequent words get a dimension; None for all.
    min_count : int, default=1
        Words that stand fewer times in the training texts get none.
    pooling : {"mean", "idf", "sif", "max"}, default="mean"
        How a document's vector comes from those of its words, see Notes of `WordEmbedder`:
        ``"mean"`` is the share of each word, ``"max"`` says which words are there.
    lowercase : bool, default=True
        Whether texts are lower-cased.
    token_pattern : str, default=r"(?u)\\b\\w+\\b"
        Regular expression of a word.
    tokenizer : callable or None, default=None
        Takes a text and gives its words, in place of `token_pattern`.
    n_jobs : int or None, default=None
        Threads: None or -1 for all cores.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    vectors_ : OneHotVectors
        The words, most frequent first, and their vectors, which are made when asked for.
    n_documents_, idf_, sif_weights_, sif_direction_ :
        What the poolings learn, see `WordEmbedder`.

    Examples
    --------
    >>> from textrep import OneHotEmbedder
    >>> embedder = OneHotEmbedder().fit(["the good film", "the great film"])
    >>> embedder.get_feature_names_out()
    array(['the', 'film', 'good', 'great'], dtype=object)
    >>> embedder.vectors_["good"]
    array([0., 0., 1., 0.], dtype=float32)
    >>> embedder.similarity("good", "great"), embedder.similarity("good", "the")
    (0.0, 0.0)
    >>> embedder.transform(["good the good film"])
    array([[0.25, 0.25, 0.5 , 0.  ]], dtype=float32)
    """

    def __init__(
        self,
        *,
        max_vocabulary: int | None = None,
        min_count: int = 1,
        pooling: str = "mean",
        lowercase: bool = True,
        token_pattern: str = r"(?u)\b\w+\b",
        tokenizer: Callable[[str], list[str]] | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.max_vocabulary = max_vocabulary
        self.min_count = min_count
        self.pooling = pooling
        self.lowercase = lowercase
        self.token_pattern = token_pattern
        self.tokenizer = tokenizer
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the words.

        Parameters
        ----------
        X : iterable of str, iterable of lists of str, or pathlib.Path
            Texts, or documents that are cut into words already; a generator of either; or a text
            file with a document on each line.
        y : ignored

        Returns
        -------
        self : OneHotEmbedder
        """
        with self._read_corpus(X) as corpus:
            self.vectors_ = OneHotVectors(corpus.words, counts=corpus.counts)
            self._fit_pooling(corpus)
        return self

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """The words in the order of their dimensions.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        object ndarray (n_words,)
        """
        self._check_fitted()
        return np.array(self.vectors_.words, dtype=object)

    def _room(self, n_documents: int) -> np.ndarray:
        refuse_too_large(n_documents, self.vectors_.dim, "documents")
        return super()._room(n_documents)

    def _pool(self, counted: Counted) -> np.ndarray:
        refuse_too_large(len(counted), self.vectors_.dim, "documents")
        n_words = self.vectors_.dim
        if self.pooling == "max":
            pooled = _sparse(counted, np.ones_like(counted.counts), n_words).toarray()
        else:
            weights, _ = self._statistics().weights(self.pooling)
            pooled = _shares(counted, weights, self.pooling == "idf", n_words).toarray()
        if self.pooling == "sif":
            take_out(pooled, self.sif_direction_)
        return pooled

    def _common_direction(self, sample: Counted, weights: np.ndarray) -> np.ndarray:
        return _first_singular_vector(_shares(sample, weights, False, self.vectors_.dim))

    def _vectors_to_state(self, vectors: Any) -> dict[str, Any]:
        words, sizes = pack_words(vectors.words)
        return {"words": words, "word_bytes": sizes, "counts": pack_counts(vectors.counts)}

    def _vectors_from_state(self, state: Any) -> WordVectors:
        return OneHotVectors(unpack_words(state["words"], state["word_bytes"]), state["counts"])


class OneHotVectors(WordVectors):
    """Words of which each has a dimension to itself.

    Parameters
    ----------
    words : list of str, n_words long
    counts : int array (n_words,), default=None

    Examples
    --------
    >>> vectors = OneHotVectors(["so", "much"])
    >>> vectors["much"], vectors.similarity("so", "much")
    (array([0., 1.], dtype=float32), 0.0)
    """

    def __init__(self, words: list[str], counts: Any = None) -> None:
        super().__init__(words, _Identity(len(words)), counts=counts)

    def _all_norms(self) -> np.ndarray:
        return np.ones(len(self), dtype=np.float32)

    def _cosines(
        self, query: np.ndarray, restrict_vocab: int | None
    ) -> Iterator[tuple[int, np.ndarray]]:
        # A query's cosine with a dimension is its value there.
        yield 0, query[: self._searched(restrict_vocab)].copy()


class _Identity:
    """The identity matrix, whose rows are made when they are asked for."""

    dtype = np.dtype(np.float32)

    def __init__(self, size: int) -> None:
        self.shape = size, size

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        numbers = np.arange(self.shape[0])[rows]
        refuse_too_large(len(numbers), self.shape[1], "words")
        made = np.zeros((len(numbers), self.shape[1]), dtype=np.float32)
        made[np.arange(len(numbers)), numbers] = 1
        return made


def _shares(counted: Counted, weights: np.ndarray | None, by_weight: bool, n_words: int) -> Any:
    """Weighted means of the words of documents, as `weighted_means` has them, but sparse."""
    counts = counted.counts.astype(np.float64)
    parts = counts if weights is None else counts * weights[counted.terms]
    document = np.repeat(np.arange(len(counted)), np.diff(counted.indptr))
    total = np.bincount(document, weights=parts if by_weight else counts, minlength=len(counted))
    return _sparse(counted, parts / total[document], n_words)


def _sparse(counted: Counted, values: np.ndarray, n_words: int) -> Any:
    """CSR matrix (n_documents, n_words) of float32."""
    parts = values.astype(np.float32), counted.terms, counted.indptr
    return scipy.sparse.csr_matrix(parts, shape=(len(counted), n_words))


def _first_singular_vector(matrix: Any) -> np.ndarray:
    """First right singular vector of a sparse matrix, float32; zeros of one of zeros."""
    from scipy.sparse.linalg import svds

    if not matrix.count_nonzero():
        return np.zeros(matrix.shape[1], dtype=np.float32)
    matrix = matrix.astype(np.float64)
    smaller = min(matrix.shape)
    if smaller < 3:  # too few for the iteration
        return oriented(np.linalg.svd(matrix.toarray(), full_matrices=False)[2][0])
    return oriented(svds(matrix, k=1, v0=np.ones(smaller))[2][0])


def refuse_too_large(n_rows: int, n_columns: int, what: str) -> None:
    """Refuse a dense float32 matrix that there is no memory for.

    Raises
    ------
    MemoryError
        With the sizes and what to do.
    """
    needed, free = 4 * n_rows * n_columns, free_memory()
    if free is not None and needed > free:
        raise MemoryError(
            f"{n_rows:,} {what} with a dimension for each of {n_columns:,} words take "
            f"{needed / 2**30:,.1f} GiB, and {free / 2**30:,.1f} GiB are free; give fewer at a "
            "time, set max_vocabulary, or use CountVectorizer, whose matrices are sparse"
        )


def free_memory() -> int | None:
    """Bytes that the system can still hand out; None where it does not say."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
