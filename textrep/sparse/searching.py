"""Top-k search in a matrix of weighted documents."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_array

from textrep.sparse.kernels import topk
from textrep.sparse.threads import run_parallel, split_evenly, worthwhile_threads

DENSE_FROM = 1 / 8
"""Columns that at least this share of the documents has are kept dense. First sentences searched
for in 25,000 reviews of IMDb: 196 us a query and 28 MB without any, 76 us and 26 MB from 1/2 on,
46 us and 34 MB from 1/8, 50 us and 48 MB from 1/16.
"""


class Found(NamedTuple):
    """What a search has found.

    Attributes
    ----------
    documents : int64 (n_queries, k)
        Numbers of the documents, counted from 0, from the best to the worst; of equal scores the
        lower number comes first.
    scores : float32 or float64 (n_queries, k)
    """

    documents: np.ndarray
    scores: np.ndarray


def search(matrix: Any, queries: Any, k: int = 10, *, n_jobs: int | None = None) -> Found:
    """The documents whose rows have the largest dot products with the rows of queries.

    Parameters
    ----------
    matrix : sparse or dense matrix (n_documents, n_features)
        Weighted documents, such as those of `BM25Vectorizer` or `TfidfVectorizer`.
    queries : sparse or dense matrix (n_queries, n_features)
        How much each term counts: counts for BM25 weights, TF-IDF weights for cosine similarity.
    k : int, default=10
        Documents a query, 1 to n_documents. Where fewer have terms of the query, those that have
        none follow with the score 0.
    n_jobs : int, default=None
        Threads to use: None or -1 for all cores.

    Returns
    -------
    documents : int64 (n_queries, k)
    scores : float32 or float64 (n_queries, k)
        In the dtype of ``matrix``, or float64; from the best to the worst.

    See Also
    --------
    BM25Index : Keeps what this function makes anew at every call.

    Examples
    --------
    >>> from textrep.sparse import TfidfVectorizer, search
    >>> texts = ["cheap flights to Rome", "flights of stairs", "a cheap hotel in Rome"]
    >>> vectorizer = TfidfVectorizer()
    >>> matrix = vectorizer.fit_transform(texts)
    >>> documents, scores = search(matrix, vectorizer.transform(["cheap flights"]), k=2)
    >>> documents
    array([[0, 1]])
    >>> scores.round(2)
    array([[0.65, 0.33]])
    """
    rows = check_array(
        matrix, accept_sparse="csr", dtype=[np.float64, np.float32], input_name="matrix"
    )
    wanted = check_array(
        queries, accept_sparse="csr", dtype=[rows.dtype], input_name="queries", ensure_min_samples=0
    )
    if rows.shape[1] != wanted.shape[1]:
        raise ValueError(
            f"queries has {wanted.shape[1]} columns, but matrix has {rows.shape[1]}; "
            "make both with the same vectorizer"
        )
    index = InvertedIndex.from_matrix(_sound(rows, "matrix"), n_jobs)
    return index.search(_sound(wanted, "queries"), k, n_jobs)


def _sound(X: Any, name: str) -> Any:
    """A CSR matrix without repeated entries, whose indices can be followed unchecked."""
    X = sp.csr_array(X)
    if X.nnz and (int(X.indices.min()) < 0 or int(X.indices.max()) >= X.shape[1]):
        raise ValueError(f"{name} has entries in columns beyond its {X.shape[1]}")
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def check_k(k: Any, n_documents: int) -> int:
    """``k`` as an int.

    Raises
    ------
    ValueError
        When it is no number from 1 to ``n_documents``.
    """
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise ValueError(f"k must be a whole number from 1 on, got {k!r}")
    if k > n_documents:
        raise ValueError(
            f"k={k} asks for more documents than the {n_documents} there are; "
            f"pass k={n_documents} or less"
        )
    return int(k)


@dataclass
class InvertedIndex:
    """Weighted documents by term, laid out as `textrep.sparse.kernels.topk` reads them.

    Attributes
    ----------
    indptr : int64 (n_columns + 1,)
    documents : int32 (n_postings,)
    weights : float32 or float64 (n_postings,)
    dense_of : int32 (n_columns,)
    dense : (n_dense, n_documents) of the dtype of ``weights``
    """

    indptr: np.ndarray
    documents: np.ndarray
    weights: np.ndarray
    dense_of: np.ndarray
    dense: np.ndarray

    def __post_init__(self) -> None:
        lowest = min(self.weights.min(initial=0.0), self.dense.min(initial=0.0))
        self._may_skip = bool(lowest >= 0.0)
        self._dense_most = self.dense.max(axis=1, initial=0.0).astype(np.float64)

    @classmethod
    def from_matrix(cls, X: Any, n_jobs: int | None = None) -> InvertedIndex:
        """Index a CSR matrix (n_documents, n_columns) of float32 or float64 known to be sound."""
        n_documents, n_columns = X.shape
        threads = worthwhile_threads(n_jobs, X.data.nbytes)
        pieces = split_evenly(X.indptr, threads)
        counts = [np.zeros(n_columns, dtype=np.int64) for _ in pieces]
        run_parallel(
            topk.count_entries,
            [
                (X.indices, X.indptr[first], X.indptr[last], count)
                for (first, last), count in zip(pieces, counts, strict=True)
            ],
            threads,
        )
        df = np.sum(counts, axis=0)
        is_dense = df >= max(1.0, DENSE_FROM * n_documents)
        dense_of = np.where(is_dense, np.cumsum(is_dense) - 1, -1).astype(np.int32)
        indptr = np.zeros(n_columns + 1, dtype=np.int64)
        np.cumsum(np.where(is_dense, 0, df), out=indptr[1:])
        documents = np.empty(indptr[-1], dtype=np.int32)
        weights = np.empty(indptr[-1], dtype=X.dtype)
        dense = np.zeros((int(is_dense.sum()), n_documents), dtype=X.dtype)
        position = indptr[:-1]
        calls = []
        for piece, count in zip(pieces, counts, strict=True):
            # the piece writes behind the postings of those before it
            calls.append(
                (X.data, X.indices, X.indptr, *piece, position.copy(), dense_of,
                 documents, weights, dense)
            )  # fmt: skip
            position = position + count
        run_parallel(topk.place_postings, calls, threads)
        return cls(indptr, documents, weights, dense_of, dense)

    @property
    def n_documents(self) -> int:
        return self.dense.shape[1]

    @property
    def n_columns(self) -> int:
        return len(self.dense_of)

    def search(self, queries: Any, k: int, n_jobs: int | None = None) -> Found:
        """The best documents of each row of a CSR matrix of queries known to be sound."""
        k = check_k(k, self.n_documents)
        shape = (queries.shape[0], k)
        found = Found(np.empty(shape, dtype=np.int64), np.empty(shape, dtype=self.weights.dtype))
        may_skip = self._may_skip and queries.data.min(initial=0) >= 0
        slack = float(np.finfo(self.weights.dtype).eps) if may_skip else -1.0
        self._run(topk.find_best, queries, (self._dense_most, slack, *found), n_jobs)
        return found

    def scores(self, queries: Any, n_jobs: int | None = None) -> np.ndarray:
        """The scores of all documents for each row of a CSR matrix of queries, ndarray
        (n_queries, n_documents).
        """
        scores = np.zeros((queries.shape[0], self.n_documents), dtype=self.weights.dtype)
        self._run(topk.add_scores, queries, (scores,), n_jobs)
        return scores

    def _run(self, kernel: Any, queries: Any, rest: tuple[Any, ...], n_jobs: int | None) -> None:
        """Run a kernel over the queries, cut into runs of about equal work."""
        if queries.shape[1] != self.n_columns:
            raise ValueError(
                f"the queries have {queries.shape[1]} columns, but {self.n_columns} were indexed; "
                "index the documents again after a change of the vocabulary"
            )
        columns, pieces, threads = queries.indices, [(0, queries.shape[0])], 1
        if queries.shape[0] > 1:
            lengths = self.indptr[columns + 1] - self.indptr[columns]
            postings = np.concatenate([[0], np.cumsum(lengths)])
            work = postings[queries.indptr] + np.arange(queries.shape[0] + 1) * self.n_documents
            threads = worthwhile_threads(n_jobs, int(work[-1]) * self.weights.itemsize)
            pieces = split_evenly(work, threads)
        times = queries.data.astype(self.weights.dtype, copy=False)
        run_parallel(
            kernel,
            [
                (
                    queries.indptr, columns, times, *piece,
                    self.indptr, self.documents, self.weights, self.dense_of, self.dense, *rest,
                )
                for piece in pieces
            ],
            threads,
        )  # fmt: skip

    # ---- saving

    def to_state(self) -> dict[str, np.ndarray]:
        """Arrays from which `from_state` makes the index again."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> InvertedIndex:
        """The index of `to_state`.

        Raises
        ------
        ValueError
            When the arrays do not fit together, so that following them would leave their memory.
        """
        arrays = [state.get(field.name) for field in fields(cls)]
        if not all(isinstance(array, np.ndarray) for array in arrays) or not _fit(*arrays):
            raise ValueError("the saved index does not fit together")
        return cls(*(np.ascontiguousarray(array) for array in arrays))


def _fit(indptr: Any, documents: Any, weights: Any, dense_of: Any, dense: Any) -> bool:
    """Whether arrays make an index that the kernels can follow."""
    if [array.ndim for array in (indptr, documents, weights, dense_of, dense)] != [1, 1, 1, 1, 2]:
        return False
    if (indptr.dtype, documents.dtype, dense_of.dtype) != (np.int64, np.int32, np.int32):
        return False
    if weights.dtype not in (np.float32, np.float64) or dense.dtype != weights.dtype:
        return False
    if len(indptr) != len(dense_of) + 1 or len(documents) != len(weights):
        return False
    if indptr[0] != 0 or indptr[-1] != len(documents) or (np.diff(indptr) < 0).any():
        return False
    if not (np.isfinite(weights).all() and np.isfinite(dense).all()):
        return False
    if len(dense_of) and not (dense_of.min() >= -1 and dense_of.max() < len(dense)):
        return False
    rises = np.diff(documents) > 0
    begins = indptr[(indptr > 0) & (indptr < len(documents))]
    rises[begins - 1] = True  # from one column to the next
    if not rises.all():
        return False
    return not len(documents) or bool(documents.min() >= 0 and documents.max() < dense.shape[1])
