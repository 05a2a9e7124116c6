"""`WordEmbedder`: what every estimator that makes document vectors of word vectors can do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from textrep.core.lazy_rows import transform_texts
from textrep.core.partitions import is_partitioned
from textrep.core.persist import Persistent
from textrep.core.progress import Progress, progress
from textrep.core.text import TextInputError
from textrep.embeddings.corpus import TokenCorpus, read_corpus
from textrep.embeddings.counted import Counted, WordCounter
from textrep.embeddings.documents import document_batches, is_stream
from textrep.embeddings.pooling import (
    PoolingLearner,
    PoolingStatistics,
    check_pooling,
    first_direction,
    pool,
)
from textrep.embeddings.vectors import WordVectors
from textrep.embeddings.vectors_state import (
    checked_array,
    checked_count,
    vectors_from_state,
    vectors_to_state,
)

if TYPE_CHECKING:
    from textrep.embeddings.evaluation import AnalogyScores, SimilarityScore

_COUNTER = "_counter"
"""Where the look-up of words is kept between calls; it is neither pickled nor saved."""

_STATISTICS = ("n_documents_", "idf_", "sif_weights_", "sif_direction_")


class WordEmbedder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Persistent, BaseEstimator):
    """Base of the estimators that turn texts into vectors by those of their words.

    A subclass stores the parameters below, and its `fit` sets `vectors_` and then calls
    `_fit_pooling`.

    Parameters
    ----------
    pooling : {"mean", "idf", "sif", "max"}
        How a document's vector comes from those of its words, see Notes.
    lowercase : bool
        Whether texts are lower-cased.
    token_pattern : str
        Regular expression of a word.
    tokenizer : callable or None
        Takes a text and gives its words, in place of `token_pattern`.
    n_jobs : int or None
        Threads: None or -1 for all cores.
    verbose : int
        1 shows a progress bar.

    Attributes
    ----------
    vectors_ : WordVectors
    n_documents_ : int
        Training documents.
    idf_ : float32 ndarray (n_words,)
        Inverse document frequency of each word.
    sif_weights_ : float32 ndarray (n_words,)
        Weight of each word in the pooling ``"sif"``.
    sif_direction_ : float32 ndarray (dim,)
        Direction that ``"sif"`` takes out; zeros for none.

    Notes
    -----
    A document d has the words w, each as often as it stands there, and their vectors v_w:

    ``"mean"``
        The mean of v_w.
    ``"idf"``
        The mean weighted by idf(w) = ln((1 + n) / (1 + df(w))) + 1 with the document frequencies
        df(w) in the n training documents.
    ``"sif"``
        c_d = 1 / abs(d) * sum of v_w * a / (a + p(w)) with a = 0.001 and the word's share p(w) of
        the text that the vectors were trained on; then c_d - u u' c_d, where u is the first right
        singular vector of the training documents' c_d (Arora et al. 2017, algorithm 1). Of more
        than 20,000 documents, some at even distances are taken for u.
    ``"max"``
        The elementwise maximum of v_w.

    Words without a vector are left out; a document without any other word becomes zeros. All four
    are learnt in `fit`, so `pooling` may be changed without fitting again.

    References
    ----------
    S. Arora, Y. Liang, T. Ma: A simple but tough-to-beat baseline for sentence embeddings, ICLR
    2017.
    """

    pooling: str
    lowercase: bool
    token_pattern: str
    tokenizer: Any
    n_jobs: int | None
    verbose: int
    min_count: int  # these two only where the words are found in `fit`
    max_vocabulary: int | None

    vectors_: WordVectors
    n_documents_: int
    idf_: np.ndarray
    sif_weights_: np.ndarray
    sif_direction_: np.ndarray

    # ---- fitting

    def _read_corpus(self, X: Any) -> TokenCorpus:
        """The corpus, for subclasses with the parameters `min_count` and `max_vocabulary`."""
        return read_corpus(
            X,
            lowercase=self.lowercase,
            token_pattern=self.token_pattern,
            tokenizer=self.tokenizer,
            min_count=self.min_count,
            max_vocabulary=self.max_vocabulary,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )

    def _fit_pooling(self, source: Any) -> None:
        """Learn what the poolings need.

        Parameters
        ----------
        source : TokenCorpus with the words of `vectors_`, documents as for `transform`, or a
            PoolingLearner that has seen them
        """
        for name in _STATISTICS:  # interrupted, those of other words must not stay
            self.__dict__.pop(name, None)
        self._take_statistics(self._learn_pooling(source))

    def _learn_pooling(self, source: Any) -> PoolingStatistics:
        check_pooling(self.pooling)
        learner = PoolingLearner(len(self.vectors_))
        if isinstance(source, PoolingLearner):
            learner = source
        elif hasattr(source, "chunks"):
            learner.add_corpus(source)
        else:
            self._see_documents(source, learner)
        if not learner.n_documents:
            raise TextInputError("X is empty; expected at least one text or list of tokens.")
        return learner.statistics(self.vectors_, self._common_direction)

    def _see_documents(self, X: Any, learner: PoolingLearner) -> None:
        counter = self._word_counter()
        total = len(X) if hasattr(X, "__len__") else None
        bar: Progress[Any] = progress(
            total=total, description="Reading the documents", verbose=self.verbose, unit="texts"
        )
        with bar:
            for documents in document_batches(X):
                learner.add(counter.count(documents))
                bar.update(len(documents))

    def _take_statistics(self, statistics: PoolingStatistics) -> None:
        self.n_documents_ = statistics.n_documents
        self.idf_ = statistics.idf
        self.sif_weights_ = statistics.sif_weights
        self.sif_direction_ = statistics.sif_direction

    def _common_direction(self, sample: Counted, weights: np.ndarray) -> np.ndarray:
        """The direction that documents have in common, float32 (dim,), given SIF's weights."""
        return first_direction(sample, self.vectors_, weights, self.n_jobs)

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Fit, and turn the same documents into vectors.

        Parameters
        ----------
        X : as for `fit`
            A generator is read into memory, since its documents are needed twice.
        y : ignored

        Returns
        -------
        float32 ndarray (n_samples, dim)
        """
        return super().fit_transform(list(X) if is_stream(X) else X, y, **fit_params)

    def _check_fitted(self) -> None:
        check_is_fitted(self, "sif_direction_")  # the last that fit sets

    # ---- document vectors

    def transform(self, X: Any) -> np.ndarray:
        """Turn documents into vectors.

        Parameters
        ----------
        X : iterable of str, iterable of lists of str, or pathlib.Path
            Texts, or documents that are cut into words already, n_samples of them; a generator is
            read in batches. Of a text file in UTF-8, plain or compressed, each line is a document.
            Or a dask bag, series, data frame of one column or array of one dimension, of documents.

        Returns
        -------
        float32 ndarray (n_samples, dim)
            Zeros for a document none of whose words has a vector. For a dask collection a dask
            array, computed when it is asked for.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        TextInputError
            When `X` is something else, or holds anything but texts or lists of words.
        DataError
            When a file cannot be read or is not UTF-8.
        """
        self._check_fitted()
        check_pooling(self.pooling)
        if is_partitioned(X):
            return transform_texts(self, X, self.vectors_.dim, np.float32)
        counter = self._word_counter()
        parts = (self._pool(counter.count(documents)) for documents in document_batches(X))
        if not hasattr(X, "__len__"):
            return np.concatenate([self._room(0), *parts])
        done, vectors = 0, None
        for part in parts:
            if len(part) == len(X):
                return part
            vectors = self._room(len(X)) if vectors is None else vectors
            vectors[done : done + len(part)] = part
            done += len(part)
        return self._room(0) if vectors is None else vectors

    def _room(self, n_documents: int) -> np.ndarray:
        """An array for the vectors of all documents."""
        return np.empty((n_documents, self.vectors_.dim), dtype=np.float32)

    def _pool(self, counted: Counted) -> np.ndarray:
        """Vectors of counted documents, float32 (n_documents, dim)."""
        return pool(counted, self.vectors_, self._statistics(), self.pooling, self.n_jobs)

    def _statistics(self) -> PoolingStatistics:
        return PoolingStatistics(
            self.n_documents_, self.idf_, self.sif_weights_, self.sif_direction_
        )

    def _word_counter(self) -> WordCounter:
        """The look-up of the words, made anew when the words or how they are found has changed."""
        asked = (self.vectors_, self.lowercase, self.token_pattern, self.tokenizer, self.n_jobs)
        kept = self.__dict__.get(_COUNTER)
        if kept is not None and kept[0][0] is asked[0] and kept[0][1:] == asked[1:]:
            return kept[1]
        counter = WordCounter(
            self.vectors_.words,
            lowercase=self.lowercase,
            token_pattern=self.token_pattern,
            tokenizer=self.tokenizer,
            n_jobs=self.n_jobs,
            # Vectors that also know words beyond their list override this method.
            unseen=type(self.vectors_).vectors_of is not WordVectors.vectors_of,
        )
        self.__dict__[_COUNTER] = (asked, counter)
        return counter

    @property
    def _n_features_out(self) -> int:
        return self.vectors_.dim

    # ---- word vectors

    @property
    def wv(self) -> Any:
        """The word vectors as gensim's ``KeyedVectors``, made anew at each look."""
        self._check_fitted()
        return self.vectors_.to_keyed_vectors()

    def similarity(self, a: str, b: str) -> float:
        """Cosine between two words: see `WordVectors.similarity`."""
        self._check_fitted()
        return self.vectors_.similarity(a, b)

    def most_similar(
        self,
        positive: Any,
        negative: Any = (),
        *,
        topn: int = 10,
        restrict_vocab: int | None = None,
    ) -> list[tuple[str, float]]:
        """Words closest to words: see `WordVectors.most_similar`."""
        self._check_fitted()
        return self.vectors_.most_similar(
            positive, negative, topn=topn, restrict_vocab=restrict_vocab
        )

    def analogy(self, a: str, b: str, c: str, *, topn: int = 1) -> list[tuple[str, float]]:
        """What is to `c` as `b` is to `a`: see `WordVectors.analogy`."""
        self._check_fitted()
        return self.vectors_.analogy(a, b, c, topn=topn)

    def evaluate_analogies(
        self,
        questions: Path | Iterable[Any],
        *,
        restrict_vocab: int | None = 30_000,
        case_insensitive: bool = True,
    ) -> AnalogyScores:
        """Answer analogy questions: see `textrep.embeddings.evaluate_analogies`."""
        self._check_fitted()
        return self.vectors_.evaluate_analogies(
            questions, restrict_vocab=restrict_vocab, case_insensitive=case_insensitive
        )

    def evaluate_similarity(
        self,
        pairs: Path | Iterable[Any],
        *,
        restrict_vocab: int | None = None,
        case_insensitive: bool = True,
    ) -> SimilarityScore:
        """Correlate with human judgements: see `textrep.embeddings.evaluate_similarity`."""
        self._check_fitted()
        return self.vectors_.evaluate_similarity(
            pairs, restrict_vocab=restrict_vocab, case_insensitive=case_insensitive
        )

    # ---- saving

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != _COUNTER}

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        vectors = state.pop("vectors_", None)
        return state if vectors is None else {**state, "vectors": self._vectors_to_state(vectors)}

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "vectors" in state:
            vectors = self._vectors_from_state(state.pop("vectors"))
            _check_statistics(state, vectors)
            self.vectors_ = vectors
        super()._set_state(state)

    # Overridden where the vectors are of a class with more than words and a matrix.

    def _vectors_to_state(self, vectors: Any) -> dict[str, Any]:
        return vectors_to_state(vectors)

    def _vectors_from_state(self, state: dict[str, Any]) -> WordVectors:
        return vectors_from_state(state)

    if TYPE_CHECKING:

        def fit(self, X: Any, y: Any = None) -> Self: ...


def _check_statistics(state: dict[str, Any], vectors: WordVectors) -> None:
    """Refuse statistics that do not fit the vectors: kernels follow them unchecked."""
    n_words = len(vectors)
    checked_count(state["n_documents_"], "n_documents_")
    for name, length in zip(_STATISTICS[1:], (n_words, n_words, vectors.dim), strict=True):
        checked_array(state[name], name, np.float32, (length,))
