"""`TopicModel`: counts -> shares of topics, learnt in passes that can stop at a time limit."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from textrep.comparison.perplexity import completion_perplexity, term_shares
from textrep.core.persist import Persistent, PersistError
from textrep.core.progress import Progress, progress
from textrep.core.random import stream
from textrep.sparse.given import read_counts

_HELD_OUT_SHARE = 0.05
# More documents would make the perplexity no clearer, only slower.
_MAX_HELD_OUT = 500
# With fewer, the documents learnt from tell more than so few others.
_MIN_HELD_OUT = 20
# Few documents need small batches, or the first pass ends with topics that have hardly moved: of 20
# newsgroups, a classifier that learns from 800 documents gets 36 % right with batches of 32 and
# 24 % with those of 128. Of many documents, large batches save time.
_BATCHES_A_PASS = 128
_MIN_BATCH = 32
_MAX_BATCH = 128
# When the topics of a document stand still. scikit-learn's 0.001 and 100 take twice the time (four
# times in transform) and do not classify better: 64 % of 20 newsgroups either way.
_MEAN_CHANGE_TOL = 0.01
_MAX_DOCUMENT_ITER = 30


class TopicModel(ClassNamePrefixFeaturesOutMixin, Persistent, TransformerMixin, BaseEstimator):
    """Counts -> shares of topics, by latent Dirichlet allocation.

    scikit-learn's online variational Bayes in passes over shuffled mini-batches. After each pass,
    the perplexity of a few documents that were held out is measured, and the best state is kept.

    Parameters
    ----------
    n_topics : int, default=50
        Number of topics, from 1 on.
    max_passes : int, default=10
        Most passes over the documents, from 1 on.
    max_seconds : float or None, default=None
        When to stop learning, looked at after each mini-batch; None for no limit. The first
        mini-batch is always learnt from.
    batch_size : int or None, default=None
        Documents of a mini-batch; None for a 128th of all, but not under 32 and not over 128.
    tol : float, default=0.01
        Least share by which a pass must lower the perplexity; otherwise it is the last one.
    learning_decay : float, default=0.7
        Kappa of the paper, above 0.5 and up to 1: how fast later mini-batches lose weight.
    learning_offset : float, default=10.0
        Tau of the paper, from 1 on: how much the first mini-batches are held back.
    doc_topic_prior : float or None, default=None
        Alpha of the paper, above 0 and up to 1: the lower, the fewer topics a document has. None
        for ``1 / n_topics``.
    topic_word_prior : float or None, default=None
        Eta of the paper, above 0 and up to 1: the lower, the fewer words a topic has. None for
        ``1 / n_topics``.
    random_state : None, int, Generator or RandomState, default=None
        Of the first state, the order of the documents and those held out.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    components_ : ndarray of shape (n_topics, n_features)
        How often a topic uses a term, as pseudo-counts.
    perplexities_ : list of float
        Of the held-out documents after each pass, see `perplexity`.
    stopped_early_ : bool
        Whether `max_seconds` ended the learning.
    lda_ : sklearn.decomposition.LatentDirichletAllocation
        In its best state.
    n_features_in_ : int
        Number of terms.

    Notes
    -----
    Held out are a twentieth of the documents and at most 500. Of fewer than 400 documents none is;
    the perplexity is then that of the documents learnt from. More threads do not make it faster.

    References
    ----------
    M. D. Hoffman, D. M. Blei, F. Bach: Online learning for latent Dirichlet allocation, NIPS 2010,
    algorithm 2.

    Examples
    --------
    >>> from textrep import TopicModel
    >>> counts = [[3, 2, 0, 0], [2, 4, 0, 0], [0, 0, 5, 1], [0, 0, 2, 2]]
    >>> model = TopicModel(n_topics=2, random_state=0).fit(counts)
    >>> model.transform(counts).argmax(axis=1).tolist()
    [0, 0, 1, 1]
    >>> sorted(map(sorted, model.topic_words(["ball", "goal", "song", "tune"], n=2)))
    [['ball', 'goal'], ['song', 'tune']]
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_topics": [Interval(Integral, 1, None, closed="left")],
        "max_passes": [Interval(Integral, 1, None, closed="left")],
        "max_seconds": [Interval(Real, 0, None, closed="left"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0, 1, closed="left")],
        "learning_decay": [Interval(Real, 0.5, 1, closed="right")],
        "learning_offset": [Interval(Real, 1, None, closed="left")],
        "doc_topic_prior": [Interval(Real, 0, 1, closed="right"), None],
        "topic_word_prior": [Interval(Real, 0, 1, closed="right"), None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        n_topics: int = 50,
        max_passes: int = 10,
        max_seconds: float | None = None,
        batch_size: int | None = None,
        tol: float = 0.01,
        learning_decay: float = 0.7,
        learning_offset: float = 10.0,
        doc_topic_prior: float | None = None,
        topic_word_prior: float | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.n_topics = n_topics
        self.max_passes = max_passes
        self.max_seconds = max_seconds
        self.batch_size = batch_size
        self.tol = tol
        self.learning_decay = learning_decay
        self.learning_offset = learning_offset
        self.doc_topic_prior = doc_topic_prior
        self.topic_word_prior = topic_word_prior
        self.random_state = random_state
        self.verbose = verbose

    @property
    def components_(self) -> NDArray[Any]:
        """How often a topic uses a term, as pseudo-counts (n_topics, n_features)."""
        if "lda_" not in vars(self):
            raise AttributeError("components_ is set by fit")
        return self.lda_.components_

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> TopicModel:
        """Learn the topics.

        Parameters
        ----------
        X : sparse or dense matrix (n_samples, n_features) of counts
        y : ignored

        Returns
        -------
        self : TopicModel

        Raises
        ------
        ValueError
            When all documents are empty.
        """
        deadline = np.inf if self.max_seconds is None else time.monotonic() + self.max_seconds
        X, _, _ = read_counts(self, X, copy=False, reset=True)
        filled = np.flatnonzero(X.sum(axis=1))
        if not len(filled):
            raise ValueError("TopicModel: all counts in X are 0; give it documents with words")
        rng = stream(self.random_state, "topics")
        learnt, held_out = _hold_out(X[rng.permutation(filled)])
        self._learn(learnt, held_out, deadline, rng)
        return self

    def _learn(self, learnt: Any, held_out: Any, deadline: float, rng: np.random.Generator) -> None:
        """Pass over the documents until the perplexity falls no more; keep the best state."""
        model = self._new_model(learnt.shape[0], int(rng.integers(2**31)))
        self.perplexities_: list[float] = []
        self.stopped_early_ = False
        best = np.inf
        bar: Progress[Any] = progress(
            total=self.max_passes * learnt.shape[0],
            description="topics",
            verbose=self.verbose,
            unit="documents",
        )
        with bar:
            while len(self.perplexities_) < self.max_passes and not self.stopped_early_:
                self._pass(model, learnt[rng.permutation(learnt.shape[0])], deadline, bar)
                found = completion_perplexity(model, held_out)
                self.perplexities_.append(found)
                enough = found > best * (1 - self.tol)
                if found < best or best == np.inf:
                    best, self.lda_ = found, copy.deepcopy(model)
                if enough:
                    break

    def _pass(
        self,
        model: LatentDirichletAllocation,
        documents: Any,
        deadline: float,
        bar: Progress[Any],
    ) -> None:
        """Learn from mini-batches of the documents, as far as time goes."""
        for start in range(0, documents.shape[0], model.batch_size):
            batch = documents[start : start + model.batch_size]
            model.partial_fit(batch)
            bar.update(batch.shape[0])
            if time.monotonic() > deadline:
                self.stopped_early_ = True
                return

    def _new_model(self, n_documents: int, seed: int) -> LatentDirichletAllocation:
        suggested = min(max(n_documents // _BATCHES_A_PASS, _MIN_BATCH), _MAX_BATCH)
        return LatentDirichletAllocation(
            self.n_topics,
            doc_topic_prior=self.doc_topic_prior,
            topic_word_prior=self.topic_word_prior,
            learning_method="online",
            learning_decay=self.learning_decay,
            learning_offset=self.learning_offset,
            batch_size=suggested if self.batch_size is None else self.batch_size,
            total_samples=n_documents,
            mean_change_tol=_MEAN_CHANGE_TOL,
            max_doc_update_iter=_MAX_DOCUMENT_ITER,
            random_state=seed,
        )

    def transform(self, X: Any) -> NDArray[Any]:
        """Shares of the topics in documents.

        Parameters
        ----------
        X : sparse or dense matrix (n_samples, n_features) of counts

        Returns
        -------
        ndarray of shape (n_samples, n_topics) of the float type of the counts learnt from
            Each row sums to 1; an empty document has all topics alike.
        """
        check_is_fitted(self)
        X, _, _ = read_counts(self, X, copy=False, reset=False)
        return self.lda_.transform(X)

    def perplexity(self, X: Any) -> float:
        """How hard words are to predict from the other words of their document.

        Of every document, every second term (the first, the third, ...) is predicted from the
        topics of the others.

        Parameters
        ----------
        X : sparse or dense matrix (n_samples, n_features) of counts

        Returns
        -------
        float
            Exponential of the mean negative log-likelihood of a word; lower is better.

        Raises
        ------
        ValueError
            When all documents are empty.

        References
        ----------
        H. M. Wallach et al.: Evaluation methods for topic models, ICML 2009, section 5.1 (document
        completion).
        """
        check_is_fitted(self)
        X, _, _ = read_counts(self, X, copy=False, reset=False)
        if not X.sum():
            raise ValueError("TopicModel: all counts in X are 0, so there is nothing to predict")
        return completion_perplexity(self.lda_, X)

    def topic_words(
        self, feature_names: Sequence[str], n: int = 8, *, relevance: float = 0.6
    ) -> list[list[str]]:
        """The words that tell most about each topic.

        Parameters
        ----------
        feature_names : sequence of str of length n_features
            What the columns are called.
        n : int, default=8
            Words a topic.
        relevance : float, default=0.6
            Lambda of the paper: 1 for the most frequent words of a topic, 0 for those that it uses
            the most times as often as all topics do.

        Returns
        -------
        list of list of str
            For each topic its words, the most relevant first.

        Raises
        ------
        ValueError
            When there is not one name for each column.

        References
        ----------
        C. Sievert, K. Shirley: LDAvis: a method for visualizing and interpreting topics, 2014,
        equation 1.
        """
        check_is_fitted(self)
        components = self.components_
        if len(feature_names) != components.shape[1]:
            raise ValueError(
                f"feature_names has {len(feature_names)} names, but there are "
                f"{components.shape[1]} columns; give one name for each"
            )
        inside = np.log(term_shares(components))
        overall = np.log(components.sum(axis=0) / components.sum())
        scores = relevance * inside + (1.0 - relevance) * (inside - overall)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :n]
        return [[str(feature_names[term]) for term in row] for row in order]

    def _set_state(self, state: dict[str, Any]) -> None:
        model = state.get("lda_")
        if state and not _is_sound(model, self.n_topics, state.get("n_features_in_")):
            raise PersistError("lda_ of TopicModel is no fitted LatentDirichletAllocation")
        super()._set_state(state)

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _hold_out(documents: Any) -> tuple[Any, Any]:
    """Documents to learn from and to measure the perplexity on; of few, the same."""
    n_held_out = min(int(_HELD_OUT_SHARE * documents.shape[0]), _MAX_HELD_OUT)
    if n_held_out < _MIN_HELD_OUT:
        return documents, documents
    return documents[n_held_out:], documents[:n_held_out]


def _is_sound(model: Any, n_topics: int, n_features: Any) -> bool:
    """Whether what a file holds is a model whose arrays fit each other."""
    if not isinstance(model, LatentDirichletAllocation) or model.n_components != n_topics:
        return False
    arrays = [getattr(model, name, None) for name in ("components_", "exp_dirichlet_component_")]
    return all(
        isinstance(array, np.ndarray) and array.shape == (n_topics, n_features) for array in arrays
    )
