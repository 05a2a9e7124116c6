"""`RNNSeq2Seq`: a recurrent encoder-decoder, which learns to make one text of another."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, Self

import numpy as np

from textrep.core.messages import shown
from textrep.core.random import RandomState, stream
from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.engine.batches import LengthBatches
from textrep.engine.seeding import seed_of
from textrep.engine.settings import TrainingSettings
from textrep.generation.seq2seq_model import Seq2SeqModel
from textrep.generation.seq2seq_module import ATTENTIONS, Seq2SeqModule
from textrep.generation.seq2seq_task import Seq2SeqTask
from textrep.generation.text_pairs import (
    Rows,
    collate_pairs,
    costs_of,
    ended,
    fingerprint,
    read_pairs,
)
from textrep.layers.direction import GATES
from textrep.layers.dropout import check_dropout
from textrep.preprocess.codec import LEVELS, TextCodec
from textrep.preprocess.parameters import check_choice as check_one_of

_SIZES = ("embedding_size", "hidden_size", "num_layers", "batch_tokens", "max_length", "min_count")
_SWITCHES = ("lowercase", "shared_vocabulary", "tie_weights", "replace_unknown")


class RNNSeq2Seq(Seq2SeqModel):
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

    def fit(self, X: Any, y: Any, *, validation: tuple[Any, Any] | None = None) -> Self:
        """Learn both vocabularies, and what is made of what.

        Parameters
        ----------
        X : iterable of str, of length n_samples
            Sources.
        y : iterable of str, of length n_samples
            Target of each.
        validation : (iterable of str, iterable of str), optional
            Pairs to choose the best epoch by, in place of some of the others.

        Returns
        -------
        self : RNNSeq2Seq

        Raises
        ------
        TextInputError
            If `X` or `y` holds something else.
        ValueError
            If they differ in length, a parameter is out of its range, or there is nothing to learn.
        """
        sources, targets = read_pairs(X, y)
        self._check_parameters()
        settings = self._settings(validation is not None)
        held = None
        if validation is not None:
            held = _read_validation(validation)
        elif n_held := int(self.validation_fraction * len(sources)):
            order = stream(self.random_state, "validation").permutation(len(sources))
            kept, out = np.sort(order[n_held:]), np.sort(order[:n_held])
            held = [sources[i] for i in out], [targets[i] for i in out]
            sources, targets = [sources[i] for i in kept], [targets[i] for i in kept]
        for name in ("module_", "_last"):  # interrupted, none may stay beside another codec
            self.__dict__.pop(name, None)
        self._fit_codecs(sources, targets)
        batches, ids = self._batches(sources, targets, shuffle=True)
        held_batches, held_ids = (None, ()) if held is None else self._batches(*held, shuffle=False)
        module: Any = self._new_module()
        self._train(
            Seq2SeqTask(module, self.label_smoothing, self.teacher_forcing),
            batches,
            settings,
            held_batches,
            identity=self._identity([*ids, *held_ids]),
        )
        self.module_ = module
        return self

    def _check_parameters(self) -> None:
        check_choice("level", self.level, LEVELS)
        check_choice("cell", self.cell, tuple(GATES))
        check_one_of("attention", self.attention, ATTENTIONS)
        for name in _SIZES:
            check_count(name, getattr(self, name), 1)
        if self.hidden_size % 2:
            raise ValueError(
                f"hidden_size must be even, half for each direction, got {self.hidden_size}"
            )
        check_count("vocab_size", self.vocab_size, 1)
        for name in _SWITCHES:
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise ValueError(f"{name} must be True or False, got {getattr(self, name)!r}")
        check_dropout("dropout", self.dropout)
        check_number("label_smoothing", self.label_smoothing, least=0, most=1)
        check_number("teacher_forcing", self.teacher_forcing, least=0, most=1)
        check_number("validation_fraction", self.validation_fraction, least=0, most=0.5)
        check_count("beam_width", self.beam_width, 1)
        check_number("length_penalty", self.length_penalty, least=0)
        self._check_surroundings()

    def _settings(self, has_validation: bool) -> TrainingSettings:
        if self.patience is not None and not has_validation and not self.validation_fraction:
            raise ValueError(
                f"patience={self.patience} needs pairs to watch: give validation_fraction or "
                "fit(..., validation=...)"
            )
        return TrainingSettings(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            warmup=self.warmup,
            weight_decay=self.weight_decay,
            max_grad_norm=self.max_grad_norm,
            patience=self.patience,
            max_seconds=self.max_seconds,
        )

    def _fit_codecs(self, sources: list[str], targets: list[str]) -> None:
        if self.shared_vocabulary:
            both = self._codec().fit([*sources, *targets], self.verbose)
            self.source_codec_ = self.target_codec_ = both
        else:
            self.source_codec_ = self._codec().fit(sources, self.verbose)
            self.target_codec_ = self._codec().fit(targets, self.verbose)

    def _codec(self) -> TextCodec:
        return TextCodec(
            level=self.level,
            lowercase=bool(self.lowercase),
            max_vocabulary=None if self.level == "subword" else self.vocab_size,
            min_count=self.min_count,
            vocab_size=self.vocab_size if self.level == "subword" else 8000,
        )

    def _batches(
        self, sources: list[str], targets: list[str], shuffle: bool
    ) -> tuple[LengthBatches, tuple[Rows, Rows]]:
        read = ended(self.source_codec_.encode_all(sources, self.verbose), self.max_length)
        written = ended(self.target_codec_.encode_all(targets, self.verbose), self.max_length)
        batches = LengthBatches(
            costs_of(read, written),
            partial(collate_pairs, read, written),
            max_tokens=self.batch_tokens,
            seed=seed_of(self.random_state, "batches"),
            shuffle=shuffle,
        )
        return batches, (read, written)

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

    def _identity(self, ids: list[Rows]) -> dict[str, Any]:
        """What tells this training from others, for the checkpoint."""
        parameters = self._training_parameters("beam_width", "length_penalty", "replace_unknown")
        return {"parameters": parameters, "texts": fingerprint(*ids)}


def _read_validation(validation: Any) -> tuple[list[str], list[str]]:
    if not isinstance(validation, list | tuple) or len(validation) != 2:
        raise ValueError(
            "validation must be a pair: the sources, and the target of each; got "
            f"{shown(validation)}"
        )
    sources, targets = validation
    return read_pairs(sources, targets, ("validation[0]", "validation[1]"))
