"""The settings of a distillation, checked, and what is left open filled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textrep.contextual.classification import epochs_for
from textrep.contextual.encoder_classifier.parameters import RATE_OWN
from textrep.core.messages import shown
from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_choice, check_count, check_epochs, check_number
from textrep.engine.device import choose_device, choose_precision
from textrep.engine.settings import TrainingSettings
from textrep.preprocess.parameters import check_choice as check_one_of

BETTER, PUBLISHED = "better", "published"
RECIPES = (BETTER, PUBLISHED)

# DistilBERT's: its train.py and the README beside it.
PUBLISHED_RATE = 5e-4
PUBLISHED_BETAS = (0.9, 0.98)
PUBLISHED_EPSILON = 1e-6
PUBLISHED_WARMUP = 0.05
PUBLISHED_CLIP = 5.0

TRANSFER_RATE = 5e-4  # MiniLMv2, section 4.1, of students of 6 layers
# Of the task: of students as wide as BERT-base; and of narrower ones, over the hidden size, as
# classifiers that were pre-trained here have it.
TASK_RATE_BASE, TASK_RATE = 5e-5, RATE_OWN
_BASE_SIZE = 768
_WARMUP, _CLIP, _DECAY = 0.1, 1.0, 0.01

AUTO_TRANSFER_STEPS, AUTO_TASK_STEPS = 600, 900
"""Batches of both stages with "auto", all epochs together, where the bounds leave it so."""

TRANSFER_BOUNDS, TASK_BOUNDS = (1, 20), (3, 30)

TRANSFER, WORDS, TASK = "transfer", "words", "task"
"""Stages, as histories name them."""

_SHARE = 0.5  # of the time, for what comes before the task


def task_rate(hidden_size: int) -> float:
    """What "auto" stands for of a student.

    >>> task_rate(768), task_rate(128)
    (5e-05, 0.001)
    """
    return TASK_RATE_BASE if hidden_size >= _BASE_SIZE else TASK_RATE / hidden_size


@dataclass(frozen=True)
class Recipe:
    """How to distil; see `textrep.distill` for what the fields are.

    Raises
    ------
    ValueError
        When one is out of range; the message names it.
    """

    recipe: str = BETTER
    initialise: bool = True
    fold_token_types: bool | None = None
    relations: bool = True
    relation_heads: int | None = None
    teacher_layer: int = -1
    hidden_states: bool = True
    soft_labels: bool | None = None
    temperature: float = 2.0
    hard_share: float = 0.3
    transfer_epochs: int | str = "auto"
    epochs: int | str = "auto"
    batch_size: int = 32
    learning_rate: float | str = "auto"
    transfer_learning_rate: float = TRANSFER_RATE
    max_seconds: float | None = None
    device: str = "auto"
    precision: str = "auto"
    random_state: RandomState = None
    verbose: int = 0

    def __post_init__(self) -> None:
        check_choice("recipe", self.recipe, RECIPES)
        for name in ("initialise", "relations", "hidden_states"):
            check_one_of(name, getattr(self, name), (False, True))
        for name in ("fold_token_types", "soft_labels"):
            check_one_of(name, getattr(self, name), (None, False, True))
        if isinstance(self.teacher_layer, bool) or not isinstance(self.teacher_layer, int):
            raise ValueError(
                f"teacher_layer must be the number of a layer, got {shown(self.teacher_layer)}"
            )
        if self.relation_heads is not None:
            check_count("relation_heads", self.relation_heads, 1)
        check_number("temperature", self.temperature, above=0)
        check_number("hard_share", self.hard_share, least=0, most=1)
        for name in ("transfer_epochs", "epochs"):
            value = getattr(self, name)
            if value != 0 or name == "epochs" or isinstance(value, bool):
                try:
                    check_epochs(value)
                except ValueError as error:
                    raise ValueError(str(error).replace("epochs", name, 1)) from None
        check_count("batch_size", self.batch_size, 1)
        if isinstance(self.learning_rate, str):
            check_choice("learning_rate", self.learning_rate, ("auto",))
        else:
            check_number("learning_rate", self.learning_rate, above=0)
        check_number("transfer_learning_rate", self.transfer_learning_rate, above=0)
        if self.max_seconds is not None:
            check_number("max_seconds", self.max_seconds, above=0)
        choose_precision(self.precision, choose_device(self.device))

    # ---- what None stands for

    @property
    def folds(self) -> bool:
        """Whether the vector of the first token type is kept."""
        return self.recipe == BETTER if self.fold_token_types is None else self.fold_token_types

    @property
    def softens(self) -> bool:
        """Whether the task is learnt from the teacher's answers."""
        return self.recipe == BETTER if self.soft_labels is None else self.soft_labels

    @property
    def transfers(self) -> bool:
        """Whether there is a stage of relations and hidden states."""
        wanted = self.relations or self.hidden_states
        return self.recipe == BETTER and wanted and self.transfer_epochs != 0

    # ---- how the stages are trained

    def transfer_settings(self, n_rows: int, max_seconds: float | None) -> TrainingSettings:
        """Of the better recipe's stage before the task, on so many rows."""
        return TrainingSettings(
            epochs=self._transfer_epochs(n_rows),
            learning_rate=self.transfer_learning_rate,
            weight_decay=_DECAY,
            schedule="linear",
            warmup=_WARMUP,
            max_grad_norm=_CLIP,
            max_seconds=max_seconds,
        )

    def words_settings(
        self, n_rows: int, max_seconds: float | None, *, accumulate: int = 1
    ) -> TrainingSettings:
        """Of the published recipe's, as DistilBERT was trained.

        Examples
        --------
        >>> settings = Recipe(device="cpu").words_settings(100, None)
        >>> settings.learning_rate, settings.betas, settings.weight_decay, settings.max_grad_norm
        (0.0005, (0.9, 0.98), 0.0, 5.0)
        """
        return TrainingSettings(
            epochs=self._transfer_epochs(n_rows),
            learning_rate=PUBLISHED_RATE,
            betas=PUBLISHED_BETAS,
            epsilon=PUBLISHED_EPSILON,
            weight_decay=0.0,
            schedule="linear",
            warmup=PUBLISHED_WARMUP,
            max_grad_norm=PUBLISHED_CLIP,
            max_seconds=max_seconds,
            accumulate=accumulate,
        )

    def _transfer_epochs(self, n_rows: int) -> int:
        return epochs_for(
            self.transfer_epochs,
            n_rows,
            self.batch_size,
            steps=AUTO_TRANSFER_STEPS,
            fewest=TRANSFER_BOUNDS[0],
            most=TRANSFER_BOUNDS[1],
        )

    def task_settings(
        self, n_texts: int, hidden_size: int, max_seconds: float | None
    ) -> TrainingSettings:
        """Of the task, on so many texts."""
        rate: Any = self.learning_rate
        return TrainingSettings(
            epochs=epochs_for(
                self.epochs,
                n_texts,
                self.batch_size,
                steps=AUTO_TASK_STEPS,
                fewest=TASK_BOUNDS[0],
                most=TASK_BOUNDS[1],
            ),
            learning_rate=task_rate(hidden_size) if rate == "auto" else rate,
            weight_decay=_DECAY,
            schedule="linear",
            warmup=_WARMUP,
            max_grad_norm=_CLIP,
            max_seconds=max_seconds,
        )

    def first_share(self) -> float | None:
        """Seconds for what comes before the task."""
        return None if self.max_seconds is None else _SHARE * self.max_seconds
