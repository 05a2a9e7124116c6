"""`DistilledClassifier`: the small student of a classifier that `fit` trains first."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import Tags, get_tags
from sklearn.utils.validation import check_is_fitted

from textrep.contextual.distillation.distill import distill
from textrep.contextual.distillation.recipe import Recipe
from textrep.contextual.distillation.relations import has_projections
from textrep.contextual.encoder_classifier.encoder_classifier import EncoderClassifier
from textrep.contextual.encoder_classifier.presets import BertClassifier
from textrep.contextual.encoder_classifier.targets import read_texts
from textrep.contextual.encoders.encoder import Encoder
from textrep.contextual.word_inputs import time_left
from textrep.core.container import PersistError
from textrep.core.messages import shown, type_name
from textrep.core.persist import Persistent
from textrep.core.random import RandomState, streams

TEACHER = "teacher"
"""The stage of the teacher's own training, as histories name it."""

_SHARE = 0.6  # of the time, for the teacher
_SEED_BITS = 32


class DistilledClassifier(ClassifierMixin, Persistent, BaseEstimator):
    """Texts -> classes by a small encoder that a larger one has taught.

    `fit` trains the teacher on the texts, then its student (`textrep.distill`, the better recipe;
    of XLNet without attention relations), and keeps the student alone.

    Parameters
    ----------
    teacher : EncoderClassifier or None, default=None
        How the teacher is trained; a clone is. None for `BertClassifier`.
    student : None, str, dict or EncoderClassifier, default=None
        The student's shape, as for `textrep.distill`; None for half of the teacher's layers, of
        BERT those of DistilBERT.
    transfer_epochs : int or "auto", default="auto"
        Of the student's first stage, see `textrep.distill`.
    epochs : int or "auto", default="auto"
        Of its second stage, likewise.
    learning_rate : float or "auto", default="auto"
        Likewise.
    max_seconds : float or None, default=None
        Time for `fit`, of which the teacher has 60 %.
    device : str, default="auto"
        Of both, like what follows.
    precision : {"auto", "fp32", "bf16"}, default="auto"
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a progress bar for each stage.

    Attributes
    ----------
    student_ : EncoderClassifier
        Fitted.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    encoder_ : Encoder
        The student's.
    distillation_ : dict
        What `textrep.contextual.distillation.DistillationReport.of` reads.
    history_ : list of dict
        Of all stages, which entries name: those of the teacher begin with "teacher".
    stopped_early_, out_of_time_ : bool
        Whether the time ended one of the trainings; or, the first, the teacher's `patience`.

    See Also
    --------
    textrep.distill : The same with a teacher that is fitted.

    References
    ----------
    V. Sanh et al.: DistilBERT, a distilled version of BERT: smaller, faster, cheaper and lighter,
    2019.

    Examples
    --------
    >>> from textrep import DistilledClassifier, EncoderClassifier
    >>> texts = ["a good film", "so good", "a bad film", "so bad"] * 6
    >>> teacher = EncoderClassifier(size={"num_layers": 2, "hidden_size": 16}, vocab_size=40,
    ...                             pretrain_epochs=0, epochs=8, learning_rate=0.01, max_length=8)
    >>> student = DistilledClassifier(teacher=teacher, transfer_epochs=1, epochs=3, device="cpu",
    ...                               random_state=0)
    >>> student.fit(texts, ["pos", "pos", "neg", "neg"] * 6).student_.encoder_.n_layers
    1
    """

    student_: EncoderClassifier

    def __init__(
        self,
        *,
        teacher: Any = None,
        student: Any = None,
        transfer_epochs: int | str = "auto",
        epochs: int | str = "auto",
        learning_rate: float | str = "auto",
        max_seconds: float | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.teacher = teacher
        self.student = student
        self.transfer_epochs = transfer_epochs
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.max_seconds = max_seconds
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> Self:
        """Train the teacher, and by it the student.

        Parameters
        ----------
        X : iterable of str, list of pairs of str, or data frame of two columns, n_samples
        y : as for `EncoderClassifier`

        Returns
        -------
        self : DistilledClassifier

        Raises
        ------
        TextInputError
            If `X` holds something else.
        ValueError
            If `y` is nothing to learn from, or a parameter is out of its range.
        DataError
            If the teacher's checkpoint is not there, damaged or incomplete.
        """
        started = time.monotonic()
        settings: dict[str, Any] = {
            "transfer_epochs": self.transfer_epochs,
            "epochs": self.epochs,
            "learning_rate": self.learning_rate,
        }
        # Before the teacher is trained for nothing.
        Recipe(**settings, max_seconds=self.max_seconds, device=self.device,
               precision=self.precision)  # fmt: skip
        texts, pairs = read_texts(X)  # both read them, and an iterator can be read once
        X = texts if pairs is None else list(zip(texts, pairs, strict=True))
        y = list(y) if isinstance(y, Iterator) else y
        random = streams(self.random_state, ("teacher", "student"))
        seeds = {name: int(each.integers(2**_SEED_BITS)) for name, each in random.items()}
        surroundings: dict[str, Any] = {
            "device": self.device,
            "precision": self.precision,
            "verbose": self.verbose,
        }
        teacher = self._new_teacher().set_params(
            **surroundings,
            random_state=seeds["teacher"],
            max_seconds=None if self.max_seconds is None else _SHARE * self.max_seconds,
        )
        teacher.fit(X, y)
        self.student_ = distill(
            teacher,
            X,
            y,
            student=self.student,
            relations=has_projections(teacher.encoder_.module),
            **settings,
            max_seconds=time_left(self.max_seconds, started),
            random_state=seeds["student"],
            **surroundings,
        )
        own = self.student_
        self.distillation_ = own.distillation_
        self.history_ = [
            {**entry, "stage": " ".join(filter(None, (TEACHER, entry.get("stage"))))}
            for entry in teacher.history_
        ] + list(own.history_)
        self.stopped_early_ = teacher.stopped_early_ or own.stopped_early_
        self.out_of_time_ = teacher.out_of_time_ or own.out_of_time_
        return self

    def _new_teacher(self) -> EncoderClassifier:
        if self.teacher is None:
            return BertClassifier()
        if not isinstance(self.teacher, EncoderClassifier):
            raise ValueError(
                "teacher must be an EncoderClassifier that says how to train one, or None, got "
                f"{shown(self.teacher)} ({type_name(self.teacher)}); of one that is fitted, "
                "textrep.distill makes a student"
            )
        return clone(self.teacher)

    # ---- the student's answers

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels, sorted."""
        return self._fitted_attribute("classes_")

    @property
    def encoder_(self) -> Encoder:
        """The student's encoder, with its tokenizer."""
        return self._fitted_attribute("encoder_")

    def _fitted_attribute(self, name: str) -> Any:
        if "student_" not in vars(self):
            raise AttributeError(f"this {type(self).__name__} is not fitted: it has no {name}")
        return getattr(self.student_, name)

    def _answering(self) -> EncoderClassifier:
        check_is_fitted(self, "student_")
        return self.student_.set_params(device=self.device, precision=self.precision)

    def predict(self, X: Any) -> Any:
        """The class of each text.

        Parameters
        ----------
        X : texts or pairs of texts, n_samples

        Returns
        -------
        ndarray (n_samples,), or as `EncoderClassifier` gives labels and quantities
        """
        return self._answering().predict(X)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of classes.

        Parameters
        ----------
        X : texts or pairs of texts, n_samples

        Returns
        -------
        float64 ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return self._answering().predict_proba(X)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """What the network says, before a temperature is applied.

        Parameters
        ----------
        X : texts or pairs of texts, n_samples

        Returns
        -------
        float64 ndarray
            (n_samples,) for two classes, the second less the first; else (n_samples, n_classes).
        """
        return self._answering().decision_function(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of texts of which all is right; of quantities, R squared.

        Parameters
        ----------
        X : texts or pairs of texts, n_samples
        y : as for `fit`
        sample_weight : array-like (n_samples,), optional

        Returns
        -------
        float
        """
        return self._answering().score(X, y, sample_weight)

    # ---- files, tags

    def _get_saved_params(self) -> dict[str, Any]:
        params = super()._get_saved_params()
        for name in ("teacher", "student"):
            if "student_" in vars(self) and isinstance(params[name], EncoderClassifier):
                params[name] = _without_objects(params[name])
        return params

    def _set_state(self, state: dict[str, Any]) -> None:
        student = state.get("student_")
        if state and not (isinstance(student, EncoderClassifier) and hasattr(student, "module_")):
            raise PersistError("student_ is no fitted EncoderClassifier")
        super()._set_state(state)

    def __sklearn_is_fitted__(self) -> bool:
        return "student_" in vars(self)

    def __sklearn_tags__(self) -> Tags:
        given = isinstance(self.teacher, EncoderClassifier)
        return get_tags(self.teacher if given else BertClassifier())


def _without_objects(classifier: EncoderClassifier) -> EncoderClassifier:
    """The parameters of a classifier, without the texts and the encoder it was given as such."""
    named = isinstance(classifier.checkpoint, str | os.PathLike)
    kept = {} if named else {"checkpoint": None}
    shell = type(classifier)()
    return shell.set_params(**{**classifier.get_params(deep=False), **kept, "pretrain_on": None})
