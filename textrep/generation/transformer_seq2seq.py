"""`TransformerSeq2Seq`: an encoder-decoder of attention, which makes one text of another."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_choice, check_count
from textrep.engine.settings import TrainingSettings
from textrep.generation.attention_plot import Attention, plot_attention, plot_heads
from textrep.generation.seq2seq_learner import Seq2SeqLearner
from textrep.generation.seq2seq_task import Seq2SeqTask
from textrep.generation.text_pairs import Rows, padded_costs_of
from textrep.generation.transformer_module import TransformerModule
from textrep.layers.dropout import check_dropout
from textrep.layers.feed_forward import ACTIVATIONS
from textrep.layers.transformer import NORMS, BlockShape

_EPSILON = 1e-9  # of Adam, as in the paper
_LONGEST_WARMUP = 0.25  # share of the steps


class TransformerSeq2Seq(Seq2SeqLearner):
    """Learn from pairs of texts to make one of the other, by attention alone.

    The encoder-decoder of "Attention is all you need". Each layer of the encoder lets every unit of
    the source look at all others, each layer of the decoder lets a unit of the target look at those
    before it and at the source. Written is what beam search finds to be most probable.

    Parameters
    ----------
    level : {"subword", "word", "character", "byte", "whitespace"}, default="subword"
        What texts are cut into, see `textrep.preprocess.TextCodec`. To subwords no text is unknown,
        and texts made of them are spaced exactly as those learnt from.
    lowercase : bool, default=False
        Whether texts are lower-cased.
    min_count : int, default=1
        Occurrences that a word, character or pair of subwords must have.
    vocab_size : int, default=8000
        Units at most, of both sides together where they are shared.
    shared_vocabulary : bool, default=True
        Whether both sides have the same units, with the same vectors.
    num_layers : int, default=6
        Of the encoder, and of the decoder.
    num_decoder_layers : int or None, default=None
        Of the decoder, where it has others.
    hidden_size : int, default=512
        Features of each position, an even number.
    num_heads : int, default=8
        Of each attention; `hidden_size` is a multiple of it.
    inner_size : int, default=2048
        Features inside the feed-forward layers.
    activation : {"relu", "gelu", "gelu-tanh", "geglu", "swiglu"}, default="relu"
        Of the feed-forward layers.
    norm : {"pre", "post"}, default="pre"
        Where the norms stand, see `textrep.layers.BlockShape`. The paper has "post", which learns
        only with thousands of steps of warm-up, more than small data have steps. With "pre" the
        gradients are of one size at all depths from the start, and a short warm-up or none will do
        (Xiong et al. 2020), so that the default learns from a hundred pairs and from millions.
    dropout : float, default=0.1
        On the vectors of units and what comes out of each layer, and inside the feed-forward ones.
    attention_dropout : float, default=0.0
        Of the attention weights.
    tie_weights : bool, default=True
        Whether the output has the vectors of the target's units for weights.
    label_smoothing : float, default=0.1
        Share of the target probability that is spread over all units while learning.
    batch_tokens : int, default=4096
        Units of sources and targets together in a batch, with padding.
    epochs : int, default=10
    learning_rate : float, default=7e-4
        At its highest; that of the paper for 512 features and 4000 steps of warm-up.
    betas : (float, float), default=(0.9, 0.98)
        Of Adam.
    schedule : str, default="inverse-sqrt"
        See `textrep.engine.TrainingSettings`.
    warmup : float, default=4000
        Steps, of which no more than a quarter of all is taken; or below 1 a share of all.
    weight_decay : float, default=0.0
    max_grad_norm : float or None, default=1.0
    average_last : int or None, default=5
        Epochs at whose ends the weights are taken that training ends with the mean of; never of the
        first half of the epochs. None or 1 keeps those of the last one.
    validation_fraction : float, default=0.0
        Share of the pairs that is held out to choose the best epoch by.
    patience : int or None, default=None
        Stop after so many epochs without a better validation loss; needs held-out pairs.
    max_seconds : float or None, default=None
        Time for training.
    beam_width : int, default=4
        Beams of the search; 1 is greedy.
    length_penalty : float, default=0.6
        Exponent of Google's penalty: 0 prefers short texts, larger values longer ones.
    max_length : int, default=200
        Units of a text that are read, learnt or written at most; of a source with n units no more
        than 2 n + 10 are written.
    replace_unknown : bool, default=False
        Whether `predict` may write unknown words, which are then replaced by the source's word that
        got most attention. Else only known ones are written.
    checkpoint : path or None, default=None
        File that interrupted training is kept in, from which the same call goes on; needs a
        `random_state`.
    device : str, default="auto"
        See `textrep.engine.choose_device`.
    precision : {"auto", "fp32", "bf16"}, default="auto"
    random_state : None, int, Generator or RandomState, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    module_ : torch.nn.Module
    source_codec_, target_codec_ : TextCodec
        Texts <-> numbers; one and the same where they are shared.
    attention_ : list of float32 ndarray (n_layers, n_heads, n_target_units, n_source_units)
        Of the last `predict`: what each unit written, the end sign last, looked at in each layer of
        the decoder and in each head. Rows sum to 1.
    history_ : list of dict
        Losses, see `textrep.engine.Outcome`; in nats a unit of the target.
        `textrep.engine.plot_history` draws them.
    n_epochs_ : int
    stopped_early_ : bool
        Whether `patience` or `max_seconds` ended training.
    out_of_time_ : bool
        Whether it was `max_seconds`.

    See Also
    --------
    RNNSeq2Seq : The same with recurrent networks, which learn more from few pairs.
    GPT : A Transformer that goes on with a text.

    References
    ----------
    A. Vaswani et al.: Attention is all you need, NeurIPS 2017.

    R. Xiong et al.: On layer normalization in the Transformer architecture, ICML 2020.

    Examples
    --------
    >>> from textrep import TransformerSeq2Seq
    >>> numbers = ["one two", "two three", "three one", "two one", "one three", "three two"]
    >>> digits = ["1 2", "2 3", "3 1", "2 1", "1 3", "3 2"]
    >>> model = TransformerSeq2Seq(level="word", num_layers=1, hidden_size=16, num_heads=2,
    ...                            inner_size=32, dropout=0, epochs=60, learning_rate=0.02,
    ...                            device="cpu", random_state=0)
    >>> model.fit(numbers, digits).predict(["two three"])
    ['2 3']
    """

    module_: TransformerModule

    def __init__(
        self,
        *,
        level: str = "subword",
        lowercase: bool = False,
        min_count: int = 1,
        vocab_size: int = 8000,
        shared_vocabulary: bool = True,
        num_layers: int = 6,
        num_decoder_layers: int | None = None,
        hidden_size: int = 512,
        num_heads: int = 8,
        inner_size: int = 2048,
        activation: str = "relu",
        norm: str = "pre",
        dropout: float = 0.1,
        attention_dropout: float = 0.0,
        tie_weights: bool = True,
        label_smoothing: float = 0.1,
        batch_tokens: int = 4096,
        epochs: int = 10,
        learning_rate: float = 7e-4,
        betas: tuple[float, float] = (0.9, 0.98),
        schedule: str = "inverse-sqrt",
        warmup: float = 4000,
        weight_decay: float = 0.0,
        max_grad_norm: float | None = 1.0,
        average_last: int | None = 5,
        validation_fraction: float = 0.0,
        patience: int | None = None,
        max_seconds: float | None = None,
        beam_width: int = 4,
        length_penalty: float = 0.6,
        max_length: int = 200,
        replace_unknown: bool = False,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.level = level
        self.lowercase = lowercase
        self.min_count = min_count
        self.vocab_size = vocab_size
        self.shared_vocabulary = shared_vocabulary
        self.num_layers = num_layers
        self.num_decoder_layers = num_decoder_layers
        self.hidden_size = hidden_size
        self.num_heads = num_heads
        self.inner_size = inner_size
        self.activation = activation
        self.norm = norm
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.tie_weights = tie_weights
        self.label_smoothing = label_smoothing
        self.batch_tokens = batch_tokens
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.betas = betas
        self.schedule = schedule
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.max_grad_norm = max_grad_norm
        self.average_last = average_last
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.max_seconds = max_seconds
        self.beam_width = beam_width
        self.length_penalty = length_penalty
        self.max_length = max_length
        self.replace_unknown = replace_unknown
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    # ---- fitting

    def _task(self, module: Any) -> Seq2SeqTask:
        return Seq2SeqTask(module, self.label_smoothing)

    def _check_own_parameters(self) -> None:
        for name in ("num_layers", "hidden_size", "num_heads", "inner_size"):
            check_count(name, getattr(self, name), 1)
        if self.num_decoder_layers is not None:
            check_count("num_decoder_layers", self.num_decoder_layers, 1)
        if self.hidden_size % 2 or self.hidden_size % self.num_heads:
            raise ValueError(
                f"hidden_size must be even and a multiple of num_heads={self.num_heads}, got "
                f"{self.hidden_size}"
            )
        check_choice("activation", self.activation, ACTIVATIONS)
        check_choice("norm", self.norm, NORMS)
        check_dropout("attention_dropout", self.attention_dropout)

    def _costs(self, read: Rows, written: Rows) -> NDArray[np.int64]:
        return padded_costs_of(read, written)

    def _own_settings(self) -> dict[str, Any]:
        betas = self.betas
        return {
            "betas": tuple(betas) if isinstance(betas, list) else betas,  # from a file
            "epsilon": _EPSILON,
            "average_last": self.average_last,
        }

    def _for_steps(self, settings: TrainingSettings, n_steps: int) -> TrainingSettings:
        if settings.warmup >= 1 and settings.warmup > _LONGEST_WARMUP * n_steps:
            return replace(settings, warmup=_LONGEST_WARMUP)
        return settings

    def _build(self) -> TransformerModule:
        shape = BlockShape(
            size=self.hidden_size,
            n_heads=self.num_heads,
            inner_size=self.inner_size,
            activation=self.activation,
            norm=self.norm,
            dropout=self.dropout,
            attention_dropout=self.attention_dropout,
        )
        return TransformerModule(
            len(self.source_codec_),
            len(self.target_codec_),
            shape=shape,
            n_encoder_layers=self.num_layers,
            n_decoder_layers=self.num_decoder_layers or self.num_layers,
            tie_weights=bool(self.tie_weights),
            share_embeddings=bool(self.shared_vocabulary),
        )

    # ---- attention

    def attend(
        self, source: str, target: str | None = None, *, layer: int = -1, head: int | None = None
    ) -> Attention:
        """Which units of a source each unit of a target looks at.

        Parameters
        ----------
        source : str
        target : str, optional
            As if the model had written it; else what `predict` makes of the source.
        layer : int, default=-1
            Of the decoder; negative numbers count from the last.
        head : int, optional
            The mean of all where absent.

        Returns
        -------
        Attention
            Units of both, with their end signs, and weights (n_target, n_source).

        Raises
        ------
        ValueError
            If there is no such layer or head.
        """
        found = self._attend(source, target)
        return found._replace(weights=_chosen(found.weights, layer, head))

    def plot_attention(
        self,
        source: str,
        target: str | None = None,
        *,
        layer: int = -1,
        head: int | None = None,
        ax: Any = None,
    ) -> Any:
        """Draw what `attend` finds.

        Parameters
        ----------
        source : str
        target, layer, head :
            As for `attend`.
        ax : matplotlib.axes.Axes, optional
            Where to draw; else a new figure of fitting size.

        Returns
        -------
        matplotlib.axes.Axes
        """
        return plot_attention(self.attend(source, target, layer=layer, head=head), ax)

    def plot_heads(self, source: str, target: str | None = None, *, layer: int = -1) -> Any:
        """Draw what each head of a layer looks at, side by side.

        Parameters
        ----------
        source : str
        target : str, optional
            As for `attend`.
        layer : int, default=-1

        Returns
        -------
        matplotlib.figure.Figure
            With one of its axes for each head.
        """
        found = self._attend(source, target)
        return plot_heads(found._replace(weights=_layer(found.weights, layer)))

    def _table(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        return _chosen(weights, -1, None)


def _chosen(weights: NDArray[np.float32], layer: int, head: int | None) -> NDArray[np.float32]:
    """A table (T, S) of weights (n_layers, H, T, S)."""
    tables = _layer(weights, layer)
    if head is None:
        return tables.mean(axis=0)
    _check_place("head", head, len(tables))
    return tables[head]


def _layer(weights: NDArray[np.float32], layer: int) -> NDArray[np.float32]:
    _check_place("layer", layer, len(weights))
    return weights[layer]


def _check_place(name: str, number: Any, size: int) -> None:
    if not isinstance(number, int | np.integer) or not -size <= number < size:
        raise ValueError(f"{name} must be an integer from {-size} to {size - 1}, got {number!r}")
