"""`SemanticSearch`: the texts whose vectors are nearest to those of queries."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.utils import Tags, get_tags
from sklearn.utils.validation import check_is_fitted

from textrep.core.messages import shown, type_name
from textrep.core.persist import Persistent
from textrep.embeddings.documents import is_stream
from textrep.embeddings.neighbours import best, blocks
from textrep.embeddings.parameters import check_count
from textrep.embeddings.static import StaticEmbedder


class Nearest(NamedTuple):
    """What a search finds.

    Attributes
    ----------
    documents : int64 ndarray (n_queries, k)
        Their numbers in the order in which `fit` got them, counted from 0; from the nearest on, of
        equal ones the lower number first.
    scores : float32 ndarray (n_queries, k)
        Cosines.
    """

    documents: NDArray[np.int64]
    scores: NDArray[np.float32]


class SemanticSearch(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Persistent, BaseEstimator):
    """Find texts by their meaning: those whose vectors have the highest cosine with a query's.

    The search is exact: each query is held against all texts, in blocks, so that memory stays
    bounded.

    Parameters
    ----------
    embedder : estimator or None, default=None
        Turns texts into vectors: an `EncoderEmbedder`, `StaticEmbedder`, `Word2Vec` or any other
        estimator or pipeline whose `transform` gives a dense matrix. One that is fitted is used as
        it is; of another a clone is fitted on the texts. None for a `StaticEmbedder`, which needs
        no training.

    Attributes
    ----------
    embedder_ : estimator
        Fitted.
    vectors_ : float32 ndarray (n_documents, dim)
        Of the texts, of length 1, or 0 where there is none.
    n_documents_ : int

    See Also
    --------
    textrep.BM25Index : Finds texts by the words that they share with a query.
    EncoderEmbedder.fit_pairs : Makes vectors of what belongs together alike.

    Examples
    --------
    >>> from textrep import SemanticSearch
    >>> texts = ["a piano and a violin", "the river flows to the sea", "the king and his army"]
    >>> search = SemanticSearch().fit(texts)
    >>> documents, scores = search.search(["music for the guitar", "soldiers"], k=1)
    >>> documents
    array([[0],
           [2]])
    """

    embedder_: Any
    vectors_: NDArray[np.float32]

    def __init__(self, *, embedder: Any = None) -> None:
        self.embedder = embedder

    def fit(self, X: Any, y: Any = None) -> Self:
        """Take in the texts that are searched.

        Parameters
        ----------
        X : iterable of str, of length n_documents
            Or whatever the embedder takes.
        y : ignored

        Returns
        -------
        self : SemanticSearch

        Raises
        ------
        TypeError
            If `embedder` cannot turn texts into vectors.
        """
        X = list(X) if is_stream(X) else X
        embedder = self._chosen()
        self.embedder_ = embedder if _is_fitted(embedder) else clone(embedder).fit(X)
        self.vectors_ = self._unit(X)
        return self

    @property
    def n_documents_(self) -> int:
        if "vectors_" not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute 'n_documents_'")
        return len(self.vectors_)

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Vectors of texts, of length 1, as they are compared.

        Parameters
        ----------
        X : iterable of str, of length n_samples

        Returns
        -------
        float32 ndarray (n_samples, dim)
            Zeros where the embedder gives zeros.
        """
        check_is_fitted(self, "vectors_")
        return self._unit(X)

    def search(self, queries: Any, k: int = 10) -> Nearest:
        """The nearest texts for each query.

        Parameters
        ----------
        queries : iterable of str, of length n_queries
        k : int, default=10
            Texts a query, 1 to ``n_documents_``.

        Returns
        -------
        documents : int64 ndarray (n_queries, k)
        scores : float32 ndarray (n_queries, k)
            Cosines, the highest first; 0 where a text or the query has no vector.

        Raises
        ------
        ValueError
            If `k` is out of its range.
        """
        check_is_fitted(self, "vectors_")
        check_count("k", k, 1)
        if k > self.n_documents_:
            raise ValueError(
                f"k={k} is more than the {self.n_documents_:,} texts that are searched"
            )
        wanted = self._unit(queries)
        documents = np.empty((len(wanted), k), dtype=np.int64)
        scores = np.empty((len(wanted), k), dtype=np.float32)
        for first, last in blocks(len(wanted), self.n_documents_):
            found = wanted[first:last] @ self.vectors_.T  # (queries, n_documents)
            for query, row in enumerate(found, start=first):
                documents[query], scores[query] = best([(0, row)], k)
        return Nearest(documents, scores)

    # ---- parts

    def _chosen(self) -> Any:
        embedder = StaticEmbedder() if self.embedder is None else self.embedder
        if isinstance(embedder, type) or not hasattr(embedder, "transform"):
            raise TypeError(
                "embedder must be an estimator with fit and transform, such as StaticEmbedder(), "
                f"got {shown(embedder)} ({type_name(embedder)})"
            )
        return embedder

    def _unit(self, X: Any) -> NDArray[np.float32]:
        found = self.embedder_.transform(X)
        if hasattr(found, "toarray"):
            raise TypeError(
                f"{type(self.embedder_).__name__} gives a sparse matrix; SemanticSearch needs "
                "dense vectors. For counts and weights of words take textrep.sparse.search"
            )
        vectors = np.array(found, dtype=np.float32)
        if vectors.ndim != 2:
            raise TypeError(
                f"{type(self.embedder_).__name__} gives an array of shape {vectors.shape}; "
                "expected (n_samples, dim)"
            )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.where(lengths > 0, lengths, 1)
        return vectors

    @property
    def _n_features_out(self) -> int:
        return int(self.vectors_.shape[1])

    def __sklearn_tags__(self) -> Tags:
        tags = get_tags(StaticEmbedder() if self.embedder is None else self.embedder)
        tags.requires_fit = True
        return tags

    # ---- saving

    def _get_state(self) -> dict[str, Any]:
        if "vectors_" not in vars(self):
            return {}
        return {"embedder_": self.embedder_, "vectors_": self.vectors_}

    def _set_state(self, state: dict[str, Any]) -> None:
        if not state:
            return
        vectors = state.get("vectors_")
        if (
            set(state) != {"embedder_", "vectors_"}
            or not isinstance(vectors, np.ndarray)
            or vectors.dtype != np.float32
            or vectors.ndim != 2
            or not hasattr(state["embedder_"], "transform")
        ):
            raise ValueError("the state of a SemanticSearch is an embedder and float32 vectors")
        self.embedder_, self.vectors_ = state["embedder_"], vectors


def _is_fitted(estimator: Any) -> bool:
    try:
        check_is_fitted(estimator)
    except Exception:  # of a type of its own in each library; or no estimator at all
        return False
    return True
