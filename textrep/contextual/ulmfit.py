"""`UlmfitClassifier`: a language model learns from texts without labels, then a classifier is made
of it.
"""

from __future__ import annotations

import copy
import os
from typing import Any, Self

import numpy as np

from textrep.contextual.classification import (
    NeuralClassifier,
    epochs_for,
    hold_out,
    labelled_batches,
)
from textrep.contextual.ulmfit_language_model import extend_vocabulary
from textrep.contextual.ulmfit_learner import (
    FINE_TUNING_BETAS,
    MAX_GRAD_NORM,
    SEEDS,
    LanguageModelLearner,
    times,
)
from textrep.contextual.ulmfit_module import POOLED_LAYERS, POOLINGS, UlmfitModule, set_dropouts
from textrep.contextual.ulmfit_stages import (
    CLASSIFIER,
    FINE_TUNING,
    PRETRAINING,
    TimeLimit,
    last_tokens,
    of_stage,
    read_language_model,
    read_unlabelled,
    weights_digest,
)
from textrep.contextual.ulmfit_tasks import UlmfitTask
from textrep.core.container import PersistError
from textrep.core.random import RandomState, streams
from textrep.core.text import check_texts
from textrep.embeddings.parameters import check_choice, check_count, check_epochs, check_number
from textrep.engine.seeding import torch_seed
from textrep.engine.settings import TrainingSettings
from textrep.generation.recurrent_module import Dropouts
from textrep.generation.rnn_language_model import RNNLanguageModel
from textrep.layers.direction import GATES
from textrep.preprocess.parameters import check_choice as check_one_of

CLASSIFIER_DROPOUTS = Dropouts(embedding=0.05, input=0.4, hidden=0.3, output=0.0, weight=0.5)
"""fastai's, times the parameter `dropout`. What it drops of the pooled outputs is in the head."""

MOST_DROPOUT = 1.9
"""Times 0.5 is still below 1."""

AUTO_STEPS = 250
"""Batches that ``epochs="auto"`` trains on, all epochs together, where the bounds leave it so."""

FEWEST_EPOCHS, MOST_EPOCHS = 8, 60

_SEED_BITS = 63

_COUNTS = (
    "min_count", "embedding_size", "hidden_size", "num_layers", "batch_size",
    "max_length", "n_streams", "window",
)  # fmt: skip
_COUNTS_OR_NONE = ("vector_epochs", "lm_epochs", "finetune_epochs")


class UlmfitClassifier(NeuralClassifier):
    r"""Classify texts with few labels: pre-train a language model, fine-tune it, then classify.

    1. *Pre-training.* A recurrent language model with the regularisation of AWD-LSTM learns to
       predict the next word of `unlabelled` texts and of those to classify. It begins with the
       word vectors of skip-gram on the same texts. A fitted `language_model` replaces this stage;
       words of the texts that it does not know get the mean of its word vectors.
    2. *Fine-tuning.* It goes on with the texts to classify alone, the rate of each layer being
       `lr_decay` times lower than that of the one above it, rising and then falling in straight
       lines (slanted triangular).
    3. *Classifier.* Last, largest and mean output of its layers (concat pooling) go into a head of
       two layers, which is trained first; epoch by epoch the next lower layer is trained as well
       (gradual unfreezing), with rates as above.

    Parameters
    ----------
    unlabelled : iterable of str, pathlib.Path or None, default=None
        Texts without labels for pre-training, or a text file of one a line. A parameter, and not an
        argument of `fit`, so that pipelines and searches pass it on; give a list, since an iterator
        is used up by the first fit.
    language_model : RNNLanguageModel, str, path or None, default=None
        A fitted language model or a file that holds one, of any level, in place of pre-training.
        Clones of the classifier share it; it is not changed. The parameters of pre-training and of
        the architecture then have no effect.
    max_vocabulary : int or None, default=15_000
        Most words that are told apart; the most frequent are kept.
    min_count : int, default=2
        Occurrences that a word must have in the texts.
    lowercase : bool, default=True
    token_pattern : str or None, default=None
        Regular expression of a word; None for words and single punctuation marks.
    cell : {"lstm", "gru", "rnn"}, default="lstm"
    embedding_size : int, default=200
        Dimensions of word vectors.
    hidden_size : int, default=256
        Units of each recurrent layer.
    num_layers : int, default=2
    vector_epochs : int, default=5
        Epochs of the skip-gram vectors that pre-training begins with; 0 for random vectors.
    lm_epochs : int, default=2
        Of pre-training; 0 for none.
    finetune_epochs : int, default=2
        Of fine-tuning; 0 for none.
    epochs : int or "auto", default=10
        Of the classifier; "auto" is as many as make 250 batches, from 8 to 60. Gradual unfreezing
        takes ``num_layers + 1`` of them.
    lm_learning_rate : float, default=4e-3
        The highest of pre-training, in a one-cycle schedule.
    finetune_learning_rate : float, default=2e-3
        The highest of fine-tuning, of the uppermost layer.
    learning_rate : float, default=5e-3
        The highest of the classifier, of its head.
    lr_decay : float, default=2.6
        What the rate of each layer is divided by for the one below it; 1 for the same rate.
    gradual_unfreezing : bool, default=True
        Whether layers join the training of the classifier one an epoch, from the head downwards.
    n_streams : int, default=32
        Streams that a language model reads side by side.
    window : int, default=70
        Tokens that its gradients go back.
    batch_size : int, default=32
        Texts in a batch of the classifier.
    max_length : int, default=400
        Most tokens of a text that the classifier reads.
    truncation : {"tail", "head"}, default="tail"
        Whether it reads the last or the first ones of a longer text.
    pooled_layers : {"all", "last"}, default="all"
        What is pooled: the word vectors and all layers, or, as in the paper, the last layer alone,
        which needs a language model that has learnt much.
    pooling : {"concat", "mean"}, default="concat"
        What a layer is pooled to: last step, maximum and mean side by side, as in the paper, or the
        mean alone, a third of the features, which some hundred labels can weigh better.
    lm_dropout : float, default=0.2
        What the dropouts of AWD-LSTM are multiplied by in pre-training and fine-tuning (embedding
        0.02, input 0.25, hidden 0.15, output 0.1, weights 0.2); little where text is plenty.
    dropout : float, default=0.7
        What those of the classifier are multiplied by (embedding 0.05, input 0.4, hidden 0.3,
        weights 0.5, head 0.4 and 0.1).
    weight_decay : float, default=0.01
    class_weight : dict, "balanced" or None, default=None
        What the loss of each class is multiplied by.
    validation_fraction : float, default=0.0
        Share of the labelled texts, by class, that is held out to choose the best epoch of the
        classifier; none where that were fewer than 20 texts.
    patience : int or None, default=None
        Stop the classifier after so many epochs without a better loss of the texts held out.
    max_seconds : float or None, default=None
        Time for all stages together; pre-training gets 65 % of it, fine-tuning 5 %, and the
        classifier what is left.
    checkpoint : path or None, default=None
        File, and beginning of the names of further files, that interrupted training is kept in;
        needs a `random_state`.
    device : str, default="auto"
    precision : {"auto", "fp32", "bf16"}, default="auto"
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a progress bar for each stage.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    language_model_ : RNNLanguageModel
        As it is after fine-tuning.
    module_ : UlmfitModule
    history_ : list of dict
        Of all stages, told apart by ``"stage"``: ``"pre-training"``, ``"fine-tuning"`` and
        ``"classifier"``. See `textrep.engine.Outcome`; `textrep.engine.plot_history` draws it.
    n_epochs_ : int
        Epochs of the classifier that were begun.
    stopped_early_ : bool
        Whether `patience` or `max_seconds` ended its training.
    out_of_time_ : bool
        Whether it was `max_seconds`.

    See Also
    --------
    RNNClassifier : Without pre-training of layers.
    textrep.RNNLanguageModel : The language model by itself.

    Notes
    -----
    A saved file holds neither the unlabelled texts nor, once fitted, a `language_model` that was
    given as an object. It has `language_model_`.

    References
    ----------
    J. Howard, S. Ruder: Universal Language Model Fine-tuning for Text Classification, ACL 2018.

    S. Merity, N. S. Keskar, R. Socher: Regularizing and Optimizing LSTM Language Models, ICLR 2018.

    Examples
    --------
    >>> from textrep import UlmfitClassifier
    >>> texts = ["a good film", "so good", "a bad film", "so bad"] * 4
    >>> classifier = UlmfitClassifier(embedding_size=8, hidden_size=8, vector_epochs=0,
    ...                               learning_rate=0.02, dropout=0, random_state=0)
    >>> classifier.fit(texts, ["pos", "pos", "neg", "neg"] * 4).predict(["good film"]).tolist()
    ['pos']
    """

    language_model_: RNNLanguageModel
    module_: UlmfitModule

    def __init__(
        self,
        *,
        unlabelled: Any = None,
        language_model: Any = None,
        max_vocabulary: int | None = 15_000,
        min_count: int = 2,
        lowercase: bool = True,
        token_pattern: str | None = None,
        cell: str = "lstm",
        embedding_size: int = 200,
        hidden_size: int = 256,
        num_layers: int = 2,
        vector_epochs: int = 5,
        lm_epochs: int = 2,
        finetune_epochs: int = 2,
        epochs: int | str = 10,
        lm_learning_rate: float = 4e-3,
        finetune_learning_rate: float = 2e-3,
        learning_rate: float = 5e-3,
        lr_decay: float = 2.6,
        gradual_unfreezing: bool = True,
        n_streams: int = 32,
        window: int = 70,
        batch_size: int = 32,
        max_length: int = 400,
        truncation: str = "tail",
        pooled_layers: str = "all",
        pooling: str = "concat",
        lm_dropout: float = 0.2,
        dropout: float = 0.7,
        weight_decay: float = 0.01,
        class_weight: Any = None,
        validation_fraction: float = 0.0,
        patience: int | None = None,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.unlabelled = unlabelled
        self.language_model = language_model
        self.max_vocabulary = max_vocabulary
        self.min_count = min_count
        self.lowercase = lowercase
        self.token_pattern = token_pattern
        self.cell = cell
        self.embedding_size = embedding_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.vector_epochs = vector_epochs
        self.lm_epochs = lm_epochs
        self.finetune_epochs = finetune_epochs
        self.epochs = epochs
        self.lm_learning_rate = lm_learning_rate
        self.finetune_learning_rate = finetune_learning_rate
        self.learning_rate = learning_rate
        self.lr_decay = lr_decay
        self.gradual_unfreezing = gradual_unfreezing
        self.n_streams = n_streams
        self.window = window
        self.batch_size = batch_size
        self.max_length = max_length
        self.truncation = truncation
        self.pooled_layers = pooled_layers
        self.pooling = pooling
        self.lm_dropout = lm_dropout
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.max_seconds = max_seconds
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> Self:
        """Learn to tell classes apart.

        Parameters
        ----------
        X : iterable of str, of length n_samples
        y : labels of two or more classes, of any type, (n_samples,)

        Returns
        -------
        self : UlmfitClassifier

        Raises
        ------
        TextInputError
            If `X` or `unlabelled` holds something else.
        ValueError
            If there are not two classes, no text has a word, or a parameter is out of its range.
        TypeError
            If `language_model` is something else.
        FloatingPointError
            If training diverges: a learning rate is too high.
        """
        texts = check_texts(X, name="X")
        classes, group, class_weights = self._read_labels(y, len(texts))
        self._check_parameters()
        given = read_language_model(self.language_model)
        more = read_unlabelled(self.unlabelled)
        learner = self._learner(self._stages(given), given)

        for name in ("module_", "language_model_"):  # interrupted, none may stay beside the other
            self.__dict__.pop(name, None)
        if given is not None:
            model = extend_vocabulary(
                given, texts, min_count=self.min_count, max_vocabulary=self.max_vocabulary
            )
            history = []
        else:
            model = learner.pretrain([*texts, *more])
            history = list(model.history_)
        self.history_ = [*history, *learner.fine_tune(model, texts)]
        self.classes_ = classes
        self.language_model_ = model
        self._classify(texts, group, class_weights, learner)
        learner.forget()
        return self

    def pretrain(self, X: Any = ()) -> RNNLanguageModel:
        """The first stage alone.

        What comes out serves any number of classifiers as their `language_model`.

        Parameters
        ----------
        X : iterable of str, default=()
            Texts in addition to `unlabelled`.

        Returns
        -------
        RNNLanguageModel
            Fitted. The classifier is left as it is. `max_seconds` is for this stage alone.

        Raises
        ------
        TextInputError
            If `X` or `unlabelled` holds something else.
        ValueError
            If no text has a word, or a parameter is out of its range.
        """
        self._check_parameters()
        texts = check_texts(X, name="X", allow_empty=True) + read_unlabelled(self.unlabelled)
        if not texts:
            raise ValueError("there is nothing to learn from: give X, or the parameter unlabelled")
        learner = self._learner([PRETRAINING])
        model = learner.pretrain(texts)
        learner.forget()
        return model

    def _learner(
        self, stages: list[str], given: RNNLanguageModel | None = None
    ) -> LanguageModelLearner:
        random = streams(self.random_state, SEEDS)
        seeds = {name: int(random[name].integers(2**_SEED_BITS)) for name in SEEDS}
        limit = TimeLimit(self.max_seconds, stages)
        training = self._training_parameters("unlabelled", "language_model")
        if given is not None and self.checkpoint is not None:
            training["language_model"] = weights_digest(given.module_)
        return LanguageModelLearner(self.get_params(deep=False), seeds, limit, training)

    def _check_parameters(self) -> None:
        for name in _COUNTS:
            check_count(name, getattr(self, name), 1)
        for name in _COUNTS_OR_NONE:
            check_count(name, getattr(self, name), 0)
        check_choice("cell", self.cell, tuple(GATES))
        check_choice("truncation", self.truncation, ("tail", "head"))
        check_choice("pooled_layers", self.pooled_layers, POOLED_LAYERS)
        check_choice("pooling", self.pooling, POOLINGS)
        check_number("lr_decay", self.lr_decay, least=1)
        check_number("lm_dropout", self.lm_dropout, least=0, most=MOST_DROPOUT)
        check_number("dropout", self.dropout, least=0, most=MOST_DROPOUT)
        check_number("validation_fraction", self.validation_fraction, least=0, most=0.9)
        for name in ("lm_learning_rate", "finetune_learning_rate"):
            check_number(name, getattr(self, name), above=0)
        for name in ("gradual_unfreezing", "lowercase"):
            check_one_of(name, getattr(self, name), (False, True))
        check_epochs(self.epochs)
        self._settings(1, self.max_seconds)
        self._check_surroundings()

    def _stages(self, given: RNNLanguageModel | None) -> list[str]:
        wanted = {
            PRETRAINING: given is None and self.lm_epochs > 0,
            FINE_TUNING: self.finetune_epochs > 0,
            CLASSIFIER: True,
        }
        return [stage for stage, runs in wanted.items() if runs]

    # ---- the classifier

    def _classify(
        self,
        texts: list[str],
        group: np.ndarray,
        class_weights: np.ndarray,
        learner: LanguageModelLearner,
    ) -> None:
        seeds = learner.seeds
        with torch_seed(seeds["weights"]):
            self.module_ = self._build()
        rows = self._rows(texts)
        held_random = np.random.default_rng(seeds["held out"])
        learnt, held_out = hold_out(group, self.validation_fraction, held_random)
        batches = labelled_batches(
            rows, group, learnt, max_rows=self.batch_size, seed=seeds["order"]
        )
        validation = None
        if len(held_out):
            validation = labelled_batches(
                rows, group, held_out, max_rows=self.batch_size, shuffle=False
            )
        settings = self._settings(len(learnt), learner.limit.of(CLASSIFIER))
        task = UlmfitTask(
            self.module_,
            class_weights,
            lr_decay=self.lr_decay,
            unfreeze_gradually=self.gradual_unfreezing,
        )
        before = self.history_
        outcome = self._train(
            task,
            batches,
            settings,
            validation,
            identity=learner.identity(texts, labels=group.tolist()),
            description=CLASSIFIER.capitalize(),
        )
        self.history_ = [*before, *of_stage(outcome, CLASSIFIER)]

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
            betas=FINE_TUNING_BETAS,
            weight_decay=self.weight_decay,
            schedule="slanted-triangular",
            max_grad_norm=MAX_GRAD_NORM,
            patience=self.patience,
            max_seconds=max_seconds,
        )

    def _build(self) -> UlmfitModule:
        encoder = copy.deepcopy(self.language_model_.module_)
        set_dropouts(encoder, times(CLASSIFIER_DROPOUTS, self.dropout))
        return UlmfitModule(
            encoder,
            len(self.classes_),
            dropout=self.dropout,
            pooled_layers=self.pooled_layers,
            pooling=self.pooling,
        )

    def _rows(self, texts: list[str]) -> list[np.ndarray]:
        rows = self.language_model_.codec_.encode_all(texts)
        return last_tokens(rows, self.max_length, self.truncation == "head")

    # ---- clones and files

    def __sklearn_clone__(self) -> Self:
        # A clone of the language model itself would have forgotten all.
        copied = super().__sklearn_clone__()
        copied.language_model = self.language_model
        return copied

    def _get_saved_params(self) -> dict[str, Any]:
        params = super()._get_saved_params()
        params["unlabelled"] = None
        if hasattr(self, "module_") and not isinstance(params["language_model"], str):
            params["language_model"] = None
        return params

    def _set_state(self, state: dict[str, Any]) -> None:
        model = state.get("language_model_")
        if state and not (isinstance(model, RNNLanguageModel) and hasattr(model, "module_")):
            raise PersistError("language_model_ is no fitted RNNLanguageModel")
        super()._set_state(state)
