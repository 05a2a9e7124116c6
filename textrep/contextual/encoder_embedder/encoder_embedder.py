"""`EncoderEmbedder`: vectors of texts, and of words in them, from an encoder."""

from __future__ import annotations

import os
import time
from typing import Any, Self

from textrep.contextual.encoder_classifier.starting import PRETRAINING, start_encoder
from textrep.contextual.encoder_classifier.targets import read_texts
from textrep.contextual.encoder_embedder.contrastive import (
    ContrastiveTask,
    contrastive_batches,
    has_dropout,
    row_digest,
)
from textrep.contextual.encoder_embedder.encoder_vectors import EncoderVectors
from textrep.contextual.encoder_embedder.parameters import check_start
from textrep.contextual.ulmfit_stages import of_stage, weights_digest
from textrep.contextual.word_inputs import time_left
from textrep.core.messages import shown
from textrep.core.random import RandomState
from textrep.core.text import TextInputError, check_texts
from textrep.embeddings.parameters import check_count, check_number
from textrep.engine.seeding import seed_of
from textrep.engine.settings import TrainingSettings

CONTRASTIVE = "contrastive"
"""The stage, as the history names it."""

# Parameters that are no part of contrastive training.
_NO_PART = ("checkpoint", "layers", "normalise", "pretrain_on")

_MAX_GRAD_NORM = 1.0
_WARMUP = 0.1
_AUTO_RATE = 5e-5  # between those that SimCSE takes for large encoders and small ones


class EncoderEmbedder(EncoderVectors):
    """Turn texts into vectors by an encoder such as BERT; the weights stay as they are.

    Without a `checkpoint`, a small encoder first learns to fill in masked tokens of the texts that
    it is fitted on. `fit_contrastive` and `fit_pairs` then draw together the vectors of what
    belongs together, which is what makes cosines of such vectors useful.

    Parameters
    ----------
    checkpoint : object, path, str or None, default=None
        The encoder: a folder in the layout of Hugging Face, a name on its hub, a fitted estimator
        that has an ``encoder_``, or the file of one. None to pre-train one in `fit`.
    revision : str or None, default=None
        Branch, tag or commit of a model of the hub.
    architecture : str, default="modernbert"
        Of a new encoder: "bert", "albert", "distilbert", "modernbert", "xlnet", "roberta" or
        "electra".
    size : str or dict, default="mini"
        Of a new encoder: "tiny" (2 layers of 128 features), "mini" (4 of 256), "small" (4 of 512),
        "medium" (8 of 512) or "base" (12 of 768); or a dict with num_layers and hidden_size, and
        num_heads and inner_size where wanted.
    vocab_size : int, default=8000
        Tokens that a new encoder's tokenizer learns at most.
    lowercase : bool, default=True
        Whether that tokenizer puts texts in lower case.
    pooling : {"mean", "cls", "max"}, default="mean"
        The vector of a text: the mean of those of its tokens, the vector of the class token, or the
        maximum of each feature. May be changed without fitting again.
    layers : int, list of int or "all", default=-1
        Which layers the vectors are of, counted from 0, the embeddings, or from the end; of several
        the mean is taken. May be changed without fitting again.
    normalise : bool, default=False
        Whether vectors of texts are scaled to length 1. May be changed without fitting again.
    max_length : int, default=128
        Tokens of a text that are read, special ones included; of a longer text the first ones.
    pretrain_on : iterable of str, pathlib.Path or None, default=None
        Further texts to pre-train on; with a `checkpoint`, its encoder goes on learning from them
        and those of `fit`.
    pretrain_epochs : int or "auto", default="auto"
        Times that the texts are read in pre-training; 0 for an encoder with random weights.
    pretrain_learning_rate : float or "auto", default="auto"
    contrastive_epochs : int, default=0
        Times that `fit` then reads the texts for contrastive training, see `fit_contrastive`.
    temperature : float, default=0.05
        What cosines are divided by in contrastive training.
    batch_size : int, default=64
        Texts of a batch of contrastive training, in which each is held against all others.
    learning_rate : float or "auto", default="auto"
        Of contrastive training; "auto" is 5e-5.
    dropout : float, default=0.1
        Of a new encoder.
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
    encoder_ : Encoder
        The network of transformers, on the CPU, and its tokenizer.
    history_ : list of dict
        Losses of what was trained; entries name their ``stage``.
    n_epochs_ : int
        Epochs of contrastive training begun.
    stopped_early_, out_of_time_ : bool
        Whether that training was ended by `max_seconds`.

    See Also
    --------
    SemanticSearch : Finds texts by such vectors.
    ElmoEmbedder : Vectors of words from recurrent language models.

    Notes
    -----
    A text has the same vector alone and among others.

    References
    ----------
    J. Devlin et al.: BERT: Pre-training of deep bidirectional transformers for language
    understanding, NAACL 2019. N. Reimers, I. Gurevych: Sentence-BERT, EMNLP 2019. T. Gao, X. Yao,
    D. Chen: SimCSE, EMNLP 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from textrep import EncoderEmbedder
    >>> texts = ["the bank of the river", "the bank lends money"] * 4
    >>> embedder = EncoderEmbedder(size={"num_layers": 1, "hidden_size": 8}, vocab_size=60,
    ...                            pretrain_epochs=1, device="cpu", random_state=0).fit(texts)
    >>> embedder.transform(texts).shape
    (8, 8)

    The same word has another vector in another sentence:

    >>> river, money = (vectors[0] for vectors in embedder.word_vectors(texts[:2], "bank"))
    >>> bool(np.allclose(river, money))
    False
    """

    def __init__(
        self,
        *,
        checkpoint: Any = None,
        revision: str | None = None,
        architecture: str = "modernbert",
        size: Any = "mini",
        vocab_size: int = 8000,
        lowercase: bool = True,
        pooling: str = "mean",
        layers: Any = -1,
        normalise: bool = False,
        max_length: int = 128,
        pretrain_on: Any = None,
        pretrain_epochs: int | str = "auto",
        pretrain_learning_rate: float | str = "auto",
        contrastive_epochs: int = 0,
        temperature: float = 0.05,
        batch_size: int = 64,
        learning_rate: float | str = "auto",
        dropout: float = 0.1,
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
        self.pooling = pooling
        self.layers = layers
        self.normalise = normalise
        self.max_length = max_length
        self.pretrain_on = pretrain_on
        self.pretrain_epochs = pretrain_epochs
        self.pretrain_learning_rate = pretrain_learning_rate
        self.contrastive_epochs = contrastive_epochs
        self.temperature = temperature
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.dropout = dropout
        self.max_seconds = max_seconds
        self.training_checkpoint = training_checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    # ---- fitting

    def fit(self, X: Any, y: Any = None) -> Self:
        """Load the encoder, or pre-train one on texts.

        Parameters
        ----------
        X : iterable of str, of length n_samples
        y : ignored

        Returns
        -------
        self : EncoderEmbedder

        Raises
        ------
        TextInputError
            If `X` holds something else.
        ValueError
            If a parameter is out of its range, or the checkpoint is no encoder.
        DataError
            If the checkpoint is not there or damaged.
        """
        started = time.monotonic()
        texts = check_texts(X, name="X")
        start = self._begin(texts, started)
        if self.contrastive_epochs:
            seconds = self._seconds_left(started)
            self._contrast(texts, None, self.contrastive_epochs, seconds, start)
        return self

    def fit_contrastive(self, X: Any) -> Self:
        """Draw apart the vectors of different texts, without labels (SimCSE).

        Each text is read twice; what dropout leaves out differs, and yet both vectors are to be
        nearer to each other than to those of all other texts of the batch. It takes
        `contrastive_epochs`, one if that is 0.

        Parameters
        ----------
        X : iterable of str
            Two different texts at least. Where the estimator is not fitted, it is fitted on them
            first; else its encoder goes on learning.

        Returns
        -------
        self : EncoderEmbedder

        Raises
        ------
        TextInputError
            If `X` holds something else.
        ValueError
            If all texts are the same, or the encoder has no dropout.
        """
        return self._fit_further(check_texts(X, name="X"), None)

    def fit_pairs(self, pairs: Any) -> Self:
        """Draw together the vectors of texts that belong together.

        The second text of each pair is to be nearer to the first than all second texts of the other
        pairs of the batch, and the other way round. It takes `contrastive_epochs`, one if that is
        0.

        Parameters
        ----------
        pairs : list of (str, str), or data frame of two columns
            Questions and answers, headlines and articles, two ways to say the same. Two at least.

        Returns
        -------
        self : EncoderEmbedder

        Raises
        ------
        TextInputError
            If `pairs` holds something else.
        """
        firsts, seconds = read_texts(pairs)
        if seconds is None:
            raise TextInputError(
                f"pairs must be a list of pairs of texts, got {shown(pairs)}; without pairs, take "
                "fit_contrastive"
            )
        return self._fit_further(firsts, seconds)

    def _fit_further(self, firsts: list[str], seconds: list[str] | None) -> Self:
        started = time.monotonic()
        start = None
        if not hasattr(self, "encoder_"):
            start = self._begin([*firsts, *(seconds or [])], started)
        self._check_parameters()
        epochs = max(1, self.contrastive_epochs)
        self._contrast(firsts, seconds, epochs, self._seconds_left(started), start)
        return self

    def _begin(self, texts: list[str], started: float) -> str | None:
        """Set the encoder to start from; returns what tells it from others, if it was given."""
        self._check_parameters()
        seeds = {
            name: seed_of(self.random_state, name) % 2**32 for name in ("encoder", PRETRAINING)
        }
        start = start_encoder(self, texts, seeds, started)
        self.encoder_ = start.encoder
        before: list[dict[str, Any]] = [{"stage": PRETRAINING, **each} for each in start.history]
        self.history_ = before
        self.n_epochs_, self.stopped_early_, self.out_of_time_ = 0, False, False
        return None if start.history else weights_digest(start.encoder.module)

    def _seconds_left(self, started: float) -> float | None:
        # A training that can be taken up has the whole time each time.
        kept = self.training_checkpoint is not None
        return self.max_seconds if kept else time_left(self.max_seconds, started)

    def _contrast(
        self,
        firsts: list[str],
        seconds: list[str] | None,
        epochs: int,
        max_seconds: float | None,
        start: str | None,
    ) -> None:
        encoder = self.encoder_
        if seconds is None and not has_dropout(encoder):
            raise ValueError(
                "this encoder has no dropout, so that both readings of a text are the same and "
                "there is nothing to learn from them; take one with dropout, or fit_pairs"
            )
        rows = self._rows(firsts)
        others = None if seconds is None else self._rows(seconds)
        before: list[dict[str, Any]] = list(self.history_)
        rate = _AUTO_RATE if isinstance(self.learning_rate, str) else self.learning_rate
        settings = TrainingSettings(
            epochs=epochs,
            learning_rate=rate,
            schedule="linear",
            warmup=_WARMUP,
            max_grad_norm=_MAX_GRAD_NORM,
            max_seconds=max_seconds,
        )
        outcome = self._train(
            ContrastiveTask(encoder, self.pooling, self.temperature),
            contrastive_batches(
                encoder,
                rows,
                others,
                max_rows=self.batch_size,
                seed=seed_of(self.random_state, "order"),
            ),
            settings,
            identity={
                "parameters": self._training_parameters(*_NO_PART),
                "data": [row_digest(rows), row_digest(others or [])],
                "start": start,
            },
            description="Contrastive training",
        )
        self.history_ = [*before, *of_stage(outcome, CONTRASTIVE)]

    # ---- parameters

    def _check_parameters(self) -> None:
        check_start(self)
        check_count("contrastive_epochs", self.contrastive_epochs, 0)
        check_number("temperature", self.temperature, above=0)
        self._check_reading()
        self._check_surroundings()
