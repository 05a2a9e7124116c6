"""`PermutationLanguageModel`: XLNet, learnt by predicting tokens in random orders."""

from __future__ import annotations

import math
import os
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from textrep.contextual.classification import FEWEST_HELD_OUT, data_digest
from textrep.contextual.encoders.encoder import Encoder
from textrep.contextual.encoders.loading import resolve_encoder
from textrep.contextual.encoders.shapes import shape_of
from textrep.contextual.encoders.state import encoder_from_state, encoder_state
from textrep.contextual.encoders.tokens import EncoderRow, EncoderTokenizer
from textrep.contextual.permutation_lm.permutations import TARGETS, draw_folds
from textrep.contextual.permutation_lm.task import (
    Drawing,
    PermutationBatches,
    PermutationTask,
    collate,
)
from textrep.contextual.permutation_lm.two_stream import (
    NO_TARGET,
    PermutationBatch,
    TwoStreamNetwork,
)
from textrep.contextual.ulmfit_stages import weights_digest
from textrep.core.folders import atomic_folder
from textrep.core.random import RandomState, stream
from textrep.core.text import check_texts
from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.engine.device import choose_device
from textrep.engine.estimator import TorchEstimator
from textrep.engine.inference import apply_in_batches, lent_to
from textrep.engine.seeding import seed_of
from textrep.engine.settings import TrainingSettings
from textrep.layers.dropout import check_dropout
from textrep.preprocess.parameters import check_choice as check_one_of

ARCHITECTURE = "xlnet"

_MAX_GRAD_NORM = 1.0
_FEWEST_TOKENS = 3  # of a row: its special tokens and one more
_SCORED_TOKENS = 4096  # of a batch; each has as many scores as there are tokens


class PermutationLanguageModel(TorchEstimator):
    """Learn an encoder by predicting tokens of texts in random orders (XLNet).

    Of each text some tokens are predicted, one after the other in an order that is drawn anew each
    time, from all others and those before it in that order. Nothing is replaced by a mask token: a
    second stream of vectors knows the place of a token and not what it is. So an encoder learns
    from both sides of a token, and predicted tokens learn from each other.

    Parameters
    ----------
    size : str or dict, default="mini"
        "tiny" (2 layers of 128 features), "mini" (4 of 256), "small" (4 of 512), "medium" (8 of
        512) or "base" (12 of 768); or a dict with num_layers and hidden_size, and num_heads and
        inner_size where wanted.
    tokenizer : object, path or None, default=None
        As for `textrep.contextual.encoders.EncoderTokenizer`; None to learn one from the texts.
    vocab_size : int, default=8000
        Tokens that are learnt at most.
    lowercase : bool, default=True
        Whether the tokenizer that is learnt puts texts in lower case.
    checkpoint_from : object, path, str or None, default=None
        An encoder of the same kind to go on from, with its tokenizer: a fitted estimator, the file
        of one, a folder of a published model, or its name on the hub.
    targets : {"span", "last"}, default="span"
        What is predicted: runs of 1 to 5 tokens, as XLNet has been trained, or tokens from
        anywhere, the last ones of a random order of all.
    predict_every : int, default=6
        One of so many tokens is predicted.
    whole_words : bool, default=False
        Whether words are predicted as a whole.
    n_orders : int or None, default=None
        Orders of each text, which epochs take in turn; None for new ones in each epoch.
    max_length : int, default=128
        Tokens of a row, special ones included; longer texts are cut into several.
    dropout : float, default=0.1
    epochs : int, default=10
        Times that the texts are read.
    batch_size : int, default=32
        Rows of `max_length` tokens in a batch; of shorter rows there are as many more.
    learning_rate : float, default=5e-4
        The highest.
    schedule : str, default="linear"
        How the rate falls, see `textrep.engine.TrainingSettings`.
    warmup : float, default=0.06
        Share of training over which the rate rises.
    weight_decay : float, default=0.01
    ema_decay : float or None, default=None
        Keep a moving average of the weights with this decay, and end with it.
    validation_fraction : float, default=0.05
        Share of the rows that is held out to tell which epoch was best, whose weights are kept;
        below 20 rows none are. 0 for none.
    patience : int or None, default=None
        Stop after so many epochs without a lower loss on them.
    max_seconds : float or None, default=None
        Time for training; the rate falls accordingly.
    checkpoint : path or None, default=None
        File that interrupted training is kept in and taken up from; needs a `random_state`.
    device : str, default="auto"
    precision : {"auto", "fp32", "bf16"}, default="auto"
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    encoder_ : Encoder
        What has been learnt, for `EncoderEmbedder`, `XLNetClassifier` and the like.
    module_ : TwoStreamNetwork
        The encoder with both streams and its vocabulary head, on the CPU.
    history_ : list of dict
        Mean loss, nats for each token predicted, and share of those found, of each epoch.
    n_epochs_ : int
    stopped_early_ : bool
    out_of_time_ : bool

    See Also
    --------
    MaskedLanguageModel : BERT and its kin.

    Notes
    -----
    Differences from the paper: no memory of the text before, and no second segment; rows of any
    length, odd ones too. What is predicted of a row depends on the seed, the epoch and the row, not
    on other rows.

    References
    ----------
    Z. Yang, Z. Dai, Y. Yang, J. Carbonell, R. Salakhutdinov, Q. Le: XLNet: Generalized
    autoregressive pretraining for language understanding, NeurIPS 2019.

    Examples
    --------
    >>> from textrep import PermutationLanguageModel
    >>> texts = ["so much text, so little time", "so little text"] * 4
    >>> model = PermutationLanguageModel(size={"num_layers": 1, "hidden_size": 8}, vocab_size=40,
    ...                                  epochs=1, device="cpu", random_state=0).fit(texts)
    >>> model.log_likelihoods(["so much time"]).shape
    (1,)
    >>> bool(model.score(texts) < 0)
    True
    """

    encoder_: Encoder
    module_: TwoStreamNetwork

    def __init__(
        self,
        *,
        size: Any = "mini",
        tokenizer: Any = None,
        vocab_size: int = 8000,
        lowercase: bool = True,
        checkpoint_from: Any = None,
        targets: str = "span",
        predict_every: int = 6,
        whole_words: bool = False,
        n_orders: int | None = None,
        max_length: int = 128,
        dropout: float = 0.1,
        epochs: int = 10,
        batch_size: int = 32,
        learning_rate: float = 5e-4,
        schedule: str = "linear",
        warmup: float = 0.06,
        weight_decay: float = 0.01,
        ema_decay: float | None = None,
        validation_fraction: float = 0.05,
        patience: int | None = None,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.size = size
        self.tokenizer = tokenizer
        self.vocab_size = vocab_size
        self.lowercase = lowercase
        self.checkpoint_from = checkpoint_from
        self.targets = targets
        self.predict_every = predict_every
        self.whole_words = whole_words
        self.n_orders = n_orders
        self.max_length = max_length
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.ema_decay = ema_decay
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
        """Learn from texts.

        Parameters
        ----------
        X : iterable of str, of length n_samples
        y : ignored

        Returns
        -------
        self : PermutationLanguageModel

        Raises
        ------
        TextInputError
            If `X` holds something else.
        ValueError
            If a parameter is out of its range, no text has a token, or `checkpoint_from` is no
            encoder of XLNet.
        """
        texts = check_texts(X, name="X")
        self._check_parameters()
        settings = self._settings()
        encoder = self._first_encoder(texts)
        rows, _ = self._rows_of(encoder, texts)
        if not rows:
            raise ValueError("no text of X has a token; there is nothing to learn from")
        self.encoder_ = encoder
        module = self._new_module()
        assert isinstance(module, TwoStreamNetwork)
        self.module_ = module
        learnt, held_out = self._divided(rows)
        self._train(
            PermutationTask(module),
            self._batches(learnt, "order"),
            settings,
            self._batches(held_out, "held-out order", shuffle=False) if held_out else None,
            identity={
                "parameters": self._training_parameters("tokenizer", "checkpoint_from"),
                "data": data_digest([row.ids for row in rows], np.zeros(0, dtype=np.int64)),
                "start": weights_digest(module),
            },
            description=type(self).__name__,
        )
        return self

    def _first_encoder(self, texts: list[str]) -> Encoder:
        if self.checkpoint_from is not None:
            return resolve_encoder(self.checkpoint_from)
        if self.tokenizer is None:
            tokenizer = EncoderTokenizer.train(
                texts,
                architecture=ARCHITECTURE,
                vocab_size=self.vocab_size,
                lowercase=self.lowercase,
            )
        elif isinstance(self.tokenizer, EncoderTokenizer):
            tokenizer = self.tokenizer
        else:
            tokenizer = EncoderTokenizer(self.tokenizer, layout=ARCHITECTURE)
        return Encoder.new(
            ARCHITECTURE,
            self.size,
            tokenizer,
            max_length=self.max_length,
            seed=seed_of(self.random_state, "encoder"),
            dropout=self.dropout,
        )

    def _rows_of(
        self, encoder: Encoder, texts: list[str]
    ) -> tuple[list[EncoderRow], NDArray[np.int64]]:
        """Rows of at most `max_length` tokens, and the number of the text of each."""
        tokenizer = encoder.tokenizer
        n_special = len(tokenizer.row(np.zeros(0, dtype=np.int32)).ids)
        room = min(self.max_length, encoder.max_length) - n_special
        rows, numbers = [], []
        for number, pieces in enumerate(tokenizer.pieces(texts)):
            for first in range(0, len(pieces), room):
                rows.append(tokenizer.row(pieces[first : first + room]))
                numbers.append(number)
        return rows, np.array(numbers, dtype=np.int64)

    def _divided(self, rows: list[EncoderRow]) -> tuple[list[EncoderRow], list[EncoderRow]]:
        """Rows to learn from, and those that are held out."""
        n_held_out = int(self.validation_fraction * len(rows))
        if n_held_out < FEWEST_HELD_OUT:
            return rows, []
        order = stream(self.random_state, "held out").permutation(len(rows))
        held_out = set(order[:n_held_out].tolist())
        return (
            [row for number, row in enumerate(rows) if number not in held_out],
            [row for number, row in enumerate(rows) if number in held_out],
        )

    def _batches(
        self, rows: list[EncoderRow], name: str, *, shuffle: bool = True
    ) -> PermutationBatches:
        return PermutationBatches(
            self.encoder_,
            rows,
            drawing=Drawing(self.targets, self.predict_every, self.whole_words, self.n_orders),
            max_tokens=self.batch_size * self.max_length,
            seed=seed_of(self.random_state, name),
            shuffle=shuffle,
        )

    def _build(self) -> TwoStreamNetwork:
        return TwoStreamNetwork(self.encoder_)

    # ---- parameters

    def _check_parameters(self) -> None:
        """Refuse what is out of range, before any work."""
        shape_of(self.size, ARCHITECTURE)
        for name in ("vocab_size", "predict_every", "batch_size"):
            check_count(name, getattr(self, name), 1)
        check_count("max_length", self.max_length, _FEWEST_TOKENS)
        if self.n_orders is not None:
            check_count("n_orders", self.n_orders, 1)
        check_choice("targets", self.targets, TARGETS)
        for name in ("lowercase", "whole_words"):
            check_one_of(name, getattr(self, name), (False, True))
        check_dropout("dropout", self.dropout)
        check_number("validation_fraction", self.validation_fraction, least=0, most=0.5)
        if self.patience is not None and not self.validation_fraction:
            raise ValueError(
                f"patience={self.patience} needs rows to watch: give validation_fraction"
            )
        self._check_surroundings()

    def _settings(self) -> TrainingSettings:
        return TrainingSettings(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            schedule=self.schedule,
            warmup=self.warmup,
            max_grad_norm=_MAX_GRAD_NORM,
            ema_decay=self.ema_decay,
            patience=self.patience,
            max_seconds=self.max_seconds,
        )

    # ---- likelihood

    def log_likelihoods(self, X: Any) -> NDArray[np.float64]:
        """Pseudo log-likelihood of each text: of every token, given others.

        The tokens of a text are divided at random, but always alike, into `predict_every` parts.
        Those of each part are predicted one after the other, from all tokens outside it and those
        before.

        Parameters
        ----------
        X : iterable of str, of length n_samples

        Returns
        -------
        float64 ndarray (n_samples,)
            In nats, summed over the tokens; 0 for a text without any.
        """
        return self._sums(X)[0]

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of `log_likelihoods` over all tokens, in nats; greater is better.

        Parameters
        ----------
        X : iterable of str
        y : ignored

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If no text has a token.
        """
        sums, counts = self._sums(X)
        if not counts.sum():
            raise ValueError("no text of X has a token, so that there is no likelihood of one")
        return float(sums.sum() / counts.sum())

    def perplexity(self, X: Any) -> float:
        """Pseudo perplexity of a token, exp(-`score`); lower is better."""
        return math.exp(-self.score(X))

    def _sums(self, X: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Log-likelihood and number of the tokens of each text."""
        self._check_fitted()
        texts = check_texts(X, name="X")
        encoder = self.encoder_
        rows, numbers = self._rows_of(encoder, texts)
        asked = [
            (number, row, fold)
            for number, row in zip(numbers.tolist(), rows, strict=True)
            for fold in draw_folds(
                ~np.isin(row.ids, encoder.tokenizer.special_ids), self.predict_every
            )
        ]

        def collated(places: NDArray[np.int64]) -> PermutationBatch:
            chosen = [asked[place] for place in places]
            return collate(encoder, [row for _, row, _ in chosen], [fold for *_, fold in chosen])

        device = choose_device(self.device)
        with lent_to(self.module_, device) as module:
            found = apply_in_batches(
                lambda batch: _likelihoods(module, batch),
                [len(row.ids) for _, row, _ in asked],
                collated,
                device=device,
                precision=self.precision,
                max_tokens=_SCORED_TOKENS,
            )
        sums, counts = np.zeros(len(texts)), np.zeros(len(texts), dtype=np.int64)
        for (number, _, fold), value in zip(asked, found, strict=True):
            sums[number] += float(value)
            counts[number] += len(fold.places)
        return sums, counts

    # ---- files

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write the model as transformers does, for ``XLNetLMHeadModel.from_pretrained``.

        Parameters
        ----------
        folder : path
            Made, or replaced with all that is in it.
        """
        self._check_fitted()
        with atomic_folder(folder) as target:
            self.encoder_.write(target, self.module_.model)

    def _get_saved_params(self) -> dict[str, Any]:
        # Both are in the encoder, which knows how to write them.
        return {**super()._get_saved_params(), "tokenizer": None, "checkpoint_from": None}

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        if "encoder_" in state:
            state["encoder"] = encoder_state(state.pop("encoder_"), weights=False)
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "encoder" in state:
            self.encoder_ = encoder_from_state(state.pop("encoder"))
        super()._set_state(state)


def _likelihoods(module: TwoStreamNetwork, batch: PermutationBatch) -> torch.Tensor:
    """Sums over the targets of each row, (B,)."""
    asked = batch.targets != NO_TARGET
    logits = module(batch).float()
    losses = functional.cross_entropy(logits, batch.targets[asked], reduction="none")
    each = torch.zeros(batch.targets.shape, device=losses.device)
    each[asked] = -losses
    return each.sum(dim=1)
