"""`MaskedLanguageModel`: an encoder that learns from texts to fill in hidden tokens."""

from __future__ import annotations

import os
import time
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textrep.contextual.classification import epochs_for
from textrep.contextual.encoders.first_vectors import put_first_vectors
from textrep.contextual.encoders.state import encoder_from_state, encoder_state
from textrep.contextual.encoders.tokens import EncoderTokenizer
from textrep.contextual.masked_lm.examples import Examples
from textrep.contextual.masked_lm.heads import (
    MaskedLanguageModule,
    masked_model,
    published_form,
)
from textrep.contextual.masked_lm.parameters import (
    OBJECTIVES,
    VECTOR_FACTOR,
    check_parameters,
    learning_rate_of,
    settings_of,
)
from textrep.contextual.masked_lm.predictor import MaskedPredictor
from textrep.contextual.masked_lm.starting import (
    module_from,
    new_module,
    published_module,
    with_pairs,
)
from textrep.contextual.masked_lm.task import MaskedLanguageTask
from textrep.contextual.ulmfit_stages import text_digest, weights_digest
from textrep.contextual.word_inputs import training_seconds
from textrep.core.folders import atomic_folder
from textrep.core.random import RandomState, stream
from textrep.embeddings.parameters import check_choice
from textrep.engine.batches import Batches
from textrep.engine.seeding import seed_of
from textrep.generation.token_stream import read_texts

AUTO_STEPS = 2000
"""Batches that ``epochs="auto"`` trains on, all epochs together, where the bounds leave it so."""

FEWEST_EPOCHS, MOST_EPOCHS = 1, 100

FEWEST_HELD_OUT = 20
"""Texts by which a validation loss can be judged; where fewer would be held out, none are."""


class MaskedLanguageModel(MaskedPredictor):
    """Pre-train a BERT, or one of its kin, on texts without labels.

    Some tokens of each text are hidden, other ones in each epoch, and the encoder learns to fill
    them in from what stands on both sides. What it has learnt about the language serves
    `EncoderClassifier`, `EncoderEmbedder` and whatever else takes an encoder; by itself it fills in
    masks and tells how likely texts are.

    Parameters
    ----------
    architecture : str, default="modernbert"
        "bert", "albert" (layers share their weights), "distilbert", "modernbert", "roberta" or
        "electra", as transformers has them. ModernBERT's layers norm their input and turn
        their vectors by position: it learns from the first million words what BERT's own layers
        take many millions for.
    size : str or dict, default="mini"
        "tiny" (2 layers of 128 features), "mini" (4 of 256), "small" (4 of 512), "medium" (8 of
        512), "base" (12 of 768), or a dict with "num_layers" and "hidden_size", and "num_heads"
        and "inner_size" where wanted.
    tokenizer : object, path or None, default=None
        An `EncoderTokenizer` or anything it takes; None learns one from the texts.
    vocab_size : int, default=8000
        Tokens of a tokenizer that is learnt, at most.
    lowercase : bool, default=True
        Whether a tokenizer that is learnt puts texts in lower case.
    objective : {"auto", "mlm", "mlm+nsp", "mlm+sop"}, default="auto"
        "mlm" fills in hidden tokens; with "nsp" the encoder also learns whether the second of two
        passages follows the first or is of another text (BERT), with "sop" whether two passages
        are in order (ALBERT). "auto" takes "mlm+sop" of ALBERT and "mlm" of the others, which is
        better without next sentences.
    mask_probability : float, default=0.15
        Share of the tokens that are hidden.
    whole_words : bool, default=False
        Whether all pieces of a word are hidden, or none.
    max_length : int, default=128
        Tokens that the encoder reads at once. Longer texts are cut into as many parts as it takes.
    packing : bool, default=True
        Whether short texts share a row, in which no text sees another. The loss is the same.
    first_vectors : {"word2vec", "random"}, default="word2vec"
        What the vectors of tokens begin as: skip-gram learns them from the texts, in a quarter of
        the time at most, and they then change slowly, or they are drawn, as always for texts of
        less than 20,000 tokens. Those of an encoder that is gone on from stay as they are.
    checkpoint_from : object, path, str or None, default=None
        An encoder to go on from, with its tokenizer and its shape: a folder in the layout of
        Hugging Face, a name on its hub, a fitted estimator with an ``encoder_``, or a file of one.
    epochs : int or "auto", default="auto"
        "auto" makes 2,000 steps of them, between 1 and 100 epochs.
    max_steps : int or None, default=None
        Batches to learn from, in place of `epochs`.
    batch_size : int, default=32
        Rows of `max_length` tokens to a batch; of shorter ones as many more.
    learning_rate : float or "auto", default="auto"
        The highest of `schedule`. "auto" falls with the hidden size and is less where norms come
        last: 0.004 and 0.001 at 128 features, 7e-4 and 2e-4 at 768; a tenth of it where
        an encoder is gone on from.
    schedule : str, default="linear"
        See `textrep.engine.TrainingSettings`.
    warmup : float, default=0.06
        Share of all steps over which the rate rises, or steps from 1 on.
    weight_decay : float, default=0.01
        Not of biases and norms.
    betas : (float, float), default=(0.9, 0.98)
        Of AdamW.
    max_grad_norm : float or None, default=1.0
        Longer gradients are shortened to this.
    dropout : float, default=0.1
        Of a new encoder.
    ema_decay : float or None, default=None
        Answer with a moving average of the weights with this decay, such as 0.999.
    validation_fraction : float, default=0.0
        Share of the texts that is held out to tell which epoch was best, whose weights are kept.
        Where it makes less than 20 texts, nothing is.
    patience : int or None, default=None
        Stop after so many epochs without a lower validation loss; needs held-out texts.
    max_seconds : float or None, default=None
        Time for training; the learning rate falls in it.
    checkpoint : path or None, default=None
        A file that keeps the state of training, from which `fit` goes on after an interruption, if
        `random_state` is an int.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; "auto" takes the best there is.
    precision : {"auto", "fp32", "bf16"}, default="auto"
        On a CPU that has bf16, "bf16" trains 1.5 times as fast.
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    encoder_ : Encoder
        The encoder with its tokenizer, ``encoder_.tokenizer``.
    module_ : MaskedLanguageModule
        The encoder, the same weights, with its heads; on the CPU.
    objective_ : str
        What was learnt.
    history_ : list of dict
        Losses (nats per hidden token, with that of pairs added; ``masked_loss`` is without it),
        ``correct`` (share of the hidden tokens that were found), learning rate and time of each
        epoch.
    n_epochs_ : int
        Epochs begun.
    stopped_early_ : bool
        Whether `patience` or `max_seconds` ended training.
    out_of_time_ : bool
        Whether it was `max_seconds`.

    See Also
    --------
    PermutationLanguageModel : XLNet.
    EncoderClassifier : Classes, from the encoder.

    References
    ----------
    J. Devlin, M.-W. Chang, K. Lee, K. Toutanova: BERT: Pre-training of deep bidirectional
    transformers for language understanding, NAACL 2019.
    Y. Liu et al.: RoBERTa: A robustly optimized BERT pretraining approach, 2019.
    Z. Lan et al.: ALBERT: A lite BERT for self-supervised learning of language representations,
    ICLR 2020.
    J. Salazar et al.: Masked language model scoring, ACL 2020.

    Examples
    --------
    >>> from textrep.contextual import MaskedLanguageModel
    >>> model = MaskedLanguageModel(size={"num_layers": 1, "hidden_size": 32}, max_length=16,
    ...                             vocab_size=60, dropout=0, learning_rate=0.005, max_steps=150,
    ...                             device="cpu", random_state=0)
    >>> model = model.fit(["so much text", "so little time"] * 10)
    >>> best = model.fill_mask("so little [MASK]", k=1)[0][0]
    >>> best.token, best.probability > 0.5
    ('time', True)
    """

    objective_: str

    def __init__(
        self,
        *,
        architecture: str = "modernbert",
        size: str | dict[str, int] = "mini",
        tokenizer: Any = None,
        vocab_size: int = 8000,
        lowercase: bool = True,
        objective: str = "auto",
        mask_probability: float = 0.15,
        whole_words: bool = False,
        max_length: int = 128,
        packing: bool = True,
        first_vectors: str = "word2vec",
        checkpoint_from: Any = None,
        epochs: int | str = "auto",
        max_steps: int | None = None,
        batch_size: int = 32,
        learning_rate: float | str = "auto",
        schedule: str = "linear",
        warmup: float = 0.06,
        weight_decay: float = 0.01,
        betas: tuple[float, float] = (0.9, 0.98),
        max_grad_norm: float | None = 1.0,
        dropout: float = 0.1,
        ema_decay: float | None = None,
        validation_fraction: float = 0.0,
        patience: int | None = None,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.architecture = architecture
        self.size = size
        self.tokenizer = tokenizer
        self.vocab_size = vocab_size
        self.lowercase = lowercase
        self.objective = objective
        self.mask_probability = mask_probability
        self.whole_words = whole_words
        self.max_length = max_length
        self.packing = packing
        self.first_vectors = first_vectors
        self.checkpoint_from = checkpoint_from
        self.epochs = epochs
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.betas = betas
        self.max_grad_norm = max_grad_norm
        self.dropout = dropout
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
        """Learn the vocabulary, and to fill in hidden tokens.

        Parameters
        ----------
        X : iterable of str, or pathlib.Path
            Each text is a document; of a text file in UTF-8, plain or compressed, each line is.
        y : ignored

        Returns
        -------
        self : MaskedLanguageModel

        Raises
        ------
        TextInputError
            If `X` holds something else.
        DataError
            If a file or checkpoint cannot be read.
        ValueError
            If a parameter is out of its range, or there is nothing to learn.
        """
        self._check_parameters()
        started = time.monotonic()
        texts = read_texts(X, "X")
        module, n_learnt = self._begin(texts)
        encoder = module.encoder
        held_out = self._held_out(len(texts))
        learnt = np.setdiff1d(np.arange(len(texts)), held_out)
        examples = self._examples(module, [texts[i] for i in learnt])
        batches, n_epochs = self._batches(examples)
        validation = None
        if len(held_out):
            validation = self._examples(module, [texts[i] for i in held_out]).fixed()
        for name in ("module_", "encoder_"):  # interrupted, neither must stay beside the other
            self.__dict__.pop(name, None)
        task = MaskedLanguageTask(
            module,
            probability=self.mask_probability,
            whole_words=self.whole_words,
            pair_weight=examples.pair_weight(self.mask_probability),
            vector_factor=VECTOR_FACTOR if n_learnt else 1.0,
        )
        identity = {
            "parameters": self._training_parameters("tokenizer", "checkpoint_from"),
            "texts": text_digest(texts),
            "start": weights_digest(module),
            "vocabulary": text_digest([module.encoder.tokenizer.tokenizer.to_str()]),
        }
        self._train(
            task,
            batches,
            settings_of(
                self,
                n_epochs,
                learning_rate_of(self, encoder.architecture, encoder.hidden_size),
                training_seconds(self, started),
            ),
            validation,
            identity=identity,
            description="Pre-training",
        )
        self._take(module)
        return self

    def _begin(self, texts: list[str]) -> tuple[MaskedLanguageModule, int]:
        """The module before training, and how many tokens word2vec has learnt; sets
        ``objective_``.
        """
        seed = seed_of(self.random_state, "weights")
        if self.checkpoint_from is not None:
            module = module_from(self.checkpoint_from, seed=seed)
            self.objective_ = self._objective(module.encoder.architecture)
            return with_pairs(module, self.objective_ != "mlm", seed=seed), 0
        self.objective_ = self._objective(self.architecture)
        module = new_module(
            self.architecture,
            self.size,
            self._new_tokenizer(texts),
            max_length=self.max_length,
            dropout=self.dropout,
            pairs=self.objective_ != "mlm",
            seed=seed,
        )
        n_learnt = 0
        if self.first_vectors == "word2vec":
            n_learnt = put_first_vectors(
                module.encoder,
                texts,
                seed=seed_of(self.random_state, "first vectors"),
                max_seconds=self.max_seconds,
                verbose=self.verbose,
            )
        return module, n_learnt

    def _new_tokenizer(self, texts: list[str]) -> EncoderTokenizer:
        if isinstance(self.tokenizer, EncoderTokenizer):
            return self.tokenizer
        if self.tokenizer is not None:
            return EncoderTokenizer(self.tokenizer)
        return EncoderTokenizer.train(
            texts,
            architecture=self.architecture,
            vocab_size=self.vocab_size,
            lowercase=bool(self.lowercase),
        )

    def _objective(self, architecture: str) -> str:
        if self.objective != "auto":
            return self.objective
        return "mlm+sop" if architecture == "albert" else "mlm"

    def _examples(self, module: MaskedLanguageModule, texts: list[str]) -> Examples:
        length = min(self.max_length, module.encoder.max_length)
        return Examples(
            texts,
            module.encoder,
            self.objective_,
            packing=bool(self.packing),
            max_length=length,
            max_tokens=self.batch_size * length,
            seed=seed_of(self.random_state, "examples"),
        )

    def _batches(self, examples: Examples) -> tuple[Batches, int]:
        """What to train on, and for how many epochs."""
        if self.max_steps is not None:
            limited = examples.limited(self.max_steps)
            return limited, limited.n_epochs
        n_epochs = epochs_for(
            self.epochs,
            examples.n_tokens,
            self.batch_size * examples.max_length,
            steps=AUTO_STEPS,
            fewest=FEWEST_EPOCHS,
            most=MOST_EPOCHS,
        )
        return examples.batches(), n_epochs

    def _held_out(self, n_texts: int) -> NDArray[np.int64]:
        """Numbers of the texts that are held out, ascending."""
        n_held_out = round(self.validation_fraction * n_texts)
        if n_held_out < FEWEST_HELD_OUT:
            return np.zeros(0, dtype=np.int64)
        random = stream(self.random_state, "held out")
        return np.sort(random.permutation(n_texts)[:n_held_out])

    def _check_parameters(self) -> None:
        """Refuse what is out of range, before any work."""
        check_parameters(self)
        self._check_surroundings()

    def _take(self, module: MaskedLanguageModule) -> None:
        self.module_ = module
        self.encoder_ = module.encoder

    # ---- saving

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write the model as transformers does.

        ``AutoModelForMaskedLM.from_pretrained`` loads it and computes the same; what was learnt of
        pairs is there for ``AutoModelForPreTraining`` (BERT, ALBERT).

        Parameters
        ----------
        folder : path
            Made, or replaced with all that is in it.
        """
        self._check_fitted()
        with atomic_folder(folder) as target:
            self.encoder_.write(target, published_form(self.module_))

    @classmethod
    def from_pretrained(
        cls, checkpoint: str | os.PathLike[str], *, revision: str | None = None, **params: Any
    ) -> Self:
        """A published masked language model, as if fitted.

        Parameters
        ----------
        checkpoint : path or str
            Folder in the layout of Hugging Face, or a name on its hub.
        revision : str or None, default=None
            Branch, tag or commit of a model of the hub.
        **params
            Of the estimator, such as `device`.

        Returns
        -------
        MaskedLanguageModel

        Raises
        ------
        DataError
            If it is not there, damaged, or without vocabulary head.
        ValueError
            If it is no masked language model.
        """
        made = cls(**params)
        module = published_module(checkpoint, revision=revision, whole=True)
        made.objective_ = "mlm"
        made.history_, made.n_epochs_ = [], 0
        made.stopped_early_ = made.out_of_time_ = False
        made._take(module)
        return made

    def _get_saved_params(self) -> dict[str, Any]:
        # Both are in the encoder, which knows how to write them.
        return {**super()._get_saved_params(), "tokenizer": None, "checkpoint_from": None}

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        if "encoder_" in state:
            state["encoder_"] = encoder_state(self.encoder_, weights=False)
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "encoder_" in state:
            check_choice("objective_", state.get("objective_"), OBJECTIVES[1:])
            self.encoder_ = encoder_from_state(state.pop("encoder_"))
        super()._set_state(state)
        if "module_" in vars(self):
            self._take(self.module_)

    def _build(self) -> MaskedLanguageModule:
        encoder = self.encoder_
        return MaskedLanguageModule(
            masked_model(encoder.config),
            encoder.tokenizer,
            max_length=encoder.max_length,
            pairs=self.objective_ != "mlm",
        )
