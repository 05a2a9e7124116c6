"""`StaticEmbedder`: document vectors from word vectors that were trained before."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from textrep.core.messages import shown, type_name
from textrep.core.packaged import is_name, packaged_path
from textrep.core.persist import load
from textrep.embeddings.embedder import WordEmbedder
from textrep.embeddings.vectors import WordVectors


class StaticEmbedder(WordEmbedder):
    """Texts -> vectors by word vectors that were trained before, on other texts.

    `fit` leaves the word vectors as they are and learns what the poolings need to know of the
    documents: which words are in many of them, and what all have in common. It needs no labels and
    few documents.

    Parameters
    ----------
    vectors : str, path-like or WordVectors, default="textrep-static-en"
        The word vectors: the name of a model that comes with textrep, a file of word2vec, GloVe or
        fastText (see `read_vectors`; of a large one, only the rows of the words that are met are
        read), or vectors in memory. Of the latter, copies of the estimator use the same.
    pooling : {"mean", "idf", "sif", "max"}, default="mean"
        How a document's vector comes from those of its words, see Notes of `WordEmbedder`.
    lowercase : bool, default=True
        Whether texts are lower-cased. Not for vectors that tell "Apple" from "apple", such as those
        of the Google News.
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
    vectors_ : WordVectors
        The word vectors.
    n_documents_, idf_, sif_weights_, sif_direction_ :
        What the poolings have learnt, see `WordEmbedder`. Where the vectors have no counts, the
        share p(w) of the text that ``"sif"`` needs is taken from the word's place in the file by
        Zipf's law.

    Notes
    -----
    ``"textrep-static-en"`` has the 21,500 most frequent words of a part of the English Wikipedia,
    lower-cased, by skip-gram: its card is ``textrep/models/textrep-static-en.md`` in the package.
    ``textrep.load("textrep-static-en")`` is a fitted estimator, whose poolings know the paragraphs
    of that text; `fit` has them learn from other documents. Vectors of texts are best divided by
    their lengths (scikit-learn's ``Normalizer``) before a classifier.

    A saved model holds the word vectors, whichever way they were given; those in int8 (see
    `quantised`) take a quarter of the space.

    Examples
    --------
    >>> import numpy as np
    >>> from textrep import StaticEmbedder
    >>> from textrep.embeddings import WordVectors
    >>> matrix = np.array([[1, 0], [0.8, 0.6], [0, 1]], dtype=np.float32)
    >>> vectors = WordVectors(["good", "great", "granite"], matrix)
    >>> texts = ["good", "great, really great", "granite"]
    >>> embedder = StaticEmbedder(vectors=vectors).fit(texts)
    >>> embedder.transform(["Good granite!", "nothing known"])
    array([[0.5, 0.5],
           [0. , 0. ]], dtype=float32)
    >>> embedder.most_similar("good", topn=1)
    [('great', 0.80...)]

    Few labels go further with words that were learnt before:

    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> pipeline = make_pipeline(StaticEmbedder(), LogisticRegression(C=10))
    >>> texts = ["a river and a lake", "the guitar and the drums", "the sea", "a piano"]
    >>> pipeline.fit(texts, ["water", "music", "water", "music"]).predict(["violin", "ocean"])
    array(['music', 'water'], dtype='<U5')
    """

    def __init__(
        self,
        *,
        vectors: str | os.PathLike[str] | WordVectors = "textrep-static-en",
        pooling: str = "mean",
        lowercase: bool = True,
        token_pattern: str = r"(?u)\b\w+\b",
        tokenizer: Callable[[str], list[str]] | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.vectors = vectors
        self.pooling = pooling
        self.lowercase = lowercase
        self.token_pattern = token_pattern
        self.tokenizer = tokenizer
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn what the poolings need of some documents.

        Parameters
        ----------
        X : iterable of str, iterable of lists of str, or pathlib.Path
            Texts, or documents that are cut into words already; a generator of either; or a text
            file with a document on each line.
        y : ignored

        Returns
        -------
        self : StaticEmbedder

        Raises
        ------
        TextInputError
            When `X` is none of that, or empty.
        FileNotFoundError
            When `vectors` is neither a file nor a model that comes with textrep.
        VectorFileError
            When the file of the vectors is damaged or of no known format.
        """
        self.vectors_ = _found(self.vectors)
        self._fit_pooling(X)
        return self

    # ---- saving: vectors given as an object are no parameter that JSON holds

    def _get_saved_params(self) -> dict[str, Any]:
        params = super()._get_saved_params()
        if isinstance(self.vectors, WordVectors):
            return {**params, "vectors": None}
        return {**params, "vectors": os.fspath(self.vectors)}

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        if isinstance(self.vectors, WordVectors) and "vectors" not in state:
            state["given"] = self._vectors_to_state(self.vectors)
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        given = state.pop("given", None)
        super()._set_state(state)
        parameter: Any = self.vectors
        if parameter is None:
            self.vectors = self.vectors_ if given is None else self._vectors_from_state(given)


def _found(vectors: Any) -> WordVectors:
    """The vectors that a parameter means."""
    from textrep.embeddings.formats import read_vectors

    if isinstance(vectors, WordVectors):
        return vectors
    if not isinstance(vectors, str | os.PathLike):
        raise TypeError(
            "vectors must be WordVectors, a file of them, or the name of a model that comes with "
            f"textrep; got {shown(vectors)} of type {type_name(vectors)}"
        )
    path = Path(vectors)
    if is_name(vectors) and not path.exists():
        return _packaged_vectors(packaged_path(str(vectors)))
    return read_vectors(path)


@lru_cache(maxsize=4)
def _packaged_vectors(path: Path) -> WordVectors:
    """The vectors of a model that comes with textrep; one copy of them for all estimators."""
    return load(path).vectors_
