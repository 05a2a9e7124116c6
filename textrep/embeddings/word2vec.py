"""`Word2Vec`: vectors of words by skip-gram or CBOW."""

from __future__ import annotations

import os
from typing import Any, Self

from textrep.core.messages import shown, type_name
from textrep.core.partitions import is_partitioned
from textrep.core.random import RandomState
from textrep.core.text import TextInputError
from textrep.embeddings.corpus import TokenCorpus
from textrep.embeddings.corpus_training import check_window_parameters
from textrep.embeddings.objective import LOSSES
from textrep.embeddings.parameters import check_choice, check_count
from textrep.embeddings.trained import TrainedEmbedder
from textrep.embeddings.training import Outcome
from textrep.embeddings.vectors import WordVectors
from textrep.embeddings.window_training import WindowTraining

ALPHAS = {"skipgram": 0.025, "cbow": 0.05}
"""Learning rates that `alpha` has by default, those of word2vec.c."""

CORRECTED_CBOW_ALPHA = 0.2
"""With the gradient divided by the number of contexts, larger steps are needed (Irsoy et al.). 0.2
does best of 0.025 to 0.3 on MTurk-771 and RG-65, with 3 and with 18 million words
(``benchmarks/embeddings.py --only search``).
"""

ROUNDS = 10
"""Times in an epoch that `Word2Vec.fit_shards` combines the steps of the parts."""


class Word2Vec(TrainedEmbedder):
    r"""Learn a vector for each word from the words around it, and turn texts into vectors.

    Skip-gram learns input vectors v and output vectors u such that for a target t and each word c
    within the window around it

    .. math:: -\log\sigma(v_c \cdot u_t) - \sum_{k=1}^{K} \log\sigma(-v_c \cdot u_{w_k})

    is small, with K words w_k drawn at random, the same for all c of a target. CBOW has the mean of
    the window's v_c in place of each v_c. The result are the input vectors.

    Parameters
    ----------
    algorithm : {"skipgram", "cbow"}, default="skipgram"
        Skip-gram is better with little text, CBOW is faster.
    vector_size : int, default=100
        Dimensions.
    window : int, default=5
        Words on each side of a target at most. For each target 1 to `window` are taken, equally
        often, so that near words count more.
    loss : {"ns", "hs"}, default="ns"
        Negative sampling, or hierarchical softmax, in which a word is the path to it in a Huffman
        tree.
    negative : int, default=5
        Words drawn for each target, with ``loss="ns"``.
    ns_exponent : float, default=0.75
        They are drawn by their counts to this power.
    cbow_gradient : {"corrected", "historical"}, default="corrected"
        Whether CBOW moves each of N context words by 1 / N of the step of their mean, which is the
        gradient, or by all of it, as word2vec.c and gensim do.
    sample : float, default=1e-3
        Threshold of sub-sampling: a word whose share f of the text is higher is kept with the
        probability sqrt(sample / f) + sample / f. 0 keeps all.
    min_count : int, default=5
        Words that stand fewer times in the text are dropped.
    max_vocabulary : int or None, default=None
        So many words, the most frequent, are kept at most.
    epochs : int or "auto", default=5
        Times that the text is read; "auto" for 5 times for a text of two million words or more, up
        to 30 times for a shorter one, until ten million words are read.
    alpha : float or None, default=None
        Learning rate at the start; None for 0.025 for skip-gram, 0.2 for CBOW with the corrected
        and 0.05 with the historical gradient.
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
    vectors_ : WordVectors
        Words, most frequent first, with their counts and vectors.
    loss_history_ : list of float
        Mean loss of each epoch: of a pair of target and context for skip-gram, of a target for
        CBOW; taken before each step, so that it may rise towards the end, where steps get small and
        words just seen are remembered less, while the vectors still get better.
    n_epochs_ : int
        Epochs begun.
    stopped_early_ : bool
        Whether `tol` or `max_seconds` ended training.
    n_words_trained_ : int
        Words of the vocabulary in the text.

    References
    ----------
    T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean: Distributed representations of words and
    phrases and their compositionality, NIPS 2013. S. Ji, N. Satish, S. Li, P. Dubey: Parallelizing
    word2vec in shared and distributed memory, 2016. O. Irsoy, A. Benton, K. Stratos: Corrected CBOW
    performs as well as skip-gram, Insights 2021.

    Examples
    --------
    >>> from textrep import Word2Vec
    >>> texts = ["the king rules the land", "the queen rules the land"] * 50
    >>> model = Word2Vec(vector_size=16, min_count=1, sample=0, n_jobs=1, random_state=0)
    >>> model.fit_transform(texts).shape
    (100, 16)
    >>> model.most_similar("king", topn=1)[0][0]
    'queen'
    """

    def __init__(
        self,
        *,
        algorithm: str = "skipgram",
        vector_size: int = 100,
        window: int = 5,
        loss: str = "ns",
        negative: int = 5,
        ns_exponent: float = 0.75,
        cbow_gradient: str = "corrected",
        sample: float = 1e-3,
        min_count: int = 5,
        max_vocabulary: int | None = None,
        epochs: int | str = 5,
        alpha: float | None = None,
        min_alpha: float = 1e-4,
        tol: float | None = None,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        pooling: str = "mean",
        lowercase: bool = True,
        token_pattern: str = r"(?u)\b\w+\b",
        tokenizer: Any = None,
        n_jobs: int | None = None,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.algorithm = algorithm
        self.vector_size = vector_size
        self.window = window
        self.loss = loss
        self.negative = negative
        self.ns_exponent = ns_exponent
        self.cbow_gradient = cbow_gradient
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

    def _fit_parts(self, X: Any) -> Self:
        return self.fit_shards(X)

    def fit_shards(self, X: Any, *, rounds: int = ROUNDS) -> Self:
        """Learn the vectors of words from a dask collection, without bringing its text together.

        What `fit` does with such a collection, with a choice of how.

        The vocabulary is that of all parts. Each worker trains on a part of its own, in one thread,
        from common vectors, a share of an epoch at a time; then the steps that the parts made are
        combined, for each word by their sum as far as they lead apart or the word is rare, and else
        by their mean (`textrep.embeddings.sharded.steps.adaptive_sum`), and the next round begins
        from there. The learning rate falls as on one machine.
        With an integer for `random_state` the result is the same whatever the scheduler, but not
        that of `fit`.

        Parameters
        ----------
        X : dask bag, series, data frame of one column, or array of one dimension
            Of texts or, in a bag, lists of tokens, each of which is a sentence. A part's words are
            held as numbers, 4 bytes each, by the worker that has it: 64 MB in memory, the rest in a
            temporary file.
        rounds : int, default=10
            Times in an epoch that the steps are combined. More keep closer to one machine, and move
            more: all vectors, to and from every worker, each time.

        Returns
        -------
        self : Word2Vec

        Raises
        ------
        TextInputError
            When X is something else, or holds anything but texts and lists of tokens.
        ValueError
            When a parameter is out of its range, `checkpoint` is set, or no word is left.
        FloatingPointError
            When training diverges because `alpha` is too high.

        Notes
        -----
        The parts run wherever dask runs them: on the workers of a ``dask.distributed.Client``, or
        in threads of this process. `n_jobs` is not looked at. `max_seconds` and `tol` are looked at
        between rounds and epochs.

        Examples
        --------
        >>> import dask.bag
        >>> from textrep import Word2Vec
        >>> texts = ["the king rules the land", "the queen rules the land"] * 50
        >>> bag = dask.bag.from_sequence(texts, npartitions=2)
        >>> model = Word2Vec(vector_size=16, min_count=1, sample=0, random_state=0)
        >>> model.fit_shards(bag).most_similar("king", topn=1)[0][0]
        'queen'
        """
        from textrep.embeddings.sharded.learning import learn_from_parts

        self._check_parameters()
        check_count("rounds", rounds, 1)
        if self.checkpoint is not None:
            raise ValueError(
                "fit_shards keeps no checkpoint: what a worker that is lost has done, dask does "
                "again; set checkpoint=None"
            )
        if not is_partitioned(X):
            raise TextInputError(
                f"X is {shown(X)} ({type_name(X)}); fit_shards takes a dask bag, series or array, "
                "and fit takes everything else."
            )
        learnt = learn_from_parts(self, X, rounds)
        self._take(learnt.vectors, learnt.outcome, learnt.n_tokens)
        self._fit_pooling(learnt.pooling)
        return self

    def _check_parameters(self) -> None:
        check_choice("cbow_gradient", self.cbow_gradient, ("corrected", "historical"))
        check_choice("loss", self.loss, LOSSES)
        check_window_parameters(self)
        super()._check_parameters()

    def _learn(self, corpus: TokenCorpus) -> tuple[WordVectors, Outcome]:
        training = WindowTraining(self, corpus)
        outcome = training.train()
        vectors = WordVectors(corpus.words, training.word_matrix(), counts=corpus.counts)
        return vectors, outcome

    def start_alpha(self) -> float:
        """The learning rate at the start: `alpha`, or what None stands for.

        >>> Word2Vec(algorithm="cbow").start_alpha()
        0.2
        """
        if self.alpha is not None:
            return self.alpha
        if self.algorithm == "cbow" and self.cbow_gradient == "corrected":
            return CORRECTED_CBOW_ALPHA
        return ALPHAS[self.algorithm]
