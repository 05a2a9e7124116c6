"""`FastTextClassifier`: a linear classifier over the mean of word and n-gram vectors."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_is_fitted

from textrep.core.persist import Persistent
from textrep.core.random import streams
from textrep.embeddings.kernels.simd import padded
from textrep.embeddings.label_tree import LOSSES, Labels
from textrep.embeddings.supervised import (
    SupervisedModel,
    TrainingRows,
    initial_matrix,
    learn_features,
)
from textrep.embeddings.training import Outcome, train_epochs
from textrep.embeddings.word_ngrams import Documents, read_documents
from textrep.sparse.log_count_ratio import read_classes
from textrep.sparse.parameters import KnownParameters
from textrep.sparse.threads import wanted_threads

CHUNK_DOCUMENTS = 512
"""Documents trained on between two looks at the clock."""

_AT_LEAST_1 = [Interval(Integral, 1, None, closed="left")]
_AT_LEAST_0 = [Interval(Integral, 0, None, closed="left")]


class FastTextClassifier(KnownParameters, Persistent, ClassifierMixin, BaseEstimator):
    r"""Classify texts by the mean of the vectors of their words and word n-grams, as fastText does.

    A document with the input rows :math:`a_1 \dots a_n`, one for each word, n-gram and the end of
    the text, is :math:`h = \frac{1}{n}\sum_i a_i`; with output rows :math:`b_c`, its classes have
    the probabilities

    .. math:: p(c) = \frac{\exp(b_c \cdot h)}{\sum_k \exp(b_k \cdot h)}

    Both are learnt by stochastic gradient descent on :math:`-\log p`, one document at a time, in
    an order that is drawn anew for each epoch; the learning rate falls to 0 in a straight line.
    N-grams are hashed as fastText hashes them, so that models go from one to the other. Only
    buckets that occur have a row, and those of new texts that have none count as zeros.

    Parameters
    ----------
    vector_size : int, default=16
        Dimensions; of more classes than this, 64 tell more. A multiple of 16 wastes nothing.
    word_ngrams : int, default=2
        Most words of an n-gram; 1 for words alone.
    bucket : int, default=2_000_000
        How many different n-grams are told apart, about; 4 bytes each, when in use.
    min_count : int, default=1
        Words that stand fewer times in the training texts have no row; their n-grams do.
    min_ngram_count : int, default=1
        N-grams that do so have none. 2 makes models of half the size.
    min_n : int, default=0
    max_n : int, default=0
        Shortest and longest n-grams of characters inside words, as of `FastText`; ``max_n=0`` for
        none.
    epochs : int, default=10
        Times that each text is trained on.
    alpha : float, default=0.5
        Learning rate at the start.
    loss : {"softmax", "ova", "hs"}, default="softmax"
        The softmax above; one logistic model a class against the others; or hierarchical softmax,
        in which a class is its path in a Huffman tree: faster with very many classes.
    class_weight : dict, "balanced" or None, default=None
        What the gradients of each class are multiplied by; "balanced" for the inverse of its
        frequency, 1 on average.
    lowercase : bool, default=True
    token_pattern : str, default=r"(?u)\b\w+\b"
    tokenizer : callable or None, default=None
        How texts are cut into tokens, as in `textrep.CountVectorizer`. Lists of tokens stay as they
        are.
    n_jobs : int or None, default=None
        Threads: None or -1 for all cores. They share the model without locks (Hogwild), so only
        ``n_jobs=1`` gives the same model twice.
    random_state : int, Generator, RandomState or None, default=None
    tol : float or None, default=None
        Stop after the first epoch whose loss is not below that of the one before it by this share;
        None trains all epochs.
    max_seconds : float or None, default=None
        Stop training then.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    loss_history_ : list of float
        Mean loss of each epoch, taken while its rows were changing.
    n_epochs_ : int
        Epochs begun.
    stopped_early_ : bool
        Whether `tol` or `max_seconds` ended training.

    See Also
    --------
    FastText : Vectors of words, without labels.

    References
    ----------
    A. Joulin, E. Grave, P. Bojanowski, T. Mikolov: Bag of Tricks for Efficient Text Classification,
    EACL 2017.

    F. Niu, B. Recht, C. Ré, S. J. Wright: Hogwild!: A Lock-Free Approach to Parallelizing
    Stochastic Gradient Descent, NIPS 2011.

    Examples
    --------
    >>> from textrep import FastTextClassifier
    >>> texts = ["good film", "so good", "bad film", "so bad"]
    >>> classifier = FastTextClassifier(epochs=50, n_jobs=1, random_state=0)
    >>> classifier.fit(texts, ["pos", "pos", "neg", "neg"]).predict(["a good one"]).tolist()
    ['pos']
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "vector_size": _AT_LEAST_1,
        "word_ngrams": _AT_LEAST_1,
        "bucket": [Interval(Integral, 1, 2**31 - 1, closed="both")],
        "min_count": _AT_LEAST_1,
        "min_ngram_count": _AT_LEAST_1,
        "min_n": _AT_LEAST_0,
        "max_n": _AT_LEAST_0,
        "epochs": _AT_LEAST_1,
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "loss": [StrOptions(set(LOSSES))],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "lowercase": ["boolean"],
        "token_pattern": [str, None],
        "tokenizer": [callable, None],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
        "verbose": ["verbose"],
    }

    _model: SupervisedModel

    def __init__(
        self,
        *,
        vector_size: int = 16,
        word_ngrams: int = 2,
        bucket: int = 2_000_000,
        min_count: int = 1,
        min_ngram_count: int = 1,
        min_n: int = 0,
        max_n: int = 0,
        epochs: int = 10,
        alpha: float = 0.5,
        loss: str = "softmax",
        class_weight: Any = None,
        lowercase: bool = True,
        token_pattern: str | None = r"(?u)\b\w+\b",
        tokenizer: Callable[[str], Sequence[str]] | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        tol: float | None = None,
        max_seconds: float | None = None,
        verbose: int = 0,
    ) -> None:
        self.vector_size = vector_size
        self.word_ngrams = word_ngrams
        self.bucket = bucket
        self.min_count = min_count
        self.min_ngram_count = min_ngram_count
        self.min_n = min_n
        self.max_n = max_n
        self.epochs = epochs
        self.alpha = alpha
        self.loss = loss
        self.class_weight = class_weight
        self.lowercase = lowercase
        self.token_pattern = token_pattern
        self.tokenizer = tokenizer
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.tol = tol
        self.max_seconds = max_seconds
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any) -> Self:
        """Learn to tell classes apart.

        Parameters
        ----------
        X : iterable of str, or of lists of str, of length n_samples
            Texts, or tokens of texts.
        y : labels of two or more classes, of any type, (n_samples,)

        Returns
        -------
        self : FastTextClassifier

        Raises
        ------
        TextInputError
            If `X` holds something else.
        ValueError
            If there are not two classes, or a parameter is out of its range.
        FloatingPointError
            If training diverges: `alpha` is too high.
        """
        if self.max_n and self.min_n > self.max_n:
            raise ValueError(
                f"min_n={self.min_n} is above max_n={self.max_n}; give max_n=0 for no n-grams of "
                "characters"
            )
        documents = self._read(X)
        classes, group = read_classes(self, y, len(documents))
        weights = compute_class_weight(self.class_weight, classes=classes, y=classes[group])
        features, rows = learn_features(
            documents,
            min_count=int(self.min_count),
            min_ngram_count=int(self.min_ngram_count),
            word_ngrams=int(self.word_ngrams),
            bucket=int(self.bucket),
            min_n=int(self.min_n),
            max_n=int(self.max_n),
            n_jobs=self.n_jobs,
        )
        dim = int(self.vector_size)
        random = streams(self.random_state, ["inputs", "order"])
        model = SupervisedModel(
            features,
            Labels.of(self.loss, np.bincount(group, minlength=len(classes))),
            dim,
            initial_matrix(features.n_rows, dim, random["inputs"]),
            np.zeros((len(classes), padded(dim)), dtype=np.float32),
        )
        outcome = self._train(model, rows, group, weights.astype(np.float64), random["order"])
        self._model = model
        self.classes_ = classes
        self.loss_history_ = outcome.losses
        self.n_epochs_ = outcome.n_epochs
        self.stopped_early_ = outcome.stopped_early
        return self

    def _read(self, X: Any) -> Documents:
        return read_documents(
            X,
            lowercase=self.lowercase,
            token_pattern=self.token_pattern,
            tokenizer=self.tokenizer,
            n_jobs=self.n_jobs,
        )

    def _train(
        self,
        model: SupervisedModel,
        rows: TrainingRows,
        group: np.ndarray,
        weights: np.ndarray,
        random: np.random.Generator,
    ) -> Outcome:
        """Change the matrices of the model."""
        from textrep.embeddings.kernels.supervised import train

        n, epochs, alpha = len(group), int(self.epochs), float(self.alpha)
        starts = np.arange(0, n, CHUNK_DOCUMENTS)
        ends = np.minimum(starts + CHUNK_DOCUMENTS, n)
        decay = alpha / (epochs * n)
        inputs, outputs, paths = model.inputs, model.outputs, model.labels.paths
        before = (inputs.ravel(), outputs.ravel(), inputs.shape[1], *rows)
        after = (group, weights, paths.rows, paths.is_one, paths.begins, paths.ends)
        kind = LOSSES.index(model.labels.loss)
        seed = int(random.integers(2**63))

        @lru_cache(maxsize=1)
        def order(epoch: int) -> np.ndarray:
            return np.random.default_rng([seed, epoch]).permutation(np.arange(n, dtype=np.int32))

        def work(epoch: int, chunk: int) -> tuple[float, float]:
            first, last = int(starts[chunk]), int(ends[chunk])
            rate = alpha - decay * (epoch * n + first)
            loss, n_terms = train(*before, order(epoch), first, last, *after, kind, rate, decay)
            return float(loss), float(n_terms)

        return train_epochs(
            work,
            ends - starts,
            epochs=epochs,
            threads=min(wanted_threads(self.n_jobs), len(starts)),
            verbose=int(self.verbose),
            description=type(self).__name__,
            unit="texts",
            tol=self.tol,
            max_seconds=self.max_seconds,
        )

    def decision_function(self, X: Any) -> np.ndarray:
        """What each class's probability is proportional to, as a logarithm.

        Parameters
        ----------
        X : iterable of str, or of lists of str, of length n_samples

        Returns
        -------
        ndarray
            float64 (n_samples,) for two classes, the second less the first; else
            (n_samples, n_classes). With ``loss="ova"`` the logarithm of what the class's own
            model says.
        """
        odds = self._log_odds(X)
        return odds[:, 1] - odds[:, 0] if len(self.classes_) == 2 else odds

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes.

        Parameters
        ----------
        X : iterable of str, or of lists of str, of length n_samples

        Returns
        -------
        float64 ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; rows sum to 1, with ``loss="ova"`` too.
        """
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : iterable of str, or of lists of str, of length n_samples

        Returns
        -------
        float64 ndarray of shape (n_samples, n_classes)
        """
        return np.asarray(log_softmax(self._log_odds(X), axis=1))

    def predict(self, X: Any) -> np.ndarray:
        """The class of each text.

        Parameters
        ----------
        X : iterable of str, or of lists of str, of length n_samples

        Returns
        -------
        ndarray (n_samples,) of the type of the labels
        """
        best = self._log_odds(X).argmax(axis=1)
        return self.classes_[best]

    def _log_odds(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._model.labels.log_odds(self._model.scores(self._read(X), self.n_jobs))

    def save_fasttext(
        self, path: str | os.PathLike[str], *, label_prefix: str = "__label__"
    ) -> None:
        """Write the model as a file of fastText (``.bin``).

        fastText splits at white space only and does not lower-case: give it the tokens of a text,
        as this class finds them, with spaces between. N-grams without a row get one of zeros.

        Parameters
        ----------
        path : str or path-like
            The file to make or replace. It has a row for each of the buckets, whatever few are in
            use: 128 MB for two million of 16 dimensions.
        label_prefix : str, default="__label__"
            What fastText knows a label by.

        Raises
        ------
        VectorFileError
            If a word or label is empty, has white space or looks like a label without being one.
        """
        from textrep.embeddings.supervised_file import write_model

        check_is_fitted(self)
        labels = [str(label) for label in self.classes_.tolist()]
        write_model(path, self._model, labels, label_prefix, int(self.epochs), int(self.min_count))

    @classmethod
    def load_fasttext(
        cls, path: str | os.PathLike[str], *, label_prefix: str = "__label__"
    ) -> FastTextClassifier:
        """Read a supervised model of fastText (``.bin``, not quantised).

        Parameters
        ----------
        path : str or path-like
        label_prefix : str, default="__label__"
            What is taken off the labels.

        Returns
        -------
        FastTextClassifier
            Fitted; it splits texts at white space, without lower-casing, as fastText does, but
            takes a text with line breaks for one text.

        Raises
        ------
        VectorFileError
            If the file is damaged, quantised, or no supervised model of two or more labels.
        """
        from textrep.embeddings.supervised_file import WHITE_SPACE_TOKENS, read_model

        model, classes, file = read_model(path, label_prefix)
        features = model.features
        classifier = cls(
            vector_size=model.dim,
            word_ngrams=features.word_ngrams,
            bucket=max(1, features.bucket),
            min_count=max(1, file.min_count),
            min_n=features.min_n,
            max_n=features.max_n,
            epochs=max(1, file.epoch),
            loss=model.labels.loss,
            lowercase=False,
            token_pattern=WHITE_SPACE_TOKENS,
        )
        classifier._model = model
        classifier.classes_ = classes
        classifier.loss_history_ = []
        classifier.n_epochs_ = file.epoch
        classifier.stopped_early_ = False
        return classifier

    def _get_state(self) -> dict[str, Any]:
        from textrep.embeddings.supervised_file import model_to_state

        state = super()._get_state()
        return {**state, **model_to_state(self._model)} if state else state

    def _set_state(self, state: dict[str, Any]) -> None:
        from textrep.embeddings.supervised_file import model_from_state

        if not state:
            return
        own = {name: state[name] for name in _FITTED}
        self._model = model_from_state(state, own["classes_"])
        super()._set_state(own)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


_FITTED = ("classes_", "loss_history_", "n_epochs_", "stopped_early_")
