"""`RNNLanguageModel`: a recurrent network that learns what comes next in texts."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.core.messages import shown
from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.engine.device import choose_precision
from textrep.engine.seeding import seed_of, torch_seed
from textrep.engine.settings import TrainingSettings
from textrep.generation.cache_pointer import NeuralCache
from textrep.generation.continuing import Continuation
from textrep.generation.first_weights import prime
from textrep.generation.language_model import LanguageModel
from textrep.generation.likelihood import (
    continuation_log_likelihoods,
    stream_log_likelihoods,
    text_log_likelihoods,
)
from textrep.generation.recurrent_module import Dropouts, RecurrentLM, RecurrentLMTask
from textrep.generation.sampling import Sampler
from textrep.generation.token_stream import join_rows, read_texts, split_end, stream_batches
from textrep.layers.direction import GATES
from textrep.layers.dropout import check_dropout
from textrep.preprocess.codec import LEVELS, TextCodec

_EOS = TextCodec.EOS
_DROPOUTS = ("dropout", "input_dropout", "hidden_dropout", "embedding_dropout", "weight_dropout")


class RNNLanguageModel(LanguageModel):
    """Learn from texts what comes next, score texts by it, and write on.

    Each character, word or subword is a vector, layers of recurrent cells read the vectors in
    order, and a softmax over the vocabulary says what is likely to follow. The texts of `fit` are
    one stream, in which a sign of its own ends each text; it is cut into parallel streams, read
    window by window with the state carried along (truncated back-propagation through time).

    With the dropouts and penalties below, this is AWD-LSTM; `ema_decay` stands for its averaged
    SGD, and adaptive optimisers for SGD itself.

    Parameters
    ----------
    level : {"word", "character", "subword", "byte", "whitespace"}, default="word"
        What texts are cut into, see `textrep.preprocess.TextCodec`. "whitespace" is for texts that
        are cut into words already, as those of Penn Treebank.
    lowercase : bool, default=False
        Whether texts are lower-cased.
    max_vocabulary : int or None, default=None
        Different words or characters at most, the most frequent ones.
    min_count : int or None, default=None
        Occurrences that a word, character or pair of subwords must have. None takes 2, and 1 of
        characters. Only where rare words are left out does the model learn how likely a word is
        that it does not know.
    token_pattern : str or None, default=None
        Regular expression of a word.
    vocab_size : int, default=8000
        Subwords at most.
    cell : {"lstm", "gru", "rnn"}, default="lstm"
    embedding_size : int, default=200
        Dimensions of the vectors.
    hidden_size : int, default=200
        Units of each layer; with tied weights the last one has `embedding_size`.
    num_layers : int, default=2
    tie_weights : bool, default=True
        Whether the softmax has the vectors of the words for weights.
    cutoffs : sequence of int or None, default=None
        Of an adaptive softmax: ranks by frequency at which groups of rarer words begin, such as
        ``(2000, 10000)``; much faster for large vocabularies. Without tied weights each group has a
        quarter of the features of the one before. None for the full softmax.
    dropout : float, default=0.2
        Share of the last layer's outputs that are dropped.
    input_dropout : float, default=0.2
        Of the dimensions of the vectors that are read.
    hidden_dropout : float, default=0.2
        Of the outputs between layers.
    embedding_dropout : float, default=0.0
        Of the words of the vocabulary, at all their occurrences.
    weight_dropout : float, default=0.0
        Of the weights from state to state. Like all of these, drawn once a window.
    activation_penalty : float, default=0.0
        Times the mean square of the last layer's outputs (alpha of AWD-LSTM, there 2).
    slowness_penalty : float, default=0.0
        Times the mean square of their change from step to step (beta, there 1).
    window : int, default=35
        Tokens through which gradients go back.
    vary_window : bool, default=False
        Whether windows vary in length, so that not always the same tokens stand at their ends.
    batch_size : int, default=20
        Parallel streams; fewer of short texts.
    epochs : int, default=10
    learning_rate : float, default=2e-3
        The highest of `schedule`.
    optimizer : {"adamw", "adam", "sgd"}, default="adamw"
    schedule : str, default="one-cycle"
        See `textrep.engine.TrainingSettings`.
    warmup : float, default=0.0
        Share of all steps over which the rate rises, or steps from 1 on; 0 is a quarter for
        "one-cycle".
    weight_decay : float, default=0.0
    max_grad_norm : float or None, default=0.25
        Longer gradients are shortened to this.
    ema_decay : float or None, default=None
        Answer with a moving average of the weights with this decay, such as 0.999.
    validation_fraction : float, default=0.1
        Share of the stream, its end, that is held out to tell which epoch was best, whose weights
        are kept. Below 100 tokens, or with `validation` in `fit`, nothing is.
    patience : int or None, default=None
        Stop after so many epochs without a lower validation loss.
    max_seconds : float or None, default=None
        Time for training; the learning rate falls in it.
    cache_size : int, default=0
        Tokens that a neural cache remembers where ``continuous=True``; 0 for no cache. It is no
        part of training, and may be changed afterwards.
    cache_theta : float, default=0.3
        How much likeness of states counts in the cache.
    cache_lambda : float, default=0.1
        Share of the cache in the probabilities.
    checkpoint : path or None, default=None
        A file that keeps the state of training, from which `fit` goes on after an interruption, if
        `random_state` is an int.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; "auto" takes the best there is.
    precision : {"auto", "fp32", "bf16"}, default="auto"
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    codec_ : TextCodec
        How texts are cut and numbered; ``codec_.words`` is the vocabulary.
    module_ : RecurrentLM
        The network, on the CPU.
    history_ : list of dict
        Losses (nats per token; `loss` with penalties, `nll` and `validation_loss` without),
        learning rate and time of each epoch. `textrep.engine.plot_history` draws it.
    n_epochs_ : int
        Epochs begun.
    stopped_early_ : bool
        Whether `patience` or `max_seconds` ended training.
    out_of_time_ : bool
        Whether it was `max_seconds`.

    Notes
    -----
    A text is read from a fresh state, after the sign that ends texts, which is predicted at its
    end: the perplexity of texts does not depend on their order or on each other. Figures that are
    published are of one stream, in which each text has those before it in mind: that is
    ``continuous=True``.

    Perplexities of words can be compared only where the vocabulary is the same, and a word that is
    not known is easy to predict. Bits per character can be compared across levels, if nothing is
    unknown.

    References
    ----------
    T. Mikolov, M. Karafiát, L. Burget, J. Černocký, S. Khudanpur: Recurrent neural network based
    language model, Interspeech 2010.

    W. Zaremba, I. Sutskever, O. Vinyals: Recurrent neural network regularization, 2014.

    S. Merity, N. S. Keskar, R. Socher: Regularizing and optimizing LSTM language models, ICLR 2018.

    Examples
    --------
    >>> from textrep import RNNLanguageModel
    >>> model = RNNLanguageModel(level="character", hidden_size=16, embedding_size=16, num_layers=1,
    ...                          window=8, dropout=0, input_dropout=0, epochs=40,
    ...                          learning_rate=0.03, device="cpu", random_state=0)
    >>> model.fit(["abcabcabcabc"] * 20).generate("ab", max_new_tokens=4, temperature=0)
    'cabc'
    """

    module_: RecurrentLM

    def __init__(
        self,
        *,
        level: str = "word",
        lowercase: bool = False,
        max_vocabulary: int | None = None,
        min_count: int | None = None,
        token_pattern: str | None = None,
        vocab_size: int = 8000,
        cell: str = "lstm",
        embedding_size: int = 200,
        hidden_size: int = 200,
        num_layers: int = 2,
        tie_weights: bool = True,
        cutoffs: Sequence[int] | None = None,
        dropout: float = 0.2,
        input_dropout: float = 0.2,
        hidden_dropout: float = 0.2,
        embedding_dropout: float = 0.0,
        weight_dropout: float = 0.0,
        activation_penalty: float = 0.0,
        slowness_penalty: float = 0.0,
        window: int = 35,
        vary_window: bool = False,
        batch_size: int = 20,
        epochs: int = 10,
        learning_rate: float = 2e-3,
        optimizer: str = "adamw",
        schedule: str = "one-cycle",
        warmup: float = 0.0,
        weight_decay: float = 0.0,
        max_grad_norm: float | None = 0.25,
        ema_decay: float | None = None,
        validation_fraction: float = 0.1,
        patience: int | None = None,
        max_seconds: float | None = None,
        cache_size: int = 0,
        cache_theta: float = 0.3,
        cache_lambda: float = 0.1,
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
        self.cell = cell
        self.embedding_size = embedding_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.tie_weights = tie_weights
        self.cutoffs = cutoffs
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.hidden_dropout = hidden_dropout
        self.embedding_dropout = embedding_dropout
        self.weight_dropout = weight_dropout
        self.activation_penalty = activation_penalty
        self.slowness_penalty = slowness_penalty
        self.window = window
        self.vary_window = vary_window
        self.batch_size = batch_size
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.schedule = schedule
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.max_grad_norm = max_grad_norm
        self.ema_decay = ema_decay
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.max_seconds = max_seconds
        self.cache_size = cache_size
        self.cache_theta = cache_theta
        self.cache_lambda = cache_lambda
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    # ---- fitting

    def fit(self, X: Any, y: Any = None, *, validation: Any = None) -> Self:
        """Learn the vocabulary, and what comes next.

        Parameters
        ----------
        X : iterable of str, or pathlib.Path
            Texts, in the order in which they are read. Of a text file in UTF-8, plain or
            compressed, each line is a text.
        y : ignored
        validation : iterable of str or pathlib.Path, optional
            Texts to choose the best epoch by, in place of the end of `X`.

        Returns
        -------
        self : RNNLanguageModel

        Raises
        ------
        TextInputError
            If `X` holds something else.
        DataError
            If a file cannot be read.
        ValueError
            If a parameter is out of its range, or there is nothing to learn.
        """
        codec, settings = self._check_parameters(), self._settings()
        texts = read_texts(X, "X")
        held_out_texts = None if validation is None else read_texts(validation, "validation")
        codec.fit(texts, self.verbose)
        stream = join_rows(codec.encode_all(texts, self.verbose), _EOS)
        if held_out_texts is None:
            stream, held_out = split_end(stream, self.validation_fraction)
        else:
            held_out = join_rows(codec.encode_all(held_out_texts), _EOS)
        self.__dict__.pop("module_", None)  # interrupted, it must not stay beside another codec
        self.codec_ = codec
        module: Any = self._new_module()
        with torch_seed(seed_of(self.random_state, "first weights")):
            prime(module, stream)
        n_streams, window = self.batch_size, self.window
        seed = seed_of(self.random_state, "windows")
        self._train(
            RecurrentLMTask(module, self.activation_penalty, self.slowness_penalty),
            stream_batches(stream, n_streams, window, seed=seed, vary=self.vary_window),
            settings,
            None if held_out is None else stream_batches(held_out, n_streams, window),
            identity=self._identity(stream, held_out),
        )
        self.module_ = module
        return self

    def _check_parameters(self) -> TextCodec:
        """Refuse what is out of range, before any work; the codec, not fitted."""
        check_choice("level", self.level, LEVELS)
        check_choice("cell", self.cell, tuple(GATES))
        for name in ("embedding_size", "hidden_size", "num_layers", "window", "batch_size"):
            check_count(name, getattr(self, name), 1)
        for name in ("tie_weights", "vary_window"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise ValueError(f"{name} must be True or False, got {getattr(self, name)!r}")
        for name in _DROPOUTS:
            check_dropout(name, getattr(self, name))
        for name in ("activation_penalty", "slowness_penalty"):
            check_number(name, getattr(self, name), least=0)
        check_number("validation_fraction", self.validation_fraction, least=0, most=0.5)
        self._check_cutoffs()
        self._new_cache()
        self._check_surroundings()
        min_count = self.min_count
        if min_count is None:
            min_count = 1 if self.level == "character" else 2
        return TextCodec(
            level=self.level,
            lowercase=self.lowercase,
            max_vocabulary=self.max_vocabulary,
            min_count=min_count,
            token_pattern=self.token_pattern,
            vocab_size=self.vocab_size,
        )

    def _check_cutoffs(self) -> None:
        cutoffs = () if self.cutoffs is None else self.cutoffs
        if not isinstance(cutoffs, list | tuple | np.ndarray):
            raise ValueError(f"cutoffs must be a tuple of integers or None, got {shown(cutoffs)}")
        for cutoff in cutoffs:
            check_count("each of cutoffs", cutoff, 1)

    def _settings(self) -> TrainingSettings:
        return TrainingSettings(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            optimizer=self.optimizer,
            schedule=self.schedule,
            warmup=self.warmup,
            weight_decay=self.weight_decay,
            max_grad_norm=self.max_grad_norm,
            ema_decay=self.ema_decay,
            patience=self.patience,
            max_seconds=self.max_seconds,
        )

    def _build(self) -> RecurrentLM:
        return RecurrentLM(
            len(self.codec_),
            self.embedding_size,
            self.hidden_size,
            self.num_layers,
            cell=self.cell,
            tie_weights=bool(self.tie_weights),
            cutoffs=() if self.cutoffs is None else tuple(self.cutoffs),
            dropouts=Dropouts(
                embedding=self.embedding_dropout,
                input=self.input_dropout,
                hidden=self.hidden_dropout,
                output=self.dropout,
                weight=self.weight_dropout,
            ),
        )

    def _identity(
        self, stream: NDArray[np.int32], held_out: NDArray[np.int32] | None
    ) -> dict[str, Any]:
        """What tells this training from others, for the checkpoint."""
        texts = [zlib.crc32(part.tobytes()) for part in (stream, held_out) if part is not None]
        parameters = self._training_parameters("cache_size", "cache_theta", "cache_lambda")
        return {"parameters": parameters, "texts": texts}

    # ---- using

    def _of_texts(self, rows: list[NDArray[np.int32]]) -> NDArray[np.float64]:
        return text_log_likelihoods(
            self.module_, rows, eos=_EOS, device=self.device, precision=self.precision
        )

    def _of_stream(self, rows: list[NDArray[np.int32]]) -> NDArray[np.float64]:
        return stream_log_likelihoods(
            self.module_,
            join_rows(rows, _EOS),
            device=self.device,
            precision=self.precision,
            cache=self._new_cache(),
        )

    def _of_continuations(
        self, prompts: list[NDArray[np.int32]], continuations: list[NDArray[np.int32]]
    ) -> NDArray[np.float64]:
        return continuation_log_likelihoods(
            self.module_,
            prompts,
            continuations,
            eos=_EOS,
            device=self.device,
            precision=self.precision,
        )

    def _new_cache(self) -> NeuralCache | None:
        check_count("cache_size", self.cache_size, 0)
        size = max(1, self.cache_size)  # the others are checked without a cache, too
        cache = NeuralCache(size, self.cache_theta, self.cache_lambda)
        return cache if self.cache_size else None

    def _continuation(
        self,
        module: Any,
        rows: list[NDArray[np.int32]],
        sampler: Sampler,
        generators: Sequence[torch.Generator],
    ) -> Continuation:
        precision = choose_precision(self.precision, module.embedding.weight.device)
        return Continuation(module, rows, sampler, generators, eos=_EOS, precision=precision)
