"""`FastText`: vectors of words and of their character n-grams, by skip-gram or CBOW."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from textrep.core.random import RandomState, streams
from textrep.embeddings.checkpoint import Checkpoint
from textrep.embeddings.corpus import TokenCorpus, read_corpus
from textrep.embeddings.embedder import WordEmbedder
from textrep.embeddings.neighbours import blocks
from textrep.embeddings.objective import keep_thresholds
from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.embeddings.pooling import PoolingLearner, check_pooling
from textrep.embeddings.subword_vectors import NgramTable, SubwordVectors, mean_rows
from textrep.embeddings.subwords import subwords_of
from textrep.embeddings.training import Outcome, train_epochs
from textrep.embeddings.vocabulary import alias_table, keep_probabilities, negative_weights
from textrep.sparse.threads import wanted_threads

MOST_BUCKETS = 2**31 - 1
"""Buckets are numbered in 32 bits."""

_NOT_IDENTITY = frozenset(
    "checkpoint max_seconds n_jobs verbose pooling lowercase token_pattern tokenizer".split()
)


class FastText(WordEmbedder):
    r"""Learn vectors of words and of the character n-grams in them, so that unseen words have
    vectors, too.

    A word w has the parts G_w: itself and the n-grams of ``<w>``, each with a vector z. Skip-gram
    learns them and output vectors u such that for a word w and each word c within the window around
    it

    .. math:: h_w = \frac{1}{|G_w|} \sum_{g \in G_w} z_g \qquad
              -\log\sigma(h_w \cdot u_c) - \sum_{k=1}^{K} \log\sigma(-h_w \cdot u_{n_k})

    is small, with K words n_k drawn at random for each pair. CBOW has the mean of the vectors of
    all parts of the words in the window in place of h_w, and the word in the middle in place of c.
    The vector of a word is h_w, that of an unseen word the mean over its n-grams.

    Parameters
    ----------
    algorithm : {"skipgram", "cbow"}, default="skipgram"
        Skip-gram is better with little text, CBOW is faster.
    vector_size : int, default=100
        Dimensions.
    window : int, default=5
        Words on each side at most. For each word 1 to `window` are taken, equally often, so that
        near words count more.
    min_n : int, default=3
        Code points of the shortest n-gram, 1 or more.
    max_n : int, default=6
        Code points of the longest n-gram; 0 for no n-grams.
    bucket : int, default=2_000_000
        Number of buckets that n-grams are hashed to. It costs no memory: only buckets with an
        n-gram of the vocabulary have a vector.
    negative : int, default=5
        Words drawn for each word that is predicted.
    ns_exponent : float, default=0.5
        They are drawn by their counts to this power.
    sample : float, default=1e-4
        Threshold of sub-sampling: a word whose share f of the text is higher is kept with the
        probability sqrt(sample / f) + sample / f. 0 keeps all.
    min_count : int, default=5
        Words that stand fewer times in the text are dropped.
    max_vocabulary : int or None, default=None
        So many words, the most frequent, are kept at most.
    epochs : int, default=5
        Times that the text is read.
    alpha : float, default=0.05
        Learning rate at the start.
    min_alpha : float, default=1e-4
        Learning rate at the end; it falls in a straight line.
    tol : float or None, default=None
        Stop after the first epoch whose loss is not below that of the one before it by this share;
        None trains all epochs.
    max_seconds : float or None, default=None
        Stop training after this time, seconds.
    checkpoint : path or None, default=None
        File that interrupted training is kept in; fitting again with the same parameters and texts
        takes it up, with one thread to the same result. It is removed at the end.
    pooling : {"mean", "idf", "sif", "max"}, default="mean"
        How a document's vector comes from those of its words, see `WordEmbedder`.
    lowercase : bool, default=True
    token_pattern : str, default=r"(?u)\\b\\w+\\b"
    tokenizer : callable or None, default=None
        How a text is cut into words; lists of tokens are taken as they are.
    n_jobs : int or None, default=None
        Threads: None or -1 for all cores. They write to the same vectors without waiting for each
        other (Hogwild), so that only one thread gives the same result twice.
    random_state : int, numpy.random.Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a bar with words a second.

    Attributes
    ----------
    vectors_ : SubwordVectors
        Words, most frequent first, with their counts and vectors, and the vectors of n-grams.
    loss_history_ : list of float
        Mean loss of each epoch, of one predicted word.
    n_epochs_ : int
        Epochs begun.
    stopped_early_ : bool
        Whether `tol` or `max_seconds` ended training.
    n_words_trained_ : int
        Words of the vocabulary in the text.

    See Also
    --------
    Word2Vec : Without n-grams.

    Notes
    -----
    It is the model of the fastText program with its defaults, with two differences. A word's rows
    are read and written once where the program does so for each pair: skip-gram takes one step for
    all words of a window, and CBOW writes what a word has moved when it leaves the window. And
    n-grams that no word of the vocabulary has count as zeros in unseen words, while the program
    adds the random numbers that it began with.

    As in the program, the vectors of all parts move by the gradient of their mean undivided, so
    that the mean moves at the learning rate whatever the number of parts.

    References
    ----------
    P. Bojanowski, E. Grave, A. Joulin, T. Mikolov: Enriching word vectors with subword information,
    TACL 5, 2017.

    Examples
    --------
    >>> from textrep import FastText
    >>> texts = ["the king rules the land", "the queen rules the land"] * 50
    >>> model = FastText(vector_size=16, min_count=1, sample=0, n_jobs=1, random_state=0)
    >>> model.fit_transform(texts).shape
    (100, 16)
    >>> model.transform(["kingly"]).any()
    np.True_
    """

    vectors_: SubwordVectors

    def __init__(
        self,
        *,
        algorithm: str = "skipgram",
        vector_size: int = 100,
        window: int = 5,
        min_n: int = 3,
        max_n: int = 6,
        bucket: int = 2_000_000,
        negative: int = 5,
        ns_exponent: float = 0.5,
        sample: float = 1e-4,
        min_count: int = 5,
        max_vocabulary: int | None = None,
        epochs: int = 5,
        alpha: float = 0.05,
        min_alpha: float = 1e-4,
        tol: float | None = None,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        pooling: str = "mean",
        lowercase: bool = True,
        token_pattern: str = r"(?u)\b\w+\b",
        tokenizer: Callable[[str], Sequence[str]] | None = None,
        n_jobs: int | None = None,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.algorithm = algorithm
        self.vector_size = vector_size
        self.window = window
        self.min_n = min_n
        self.max_n = max_n
        self.bucket = bucket
        self.negative = negative
        self.ns_exponent = ns_exponent
        self.sample = sample
        self.min_count = min_count
        self.max_vocabulary = max_vocabulary
        self.epochs = epochs
        self.alpha = alpha
        self.min_alpha = min_alpha
        self.tol = tol
        self.max_seconds = max_seconds
        self.checkpoint = checkpoint
        self.pooling = pooling
        self.lowercase = lowercase
        self.token_pattern = token_pattern
        self.tokenizer = tokenizer
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the vectors of words and n-grams.

        Parameters
        ----------
        X : iterable of str, iterable of lists of str, or pathlib.Path
            Texts, or lists of tokens, each of which is a sentence; a generator of either, which is
            read once; or a text file, plain or compressed, with a sentence on each line, which may
            be larger than memory. No sentence is too long. See `textrep.embeddings.read_corpus`.
        y : ignored

        Returns
        -------
        self : FastText

        Raises
        ------
        TextInputError
            When X is something else, with the position of what is wrong.
        ValueError
            When a parameter is out of its range, or no word is left.
        """
        self._check_parameters()
        with read_corpus(
            X,
            lowercase=self.lowercase,
            token_pattern=self.token_pattern,
            tokenizer=self.tokenizer,
            min_count=self.min_count,
            max_vocabulary=self.max_vocabulary,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        ) as corpus:
            model = _Model(self, corpus)
            outcome = model.train()
            self.vectors_ = model.vectors()
            self.loss_history_ = outcome.losses
            self.n_epochs_ = outcome.n_epochs
            self.stopped_early_ = outcome.stopped_early
            self.n_words_trained_ = corpus.n_tokens
            self._fit_pooling(corpus)
        return self

    def save_fasttext(self, path: str | os.PathLike[str]) -> None:
        """Write a file that the fastText program and gensim's ``load_facebook_model`` can load.

        Parameters
        ----------
        path : str or path-like
            The file to make or replace. It has a row for each of the buckets, with or without an
            n-gram: 4 * vector_size * bucket bytes, 800 MB by default. Choose a smaller `bucket`
            before fitting where that is too much; a name in ``.gz`` is compressed.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        VectorFileError
            When a word is empty or has white space, which the format cannot hold.

        Notes
        -----
        The output vectors, which training on would need, are zeros in the file.

        Examples
        --------
        >>> import tempfile
        >>> path = tempfile.mkdtemp() + "/model.bin"
        >>> model = FastText(vector_size=8, min_count=1, sample=0, bucket=1000, random_state=0)
        >>> model.fit(["the king rules the land"]).save_fasttext(path)
        >>> np.allclose(
        ...     FastText.load_fasttext(path).vectors_["rule"], model.vectors_["rule"], atol=1e-6
        ... )
        True
        """
        from textrep.embeddings.fasttext_file import file_of
        from textrep.embeddings.formats import write_fasttext

        self._check_fitted()
        write_fasttext(path, file_of(self))

    @classmethod
    def load_fasttext(cls, path: str | os.PathLike[str], *, lazy: bool = True) -> Self:
        """Load vectors that the fastText program or gensim's ``save_facebook_model`` wrote.

        Parameters
        ----------
        path : str or path-like
            A ``.bin`` file, as those at fasttext.cc.
        lazy : bool, default=True
            Whether to leave the vectors on disk and compute a word's when it is asked for.

        Returns
        -------
        FastText
            Fitted. The file knows nothing of documents: the poolings ``"idf"`` and ``"sif"`` weigh
            words alike and by their counts, and no common direction is taken out.

        Raises
        ------
        VectorFileError
            When the file is damaged, quantised, a classifier, or of another format.
        """
        from textrep.embeddings.fasttext_file import parameters_of
        from textrep.embeddings.formats import VectorFileError, read_fasttext, subword_vectors

        path = Path(path)
        file = read_fasttext(path, lazy=lazy)
        if file.supervised:
            raise VectorFileError("it is a classifier, not a model of word vectors", path=path)
        model = cls(**parameters_of(file))
        model.vectors_ = _with_table(subword_vectors(file, lazy=lazy, path=path))
        model.loss_history_ = []
        model.n_epochs_ = file.epoch
        model.stopped_early_ = False
        model.n_words_trained_ = int(file.counts.sum())
        nowhere = np.zeros(file.dim, dtype=np.float32)
        learner = PoolingLearner(model.vectors_)
        model._take_statistics(learner.statistics(lambda *_: nowhere))
        return model

    def _check_parameters(self) -> None:
        check_choice("algorithm", self.algorithm, ("skipgram", "cbow"))
        for name in ("vector_size", "window", "negative", "epochs", "min_n", "bucket"):
            check_count(name, getattr(self, name), 1)
        check_count("max_n", self.max_n, 0)
        if 0 < self.max_n < self.min_n:
            raise ValueError(
                f"max_n must be 0 for no n-grams, or at least min_n={self.min_n}, got {self.max_n}"
            )
        if self.bucket > MOST_BUCKETS:
            raise ValueError(f"bucket must be at most 2**31 - 1, got {self.bucket}")
        check_number("alpha", self.alpha, above=0)
        check_number("min_alpha", self.min_alpha, least=0)
        check_number("ns_exponent", self.ns_exponent)
        check_number("sample", self.sample, least=0, most=1)
        for name in ("tol", "max_seconds"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), least=0)
        check_pooling(self.pooling)
        wanted_threads(self.n_jobs)

    def _vectors_from_state(self, state: dict[str, Any]) -> SubwordVectors:
        vectors = super()._vectors_from_state(state)
        if not isinstance(vectors, SubwordVectors):
            raise ValueError("the word vectors have no n-grams")
        return vectors


def _with_table(vectors: SubwordVectors) -> SubwordVectors:
    """The same with an empty table of n-grams where a file has none, nor a number of buckets."""
    if not vectors.ngrams.bucket:
        none, rows = np.zeros(0, dtype=np.int32), np.zeros((0, vectors.dim), dtype=np.float32)
        vectors.ngrams = NgramTable(max(vectors.ngrams.min_n, 1), 0, 1, none, rows)
    return vectors


class _Model:
    """Input and output vectors in training."""

    def __init__(self, settings: FastText, corpus: TokenCorpus) -> None:
        from textrep.embeddings.kernels.simd import padded

        self._settings = settings
        self._corpus = corpus
        n_words = len(corpus.words)
        self._buckets, self._rows, self._bounds = _parts_of(corpus.words, settings)
        self._stride = padded(settings.vector_size)
        # The program counts words outside the vocabulary, too.
        keep = keep_probabilities(corpus.counts, settings.sample, total=corpus.n_raw)
        self._keep = keep_thresholds(keep)
        self._table = alias_table(negative_weights(corpus.counts, settings.ns_exponent))
        random = streams(settings.random_state, ["vectors", "chunks"])
        self._inputs = np.zeros((n_words + len(self._buckets), self._stride), dtype=np.float32)
        _begin(self._inputs[:, : settings.vector_size], random["vectors"])
        self._outputs = np.zeros((n_words + 1, self._stride), dtype=np.float32)
        chunks = (settings.epochs, len(corpus.chunks))
        self._seeds = random["chunks"].integers(2**63, size=chunks, dtype=np.uint64)

    def vectors(self) -> SubwordVectors:
        """The words and n-grams as they are."""
        settings, corpus = self._settings, self._corpus
        words, _ = mean_rows(self._inputs, self._rows, self._bounds)
        if not np.isfinite(words).all():
            raise FloatingPointError(
                "training ended with vectors that are not finite: the learning rate "
                f"alpha={settings.alpha} is too high for these texts; try a tenth of it"
            )
        # Views of the n-grams, not a copy: they are most of what training holds.
        ngrams = self._inputs[len(corpus.words) :, : settings.vector_size]
        table = NgramTable(
            int(settings.min_n), int(settings.max_n), int(settings.bucket), self._buckets, ngrams
        )
        matrix = np.ascontiguousarray(words[:, : settings.vector_size])
        return SubwordVectors(corpus.words, matrix, ngrams=table, counts=corpus.counts)

    def train(self) -> Outcome:
        settings = self._settings
        outcome = train_epochs(
            self._train_chunk,
            [chunk.n_tokens for chunk in self._corpus.chunks],
            epochs=settings.epochs,
            threads=wanted_threads(settings.n_jobs),
            verbose=settings.verbose,
            description="Learning word vectors",
            tol=settings.tol,
            max_seconds=settings.max_seconds,
            checkpoint=self._checkpoint(),
        )
        if not outcome.losses:
            warnings.warn(
                "no word in X has another word beside it, so nothing was learnt: each text is one "
                "sentence, and needs two words of the vocabulary",
                stacklevel=3,
            )
        return outcome

    def _train_chunk(self, epoch: int, i: int) -> tuple[float, float]:
        settings = self._settings
        if settings.algorithm == "skipgram":
            from textrep.embeddings.kernels.fasttext import train_skipgram as train
        else:
            from textrep.embeddings.kernels.fasttext_cbow import train_cbow as train
        chunk = self._corpus.chunks[i]
        return train(
            self._inputs.reshape(-1), self._outputs.reshape(-1), self._stride,
            self._rows, self._bounds, self._corpus.read(i), self._keep, *self._table,
            int(settings.window), int(settings.negative),
            self._rate(epoch, chunk.first), self._rate(epoch, chunk.last), self._seeds[epoch, i],
        )  # fmt: skip

    def _rate(self, epoch: int, position: int) -> float:
        """The learning rate at a place in the text."""
        settings = self._settings
        last = max(1, self._corpus.chunks[-1].last)
        done = (epoch + position / last) / settings.epochs
        alpha = settings.alpha
        return float(alpha + (min(alpha, settings.min_alpha) - alpha) * done)

    def _checkpoint(self) -> Checkpoint | None:
        settings, corpus = self._settings, self._corpus
        if settings.checkpoint is None:
            return None
        names = set(settings.get_params(deep=False)) - _NOT_IDENTITY
        text = "\n".join(corpus.words).encode("utf-8", "surrogatepass")
        identity = {
            "model": type(settings).__name__,
            "parameters": {name: str(getattr(settings, name)) for name in sorted(names)},
            "words": hashlib.sha256(text).hexdigest(),
            "counts": hashlib.sha256(corpus.counts.tobytes()).hexdigest(),
            "chunks": corpus.chunks,
        }
        arrays: dict[str, np.ndarray] = {
            "inputs": self._inputs,
            "outputs": self._outputs,
            "seeds": self._seeds,
        }
        return Checkpoint(settings.checkpoint, arrays, identity)


def _begin(rows: np.ndarray, random: np.random.Generator) -> None:
    """Fill rows as the program does: uniformly within 1 / dim."""
    dim = rows.shape[1]
    for first, last in blocks(*rows.shape):
        rows[first:last] = random.random((last - first, dim), dtype=np.float32) * 2 - 1
        rows[first:last] /= dim


def _parts_of(words: list[str], settings: FastText) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What words consist of.

    Returns
    -------
    buckets : int32 (n_buckets,)
        Those of the words' n-grams, in the order met: those of frequent words lie together.
    rows : int32 (n_parts,)
        Row of each part: first the words' own, then those of `buckets`.
    bounds : int64 (n_words + 1,)
        Word w consists of ``rows[bounds[w]:bounds[w + 1]]``.
    """
    found = subwords_of(
        words, min_n=int(settings.min_n), max_n=int(settings.max_n), bucket=int(settings.bucket)
    )
    distinct, met_at, number = np.unique(found.buckets, return_index=True, return_inverse=True)
    order = np.argsort(met_at)
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    bounds = found.bounds + np.arange(len(words) + 1)
    rows = np.empty(bounds[-1], dtype=np.int32)
    own = np.zeros(len(rows), dtype=bool)
    own[bounds[:-1]] = True
    rows[own] = np.arange(len(words), dtype=np.int32)
    rows[~own] = len(words) + rank[number]
    return distinct[order], rows, bounds
