"""`RNNClassifier`: a recurrent network over the words of a text, and a class."""

from __future__ import annotations

import os
import time
from typing import Any, Self

import numpy as np

from textrep.contextual.classification import NeuralClassifier, epochs_for
from textrep.contextual.rnn_module import RNNClassifierModule
from textrep.contextual.word_inputs import (
    WordInputs,
    WordRules,
    as_embedder,
    keep_vectors,
    learn_words,
    training_seconds,
    word_rows,
)
from textrep.core.random import RandomState, streams
from textrep.core.text import check_texts
from textrep.embeddings.parameters import check_choice, check_count, check_epochs, check_number
from textrep.engine.settings import TrainingSettings
from textrep.layers.direction import GATES
from textrep.layers.dropout import check_dropout
from textrep.layers.pooling import KINDS
from textrep.preprocess.codec import TextCodec
from textrep.preprocess.parameters import check_choice as check_one_of

AUTO_STEPS = 1500
"""Batches that ``epochs="auto"`` trains on, all epochs together, where the bounds leave it so."""

FEWEST_EPOCHS, MOST_EPOCHS = 6, 60

# Recurrent networks now and then have gradients that would undo everything (Pascanu et al. 2013).
_MAX_GRAD_NORM = 1.0
_WARMUP = 0.1


class RNNClassifier(NeuralClassifier):
    """Texts -> classes by a recurrent network that reads one word after the other.

    Each word is a vector, a network with a memory (LSTM, GRU or plain) reads the vectors in order,
    and a linear layer turns what it has read into scores of the classes. Unlike a bag of words, it
    knows "not good" from "good, not". All is trained together by cross entropy, or all but the
    vectors of the words, where those come from elsewhere and are frozen.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn"}, default="lstm"
        The recurrent unit: long short-term memory, gated recurrent unit, or the plain tanh unit,
        which forgets soon.
    hidden_size : int, default=128
        Values of the memory, for each direction.
    num_layers : int, default=1
        Recurrent layers, each reading what the one before has given.
    bidirectional : bool, default=False
        Whether a second network reads the text from its end.
    pooling : {"last", "mean", "max", "concat", "attention"}, default="max"
        What becomes of the outputs of all words: the last one of each direction, their mean, the
        maximum of each value, the three together (concat pooling of ULMFiT), or a mean with learnt
        weights.
    embeddings : None, estimator of word vectors, str or path, default=None
        Where the vectors of the words come from. None starts at random. A fitted `Word2Vec`,
        `FastText`, `GloVe` or `StaticEmbedder` gives its vectors, and copies that `clone` makes
        keep them. One that is not fitted is cloned and learns from the texts of `fit` first; with
        ``n_jobs=1`` it learns the same each time. A str is what `StaticEmbedder` takes:
        ``"textrep-static-en"`` or a file.
    freeze_embeddings : bool, default=False
        Whether the vectors of `embeddings` stay as they are. Then all words that have one are
        known, in no training text though they are. Tuned vectors fit the task better, where there
        are texts enough to tune them by; words that training does not meet have none then.
    embedding_size : int, default=100
        Values of the vector of a word without `embeddings`, which otherwise say themselves.
    dropout : float, default=0.3
        Share of values left out in training: of the vectors of words, the same ones in all of a
        text, between layers likewise, and of the vector of the text.
    word_dropout : float, default=0.1
        Share of the words that are made unknown in training.
    max_length : int, default=400
        Words of a text that are read; of a longer text the first ones.
    max_vocabulary : int or None, default=30_000
        Words that are told apart, the most frequent ones; of frozen vectors the first ones.
    min_count : int, default=1
        Occurrences in the training texts that a word must have.
    lowercase : bool, default=True
        Whether texts are lower-cased.
    token_pattern : str or None, default=None
        Regular expression of a word. None takes that of `embeddings`; without any, words with their
        apostrophes and single punctuation marks.
    epochs : int or "auto", default="auto"
        Times that the texts are trained on; "auto" is as many as make 1,500 batches, from 6 to 60.
    batch_size : int, default=32
        Texts in a batch; those of similar length come together.
    learning_rate : float, default=2e-3
        The highest.
    weight_decay : float, default=0.01
        Of AdamW.
    schedule : str, default="linear"
        How the rate falls: "constant", "linear", "cosine", "one-cycle", "slanted-triangular" or
        "inverse-sqrt", see `textrep.engine.TrainingSettings`. It rises over the first tenth.
    class_weight : dict, "balanced" or None, default=None
        What the loss of each class is multiplied by; "balanced" for the inverse of its frequency.
    validation_fraction : float, default=0.1
        Share of each class that is held out to tell which epoch was best, whose weights are kept;
        below 20 texts none are, and the last ones are. 0 for none.
    patience : int or None, default=3
        Stop after so many epochs without a lower loss on the texts held out.
    ema_decay : float or None, default=None
        Keep a moving average of the weights with this decay, and answer with it.
    max_seconds : float or None, default=None
        Time for `fit`; the learning rate falls in it, and the best weights so far are kept.
        Embeddings that learn first get a third of it.
    checkpoint : str, path or None, default=None
        A file that keeps the state of training, from which `fit` goes on after an interruption;
        `random_state` must then be an int.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; "auto" takes the best there is.
    precision : {"auto", "fp32", "bf16"}, default="auto"
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    codec_ : TextCodec
        How texts are cut and numbered; ``codec_.words`` are the words.
    embedding_size_ : int
        Values of the vector of a word.
    module_ : torch.nn.Module
        The network, on the CPU.
    history_ : list of dict
        Loss, share of texts that were classified rightly, learning rate and time of each epoch.
        `textrep.engine.plot_history` draws it.
    n_epochs_ : int
        Epochs begun.
    stopped_early_ : bool
        Whether `patience` or `max_seconds` ended training.
    out_of_time_ : bool
        Whether it was `max_seconds`.

    See Also
    --------
    textrep.FastTextClassifier : Without regard to order beyond n-grams; a hundred times as fast.

    Notes
    -----
    An empty text is read as one unknown word. Padding has no influence: a text has the same answer
    alone and among others. Texts of the same label that `fit` gets in another order give another
    model, as another `random_state` does.

    A saved file holds the words, their vectors and the network; of `embeddings`, too, what it takes
    to make the same estimator again.

    References
    ----------
    S. Hochreiter, J. Schmidhuber: Long short-term memory, Neural Computation 9(8), 1997.

    K. Cho et al.: Learning phrase representations using RNN encoder-decoder for statistical machine
    translation, EMNLP 2014.

    Examples
    --------
    >>> from textrep import RNNClassifier
    >>> texts = ["not good", "good", "not bad", "bad"] * 3
    >>> labels = ["neg", "pos", "pos", "neg"] * 3
    >>> classifier = RNNClassifier(hidden_size=16, embedding_size=8, learning_rate=0.02,
    ...                            word_dropout=0, device="cpu", random_state=0)
    >>> classifier.fit(texts, labels).predict(["bad", "not bad"]).tolist()
    ['neg', 'pos']
    """

    codec_: TextCodec
    embedding_size_: int
    module_: RNNClassifierModule

    def __init__(
        self,
        *,
        cell: str = "lstm",
        hidden_size: int = 128,
        num_layers: int = 1,
        bidirectional: bool = False,
        pooling: str = "max",
        embeddings: Any = None,
        freeze_embeddings: bool = False,
        embedding_size: int = 100,
        dropout: float = 0.3,
        word_dropout: float = 0.1,
        max_length: int = 400,
        max_vocabulary: int | None = 30_000,
        min_count: int = 1,
        lowercase: bool = True,
        token_pattern: str | None = None,
        epochs: int | str = "auto",
        batch_size: int = 32,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.01,
        schedule: str = "linear",
        class_weight: Any = None,
        validation_fraction: float = 0.1,
        patience: int | None = 3,
        ema_decay: float | None = None,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.embeddings = embeddings
        self.freeze_embeddings = freeze_embeddings
        self.embedding_size = embedding_size
        self.dropout = dropout
        self.word_dropout = word_dropout
        self.max_length = max_length
        self.max_vocabulary = max_vocabulary
        self.min_count = min_count
        self.lowercase = lowercase
        self.token_pattern = token_pattern
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.ema_decay = ema_decay
        self.max_seconds = max_seconds
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> Self:
        """Learn to tell classes apart.

        Parameters
        ----------
        X : iterable of str, of length n_samples
            Texts.
        y : labels of two or more classes, of any type, (n_samples,)

        Returns
        -------
        self : RNNClassifier

        Raises
        ------
        TextInputError
            If `X` holds something else.
        ValueError
            If there are not two classes, no words, or a parameter is out of its range.
        """
        start = time.monotonic()
        texts = check_texts(X, name="X")
        self._check_parameters()
        classes, group, weights = self._read_labels(y, len(texts))
        random = streams(self.random_state, ["words", "held out", "order"])
        inputs = learn_words(
            texts,
            self._rules(),
            self.embeddings,
            frozen=self.freeze_embeddings,
            random=random["words"],
            max_seconds=self.max_seconds,
        )
        self.classes_ = classes
        self._take(inputs)
        self._train_classifier(
            self._rows(texts),
            group,
            weights,
            random=random,
            max_seconds=training_seconds(self, start),
            apart=("embeddings",),
            unit="words",
        )
        return self

    def _check_parameters(self) -> None:
        """Refuse what is out of range, before any work."""
        check_choice("cell", self.cell, tuple(GATES))
        check_choice("pooling", self.pooling, KINDS)
        for name in ("hidden_size", "num_layers", "embedding_size", "max_length", "batch_size"):
            check_count(name, getattr(self, name), 1)
        for name in ("dropout", "word_dropout"):
            check_dropout(name, getattr(self, name))
        for name in ("bidirectional", "freeze_embeddings"):
            check_one_of(name, getattr(self, name), (False, True))
        check_number("validation_fraction", self.validation_fraction, least=0, most=0.5)
        check_epochs(self.epochs)
        self._check_surroundings()
        self._settings(1, self.max_seconds)
        self._rules().codec()
        if as_embedder(self.embeddings) is None and self.freeze_embeddings:
            raise ValueError(
                "freeze_embeddings=True needs embeddings to freeze; give embeddings, such as "
                "'textrep-static-en'"
            )

    def _rules(self) -> WordRules:
        return WordRules(self.lowercase, self.token_pattern, self.min_count, self.max_vocabulary)

    def _settings(self, n_texts: int, max_seconds: float | None) -> TrainingSettings:
        return TrainingSettings(
            epochs=epochs_for(
                self.epochs,
                n_texts,
                self.batch_size,
                steps=AUTO_STEPS,
                fewest=FEWEST_EPOCHS,
                most=MOST_EPOCHS,
            ),
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            schedule=self.schedule,
            warmup=_WARMUP,
            max_grad_norm=_MAX_GRAD_NORM,
            ema_decay=self.ema_decay,
            patience=self.patience,
            max_seconds=max_seconds,
        )

    def _take(self, inputs: WordInputs) -> None:
        """Know the words, and have a network that starts from their vectors."""
        self.codec_ = inputs.codec
        self.embedding_size_ = (
            self.embedding_size if inputs.matrix is None else inputs.matrix.shape[1]
        )
        module = self._new_module()
        assert isinstance(module, RNNClassifierModule)
        if inputs.matrix is not None:
            module.start_from(inputs.matrix)
        self.module_ = module

    def _build(self) -> RNNClassifierModule:
        return RNNClassifierModule(
            n_words=len(self.codec_),
            n_classes=len(self.classes_),
            embedding_size=self.embedding_size_,
            frozen=self.freeze_embeddings,
            cell=self.cell,
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            bidirectional=self.bidirectional,
            pooling=self.pooling,
            dropout=self.dropout,
            word_dropout=self.word_dropout,
        )

    def _rows(self, texts: list[str]) -> list[np.ndarray]:
        return word_rows(self.codec_, texts, self.max_length)

    # ---- copies and files

    def __sklearn_clone__(self) -> Self:
        return keep_vectors(self, super().__sklearn_clone__())

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        if "codec_" in state:
            state["codec"] = state.pop("codec_").state()
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "codec" in state:
            self.codec_ = TextCodec.from_state(state.pop("codec"))
        super()._set_state(state)
