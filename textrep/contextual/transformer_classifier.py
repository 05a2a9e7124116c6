"""`TransformerClassifier`: a Transformer encoder over the tokens of a text, and a class."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any, Self

import numpy as np

from textrep.contextual.classification import NeuralClassifier, epochs_for
from textrep.contextual.denoising import denoise
from textrep.contextual.transformer_classifier_module import (
    POOLINGS,
    Pretrained,
    TransformerClassifierModule,
    encoder_weights,
    start_from,
)
from textrep.contextual.ulmfit_stages import of_stage, stage_path
from textrep.contextual.word_inputs import training_seconds, word_rows
from textrep.core.random import RandomState, streams
from textrep.core.text import check_texts
from textrep.embeddings.parameters import check_choice, check_count, check_epochs, check_number
from textrep.engine.loop import Outcome
from textrep.engine.seeding import seed_of, torch_seed
from textrep.engine.settings import TrainingSettings
from textrep.layers.dropout import check_dropout
from textrep.layers.mechanisms.choice import mechanisms_of_layers
from textrep.layers.positions import check_positions
from textrep.layers.transformer import BlockShape
from textrep.preprocess.codec import LEVELS, TextCodec
from textrep.preprocess.parameters import check_choice as check_one_of

AUTO_STEPS = 1500
"""Batches that ``epochs="auto"`` trains on, all epochs together, where the bounds leave it so."""

FEWEST_EPOCHS, MOST_EPOCHS = 6, 100

PRETRAINING, CLASSIFIER = "pre-training", "classifier"
"""Stages, as the history names them where there are two."""

_MAX_GRAD_NORM = 1.0
_WARMUP = 0.1
_PRETRAINING_SHARE = 0.5  # of the time
_INNER = 4  # times the hidden size, where nothing else is said

_CODEC = (
    "level", "lowercase", "max_vocabulary", "min_count", "token_pattern", "vocab_size",
)  # fmt: skip
_ENCODER = (
    *_CODEC, "num_layers", "num_heads", "hidden_size", "inner_size", "activation", "norm",
    "norm_kind", "positions", "attention", "attention_settings", "pooling", "max_length",
)  # fmt: skip
_COUNTS = (
    "num_layers", "num_heads", "hidden_size", "vocab_size", "max_length", "batch_size",
)  # fmt: skip


class TransformerClassifier(NeuralClassifier):
    """Texts -> classes by a Transformer that is trained from scratch.

    Tokens are vectors that know their place, layers of self-attention let each look at all others,
    and a linear layer turns the mean of them, or what `pooling` says, into scores of the classes.
    It has no notion of language to start from: of few texts it learns less than a bag of words
    does, of more it learns what order tells. Pre-training on the same texts, without their labels,
    makes up for part of it.

    Parameters
    ----------
    level : {"word", "subword", "character", "byte", "whitespace"}, default="word"
        What a token is; see `TextCodec`.
    lowercase : bool, default=True
        Whether texts are lower-cased.
    max_vocabulary : int or None, default=30_000
        Tokens that are told apart, the most frequent ones; not of subwords and bytes.
    min_count : int, default=1
        Occurrences in the training texts that a token must have.
    token_pattern : str or None, default=None
        Regular expression of a word.
    vocab_size : int, default=8000
        Subwords.
    num_layers : int, default=2
    num_heads : int, default=4
        Of each attention.
    hidden_size : int, default=128
        Values of the vector of a token, a multiple of `num_heads`.
    inner_size : int or None, default=None
        Values inside a feed-forward layer; None for four times `hidden_size`.
    activation : {"relu", "gelu", "gelu-tanh", "geglu", "swiglu"}, default="gelu"
        Of the feed-forward layers.
    norm : {"pre", "post"}, default="pre"
        Where the layers are normalised; see `BlockShape`.
    norm_kind : {"layer", "rms"}, default="layer"
    positions : {"learned", "sinusoidal", "rotary", "alibi"}, default="learned"
        How a token knows its place.
    attention : str, default="full"
        How tokens look at each other: "full", or one whose cost does not grow with the square of
        the length: "sliding-window", "longformer", "bigbird", "linformer", "performer", "linear" or
        "lsh"; see `textrep.layers.mechanisms`.
    attention_settings : dict or None, default=None
        Of that attention, such as ``{"window": 64}``.
    pooling : {"mean", "max", "first", "attention"}, default="mean"
        What becomes of the vectors of all tokens: their mean, the maximum of each value, the vector
        of a token that is put before the text (as BERT's), or a mean with learnt weights.
    dropout : float, default=0.3
        Share of values left out in training: of the vectors of tokens, of what each layer adds, and
        of the vector of the text.
    word_dropout : float, default=0.1
        Share of the tokens that are made unknown in training.
    max_length : int, default=400
        Tokens of a text that are read; of a longer text the first ones.
    pretrain_epochs : int, default=0
        Times that the texts of `fit` are first read without their labels, filling in tokens that
        are hidden.
    pretrain_share : float, default=0.15
        Share of the tokens that are hidden.
    epochs : int or "auto", default="auto"
        Times that the texts are trained on; "auto" is as many as make 1,500 batches, from 6 to 100.
    batch_size : int, default=32
        Texts in a batch; those of similar length come together.
    learning_rate : float, default=1e-3
        The highest, of pre-training too. It rises over the first tenth.
    weight_decay : float, default=0.01
        Of AdamW.
    schedule : str, default="linear"
        How the rate falls: "constant", "linear", "cosine", "one-cycle", "slanted-triangular" or
        "inverse-sqrt", see `textrep.engine.TrainingSettings`.
    class_weight : dict, "balanced" or None, default=None
        What the loss of each class is multiplied by; "balanced" for the inverse of its frequency.
    validation_fraction : float, default=0.1
        Share of each class that is held out to tell which epoch was best, whose weights are kept;
        below 20 texts none are, and the last ones are. 0 for none.
    patience : int or None, default=None
        Stop after so many epochs without a lower loss on the texts held out.
    ema_decay : float or None, default=None
        Keep a moving average of the weights with this decay, and answer with it.
    max_seconds : float or None, default=None
        Time for `fit`, at most half of it for pre-training; the learning rate falls in it, and the
        best weights so far are kept.
    checkpoint : str, path or None, default=None
        A file that keeps the state of training, from which `fit` goes on after an interruption;
        `random_state` must then be an int. Pre-training has one beside it; where it was finished
        and the rest was not, it is done once more.
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
        How texts are cut and numbered; ``codec_.words`` are the tokens.
    module_ : torch.nn.Module
        The network, on the CPU.
    history_ : list of dict
        Loss, share of texts that were classified rightly, learning rate and time of each epoch.
        With pre-training, entries name their ``stage``, and those of it count hidden tokens.
    n_epochs_ : int
        Epochs begun, without those of pre-training.
    stopped_early_ : bool
        Whether `patience` or `max_seconds` ended training.
    out_of_time_ : bool
        Whether it was `max_seconds`.

    See Also
    --------
    textrep.RNNClassifier : Reads one token after the other.

    Notes
    -----
    A text without tokens is read as one unknown token. Padding has no influence: a text has the
    same answer alone and among others.

    References
    ----------
    A. Vaswani et al.: Attention is all you need, NeurIPS 2017.

    I. Amos, J. Berant, A. Gupta: Never train from scratch: fair comparison of long-sequence models
    requires data-driven priors, ICLR 2024 (`pretrain_epochs`).

    Examples
    --------
    >>> from textrep import TransformerClassifier
    >>> texts = ["not good", "good", "not bad", "bad"] * 3
    >>> labels = ["neg", "pos", "pos", "neg"] * 3
    >>> classifier = TransformerClassifier(hidden_size=16, num_heads=2, learning_rate=0.01,
    ...                                    dropout=0, word_dropout=0, device="cpu", random_state=0)
    >>> classifier.fit(texts, labels).predict(["bad", "not bad"]).tolist()
    ['neg', 'pos']
    """

    codec_: TextCodec
    module_: TransformerClassifierModule
    _pretrained: Pretrained

    def __init__(
        self,
        *,
        level: str = "word",
        lowercase: bool = True,
        max_vocabulary: int | None = 30_000,
        min_count: int = 1,
        token_pattern: str | None = None,
        vocab_size: int = 8000,
        num_layers: int = 2,
        num_heads: int = 4,
        hidden_size: int = 128,
        inner_size: int | None = None,
        activation: str = "gelu",
        norm: str = "pre",
        norm_kind: str = "layer",
        positions: str = "learned",
        attention: str = "full",
        attention_settings: dict[str, Any] | None = None,
        pooling: str = "mean",
        dropout: float = 0.3,
        word_dropout: float = 0.1,
        max_length: int = 400,
        pretrain_epochs: int = 0,
        pretrain_share: float = 0.15,
        epochs: int | str = "auto",
        batch_size: int = 32,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
        schedule: str = "linear",
        class_weight: Any = None,
        validation_fraction: float = 0.1,
        patience: int | None = None,
        ema_decay: float | None = None,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.level = level
        self.lowercase = lowercase
        self.max_vocabulary = max_vocabulary
        self.min_count = min_count
        self.token_pattern = token_pattern
        self.vocab_size = vocab_size
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.hidden_size = hidden_size
        self.inner_size = inner_size
        self.activation = activation
        self.norm = norm
        self.norm_kind = norm_kind
        self.positions = positions
        self.attention = attention
        self.attention_settings = attention_settings
        self.pooling = pooling
        self.dropout = dropout
        self.word_dropout = word_dropout
        self.max_length = max_length
        self.pretrain_epochs = pretrain_epochs
        self.pretrain_share = pretrain_share
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

        After `pretrain` it starts from what that has learnt, and `pretrain_epochs` is of no effect.

        Parameters
        ----------
        X : iterable of str, of length n_samples
            Texts.
        y : labels of two or more classes, of any type, (n_samples,)

        Returns
        -------
        self : TransformerClassifier

        Raises
        ------
        TextInputError
            If `X` holds something else.
        ValueError
            If there are not two classes, no words, a parameter is out of its range, or one of the
            network is another than it was for `pretrain`.
        """
        start = time.monotonic()
        texts = check_texts(X, name="X")
        self._check_parameters()
        classes, group, class_weights = self._read_labels(y, len(texts))
        given = self._given()
        self.codec_ = given.codec if given else self._codec().fit(texts, self.verbose)
        self.classes_ = classes
        module = self._new_module()
        assert isinstance(module, TransformerClassifierModule)
        self.module_ = module
        rows = self._rows(texts)
        before: list[dict[str, Any]] = []
        if given:
            start_from(module, given.weights)
        elif self.pretrain_epochs:
            limit = None if self.max_seconds is None else _PRETRAINING_SHARE * self.max_seconds
            before = of_stage(self._denoise(module, rows, limit), PRETRAINING)
        outcome = self._train_classifier(
            rows,
            group,
            class_weights,
            random=streams(self.random_state, ["held out", "order"]),
            max_seconds=training_seconds(self, start),
        )
        if before:
            self.history_ = [*before, *of_stage(outcome, CLASSIFIER)]
        return self

    def pretrain(self, X: Any) -> Self:
        """Learn to fill in hidden tokens of texts without labels, for the `fit` that follows.

        Parameters
        ----------
        X : iterable of str
            Any number of texts. Tokens that stand in none of them will be unknown to `fit`.

        Returns
        -------
        self : TransformerClassifier
            What is learnt is forgotten by clones and saved files; use `pretrain_epochs` where those
            are made, as in a grid search. It takes `pretrain_epochs`, one if that is 0, and at most
            `max_seconds`.

        Raises
        ------
        TextInputError
            If `X` holds something else.
        ValueError
            If there are no words, or a parameter is out of its range.
        """
        texts = check_texts(X, name="X")
        self._check_parameters()
        codec = self._codec().fit(texts, self.verbose)
        with torch_seed(seed_of(self.random_state, "weights")):
            module = self._module(codec, n_classes=1)
        self._denoise(module, word_rows(codec, texts, self.max_length), self.max_seconds)
        self._pretrained = Pretrained(codec, encoder_weights(module), self._encoder_parameters())
        return self

    def _denoise(
        self, module: TransformerClassifierModule, rows: list[np.ndarray], max_seconds: float | None
    ) -> Outcome:
        checkpoint = None if self.checkpoint is None else stage_path(self.checkpoint, PRETRAINING)
        epochs = max(1, self.pretrain_epochs)
        settings = replace(
            self._settings(1, max_seconds), epochs=epochs, ema_decay=None, patience=None
        )
        return denoise(
            module,
            rows,
            settings,
            share=self.pretrain_share,
            max_rows=self.batch_size,
            device=self.device,
            precision=self.precision,
            seed=seed_of(self.random_state, PRETRAINING),
            checkpoint=checkpoint,
            identity={"estimator": type(self).__name__, "parameters": self._training_parameters()},
            verbose=self.verbose,
            description=PRETRAINING.capitalize(),
        )

    def _given(self) -> Pretrained | None:
        """What `pretrain` has left, if the network is still the same."""
        given: Pretrained | None = getattr(self, "_pretrained", None)
        if given is not None:
            given.refuse_others(self._encoder_parameters())
        return given

    def _encoder_parameters(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _ENCODER}

    # ---- parameters

    def _check_parameters(self) -> None:
        """Refuse what is out of range, before any work."""
        for name in _COUNTS:
            check_count(name, getattr(self, name), 1)
        if self.inner_size is not None:
            check_count("inner_size", self.inner_size, 1)
        if self.hidden_size % self.num_heads:
            raise ValueError(
                f"hidden_size must be a multiple of num_heads={self.num_heads}, got "
                f"{self.hidden_size}"
            )
        check_choice("level", self.level, LEVELS)
        check_one_of("lowercase", self.lowercase, (False, True))
        check_choice("pooling", self.pooling, POOLINGS)
        check_positions(self.positions, self.hidden_size, self.num_heads)
        for name in ("dropout", "word_dropout"):
            check_dropout(name, getattr(self, name))
        check_count("pretrain_epochs", self.pretrain_epochs, 0)
        check_number("pretrain_share", self.pretrain_share, above=0, most=0.9)
        check_number("validation_fraction", self.validation_fraction, least=0, most=0.5)
        check_epochs(self.epochs)
        self._check_surroundings()
        self._settings(1, self.max_seconds)
        self._codec()
        self._shape()
        self._mechanisms()

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

    def _codec(self) -> TextCodec:
        return TextCodec(**{name: getattr(self, name) for name in _CODEC})

    def _shape(self) -> BlockShape:
        return BlockShape(
            size=self.hidden_size,
            n_heads=self.num_heads,
            inner_size=self.inner_size or _INNER * self.hidden_size,
            activation=self.activation,
            norm=self.norm,
            norm_kind=self.norm_kind,
            dropout=self.dropout,
        )

    def _mechanisms(self) -> Any:
        return mechanisms_of_layers(
            self.attention,
            self.attention_settings,
            head_size=self.hidden_size // self.num_heads,
            max_length=self.max_length + (self.pooling == "first"),
            positions=self.positions,
        )

    def _build(self) -> TransformerClassifierModule:
        return self._module(self.codec_, len(self.classes_))

    def _module(self, codec: TextCodec, n_classes: int) -> TransformerClassifierModule:
        return TransformerClassifierModule(
            len(codec) + 1,  # the last one hides others
            n_classes,
            self._shape(),
            self.num_layers,
            self.max_length,
            positions=self.positions,
            mechanism=self._mechanisms(),
            pooling=self.pooling,
            word_dropout=self.word_dropout,
        )

    def _rows(self, texts: list[str]) -> list[np.ndarray]:
        return list(word_rows(self.codec_, texts, self.max_length))

    # ---- files

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
