"""`TokenClassifier`: a tag for each word of a sentence."""

from __future__ import annotations

import os
import time
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from textrep.contextual.classification import FEWEST_HELD_OUT, data_digest, epochs_for
from textrep.contextual.encoder_classifier.starting import PRETRAINING, start_encoder
from textrep.contextual.encoder_embedder.parameters import check_start, without_objects
from textrep.contextual.encoders.encoder import Encoder
from textrep.contextual.encoders.state import encoder_from_state, encoder_state
from textrep.contextual.tagging.alignment import TaggedRow, of_sentences, tagged_rows
from textrep.contextual.tagging.decoding import allowed_moves, best_path, is_iob2
from textrep.contextual.tagging.entity_scores import entity_scores, is_entity_tag
from textrep.contextual.tagging.module import (
    TaggerModule,
    TaggingTask,
    row_lengths,
    scores_by_row,
    tag_collator,
)
from textrep.contextual.tagging.sentences import (
    Sentences,
    check_same_words,
    read_sentences,
    read_tags,
)
from textrep.contextual.ulmfit_stages import weights_digest
from textrep.contextual.word_inputs import time_left
from textrep.core.random import RandomState, stream
from textrep.embeddings.parameters import check_choice, check_count, check_epochs, check_number
from textrep.engine.batches import LengthBatches
from textrep.engine.device import choose_device
from textrep.engine.estimator import TorchEstimator
from textrep.engine.inference import apply_in_batches, lent_to
from textrep.engine.seeding import seed_of
from textrep.engine.settings import TrainingSettings

DECODINGS = ("auto", "independent")

AUTO_STEPS = 600
"""Batches that ``epochs="auto"`` trains on, all epochs together, where the bounds leave it so."""

FEWEST_EPOCHS, MOST_EPOCHS = 3, 30

TAGGER = "tagger"
"""The stage, as the history names it where there are two."""

_RATE_PUBLISHED, _RATE_OWN = 5e-5, 5e-4
_MAX_GRAD_NORM = 1.0
_WARMUP = 0.1


class TokenClassifier(TorchEstimator):
    """Give each word of a sentence a tag: names of persons and places, or parts of speech.

    An encoder such as BERT reads the sentence; a linear layer on the first piece of each word tells
    its tag, and all layers learn. Where tags follow IOB2, of all sequences that keep its rules the
    most probable one is given.

    Parameters
    ----------
    checkpoint : object, path, str or None, default=None
        The encoder to start from: a folder in the layout of Hugging Face, a name on its hub, a
        fitted estimator that has an ``encoder_``, or the file of one. None to pre-train a small one
        on the sentences.
    revision : str or None, default=None
        Branch, tag or commit of a model of the hub.
    architecture : str, default="modernbert"
        Of a new encoder: "bert", "albert", "distilbert", "modernbert", "xlnet", "roberta" or
        "electra".
    size : str or dict, default="mini"
        Of a new encoder, see `EncoderEmbedder`.
    vocab_size : int, default=8000
        Tokens that a new encoder's tokenizer learns at most.
    lowercase : bool, default=False
        Whether that tokenizer puts texts in lower case; names are known by their capitals.
    pretrain_on : iterable of str, pathlib.Path or None, default=None
        Further texts to pre-train on.
    pretrain_epochs : int or "auto", default="auto"
        Times that the texts are read in pre-training; 0 for none.
    pretrain_learning_rate : float or "auto", default="auto"
    decoding : {"auto", "independent"}, default="auto"
        "independent" takes the most probable tag of each word, whatever stands before it. May be
        changed without fitting again.
    max_length : int, default=128
        Tokens that are read at once, special ones included. Longer sentences are read in parts that
        overlap.
    epochs : int or "auto", default="auto"
        Times that the sentences are trained on; "auto" is as many as make 600 batches, from 3 to
        30.
    batch_size : int, default=32
        Sentences, or parts of them, in a batch.
    learning_rate : float or "auto", default="auto"
        The highest; it rises over the first tenth. "auto" is 5e-5 with a `checkpoint` and 5e-4
        without.
    weight_decay : float, default=0.01
    dropout : float, default=0.1
    validation_fraction : float, default=0.1
        Share of the sentences that is held out to tell which epoch was best, whose weights are
        kept; below 20 none are. 0 for none.
    patience : int or None, default=None
        Stop after so many epochs without a lower loss on them.
    max_seconds : float or None, default=None
        Time for `fit`.
    training_checkpoint : path or None, default=None
        File that interrupted training is kept in and taken up from; needs a `random_state`.
    device : str, default="auto"
    precision : {"auto", "fp32", "bf16"}, default="auto"
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows progress bars.

    Attributes
    ----------
    tags_ : list of str
        All tags, sorted.
    iob2_ : bool
        Whether the tags learnt from follow IOB2.
    encoder_ : Encoder
    module_ : TaggerModule
        The encoder with its linear layer, on the CPU.
    history_ : list of dict
        Mean loss of a word, share of words tagged rightly, rate and time of each epoch.
    n_epochs_ : int
    stopped_early_ : bool
    out_of_time_ : bool

    See Also
    --------
    textrep.contextual.read_conll : Reads files of tagged sentences.
    textrep.contextual.entity_scores : Precision, recall and F1, for each type, too.

    References
    ----------
    J. Devlin et al.: BERT: Pre-training of deep bidirectional transformers for language
    understanding, NAACL 2019, section 5.3.

    Examples
    --------
    >>> from textrep import TokenClassifier
    >>> words = [["Ada", "met", "Bob"], ["Bob", "left"], ["Ada", "left", "Bob"]] * 6
    >>> tags = [["B-PER", "O", "B-PER"], ["B-PER", "O"], ["B-PER", "O", "B-PER"]] * 6
    >>> tagger = TokenClassifier(size={"num_layers": 1, "hidden_size": 16}, vocab_size=40,
    ...                          pretrain_epochs=0, learning_rate=0.01, epochs=10, dropout=0,
    ...                          device="cpu", random_state=0)
    >>> tagger.fit(words, tags).predict([["Bob", "met", "Ada"]])
    [['B-PER', 'O', 'B-PER']]
    """

    _kept_in = "training_checkpoint"
    encoder_: Encoder
    module_: TaggerModule
    tags_: list[str]
    iob2_: bool

    def __init__(
        self,
        *,
        checkpoint: Any = None,
        revision: str | None = None,
        architecture: str = "modernbert",
        size: Any = "mini",
        vocab_size: int = 8000,
        lowercase: bool = False,
        pretrain_on: Any = None,
        pretrain_epochs: int | str = "auto",
        pretrain_learning_rate: float | str = "auto",
        decoding: str = "auto",
        max_length: int = 128,
        epochs: int | str = "auto",
        batch_size: int = 32,
        learning_rate: float | str = "auto",
        weight_decay: float = 0.01,
        dropout: float = 0.1,
        validation_fraction: float = 0.1,
        patience: int | None = None,
        max_seconds: float | None = None,
        training_checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.checkpoint = checkpoint
        self.revision = revision
        self.architecture = architecture
        self.size = size
        self.vocab_size = vocab_size
        self.lowercase = lowercase
        self.pretrain_on = pretrain_on
        self.pretrain_epochs = pretrain_epochs
        self.pretrain_learning_rate = pretrain_learning_rate
        self.decoding = decoding
        self.max_length = max_length
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.max_seconds = max_seconds
        self.training_checkpoint = training_checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    # ---- fitting

    def fit(self, X: Any, y: Any) -> Self:
        """Learn to tag.

        Parameters
        ----------
        X : iterable of lists of str, of length n_sentences
            Words; of texts, what stands between white space.
        y : iterable of lists of str, of length n_sentences
            A tag for each word.

        Returns
        -------
        self : TokenClassifier

        Raises
        ------
        TextInputError
            If `X` holds something else.
        ValueError
            If there is not one tag for each word, there are not two different tags, or a parameter
            is out of its range.
        """
        started = time.monotonic()
        sentences = read_sentences(X)
        self._check_parameters()
        tags = read_tags(y)
        check_same_words(sentences, tags, ("X", "y"))
        distinct = sorted({tag for row in tags for tag in row})
        if len(distinct) < 2:
            raise ValueError(
                f"TokenClassifier tells tags apart, but y holds {distinct or 'none'} only; give "
                "sentences with two"
            )
        seeds = {
            name: seed_of(self.random_state, name) % 2**32 for name in ("encoder", PRETRAINING)
        }
        start = start_encoder(self, [" ".join(words) for words in sentences], seeds, started)
        self.tags_, self.iob2_ = distinct, is_iob2(tags)
        self.encoder_ = start.encoder
        module = self._new_module()
        assert isinstance(module, TaggerModule)
        self.module_ = module
        # What has been pre-trained here follows from the parameters and the texts.
        origin = None if start.history else weights_digest(self.encoder_.module)
        self._learn(sentences, tags, started, origin)
        if start.history:
            history = [{"stage": TAGGER, **entry} for entry in self.history_]
            before = [{"stage": PRETRAINING, **entry} for entry in start.history]
            self.history_ = before + history
        return self

    def _learn(
        self, sentences: Sentences, tags: list[list[str]], started: float, start: str | None
    ) -> None:
        number = {tag: place for place, tag in enumerate(self.tags_)}
        numbered = [np.array([number[tag] for tag in row], dtype=np.int64) for row in tags]
        held_out = self._held_out(len(sentences))
        rows = self._rows(sentences)
        learnt = [row for row in rows if row.sentence not in held_out]
        others = [row for row in rows if row.sentence in held_out]
        kept = self.training_checkpoint is not None
        seconds = self.max_seconds if kept else time_left(self.max_seconds, started)

        def batches(chosen: list[TaggedRow], **order: Any) -> LengthBatches:
            collate = tag_collator(self.encoder_, chosen, numbered)
            return LengthBatches(row_lengths(chosen), collate, max_rows=self.batch_size, **order)

        self._train(
            TaggingTask(self.module_),
            batches(learnt, seed=seed_of(self.random_state, "order")),
            self._settings(len(learnt), seconds),
            batches(others, shuffle=False) if others else None,
            identity={
                "parameters": self._training_parameters("checkpoint", "pretrain_on", "decoding"),
                "data": [
                    data_digest([row.row.ids for row in rows], np.concatenate(numbered)),
                    self.tags_,
                ],
                "start": start,
            },
            description=type(self).__name__,
        )

    def _held_out(self, n_sentences: int) -> set[int]:
        n_held_out = int(self.validation_fraction * n_sentences)
        if n_held_out < FEWEST_HELD_OUT:
            return set()
        order = stream(self.random_state, "held out").permutation(n_sentences)
        return set(order[:n_held_out].tolist())

    def _rows(self, sentences: Sentences) -> list[TaggedRow]:
        encoder = self.encoder_
        return tagged_rows(
            encoder.tokenizer,
            sentences,
            max_length=min(self.max_length, encoder.max_length),
            cls_last=encoder.cls_last,
        )

    def _build(self) -> TaggerModule:
        return TaggerModule(self.encoder_, len(self.tags_), self.dropout)

    # ---- parameters

    def _check_parameters(self) -> None:
        """Refuse what is out of range, before any work."""
        check_start(self)
        check_choice("decoding", self.decoding, DECODINGS)
        check_number("validation_fraction", self.validation_fraction, least=0, most=0.5)
        if self.patience is not None and not self.validation_fraction:
            raise ValueError(
                f"patience={self.patience} needs sentences to watch: give validation_fraction"
            )
        check_count("batch_size", self.batch_size, 1)
        check_epochs(self.epochs)
        self._settings(1, self.max_seconds)
        self._check_surroundings()

    def _settings(self, n_rows: int, max_seconds: float | None) -> TrainingSettings:
        rate = self.learning_rate
        if isinstance(rate, str):
            rate = _RATE_OWN if self.checkpoint is None else _RATE_PUBLISHED
        return TrainingSettings(
            epochs=epochs_for(
                self.epochs,
                n_rows,
                self.batch_size,
                steps=AUTO_STEPS,
                fewest=FEWEST_EPOCHS,
                most=MOST_EPOCHS,
            ),
            learning_rate=rate,
            weight_decay=self.weight_decay,
            schedule="linear",
            warmup=_WARMUP,
            max_grad_norm=_MAX_GRAD_NORM,
            patience=self.patience,
            max_seconds=max_seconds,
        )

    # ---- using

    def predict_log_proba(self, X: Any) -> list[NDArray[np.float64]]:
        """Logarithms of the probabilities of the tags of each word by itself.

        Parameters
        ----------
        X : iterable of lists of str, of length n_sentences

        Returns
        -------
        list of float64 ndarray (n_words, n_tags)
            In the order of ``tags_``.
        """
        self._check_fitted()
        sentences = read_sentences(X)
        rows = self._rows(sentences)
        device = choose_device(self.device)
        with lent_to(self.module_, device) as module:
            found = apply_in_batches(
                lambda batch: scores_by_row(module, batch),
                row_lengths(rows),
                tag_collator(self.encoder_, rows),
                device=device,
                precision=self.precision,
            )
        scores = of_sentences(rows, [part.numpy() for part in found], len(sentences))
        empty = np.zeros((0, len(self.tags_)))
        return [
            np.asarray(log_softmax(np.array(words, dtype=np.float64), axis=1)) if words else empty
            for words in scores
        ]

    def predict(self, X: Any) -> list[list[str]]:
        """The tags of sentences.

        Parameters
        ----------
        X : iterable of lists of str, of length n_sentences
            Words; of texts, what stands between white space.

        Returns
        -------
        list of lists of str
            One tag for each word.
        """
        check_choice("decoding", self.decoding, DECODINGS)
        scores = self.predict_log_proba(X)
        if self.iob2_ and self.decoding == "auto":
            first, moves = allowed_moves(self.tags_)
            paths = [best_path(words, first, moves) for words in scores]
        else:
            paths = [words.argmax(axis=1) for words in scores]
        return [[self.tags_[number] for number in path] for path in paths]

    def score(self, X: Any, y: Any) -> float:
        """F1 of the entities, of all types together; of other tags, the share of words tagged
        rightly.

        Parameters
        ----------
        X, y : as for `fit`

        Returns
        -------
        float
            0 to 1.
        """
        self._check_fitted()
        sentences = read_sentences(X)
        tags = read_tags(y)
        check_same_words(sentences, tags, ("X", "y"))
        found = self.predict(sentences)
        if all(is_entity_tag(tag) for row in [self.tags_, *tags] for tag in row):
            return entity_scores(tags, found).f1
        right = [
            a == b
            for ours, theirs in zip(found, tags, strict=True)
            for a, b in zip(ours, theirs, strict=True)
        ]
        return sum(right) / max(1, len(right))

    # ---- files

    def _get_saved_params(self) -> dict[str, Any]:
        return without_objects(super()._get_saved_params(), fitted=hasattr(self, "module_"))

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        if "encoder_" in state:
            state["encoder"] = encoder_state(state.pop("encoder_"), weights=False)
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "encoder" in state:
            self.encoder_ = encoder_from_state(state.pop("encoder"))
            self.tags_ = [str(tag) for tag in state["tags_"]]
        super()._set_state(state)
