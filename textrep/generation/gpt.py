"""`GPT`: a decoder-only Transformer that learns what comes next in texts."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from textrep.core.messages import shown
from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.engine.device import choose_precision
from textrep.engine.seeding import seed_of
from textrep.engine.settings import TrainingSettings
from textrep.engine.windows import WindowBatches
from textrep.generation.continuation_likelihood import continuation_log_likelihoods
from textrep.generation.gpt2_format import GPT2Format
from textrep.generation.gpt_module import GPTModule, GPTTask
from textrep.generation.sampling import Sampler
from textrep.generation.token_stream import join_rows, read_texts, split_end
from textrep.generation.window_continuation import WindowContinuation
from textrep.generation.window_likelihood import token_log_likelihoods
from textrep.layers.multi_head import Mechanism
from textrep.layers.positions import check_positions
from textrep.layers.transformer import BlockShape
from textrep.preprocess.codec import LEVELS, TextCodec

_COUNTS = ("num_layers", "num_heads", "hidden_size", "max_length", "epochs", "batch_size")
_COUNTS_OR_NONE = ("inner_size", "max_steps")
_SWITCHES = ("bias", "tie_weights", "output_bias", "lowercase", "use_cache")
_UNTRAINED = ("use_cache",)  # parameters that training does not depend on


class GPT(GPT2Format):
    """Learn from texts what comes next, score texts by it, and write on.

    Each character, word or subword is a vector; layers of causal self-attention and feed-forward
    networks look at all tokens before; a softmax over the vocabulary says what is likely to follow.
    The texts of `fit` are one stream, in which a sign of its own ends each text, and windows of
    `max_length` tokens are learnt from in random order.

    Parameters
    ----------
    level : {"subword", "word", "character", "byte", "whitespace"}, default="subword"
        What texts are cut into, see `textrep.preprocess.TextCodec`.
    lowercase : bool, default=False
        Whether texts are lower-cased.
    max_vocabulary : int or None, default=None
        Different words or characters at most, the most frequent ones.
    min_count : int or None, default=None
        Occurrences that a word, character or pair of subwords must have. None takes 2, and 1 of
        characters.
    token_pattern : str or None, default=None
        Regular expression of a word.
    vocab_size : int, default=8000
        Subwords at most.
    tokenizer : object, path or None, default=None
        A tokenizer in place of all of these: of `tokenizers` or `transformers`, or a file or folder
        that holds one, see `textrep.preprocess.TokenizerCodec`. A saved model has it inside.
    num_layers : int, default=4
    num_heads : int, default=4
    hidden_size : int, default=256
        Features of each position, a multiple of `num_heads`.
    inner_size : int or None, default=None
        Features inside the feed-forward layers; None for four times as many.
    activation : {"relu", "gelu", "gelu-tanh", "geglu", "swiglu"}, default="gelu"
    norm : {"pre", "post"}, default="pre"
        See `textrep.layers.BlockShape`.
    norm_kind : {"layer", "rms"}, default="layer"
    positions : {"learned", "sinusoidal", "rotary", "alibi"}, default="learned"
    attention : str, default="full"
        "full", or one of `textrep.layers.mechanisms.MECHANISMS` that can be causal, which cost less
        of long windows.
    attention_settings : dict or None, default=None
        Of that attention.
    bias : bool, default=True
        Of linear layers and norms.
    tie_weights : bool, default=True
        Whether the softmax has the vectors of the tokens for weights.
    output_bias : bool, default=False
        Whether the softmax has a bias of each token, which begins with its frequency: small models
        then need not learn it first. GPT-2 has none.
    dropout : float, default=0.1
    max_length : int, default=256
        Tokens of a window: what training sees at once, and what a token can look back at.
    epochs : int, default=10
    max_steps : int or None, default=None
        Batches to learn from, in place of `epochs`.
    batch_size : int, default=16
        Windows to a batch.
    learning_rate : float, default=1e-3
        The highest of `schedule`.
    schedule : str, default="cosine"
        See `textrep.engine.TrainingSettings`.
    warmup : float, default=0.05
        Share of all steps over which the rate rises, or steps from 1 on.
    weight_decay : float, default=0.1
        Not of biases and norms.
    betas : (float, float), default=(0.9, 0.99)
        Of AdamW.
    max_grad_norm : float or None, default=1.0
        Longer gradients are shortened to this.
    ema_decay : float or None, default=None
        Answer with a moving average of the weights with this decay, such as 0.999.
    validation_fraction : float, default=0.0
        Share of the stream, its end, that is held out to tell which epoch was best, whose weights
        are kept. Below 100 tokens, or with `validation` in `fit`, nothing is.
    patience : int or None, default=None
        Stop after so many epochs without a lower validation loss; needs held-out text.
    max_seconds : float or None, default=None
        Time for training; the learning rate falls in it.
    use_cache : bool, default=True
        Whether `generate` remembers keys and values. The texts are the same without, and take many
        times as long; there to be compared with.
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
    codec_ : TextCodec or TokenizerCodec
        How texts are cut and numbered; ``codec_.words`` is the vocabulary.
    module_ : GPTModule
        The network, on the CPU.
    history_ : list of dict
        Losses (nats per token), learning rate and time of each epoch.
        `textrep.engine.plot_history` draws it.
    n_epochs_ : int
        Epochs begun.
    stopped_early_ : bool
        Whether `patience` or `max_seconds` ended training.
    out_of_time_ : bool
        Whether it was `max_seconds`.

    See Also
    --------
    RNNLanguageModel : The same with a memory in place of a window.
    SwitchTransformer : The same with experts.
    PretrainedLanguageModel : Larger models that others have published.

    Notes
    -----
    A text is scored by itself, after the sign that ends texts; one longer than the window in
    windows that overlap by half. With ``continuous=True`` the texts are read as one stream.

    References
    ----------
    A. Radford, K. Narasimhan, T. Salimans, I. Sutskever: Improving language understanding by
    generative pre-training, 2018; A. Radford et al.: Language models are unsupervised multitask
    learners, 2019.

    Examples
    --------
    >>> from textrep import GPT
    >>> model = GPT(level="character", num_layers=1, num_heads=2, hidden_size=16, max_length=8,
    ...             dropout=0, learning_rate=0.01, epochs=30, device="cpu", random_state=0)
    >>> model.fit(["abcabcabcabc"] * 20).generate("ab", max_new_tokens=4, temperature=0)
    'cabc'
    """

    module_: GPTModule

    def __init__(
        self,
        *,
        level: str = "subword",
        lowercase: bool = False,
        max_vocabulary: int | None = None,
        min_count: int | None = None,
        token_pattern: str | None = None,
        vocab_size: int = 8000,
        tokenizer: Any = None,
        num_layers: int = 4,
        num_heads: int = 4,
        hidden_size: int = 256,
        inner_size: int | None = None,
        activation: str = "gelu",
        norm: str = "pre",
        norm_kind: str = "layer",
        positions: str = "learned",
        attention: str = "full",
        attention_settings: dict[str, Any] | None = None,
        bias: bool = True,
        tie_weights: bool = True,
        output_bias: bool = False,
        dropout: float = 0.1,
        max_length: int = 256,
        epochs: int = 10,
        max_steps: int | None = None,
        batch_size: int = 16,
        learning_rate: float = 1e-3,
        schedule: str = "cosine",
        warmup: float = 0.05,
        weight_decay: float = 0.1,
        betas: tuple[float, float] = (0.9, 0.99),
        max_grad_norm: float | None = 1.0,
        ema_decay: float | None = None,
        validation_fraction: float = 0.0,
        patience: int | None = None,
        max_seconds: float | None = None,
        use_cache: bool = True,
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
        self.tokenizer = tokenizer
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
        self.bias = bias
        self.tie_weights = tie_weights
        self.output_bias = output_bias
        self.dropout = dropout
        self.max_length = max_length
        self.epochs = epochs
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.betas = betas
        self.max_grad_norm = max_grad_norm
        self.ema_decay = ema_decay
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.max_seconds = max_seconds
        self.use_cache = use_cache
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
            Of a text file in UTF-8, plain or compressed, each line is a text.
        y : ignored
        validation : iterable of str or pathlib.Path, optional
            Texts to choose the best epoch by, in place of the end of `X`.

        Returns
        -------
        self : GPT

        Raises
        ------
        TextInputError
            If `X` holds something else.
        DataError
            If a file cannot be read.
        ValueError
            If a parameter is out of its range, or there is nothing to learn.
        """
        self._check_parameters()
        if self.patience is not None and validation is None and not self.validation_fraction:
            raise ValueError(
                f"patience={self.patience} needs texts to watch: give validation_fraction or "
                "fit(..., validation=...)"
            )
        codec = self._new_codec()
        texts = read_texts(X, "X")
        held_out_texts = None if validation is None else read_texts(validation, "validation")
        if isinstance(codec, TextCodec):
            codec.fit(texts, self.verbose)
        stream = join_rows(codec.encode_all(texts, self.verbose), codec.EOS)
        if held_out_texts is None:
            stream, held_out = split_end(stream, self.validation_fraction)
        else:
            held_out = join_rows(codec.encode_all(held_out_texts), codec.EOS)
        return self._learn(codec, stream, held_out)

    def _learn(
        self, codec: Any, stream: NDArray[np.int32], held_out: NDArray[np.int32] | None
    ) -> Self:
        """Learn from tokens."""
        self.__dict__.pop("module_", None)  # interrupted, it must not stay beside another codec
        self.codec_ = codec
        module: Any = self._new_module()
        if module.output.bias is not None:
            _begin_with_frequencies(module.output.bias, stream)
        batches = WindowBatches(
            stream,
            n_rows=self.batch_size,
            window=self.max_length,
            seed=seed_of(self.random_state, "windows"),
            n_steps=self.max_steps,
        )
        validation = None
        if held_out is not None:
            validation = WindowBatches(
                held_out, n_rows=self.batch_size, window=self.max_length, shuffle=False
            )
        self._train(
            self._task(module),
            batches,
            self._settings(batches.n_epochs or self.epochs),
            validation,
            identity=self._identity(stream, held_out),
        )
        self.module_ = module
        return self

    def _task(self, module: GPTModule) -> GPTTask:
        """What is trained."""
        return GPTTask(module)

    def _check_parameters(self) -> None:
        """Refuse what is out of range, before any work."""
        check_choice("level", self.level, LEVELS)
        for name in _COUNTS:
            check_count(name, getattr(self, name), 1)
        for name in _COUNTS_OR_NONE:
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name), 1)
        for name in _SWITCHES:
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise ValueError(f"{name} must be True or False, got {getattr(self, name)!r}")
        check_number("validation_fraction", self.validation_fraction, least=0, most=0.5)
        if self.hidden_size % self.num_heads:
            raise ValueError(
                f"hidden_size must be a multiple of num_heads={self.num_heads}, "
                f"got {shown(self.hidden_size)}"
            )
        check_positions(self.positions, self.hidden_size, self.num_heads)
        self._shape()
        self._mechanisms()
        self._settings(1)
        self._check_surroundings()

    def _new_codec(self) -> Any:
        """How texts are to be cut: not fitted yet, or a tokenizer that is ready."""
        if self.tokenizer is not None:
            from textrep.preprocess.tokenizer_codec import TokenizerCodec

            return TokenizerCodec(self.tokenizer)
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

    def _settings(self, epochs: int) -> TrainingSettings:
        return TrainingSettings(
            epochs=epochs,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            betas=tuple(self.betas) if isinstance(self.betas, list) else self.betas,
            schedule=self.schedule,
            warmup=self.warmup,
            max_grad_norm=self.max_grad_norm,
            ema_decay=self.ema_decay,
            patience=self.patience,
            max_seconds=self.max_seconds,
        )

    def _shape(self) -> BlockShape:
        return BlockShape(
            size=self.hidden_size,
            n_heads=self.num_heads,
            inner_size=self.inner_size or 4 * self.hidden_size,
            activation=self.activation,
            norm=self.norm,
            norm_kind=self.norm_kind,
            dropout=self.dropout,
            attention_dropout=self.dropout,
            bias=self.bias,
        )

    def _mechanisms(self) -> Callable[[int], Mechanism | None] | None:
        """How the queries of each layer look at keys; None for full attention."""
        from textrep.layers.mechanisms import mechanisms_of_layers

        return mechanisms_of_layers(
            self.attention,
            self.attention_settings,
            head_size=self.hidden_size // self.num_heads,
            max_length=self.max_length,
            positions=self.positions,
            causal=True,
        )

    def _feed_forward(self, layer: int) -> nn.Module | None:
        """The feed-forward layer of a block; None for the plain one."""
        return None

    def _build(self) -> GPTModule:
        return GPTModule(
            len(self.codec_),
            self._shape(),
            self.num_layers,
            self.max_length,
            positions=self.positions,
            tie_weights=self.tie_weights,
            output_bias=self.output_bias,
            mechanism=self._mechanisms(),
            feed_forward=self._feed_forward,
        )

    def _identity(
        self, stream: NDArray[np.int32], held_out: NDArray[np.int32] | None
    ) -> dict[str, Any]:
        """What tells one training from another, for its checkpoint."""
        texts = [zlib.crc32(part.tobytes()) for part in (stream, held_out) if part is not None]
        parameters = self._training_parameters("tokenizer", *_UNTRAINED)
        return {"parameters": parameters, "texts": texts}

    # ---- using

    def _of_continuations(
        self, prompts: list[NDArray[np.int32]], continuations: list[NDArray[np.int32]]
    ) -> NDArray[np.float64]:
        return continuation_log_likelihoods(
            self.module_,
            prompts,
            continuations,
            eos=self.codec_.EOS,
            device=self.device,
            precision=self.precision,
        )

    def _of_tokens(self, rows: list[NDArray[np.int32]]) -> list[NDArray[np.float64]]:
        return token_log_likelihoods(
            self.module_, rows, device=self.device, precision=self.precision
        )

    def _continuation(
        self,
        module: Any,
        rows: list[NDArray[np.int32]],
        sampler: Sampler,
        generators: Sequence[torch.Generator],
    ) -> WindowContinuation:
        return WindowContinuation(
            module,
            rows,
            sampler,
            generators,
            eos=self.codec_.EOS,
            precision=choose_precision(self.precision, module.embedding.weight.device),
            use_cache=self.use_cache,
        )

    # ---- saving

    def _get_saved_params(self) -> dict[str, Any]:
        # The tokenizer is in the codec, which knows how to write it.
        return {**super()._get_saved_params(), "tokenizer": None}


@torch.no_grad()
def _begin_with_frequencies(bias: torch.Tensor, stream: NDArray[np.int32]) -> None:
    counts = np.bincount(stream, minlength=len(bias)) + 1.0
    bias.copy_(torch.from_numpy(np.log(counts / counts.sum())))
