"""`ElmoEmbedder`: vectors of words in their context, from language models in both directions."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Sequence
from typing import Any, Self, cast

import numpy as np

from textrep.contextual.bilm_module import BiLanguageModel, BilmTask
from textrep.contextual.elmo_batches import batches_of, held_out_pieces
from textrep.contextual.elmo_mixing import Mixing, learn_weights
from textrep.contextual.elmo_model import ElmoModel
from textrep.contextual.elmo_parameters import check_parameters
from textrep.contextual.elmo_words import FIRST_TARGET, Sentences, frequent_words
from textrep.contextual.word_inputs import (
    as_embedder,
    is_fitted,
    keep_vectors,
    learn_vectors,
    training_seconds,
)
from textrep.core.labels import check_labels
from textrep.core.random import RandomState, stream
from textrep.core.text import TextInputError
from textrep.embeddings.documents import is_stream
from textrep.embeddings.embedder import WordEmbedder
from textrep.engine.seeding import seed_of
from textrep.engine.settings import TrainingSettings

MAX_GRAD_NORM = 1.0
"""Recurrent networks now and then have a step that is too long."""

WARMUP = 0.05


class ElmoEmbedder(ElmoModel):
    r"""Learn vectors of words in context from language models in both directions (ELMo).

    A network reads the characters of each word, so that there is a vector :math:`x_t` for words
    never seen. LSTM layers read these vectors from left to right and others from right to left;
    all are learnt by predicting the next word, or the one before, without labels. The vector of
    the word t is a mixture of the layers,

    .. math:: \sum_j s_j h_{t,j}, \quad h_{t,0} = [x_t; x_t], \quad
              h_{t,j} = [\overrightarrow{h}_{t,j}; \overleftarrow{h}_{t,j}]

    in which both states have read word t; that of a text is the mean of those of its words.

    Parameters
    ----------
    hidden_size : int, default=128
        Dimensions D of :math:`x_t` and of each direction.
    num_layers : int, default=2
        LSTM layers of each direction. What a layer reads is added to its output, from the second
        on.
    character_size : int, default=16
        Dimensions of a character, which is a byte of UTF-8.
    filters : sequence of (int, int), default=((1, 32), (2, 32), (3, 64), (4, 128))
        Widths, in characters, and numbers of the filters.
    embeddings : WordEmbedder, str, path or None, default=None
        Vectors of words that are added, after a linear map, to what the network of characters
        says: of an estimator such as `Word2Vec`, or the name or file of vectors. Clones keep those
        of a fitted one. One that is not fitted is cloned, and the clone learns from the same texts
        first, with one thread if there is a `checkpoint`. None for characters only.
    highway_layers : int, default=1
        Layers between the filters and :math:`x_t`.
    max_word_length : int, default=20
        Bytes of a word that are read.
    lowercase : bool, default=False
    token_pattern : str, default=r"\\w+|[^\\w\\s]"
        Regular expression of a word; by default punctuation marks are words. Lists of tokens are
        taken as they are.
    max_length : int, default=128
        Words of a longer text are read in pieces of so many, each as a text of its own.
    max_vocabulary : int, default=20_000
        Words that are predicted, the most frequent; the others are one class. Any word can be
        read.
    min_count : int, default=2
        So often a word must stand in the texts to be predicted.
    cutoffs : sequence of int, default=(1000, 5000)
        Words from these numbers on, by frequency, are predicted in a second step with a quarter
        and a sixteenth of the dimensions (adaptive softmax); ``()`` for one softmax.
    dropout : float, default=0.1
        Of the inputs of each layer, one mask for all words of a text, and of the softmax.
    mix : {"mean", "concat", "last", "learned"} or sequence of float, default="mean"
        Weights of the layers, num_layers + 1 of them: all the same, the last one only, as given,
        or learnt in `fit` from labels by a linear classifier on top; "concat" puts the layers side
        by side, :math:`x_t` once. All but "learned" may be changed without fitting again.
    pooling : {"mean", "max", "mean_max"}, default="mean"
        The vector of a text: mean of its words, elementwise maximum, or both. May be changed
        without fitting again.
    epochs : int, default=10
        Times that the texts are read.
    batch_tokens : int, default=2048
        Words in a step of training, with padding.
    learning_rate : float, default=3e-3
        The highest; it rises for a twentieth of the training and then falls to 0 in a straight
        line (AdamW).
    weight_decay : float, default=0.0
    validation_fraction : float, default=0.05
        Share of the texts, rounded down, that is held out to choose the best state; 0 for none.
    patience : int or None, default=None
        Epochs without a better loss of them after which training ends.
    max_seconds : float or None, default=None
        Time for training; the learning rate falls accordingly. Embeddings that learn first get a
        third of it.
    checkpoint : path or None, default=None
        File that interrupted training is kept in and taken up from; needs a `random_state`.
    device : str, default="auto"
        "auto" takes a GPU if there is one; or "cpu", "cuda", "cuda:1", "mps".
    precision : {"auto", "fp32", "bf16"}, default="auto"
    random_state : int, numpy.random.Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    module_ : BiLanguageModel
        The network, on the CPU.
    vocabulary_ : list of str
        Words that are predicted, the most frequent first.
    embeddings_ : WordEmbedder or None
        The fitted `embeddings`.
    mix_weights_ : float64 ndarray (num_layers + 1,) or None
        What ``mix="learned"`` has learnt.
    history_ : list of dict
        Mean losses of each epoch, nats for each predicted word. `textrep.engine.plot_history` draws
        it.
    n_epochs_ : int
        Epochs begun.
    stopped_early_ : bool
        Whether `patience` or `max_seconds` ended training.
    out_of_time_ : bool
        Whether it was `max_seconds`.

    See Also
    --------
    Word2Vec : One vector a word, whatever its context; much faster.

    Notes
    -----
    Differences from the paper: an adaptive softmax in place of a sampled one, so that `score` is a
    likelihood; LSTMs without projections; one mark for both ends of a text; no state is carried
    from one text to the next, so that a text has the same vectors in any company. The scale
    :math:`\gamma` is left to what comes after.

    References
    ----------
    M. Peters, M. Neumann, M. Iyyer, M. Gardner, C. Clark, K. Lee, L. Zettlemoyer: Deep
    contextualized word representations, NAACL 2018. E. Grave, A. Joulin, M. Cissé, D. Grangier,
    H. Jégou: Efficient softmax approximation for GPUs, ICML 2017.

    Examples
    --------
    >>> from textrep import ElmoEmbedder
    >>> texts = ["the bank of the river", "the bank lends money"] * 4
    >>> elmo = ElmoEmbedder(hidden_size=8, epochs=1, device="cpu", random_state=0).fit(texts)
    >>> elmo.transform(texts).shape
    (8, 16)
    >>> river, money = elmo.transform_tokens(texts[:2])
    >>> river.shape, bool(np.allclose(river[1], money[1]))  # the vectors of "bank" differ
    ((5, 16), False)
    """

    def __init__(
        self,
        *,
        hidden_size: int = 128,
        num_layers: int = 2,
        character_size: int = 16,
        filters: Sequence[tuple[int, int]] = ((1, 32), (2, 32), (3, 64), (4, 128)),
        highway_layers: int = 1,
        max_word_length: int = 20,
        embeddings: Any = None,
        lowercase: bool = False,
        token_pattern: str = r"\w+|[^\w\s]",
        max_length: int = 128,
        max_vocabulary: int = 20_000,
        min_count: int = 2,
        cutoffs: Sequence[int] = (1000, 5000),
        dropout: float = 0.1,
        mix: Any = "mean",
        pooling: str = "mean",
        epochs: int = 10,
        batch_tokens: int = 2048,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.0,
        validation_fraction: float = 0.05,
        patience: int | None = None,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.character_size = character_size
        self.filters = filters
        self.highway_layers = highway_layers
        self.max_word_length = max_word_length
        self.embeddings = embeddings
        self.lowercase = lowercase
        self.token_pattern = token_pattern
        self.max_length = max_length
        self.max_vocabulary = max_vocabulary
        self.min_count = min_count
        self.cutoffs = cutoffs
        self.dropout = dropout
        self.mix = mix
        self.pooling = pooling
        self.epochs = epochs
        self.batch_tokens = batch_tokens
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.max_seconds = max_seconds
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    # ---- fitting

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the language models.

        Parameters
        ----------
        X : iterable of str, or of lists of str, of length n_samples
            Texts, best a sentence or a few each, or their tokens.
        y : labels (n_samples,), optional
            Read for ``mix="learned"`` only.

        Returns
        -------
        self : ElmoEmbedder

        Raises
        ------
        TextInputError
            If `X` is no iterable of texts or token lists, or is empty.
        ValueError
            If a parameter is out of its range, no text has a word, or ``mix="learned"`` has no
            labels of two classes.
        """
        check_parameters(self)
        self._check_surroundings()
        X = list(X) if is_stream(X) else X
        sentences = self._read(X)
        if not sentences.n_texts:
            raise TextInputError("X is empty; expected at least one text or list of tokens.")
        if not len(sentences.text):
            raise ValueError(f"X has no words: none of its {sentences.n_texts:,} texts has a token")
        classes = self._classes(y, sentences.n_texts)
        self.__dict__.pop("module_", None)  # interrupted, it must not stay beside other words
        self.mix_weights_ = None
        self.vocabulary_ = frequent_words(sentences, self.min_count, self.max_vocabulary)
        start = time.monotonic()
        self.embeddings_ = self._fitted_embeddings(sentences)
        self.module_ = cast(BiLanguageModel, self._new_module())
        if self.embeddings_ is not None:
            self.module_.scale_vectors(float(self.embeddings_.vectors_.dense().std()))
        self._learn(sentences, training_seconds(self, start))
        if classes is not None:
            self._learn_mix(sentences, classes)
        return self

    def _classes(self, y: Any, n_texts: int) -> np.ndarray | None:
        """Numbers of the classes, int64 (n_texts,), where the mixture is learnt from them."""
        if not isinstance(self.mix, str) or self.mix != "learned":
            return None
        if y is None:
            raise ValueError("mix='learned' needs labels: call fit(X, y), or take mix='mean'")
        names, classes = np.unique(check_labels(y, n_texts, name="y"), return_inverse=True)
        if len(names) < 2:
            raise ValueError(f"mix='learned' needs two classes, y has only {names[0]!r}")
        return np.asarray(classes, dtype=np.int64)

    def _build(self) -> BiLanguageModel:
        return BiLanguageModel(
            n_targets=FIRST_TARGET + len(self.vocabulary_),
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            character_size=self.character_size,
            filters=self.filters,
            highway_layers=self.highway_layers,
            dropout=self.dropout,
            cutoffs=self.cutoffs,
            vector_size=0 if self.embeddings_ is None else self.embeddings_.vectors_.dim,
        )

    def _fitted_embeddings(self, sentences: Sentences) -> WordEmbedder | None:
        embedder = as_embedder(self.embeddings)
        if embedder is None or is_fitted(embedder):
            return embedder
        # Several threads never give the same vectors twice, and training could not be taken up.
        alone = {} if self.checkpoint is None else {"n_jobs": 1}
        return learn_vectors(
            embedder,
            sentences.token_lists(),
            draw_seed=lambda: seed_of(self.random_state, "embeddings") % 2**32,
            max_seconds=self.max_seconds,
            **alone,
        )

    def _learn(self, sentences: Sentences, max_seconds: float | None) -> None:
        settings = TrainingSettings(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            schedule="linear",
            warmup=WARMUP,
            max_grad_norm=MAX_GRAD_NORM,
            patience=self.patience,
            max_seconds=max_seconds,
        )
        random = stream(self.random_state, "validation")
        is_out = held_out_pieces(sentences, self.validation_fraction, random)
        kept, out = np.flatnonzero(~is_out), np.flatnonzero(is_out)
        collate = self._collate(sentences)
        batches = batches_of(
            sentences, kept, collate, self.batch_tokens, seed_of(self.random_state, "batches")
        )
        validation = None
        if len(out):
            validation = batches_of(sentences, out, collate, self.batch_tokens)
        task = BilmTask(self.module_)
        self._train(task, batches, settings, validation, identity=self._identity(sentences))

    def _identity(self, sentences: Sentences) -> dict[str, Any]:
        """What tells this training from others, for the checkpoint."""
        identity: dict[str, Any] = {
            "parameters": self._training_parameters("embeddings", "mix", "pooling"),
            "texts": sentences.digest(),
        }
        if self.embeddings_ is not None:
            vectors, _ = self.embeddings_.vectors_.vectors_of(sentences.words)
            identity["vectors"] = zlib.crc32(vectors.tobytes())
        return identity

    def _learn_mix(self, sentences: Sentences, classes: np.ndarray) -> None:
        n_layers = self.num_layers + 1
        size = 2 * self.hidden_size
        means = [
            self._pooled(sentences, Mixing(row)).of_texts(
                sentences.text, sentences.n_words_of_text, "mean", size
            )
            for row in np.eye(n_layers)
        ]
        self.mix_weights_ = learn_weights(
            np.stack(means, axis=1),
            classes,
            seed=seed_of(self.random_state, "mix"),
            device=self.device,
        )

    # ---- copies and files

    def __sklearn_clone__(self) -> Self:
        return keep_vectors(self, super().__sklearn_clone__())

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        if self.embeddings is not None and state.get("embeddings_") is self.embeddings:
            del state["embeddings_"]  # the parameter is in the file already
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        if state and "embeddings_" not in state:
            state = {**state, "embeddings_": self.embeddings}
        super()._set_state(state)
