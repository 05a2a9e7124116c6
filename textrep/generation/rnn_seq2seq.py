"""`RNNSeq2Seq`: a recurrent encoder-decoder, which learns to make one text of another."""

from __future__ import annotations

import os
from typing import Any

from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.generation.seq2seq_learner import Seq2SeqLearner
from textrep.generation.seq2seq_module import ATTENTIONS, Seq2SeqModule
from textrep.generation.seq2seq_task import Seq2SeqTask
from textrep.layers.direction import GATES
from textrep.preprocess.parameters import check_choice as check_one_of


class RNNSeq2Seq(Seq2SeqLearner):
    """Learn from pairs of texts to make one of the other: translations, questions, headlines.

    A recurrent encoder reads the source in both directions, a recurrent decoder writes the target
    unit by unit, and an attention lets it look back at the source each time. Written is what beam
    search finds to be most probable.

    Parameters
    ----------
    level : {"word", "character", "subword", "whitespace"}, default="word"
        What texts are cut into, see `textrep.preprocess.TextCodec`. To subwords no text is unknown,
        and texts made of them are spaced exactly as those learnt from.
    lowercase : bool, default=False
        Whether texts are lower-cased.
    min_count : int, default=1
        Occurrences that a word, character or pair of subwords must have.
    vocab_size : int, default=8000
        Units of each side at most.
    shared_vocabulary : bool, default=False
        Whether both sides have the same units, with the same vectors: for one language, or two that
        have many words in common.
    cell : {"gru", "lstm", "rnn"}, default="gru"
    embedding_size : int, default=256
        Features of the vectors of units.
    hidden_size : int, default=256
        Features of the decoder, an even number; the encoder has half of them in each direction.
    num_layers : int, default=1
        Of the encoder and of the decoder.
    attention : {"luong-general", "luong", "bahdanau"} or None, default="luong-general"
        Products of query and key after the cell, with or without a matrix between; Bahdanau's
        network before the cell, several times slower to train; or none.
    dropout : float, default=0.3
        On the vectors of units, between layers and before the output.
    tie_weights : bool, default=True
        Whether the output has the vectors of the target's units for weights.
    label_smoothing : float, default=0.1
        Share of the target probability that is spread over all units while learning.
    teacher_forcing : float, default=1.0
        Share of the target's units that are given while learning; the others are what the model
        would have said (scheduled sampling). Less than 1 takes two passes.
    batch_tokens : int, default=4096
        Units of sources and targets together in a batch, with padding.
    epochs : int, default=10
    learning_rate : float, default=2e-3
        At its highest.
    schedule : str, default="one-cycle"
        See `textrep.engine.TrainingSettings`.
    warmup : float, default=0.0
        Share of the steps, or steps from 1 on.
    weight_decay : float, default=0.0
    max_grad_norm : float or None, default=1.0
    validation_fraction : float, default=0.0
        Share of the pairs that is held out to choose the best epoch by.
    patience : int or None, default=None
        Stop after so many epochs without a better validation loss; needs held-out pairs.
    max_seconds : float or None, default=None
        Time for training.
    beam_width : int, default=5
        Beams of the search; 1 is greedy.
    length_penalty : float, default=1.0
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
        Texts <-> numbers.
    attention_ : list of float32 ndarray (n_target_units, n_source_units)
        Of the last `predict`: what each unit written, the end sign last, looked at. Rows sum to 1.
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
    TransformerSeq2Seq : The same, by attention alone.
    RNNLanguageModel : Texts from nothing or from a beginning.

    References
    ----------
    I. Sutskever, O. Vinyals, Q. V. Le: Sequence to Sequence Learning with Neural Networks,
    NIPS 2014.

    D. Bahdanau, K. Cho, Y. Bengio: Neural Machine Translation by Jointly Learning to Align and
    Translate, ICLR 2015.

    M.-T. Luong, H. Pham, C. D. Manning: Effective Approaches to Attention-based Neural Machine
    Translation, EMNLP 2015.

    Examples
    --------
    >>> from textrep import RNNSeq2Seq
    >>> numbers = ["one two", "two three", "three one", "two one", "one three", "three two"]
    >>> digits = ["1 2", "2 3", "3 1", "2 1", "1 3", "3 2"]
    >>> model = RNNSeq2Seq(embedding_size=16, hidden_size=16, dropout=0, epochs=80,
    ...                    learning_rate=0.02, device="cpu", random_state=0)
    >>> model.fit(numbers, digits).predict(["two three"])
    ['2 3']
    """

    module_: Seq2SeqModule

    def __init__(
        self,
        *,
        level: str = "word",
        lowercase: bool = False,
        min_count: int = 1,
        vocab_size: int = 8000,
        shared_vocabulary: bool = False,
        cell: str = "gru",
        embedding_size: int = 256,
        hidden_size: int = 256,
        num_layers: int = 1,
        attention: str | None = "luong-general",
        dropout: float = 0.3,
        tie_weights: bool = True,
        label_smoothing: float = 0.1,
        teacher_forcing: float = 1.0,
        batch_tokens: int = 4096,
        epochs: int = 10,
        learning_rate: float = 2e-3,
        schedule: str = "one-cycle",
        warmup: float = 0.0,
        weight_decay: float = 0.0,
        max_grad_norm: float | None = 1.0,
        validation_fraction: float = 0.0,
        patience: int | None = None,
        max_seconds: float | None = None,
        beam_width: int = 5,
        length_penalty: float = 1.0,
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
        self.cell = cell
        self.embedding_size = embedding_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.attention = attention
        self.dropout = dropout
        self.tie_weights = tie_weights
        self.label_smoothing = label_smoothing
        self.teacher_forcing = teacher_forcing
        self.batch_tokens = batch_tokens
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.max_grad_norm = max_grad_norm
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
        return Seq2SeqTask(module, self.label_smoothing, self.teacher_forcing)

    def _check_own_parameters(self) -> None:
        check_choice("cell", self.cell, tuple(GATES))
        check_one_of("attention", self.attention, ATTENTIONS)
        for name in ("embedding_size", "hidden_size", "num_layers"):
            check_count(name, getattr(self, name), 1)
        if self.hidden_size % 2:
            raise ValueError(
                f"hidden_size must be even, half for each direction, got {self.hidden_size}"
            )
        check_number("teacher_forcing", self.teacher_forcing, least=0, most=1)

    @property
    def _attends(self) -> bool:
        return self.attention is not None

    def _build(self) -> Seq2SeqModule:
        return Seq2SeqModule(
            len(self.source_codec_),
            len(self.target_codec_),
            cell=self.cell,
            embedding_size=self.embedding_size,
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            attention=self.attention,
            dropout=self.dropout,
            tie_weights=bool(self.tie_weights),
            share_embeddings=bool(self.shared_vocabulary),
        )
