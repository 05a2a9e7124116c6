"""A model that a comparison saved, ready to predict."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.calibration import TemperatureScaledClassifier
from textrep.comparison.columns import categorical_column, numeric_column
from textrep.comparison.errors import ComparisonError
from textrep.comparison.explaining import explain
from textrep.comparison.model_card import read_card
from textrep.comparison.task import Inputs, Task
from textrep.core.messages import printable
from textrep.core.persist import MODEL_FILE, load
from textrep.core.text import check_texts
from textrep.sparse import fuse
from textrep.sparse.folding import FusionError

Columns: TypeAlias = "Mapping[str, Sequence[Any]] | None"


class SavedModel:
    """A classifier of texts and the card that says what it was learnt from.

    Made by `load_model`.

    Parameters
    ----------
    estimator : fitted classifier
        From texts, or a table of texts and further columns, to labels.
    card : mapping
        What its ``card.json`` holds.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels it answers with, sorted.
    numeric, categorical : tuple of str
        Names of the further columns it needs, in their order.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> model = SavedModel(DummyClassifier().fit(["a", "b", "c"], ["yes", "no", "yes"]), {})
    >>> model.predict(["what?"]).tolist()
    ['yes']
    """

    def __init__(self, estimator: Any, card: Mapping[str, Any]) -> None:
        self.estimator = estimator
        self._predictor = _fused(estimator)
        self.card = card
        self.classes_: NDArray[Any] = estimator.classes_
        columns = card.get("columns", {})
        self.numeric: tuple[str, ...] = tuple(columns.get("numeric", ()))
        self.categorical: tuple[str, ...] = tuple(columns.get("categorical", ()))

    def __repr__(self) -> str:
        return f"SavedModel({self.card.get('model')!r}, {len(self.classes_)} classes)"

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the further columns that it needs; empty where texts are enough."""
        return self.numeric + self.categorical

    @property
    def is_hosted(self) -> bool:
        """Whether each prediction is a question to a hosted model, which may cost money."""
        from textrep.comparison.llm.classifier import LLMClassifier

        pipeline = getattr(self.estimator, "estimator_", self.estimator)
        return any(isinstance(step, LLMClassifier) for _, step in getattr(pipeline, "steps", ()))

    def predict(self, texts: Iterable[str], *, columns: Columns = None) -> NDArray[Any]:
        """Tell the class of each text.

        Parameters
        ----------
        texts : iterable of str
            Documents.
        columns : mapping of str to sequence of length n_samples, optional
            The further columns by name, where the model needs any (`column_names`).

        Returns
        -------
        ndarray of shape (n_samples,)

        Raises
        ------
        ComparisonError
            When a column that the model needs is missing, or of another length.
        TextInputError
            When an item is not a text.
        """
        inputs = self._inputs(texts, columns)
        return self._predictor.predict(inputs) if len(inputs) else self.classes_[:0]

    def predict_proba(
        self, texts: Iterable[str], *, columns: Columns = None
    ) -> NDArray[np.float64]:
        """Tell the probability of each class for each text.

        Parameters
        ----------
        texts, columns
            See `predict`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.

        Raises
        ------
        ComparisonError, TextInputError
            See `predict`.
        """
        inputs = self._inputs(texts, columns)
        if not len(inputs):
            return np.empty((0, len(self.classes_)))
        return np.asarray(self._predictor.predict_proba(inputs), dtype=np.float64)

    def explain(
        self, texts: Iterable[str], n_words: int = 5, *, columns: Columns = None
    ) -> list[list[tuple[str, float]]]:
        """Tell which words decided each prediction.

        Parameters
        ----------
        texts : iterable of str
            Documents.
        n_words : int, default=5
            Words to give for each at most.
        columns : mapping of str to sequence of length n_samples, optional
            See `predict`; they are left as they are.

        Returns
        -------
        list of list of (str, float), length n_samples
            Word and effect; see `explain` in `textrep.comparison`.

        Raises
        ------
        ComparisonError, TextInputError
            See `predict`.
        """
        checked = check_texts(texts, allow_empty=True)
        task = self._task(checked, columns)
        return [
            explain(
                self._predictor,
                text,
                n_words=n_words,
                inputs=functools.partial(_repeated, task, row),
            )
            for row, text in enumerate(checked)
        ]

    def _inputs(self, texts: Iterable[str], columns: Columns) -> Inputs:
        task = self._task(check_texts(texts, allow_empty=True), columns)
        return task.inputs(np.arange(len(task.texts)))

    def _task(self, texts: list[str], columns: Columns) -> Task:
        """Texts and columns in the form that estimators are given."""
        given = columns or {}
        for name in self.column_names:
            if name not in given:
                raise ComparisonError(
                    f"column {name!r} is missing: the model was learnt from it; "
                    f"give columns={{{name!r}: ...}}"
                )
            if len(given[name]) != len(texts):
                raise ComparisonError(
                    f"column {name!r} has {len(given[name])} values, but there are {len(texts)} "
                    "texts; give one for each"
                )
        numeric = {name: numeric_column(name, given[name]) for name in self.numeric}
        categorical = {name: categorical_column(name, given[name]) for name in self.categorical}
        return Task("", texts, np.empty(len(texts)), (), numeric, categorical)


def _fused(estimator: Any) -> Any:
    """The same answers, twice as fast, where its pipeline can do without a matrix."""
    if not isinstance(estimator, TemperatureScaledClassifier):
        return estimator
    try:
        pipeline = fuse(estimator.estimator_)
    except FusionError:
        return estimator
    return TemperatureScaledClassifier.around(pipeline, estimator.temperature_)


def _repeated(task: Task, row: int, variants: Sequence[str]) -> Inputs:
    """Variants of one text, each with the columns of that text."""
    rows = np.full(len(variants), row)
    numeric = {name: values[rows] for name, values in task.numeric.items()}
    categorical = {name: values[rows] for name, values in task.categorical.items()}
    repeated = Task("", variants, rows, (), numeric, categorical)
    return repeated.inputs(np.arange(len(variants)))


def load_model(folder: str | os.PathLike[str]) -> SavedModel:
    """Load a model that a comparison saved, with its card.

    Nothing that the files say is executed, so models of others can be opened.

    Parameters
    ----------
    folder : str or path-like
        As `save_model` made it.

    Returns
    -------
    SavedModel

    Raises
    ------
    ComparisonError
        When the folder is not there or holds no such model, or its card is damaged, of a newer
        version, or not of this model.
    PersistError
        When the model's file is damaged or of a newer version.
    OSError
        When a file cannot be read.

    See Also
    --------
    textrep.load : The estimator alone.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import textrep
    >>> texts = [f"{noun} {letter}" for noun in ("apple", "pear") for letter in "abcdefgh"]
    >>> labels = ["A"] * 8 + ["P"] * 8
    >>> result = textrep.compare(texts, labels, methods=["bow-nb"], verbose=0)
    >>> with TemporaryDirectory() as folder:
    ...     model = load_model(result.save(f"{folder}/model"))
    >>> model.predict(["pear pie"]).tolist()
    ['P']
    """
    path = Path(folder)
    card = read_card(path)
    if not (path / MODEL_FILE).is_file():
        raise ComparisonError(
            f"{printable(str(folder))}: the folder holds no {MODEL_FILE}; save the model again"
        )
    estimator = load(path)
    try:
        model = SavedModel(estimator, card)
    except Exception as error:
        # Whatever a file holds in place of a fitted classifier makes of it.
        raise ComparisonError(
            f"{printable(str(folder))}: {MODEL_FILE} holds no classifier that can be asked: "
            f"{type(error).__name__}: {error!s:.200}"
        ) from error
    if [str(label) for label in model.classes_] != [each["name"] for each in card["classes"]]:
        raise ComparisonError(
            f"{printable(str(folder))}: card.json names other classes than the model has; the "
            "files do not belong together"
        )
    return model
