"""`GloVe`: vectors of words by factoring the logarithms of their co-occurrences."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from textrep.core.messages import shown
from textrep.core.random import RandomState, streams
from textrep.embeddings.cooccurrence import LEAST_MEMORY, MAX_MEMORY, count_cooccurrences
from textrep.embeddings.corpus import TokenCorpus
from textrep.embeddings.corpus_training import checkpoint_of
from textrep.embeddings.initial import fill_uniform
from textrep.embeddings.parameters import MOST, check_count, check_number
from textrep.embeddings.tiles import Tiles, arrange
from textrep.embeddings.trained import TrainedEmbedder
from textrep.embeddings.training import Outcome, train_epochs
from textrep.embeddings.vectors import WordVectors
from textrep.embeddings.vocabulary import keep_probabilities
from textrep.sparse.threads import wanted_threads

FIRST_SUM = 0.1
"""What the sums of squared gradients begin with. GloVe's program has 1, which makes the first
epochs slow where weights are small."""


class GloVe(TrainedEmbedder):
    r"""Learn vectors of words from how often words stand near each other, and turn texts into
    vectors.

    Each pair of words at distance d in a sentence counts 1 / d in X, and the vectors w, context
    vectors u and biases b and c are learnt such that

    .. math:: \sum_{X_{ij} > 0} f(X_{ij}) (w_i \cdot u_j + b_i + c_j - \log X_{ij})^2, \quad
        f(x) = \min(1, x / x_{max})^{power}

    is small. The result are w + u. The text is read once, whatever the number of epochs.

    Parameters
    ----------
    vector_size : int, default=100
        Dimensions.
    window : int, default=10
        Words on each side that count at most.
    min_count : int, default=5
        Words that stand fewer times in the text are dropped.
    x_max : float, default=10
        Count from which on a pair has the full weight. 10 is for texts of some million words, as in
        the demonstration of GloVe's program; 100, the paper's, for billions.
    alpha : float, default=0.2
        Learning rate, which AdaGrad divides by the root of the sum of a word's squared gradients.
        With the 0.05 of the paper several times as many epochs are needed on small texts.
    power : float, default=0.75
        Exponent of the weight.
    epochs : int, default=10
        Times that the pairs are gone through.
    sample : float, default=1e-4
        Threshold of sub-sampling, which is done once, before counting: a word whose share f of the
        text is higher is kept with the probability sqrt(sample / f) + sample / f, and the words
        around it close up. 0 keeps all, as in the paper.
    symmetric : bool, default=True
        Count words on both sides, otherwise to the left only.
    max_memory : int, default=2**30
        Bytes for counting and for the counted pairs; what is beyond lies in temporary files. The
        model, 8 bytes for each word and dimension, comes on top.
    max_vocabulary : int or None, default=None
        So many words, the most frequent, are kept at most.
    tol : float or None, default=None
        Stop after the first epoch whose loss is not below that of the one before it by this share;
        None trains all epochs.
    max_seconds : float or None, default=None
        Stop training after this time, seconds; counting comes before it.
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
        With `checkpoint`, None is 0, so that the same words are left out when it is taken up.
    verbose : int, default=0
        1 shows a bar with pairs a second.

    Attributes
    ----------
    vectors_ : WordVectors
        Words, most frequent first, with their counts and vectors.
    loss_history_ : list of float
        Mean of the sum above in each epoch.
    n_epochs_ : int
        Epochs begun.
    stopped_early_ : bool
        Whether `tol` or `max_seconds` ended training.
    n_words_trained_ : int
        Words of the vocabulary in the text.
    n_pairs_ : int
        Pairs of words that stand near each other somewhere; with `symmetric`, without regard to
        their order.

    References
    ----------
    J. Pennington, R. Socher, C. Manning: GloVe: global vectors for word representation, EMNLP 2014,
    equations 8 and 9. J. Duchi, E. Hazan, Y. Singer: Adaptive subgradient methods for online
    learning and stochastic optimization, JMLR 2011; here with one sum of squares for each vector.

    Examples
    --------
    >>> from textrep import GloVe
    >>> texts = ["king rules land", "queen rules land", "ship sails sea", "boat sails sea"] * 50
    >>> model = GloVe(vector_size=16, min_count=1, sample=0, n_jobs=1, random_state=0)
    >>> model.fit_transform(texts).shape
    (200, 16)
    >>> model.similarity("king", "queen") > 0.9
    True
    """

    def __init__(
        self,
        *,
        vector_size: int = 100,
        window: int = 10,
        min_count: int = 5,
        x_max: float = 10.0,
        alpha: float = 0.2,
        power: float = 0.75,
        epochs: int = 10,
        sample: float = 1e-4,
        symmetric: bool = True,
        max_memory: int = MAX_MEMORY,
        max_vocabulary: int | None = None,
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
        self.vector_size = vector_size
        self.window = window
        self.min_count = min_count
        self.x_max = x_max
        self.alpha = alpha
        self.power = power
        self.epochs = epochs
        self.sample = sample
        self.symmetric = symmetric
        self.max_memory = max_memory
        self.max_vocabulary = max_vocabulary
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

    def _check_parameters(self) -> None:
        check_count("epochs", self.epochs, 1, MOST)
        check_count("max_memory", self.max_memory, LEAST_MEMORY)
        check_number("x_max", self.x_max, above=0)
        check_number("power", self.power, least=0)
        if not isinstance(self.symmetric, bool | np.bool_):
            raise ValueError(f"symmetric must be True or False, got {shown(self.symmetric)}")
        super()._check_parameters()

    def _learn(self, corpus: TokenCorpus) -> tuple[WordVectors, Outcome]:
        seed = self.random_state
        if seed is None and self.checkpoint is not None:
            seed = 0  # taken up again, training must find the same words left out
        random = streams(seed, ["words", "vectors", "cells", "epochs"])
        with self._tiles(corpus, random) as tiles:
            model = _Model(self, corpus, tiles, random)
            outcome = model.train()
        self.n_pairs_ = model.n_pairs
        return WordVectors(corpus.words, model.word_matrix(), counts=corpus.counts), outcome

    def _tiles(self, corpus: TokenCorpus, random: dict[str, np.random.Generator]) -> Tiles:
        with count_cooccurrences(
            corpus,
            window=self.window,
            symmetric=bool(self.symmetric),
            max_memory=self.max_memory,
            n_jobs=self.n_jobs,
            keep=keep_probabilities(corpus.counts, self.sample) if self.sample else None,
            random=random["words"],
        ) as counts:
            return arrange(
                counts,
                x_max=self.x_max,
                power=self.power,
                random=random["cells"],
                max_memory=self.max_memory // 2,
                threads=wanted_threads(self.n_jobs),
            )


class _Model:
    """Vectors, context vectors and biases in training."""

    def __init__(
        self,
        settings: GloVe,
        corpus: TokenCorpus,
        tiles: Tiles,
        random: dict[str, np.random.Generator],
    ) -> None:
        from textrep.embeddings.kernels.glove import SUM, TAIL
        from textrep.embeddings.kernels.simd import padded

        self._settings = settings
        self._corpus = corpus
        self._tiles = tiles
        n_words, dim = len(corpus.words), settings.vector_size
        self._stride = stride = padded(dim)
        self._rows = np.zeros((n_words, 2 * stride + TAIL), dtype=np.float32)
        # As GloVe's program begins.
        for begin in (0, stride):
            fill_uniform(self._rows[:, begin : begin + dim], 1 / (2 * dim), random["vectors"])
        self._rows[:, 2 * stride + SUM :] = FIRST_SUM
        self._seeds = random["epochs"].integers(2**63, size=settings.epochs, dtype=np.uint64)
        self._order: tuple[int, np.ndarray, np.ndarray] | None = None

    @property
    def n_pairs(self) -> int:
        return sum(tile.end - tile.begin for tile in self._tiles.tiles)

    def word_matrix(self) -> np.ndarray:
        """Sums of vector and context vector, float32 (n_words, vector_size)."""
        dim, stride = self._settings.vector_size, self._stride
        return self._rows[:, :dim] + self._rows[:, stride : stride + dim]

    def train(self) -> Outcome:
        settings = self._settings
        # The bar's unit: all tiles count the same, since each epoch has an order of its own.
        n_tiles = len(self._tiles.tiles)
        return train_epochs(
            self._train_tile,
            [self.n_pairs // n_tiles] * n_tiles if n_tiles else [],
            epochs=settings.epochs,
            threads=wanted_threads(settings.n_jobs),
            verbose=settings.verbose,
            description="Learning word vectors",
            unit="pairs",
            tol=settings.tol,
            max_seconds=settings.max_seconds,
            checkpoint=checkpoint_of(
                settings, self._corpus, {"rows": self._rows, "seeds": self._seeds},
                pairs=self.n_pairs,
            ),
        )  # fmt: skip

    def _train_tile(self, epoch: int, place: int) -> tuple[float, float]:
        from textrep.embeddings.kernels.glove import train_cells

        order, starts = self._epoch_order(epoch)
        i = int(order[place])
        tile = self._tiles.tiles[i]
        return train_cells(
            self._tiles.read(i), int(starts[place] * (tile.end - tile.begin)), tile.first_row,
            tile.first_column, self._rows.reshape(-1), self._stride,
            int(self._settings.vector_size), self._tiles.symmetric, float(self._settings.alpha),
        )  # fmt: skip

    def _epoch_order(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """The order of the tiles in an epoch, and where in its cells each begins, 0 to 1."""
        known = self._order
        if known is None or known[0] != epoch:
            random = np.random.default_rng(self._seeds[epoch])
            n_tiles = len(self._tiles.tiles)
            known = self._order = (epoch, random.permutation(n_tiles), random.random(n_tiles))
        return known[1], known[2]
