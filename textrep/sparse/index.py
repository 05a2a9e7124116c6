"""`BM25Index`: texts in, best texts for a query out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np
from sklearn.utils.validation import check_is_fitted

from textrep.sparse.bm25_vectorizer import BM25Vectorizer
from textrep.sparse.searching import Found, InvertedIndex, check_k


def _absent(name: str) -> Any:
    """A method of the base class that this class does not have."""

    def refuse(self: Any) -> NoReturn:
        raise AttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r}: the weights of documents "
            "indexed already would change; fit again with all documents"
        )

    return property(refuse)


class BM25Index(BM25Vectorizer):
    """Search texts by BM25.

    A `BM25Vectorizer` that keeps the weighted documents by term, so that `search` finds the best of
    them for many queries at once. Scores are those of the package bm25s.

    Parameters
    ----------
    variant : {"robertson", "lucene", "atire", "bm25l", "bm25+"}, default="lucene"
    k1 : float, default=1.5
    b : float, default=0.75
    delta : float, default=0.5
    idf_variant : one of the variants or None, default=None
        See `BM25Transformer`.
    dtype : {numpy.float32, numpy.float64}, default=numpy.float32
    n_jobs : int, default=None
        Threads to use: None or -1 for all cores, -2 for all but one.
    stop_words : "english", list or None, default=None
    stemmer : str, Stemmer, object with ``stem(word)``, callable or None, default=None
    spelling : "english", SpellingCorrector, callable or None, default=None
        These, ``ngram_range``, ``min_df`` and so on say what a term is: see `CountVectorizer`.

    Attributes
    ----------
    n_documents_ : int
        Documents indexed.
    vocabulary_ : dict of str to int, see `CountVectorizer`
    idf_, average_length_, nonoccurrence_ : see `BM25Vectorizer`

    Notes
    -----
    A document's score is the sum over the terms of the query of its weights, a term that the query
    repeats counting as often. Terms that no document has add nothing. Sums are taken in ``dtype``,
    rarer terms first, so that scores may differ from bm25s's in the last digits.

    Memory: 8 bytes for each distinct term of each document (``dtype`` float32), or 4 bytes a
    document for a term that an eighth of the documents or more have.

    Examples
    --------
    >>> from textrep.sparse import BM25Index
    >>> texts = ["cheap flights to Rome", "flights of stairs", "a cheap hotel in Rome"]
    >>> index = BM25Index().fit(texts)
    >>> documents, scores = index.search(["cheap flights", "Rome"], k=2)
    >>> documents
    array([[0, 1],
           [0, 2]])
    >>> scores.round(2)
    array([[0.36, 0.2 ],
           [0.18, 0.18]], dtype=float32)
    >>> [texts[d] for d in documents[0]]
    ['cheap flights to Rome', 'flights of stairs']
    """

    partial_fit = _absent("partial_fit")
    merge = _absent("merge")

    def fit(self, raw_documents: Iterable[Any], y: Any = None) -> BM25Index:
        """Index documents.

        Parameters
        ----------
        raw_documents : iterable of str or bytes (or of files or file names, see ``input``),
            n_documents long
        y : ignored

        Returns
        -------
        self : BM25Index
        """
        self._learn_and_index(raw_documents)
        return self

    def fit_transform(self, raw_documents: Iterable[Any], y: Any = None) -> Any:
        """Index documents and give their weights.

        Parameters
        ----------
        raw_documents : as for `fit`
        y : ignored

        Returns
        -------
        X : sparse CSR matrix (n_documents, n_features) of ``dtype``
        """
        return self._learn_and_index(raw_documents)

    def _learn_and_index(self, raw_documents: Iterable[Any]) -> Any:
        X = self._weigh(self._learn(raw_documents))
        for name in ("_in_documents", "_in_all"):  # only of use to who goes on learning
            self.__dict__.pop(name, None)
        self._index = InvertedIndex.from_matrix(X, self.n_jobs)
        return X

    @property
    def n_documents_(self) -> int:
        """Documents indexed."""
        return self._kept().n_documents

    def _kept(self) -> InvertedIndex:
        if "_index" not in self.__dict__:
            check_is_fitted(self, "_index", msg="The BM25 index is not fitted")
        return self._index

    def search(self, queries: Iterable[str], k: int = 10) -> Found:
        """The best documents for each query.

        Parameters
        ----------
        queries : iterable of str, n_queries long
        k : int, default=10
            Documents a query, 1 to ``n_documents_``. Where fewer have terms of the query, the
            documents of the lowest numbers follow among those that have none.

        Returns
        -------
        documents : int64 (n_queries, k)
            Numbers of documents in the order in which `fit` got them, counted from 0; from the best
            to the worst, of equal scores the lower number first.
        scores : ndarray (n_queries, k) of ``dtype``

        Raises
        ------
        ValueError
            When ``k`` is above ``n_documents_``, or ``queries`` is a single str.
        """
        index = self._kept()
        k = check_k(k, index.n_documents)
        counts = self._count(queries)
        found = index.search(counts, k, self.n_jobs)
        return Found(found.documents, self._shift(counts, found.scores))

    def get_scores(self, queries: Iterable[str]) -> np.ndarray:
        """The scores of all documents for each query.

        Parameters
        ----------
        queries : iterable of str, n_queries long

        Returns
        -------
        scores : ndarray (n_queries, n_documents) of ``dtype``
        """
        index = self._kept()
        counts = self._count(queries)
        return self._shift(counts, index.scores(counts, self.n_jobs))

    def _shift(self, counts: Any, scores: np.ndarray) -> np.ndarray:
        """Add, in place, what the matrix leaves out: the score of documents without the terms."""
        if self._shape()[2]:
            scores += (counts @ self.nonoccurrence_)[:, np.newaxis].astype(scores.dtype)
        return scores

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        if "_index" in self.__dict__:
            state["index"] = self._index.to_state()
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        super()._set_state(state)
        if "index" in state:
            index = InvertedIndex.from_state(state["index"])
            if index.n_columns != len(self.idf_):
                raise ValueError("the saved index has another number of terms than the weights")
            self._index = index
