"""`EncoderClassifier`: BERT or another encoder, fine-tuned to tell classes apart."""

from __future__ import annotations

import os
import time
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import ClassifierTags, RegressorTags, Tags

from textrep.contextual.classification import data_digest, hold_out
from textrep.contextual.encoder_classifier.answers import EncoderAnswers
from textrep.contextual.encoder_classifier.calibration import best_temperature
from textrep.contextual.encoder_classifier.layer_rates import check_frozen, frozen_parameters
from textrep.contextual.encoder_classifier.lora import adapted
from textrep.contextual.encoder_classifier.module import EncoderClassifierModule
from textrep.contextual.encoder_classifier.parameters import (
    check_parameters,
    learning_rate_of,
    pooling_of,
    settings_of,
)
from textrep.contextual.encoder_classifier.starting import PRETRAINING, Start, start_encoder
from textrep.contextual.encoder_classifier.targets import (
    MULTI,
    REGRESSION,
    Targets,
    read_targets,
    read_texts,
    target_weights,
)
from textrep.contextual.encoder_classifier.task import EncoderClassifierTask, target_batches
from textrep.contextual.encoder_classifier.windows import Windows
from textrep.contextual.encoder_inference.switch import plain_runner
from textrep.contextual.encoders.encoder import Encoder
from textrep.contextual.encoders.state import encoder_from_state, encoder_state
from textrep.contextual.ulmfit_stages import of_stage, weights_digest
from textrep.contextual.word_inputs import time_left
from textrep.core.container import PersistError
from textrep.core.random import RandomState, streams
from textrep.engine.device import choose_device
from textrep.engine.estimator import set_weights
from textrep.engine.loop import Outcome
from textrep.engine.seeding import torch_seed

FINE_TUNING = "fine-tuning"

_SEED_BITS = 63
_SEEDS = ("encoder", PRETRAINING, "weights", "order")
_OF_THIS_MACHINE = ("inference_", "_runner")  # no part of what is saved


class EncoderClassifier(EncoderAnswers, ClassifierMixin):
    """Texts -> classes, labels or quantities by a pre-trained encoder that is trained on.

    The encoder is a published one, one that was pre-trained with `MaskedLanguageModel`, or, where
    there is none, a small one that `fit` first pre-trains on the texts themselves and on
    `pretrain_on`. A head on top of it learns what is asked for, and all layers with it.

    Parameters
    ----------
    checkpoint : path, str, Encoder, fitted estimator or None, default=None
        What to start from: the folder of a published encoder, its name on the Hugging Face hub, or
        a model of textrep with an ``encoder_`` such as `MaskedLanguageModel`, or a file of one.
        None pre-trains a small one here.
    revision : str or None, default=None
        Branch, tag or commit of a model of the hub.
    architecture : str, default="modernbert"
        Of a new encoder: "bert", "albert", "distilbert", "modernbert" (which learns soonest from
        few texts), "xlnet", "roberta" or "electra".
    size : str or dict, default="mini"
        Of a new encoder: "tiny" (2 layers of 128 values), "mini" (4 of 256), "small" (4 of 512),
        "medium" (8 of 512), "base" (12 of 768), or ``{"num_layers": ..., "hidden_size": ...}``.
    vocab_size : int, default=8000
        Subwords of a new encoder.
    lowercase : bool, default=True
        Whether a new encoder lower-cases texts.
    pretrain_on : iterable of str, pathlib.Path or None, default=None
        Further texts, without labels, to pre-train on; of a file each line is a text. With a
        `checkpoint`, that is trained on them further.
    pretrain_epochs : int or "auto", default="auto"
        Times that texts are read before fine-tuning; "auto" is as many as make 1,000 batches of
        32 rows, from 1 to 50. 0 starts fine-tuning from random weights, or from the checkpoint.
    pretrain_learning_rate : float or "auto", default="auto"
        "auto" is as of `MaskedLanguageModel`; of XLNet 5e-4, a tenth where one is trained further.
    problem : {"auto", "single-label", "multi-label", "regression"}, default="auto"
        What `y` is: one class for each text, any number of labels, or a quantity. "auto" takes
        lists and tables for several labels, and all else for classes.
    pooling : {"auto", "cls", "mean", "max"}, default="auto"
        What stands for a text: the vector of the token of the class, the mean of the vectors of all
        tokens, or the maximum of each value. "auto" is "cls" of published encoders, "mean" of
        others.
    max_length : int, default=256
        Tokens that are read at once, special ones included, and at most what the encoder can.
    long_texts : {"cut", "windows"}, default="cut"
        What becomes of longer texts: the beginning alone is read, or all of it in windows that
        overlap. Pairs can only be cut.
    window_overlap : int, default=64
        Tokens that a window has in common with the one before it.
    max_windows : int, default=16
        Of a text; of a longer one those that lie evenly over it.
    window_pooling : {"mean", "max"}, default="mean"
        How what the windows of a text say becomes one, in training too.
    dropout : float, default=0.1
        Share of values left out in training, in the head and in a new encoder.
    freeze_layers : int or None, default=None
        Keep the embeddings and so many of the lowest layers as they are; 0 keeps the embeddings
        alone, None nothing.
    layer_decay : float, default=1.0
        Each layer has the learning rate of the one above it times this.
    lora_rank : int or None, default=None
        Train adapters of this rank beside the linear layers instead of the layers (needs peft);
        after training they are added to the weights.
    epochs : int or "auto", default="auto"
        Times that the texts are trained on; "auto" is as many as make 600 batches, from 3 to 30.
    batch_size : int, default=32
        Texts in a batch; those of similar length come together.
    batch_tokens : int or None, default=None
        Most tokens in a batch, padding included. None for `batch_size` times the longest row, which
        only the windows of long texts can exceed.
    learning_rate : float or "auto", default="auto"
        The highest. "auto" is 3e-5 for published encoders as large as BERT-base, 1e-4 for smaller
        ones, and for those pre-trained here or not at all 1e-3 at 128 features, half of it at twice
        as many; ten times that with `lora_rank`.
    schedule : str, default="linear"
        How the rate falls: "constant", "linear", "cosine", "one-cycle", "slanted-triangular" or
        "inverse-sqrt", see `textrep.engine.TrainingSettings`.
    warmup : float, default=0.1
        Share of the steps, or number of them if it is 1 or more, over which the rate rises.
    weight_decay : float, default=0.01
        Of AdamW; not of biases and norms.
    class_weight : dict, "balanced" or None, default=None
        What the loss of each class is multiplied by; "balanced" for the inverse of its frequency.
    validation_fraction : float, default=0.1
        Share of each class that is held out to tell which epoch was best, whose weights are kept.
        Where that makes fewer than 20 texts none are held out, and the last weights are kept. 0 for
        none.
    patience : int or None, default=None
        Stop after so many epochs without a lower loss on the texts held out; needs
        `validation_fraction`.
    calibrate : bool, default=True
        Whether a temperature is measured on the texts held out, so that probabilities are as high
        as answers are often right. Answers stay as they are.
    ema_decay : float or None, default=None
        Keep a moving average of the weights with this decay, and answer with it.
    max_seconds : float or None, default=None
        Time for `fit`, at most 60 % of it for pre-training, which on a CPU then reads no more of
        the texts, drawn at random, than it has time to learn from; the learning rate falls in it,
        and the best weights so far are kept.
    training_checkpoint : str, path or None, default=None
        A file that keeps the state of training, from which `fit` goes on after an interruption;
        `random_state` must then be an int. Pre-training has one beside it; where it was finished
        and the rest was not, it is done once more.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; "auto" takes the best there is.
    precision : {"auto", "fp32", "bf16"}, default="auto"
        See `textrep.engine.choose_precision`.
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a progress bar for each stage.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; of a table of 0 and 1 the numbers of its columns. Not of quantities.
    encoder_ : Encoder
        As it is after training, with its tokenizer. Other estimators take it up.
    module_ : torch.nn.Module
        The encoder with its head, on the CPU.
    problem_ : {"single-label", "multi-label", "regression"}
    pooling_ : {"cls", "mean", "max"}
    pairs_ : bool
        Whether texts come in pairs.
    temperature_ : float
        By which scores are divided before they become probabilities; 1 where it was not measured.
    history_ : list of dict
        Loss and so on of each epoch. With pre-training here, entries name their ``stage``.
    n_epochs_ : int
        Epochs of fine-tuning begun.
    stopped_early_ : bool
        Whether `patience` or `max_seconds` ended it.
    out_of_time_ : bool
        Whether it was `max_seconds`.

    See Also
    --------
    BertClassifier, ModernBertClassifier, AlbertClassifier, DistilBertClassifier, XLNetClassifier :
        Presets.
    MaskedLanguageModel : Pre-trains an encoder for many classifiers.

    Notes
    -----
    Padding has no influence: a text has the same answer alone and among others.

    A saved file holds neither the texts of `pretrain_on` nor, once fitted, an encoder that was
    given as an object: it has its own.

    References
    ----------
    J. Devlin et al.: BERT: Pre-training of deep bidirectional transformers for language
    understanding, NAACL 2019.

    M. Mosbach, M. Andriushchenko, D. Klakow: On the stability of fine-tuning BERT, ICLR 2021 (rates
    that rise first, and more epochs where there are few texts).

    Examples
    --------
    >>> from textrep import EncoderClassifier
    >>> texts = ["a good film", "so good", "a bad film", "so bad"] * 6
    >>> classifier = EncoderClassifier(size={"num_layers": 1, "hidden_size": 16}, vocab_size=40,
    ...                                pretrain_epochs=0, epochs=12, learning_rate=0.01,
    ...                                max_length=8, device="cpu", random_state=0)
    >>> classifier.fit(texts, ["pos", "pos", "neg", "neg"] * 6).predict(["a good one"]).tolist()
    ['pos']
    """

    _kept_in = "training_checkpoint"

    def __init__(
        self,
        *,
        checkpoint: Any = None,
        revision: str | None = None,
        architecture: str = "modernbert",
        size: Any = "mini",
        vocab_size: int = 8000,
        lowercase: bool = True,
        pretrain_on: Any = None,
        pretrain_epochs: int | str = "auto",
        pretrain_learning_rate: float | str = "auto",
        problem: str = "auto",
        pooling: str = "auto",
        max_length: int = 256,
        long_texts: str = "cut",
        window_overlap: int = 64,
        max_windows: int = 16,
        window_pooling: str = "mean",
        dropout: float = 0.1,
        freeze_layers: int | None = None,
        layer_decay: float = 1.0,
        lora_rank: int | None = None,
        epochs: int | str = "auto",
        batch_size: int = 32,
        batch_tokens: int | None = None,
        learning_rate: float | str = "auto",
        schedule: str = "linear",
        warmup: float = 0.1,
        weight_decay: float = 0.01,
        class_weight: Any = None,
        validation_fraction: float = 0.1,
        patience: int | None = None,
        calibrate: bool = True,
        ema_decay: float | None = None,
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
        self.problem = problem
        self.pooling = pooling
        self.max_length = max_length
        self.long_texts = long_texts
        self.window_overlap = window_overlap
        self.max_windows = max_windows
        self.window_pooling = window_pooling
        self.dropout = dropout
        self.freeze_layers = freeze_layers
        self.layer_decay = layer_decay
        self.lora_rank = lora_rank
        self.epochs = epochs
        self.batch_size = batch_size
        self.batch_tokens = batch_tokens
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.calibrate = calibrate
        self.ema_decay = ema_decay
        self.max_seconds = max_seconds
        self.training_checkpoint = training_checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> Self:
        """Learn what is to be said of texts.

        Parameters
        ----------
        X : iterable of str, list of pairs of str, or data frame of two columns, n_samples
        y : labels (n_samples,) of any type, a list of labels for each text, table of 0 and 1 \
(n_samples, n_labels), or, with ``problem="regression"``, numbers (n_samples,)

        Returns
        -------
        self : EncoderClassifier

        Raises
        ------
        TextInputError
            If `X` or `pretrain_on` holds something else.
        ValueError
            If `y` is nothing to learn from, or a parameter is out of its range.
        DataError
            If the checkpoint is not there, damaged or incomplete.
        ModuleNotFoundError
            If transformers, or for `lora_rank` peft, is not installed.
        FloatingPointError
            If training diverges: the learning rate is too high.
        """
        started = time.monotonic()
        texts, pairs = read_texts(X)
        check_parameters(self)
        self._check_surroundings()
        targets = read_targets(self, y, len(texts), self.problem)
        weights = target_weights(self.class_weight, targets)
        for name in ("module_", "classes_", *_OF_THIS_MACHINE):
            self.__dict__.pop(name, None)
        random = streams(self.random_state, [*_SEEDS, "held out"])
        seeds = {name: int(random[name].integers(2**_SEED_BITS)) for name in _SEEDS}
        start = start_encoder(self, [*texts, *(pairs or [])], seeds, started)
        check_frozen(start.encoder.module, self.freeze_layers)
        self._take_targets(targets, start.origin)
        self.pairs_ = pairs is not None
        rows = self._rows_for(start.encoder, texts, pairs)
        learnt, held_out = hold_out(targets.strata, self.validation_fraction, random["held out"])
        with torch_seed(seeds["weights"]):
            module = self._module(start.encoder)
        outcome = self._fine_tune(
            module, rows, targets, weights, (learnt, held_out), seeds, start, started
        )
        self.module_ = module
        self.temperature_ = self._temperature([rows[i] for i in held_out], targets, held_out)
        if start.history:
            before = [{"stage": PRETRAINING, **entry} for entry in start.history]
            self.history_ = [*before, *of_stage(outcome, FINE_TUNING)]
        return self

    def _take_targets(self, targets: Targets, origin: str) -> None:
        if targets.classes is not None:
            self.classes_ = targets.classes
        self.problem_ = targets.problem
        self.labels_in_lists_ = targets.in_lists
        self.pooling_ = pooling_of(self.pooling, origin)

    def _fine_tune(
        self,
        module: EncoderClassifierModule,
        rows: list[Windows],
        targets: Targets,
        weights: NDArray[np.float32],
        parts: tuple[NDArray[np.int64], NDArray[np.int64]],
        seeds: dict[str, int],
        start: Start,
        started: float,
    ) -> Outcome:
        learnt, held_out = parts
        values, scale, shift = _standardised(targets, learnt)
        in_time = self.training_checkpoint is None
        limit = time_left(self.max_seconds, started) if in_time else self.max_seconds
        rate = learning_rate_of(self, start.origin, start.encoder.hidden_size)
        given: dict[str, Any] = {"max_rows": self.batch_size, "max_tokens": self.batch_tokens}
        batches = target_batches(start.encoder, rows, values, learnt, **given, seed=seeds["order"])
        validation = target_batches(start.encoder, rows, values, held_out, **given, shuffle=False)
        frozen = frozen_parameters(module.network, self.freeze_layers)
        for parameter in frozen:
            parameter.requires_grad_(False)
        with torch_seed(seeds["weights"]), adapted(module.network, self.lora_rank):
            outcome = self._train(
                EncoderClassifierTask(module, targets.problem, weights, self.layer_decay),
                batches,
                settings_of(self, len(learnt), rate, limit),
                validation if len(held_out) else None,
                identity=self._identity(rows, targets, start),
                description=type(self).__name__,
            )
        for parameter in frozen:
            parameter.requires_grad_(True)
        if targets.problem == REGRESSION:
            module.rescale(scale, shift)
        return outcome

    def _identity(self, rows: list[Windows], targets: Targets, start: Start) -> dict[str, Any]:
        """What tells this training from others, for one that is taken up."""
        if self.training_checkpoint is None:
            return {}
        ids = [row.ids for windows in rows for row in windows]
        values = np.ascontiguousarray(targets.values, dtype=np.float64).view(np.int64)
        return {
            "parameters": self._training_parameters("checkpoint", "pretrain_on"),
            "encoder": weights_digest(start.encoder.module),
            "data": data_digest(ids, values),
        }

    def _temperature(
        self, rows: list[Windows], targets: Targets, held_out: NDArray[np.int64]
    ) -> float:
        if not self.calibrate or not rows or targets.problem == REGRESSION:
            return 1.0
        runner = plain_runner(self.module_, choose_device(self.device), self.precision)
        return best_temperature(self._outputs_of(rows, runner), targets.values[held_out])

    def _module(self, encoder: Encoder) -> EncoderClassifierModule:
        return EncoderClassifierModule(
            encoder,
            1 if self.problem_ == REGRESSION else len(self.classes_),
            pooling=self.pooling_,
            window_pooling=self.window_pooling,
            dropout=self.dropout,
        )

    # ---- clones, files, tags

    def __sklearn_clone__(self) -> Self:
        # A clone of the given model itself would have forgotten all.
        copied = super().__sklearn_clone__()
        copied.checkpoint = self.checkpoint
        return copied

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in _OF_THIS_MACHINE}

    def _get_saved_params(self) -> dict[str, Any]:
        params = super()._get_saved_params()
        params["pretrain_on"] = None
        if hasattr(self, "module_") and not isinstance(params["checkpoint"], str):
            params["checkpoint"] = None
        return params

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        state.pop("inference_", None)
        if "weights" in state:
            state["encoder"] = encoder_state(self.encoder_, weights=False)
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        encoder, weights = state.pop("encoder", None), state.pop("weights", None)
        if (encoder is None) != (weights is None):
            raise PersistError("an encoder comes with weights, and weights with an encoder")
        super()._set_state(state)
        if encoder is not None:
            made = encoder_from_state(encoder)
            with torch_seed(0):  # whatever is drawn is replaced
                module = self._module(made).eval()
            set_weights(module, weights)
            self.module_ = module

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        if self.problem == REGRESSION:
            tags.estimator_type, tags.classifier_tags = "regressor", None
            tags.regressor_tags = RegressorTags()
        else:
            tags.estimator_type = "classifier"
            tags.classifier_tags = ClassifierTags(multi_label=self.problem in ("auto", MULTI))
        tags.target_tags.required = True
        return tags


def _standardised(targets: Targets, learnt: NDArray[np.int64]) -> tuple[NDArray[Any], float, float]:
    """Targets as they are trained on, and what makes them what they were: times and plus."""
    if targets.problem != REGRESSION:
        return targets.values, 1.0, 0.0
    known = targets.values[learnt].astype(np.float64)
    shift, scale = float(known.mean()), float(known.std()) or 1.0
    return ((targets.values - shift) / scale).astype(np.float32), scale, shift
