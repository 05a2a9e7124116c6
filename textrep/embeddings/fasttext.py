"""`FastText`: vectors of words and of their character n-grams, by skip-gram or CBOW."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from textrep.core.random import RandomState
from textrep.embeddings.corpus import TokenCorpus
from textrep.embeddings.corpus_training import check_window_parameters
from textrep.embeddings.fasttext_training import FastTextTraining
from textrep.embeddings.parameters import MOST, check_count
from textrep.embeddings.pooling import PoolingLearner
from textrep.embeddings.subword_vectors import SubwordVectors
from textrep.embeddings.trained import TrainedEmbedder
from textrep.embeddings.training import Outcome


class FastText(TrainedEmbedder):
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
    epochs : int or "auto", default=5
        Times that the text is read; "auto" for 5 times for a text of two million words or more, up
        to 30 times for a shorter one, until ten million words are read.
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
        epochs: int | str = 5,
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
        model.vectors_ = subword_vectors(file, lazy=lazy, path=path)
        model.loss_history_ = []
        model.n_epochs_ = file.epoch
        model.stopped_early_ = False
        model.n_words_trained_ = int(file.counts.sum())
        nowhere = np.zeros(file.dim, dtype=np.float32)
        learner = PoolingLearner(len(model.vectors_))
        model._take_statistics(learner.statistics(model.vectors_, lambda *_: nowhere))
        return model

    def _check_parameters(self) -> None:
        check_window_parameters(self)
        for name in ("min_n", "bucket"):
            check_count(name, getattr(self, name), 1, MOST)
        check_count("max_n", self.max_n, 0, MOST)
        if 0 < self.max_n < self.min_n:
            raise ValueError(
                f"max_n must be 0 for no n-grams, or at least min_n={self.min_n}, got {self.max_n}"
            )
        super()._check_parameters()

    def _learn(self, corpus: TokenCorpus) -> tuple[SubwordVectors, Outcome]:
        training = FastTextTraining(self, corpus)
        outcome = training.train()
        return training.vectors(), outcome

    def _vectors_from_state(self, state: dict[str, Any]) -> SubwordVectors:
        vectors = super()._vectors_from_state(state)
        if not isinstance(vectors, SubwordVectors):
            raise ValueError("the word vectors have no n-grams")
        return vectors
