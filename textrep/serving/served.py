"""What stands behind the address: a saved model, and what it can be asked for."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from textrep.comparison import ComparisonError, SavedModel, explain, load_model
from textrep.comparison.columns import numeric_column
from textrep.comparison.model_card import CARD_FILE
from textrep.core.files import checksum_of
from textrep.core.messages import printable, shown
from textrep.core.persist import MODEL_FILE, PersistError, load
from textrep.serving.errors import ServingError

Call: TypeAlias = Callable[[list[str], dict[str, list[Any]]], list[Any]]
"""From texts, and the columns that belong to them, to one answer a text."""

PREDICT, EXPLAIN, TRANSFORM = "predict", "explain", "transform"
MAX_WORDS = 100
"""Words that an explanation gives at most."""

SAMPLE = "a quick and funny film about a fox and a lazy dog"
"""A short text, to try a model on."""

# Digits of a probability; more are beyond what any test part can show.
_DIGITS = 6


@dataclass(frozen=True)
class ServedModel:
    """A model and its answers.

    Made by `serve_model` and `open_served`.

    Parameters
    ----------
    name : str
        What it is called.
    checksum : str
        ``"sha256:..."`` of the file that it was loaded from; empty for one that was not.
    classes : list
        The labels it answers with; empty where it has none.
    columns : tuple of str
        Names of the columns that it needs beside texts.
    calls : mapping of str to callable
        Its answers by what is asked for: ``"predict"`` gives (label, probabilities by class or
        None), ``"explain"`` (label, words and their effects), ``"transform"`` a vector.
    lacking : mapping of str to str
        Why it has no answer to the others.
    numeric : tuple of str, default=()
        Those of the columns that hold numbers.
    is_hosted : bool, default=False
        Whether each prediction is a question to another server.
    """

    name: str
    checksum: str
    classes: list[Any] = field(repr=False)
    columns: tuple[str, ...]
    calls: Mapping[str, Call] = field(repr=False)
    lacking: Mapping[str, str] = field(repr=False)
    numeric: tuple[str, ...] = ()
    is_hosted: bool = False

    def check_columns(self, columns: Mapping[str, list[Any]]) -> None:
        """Refuse values that the model cannot take, of all texts of a request at once: it is asked
        about them in parts, and would count rows in those.

        Parameters
        ----------
        columns : mapping of str to list

        Raises
        ------
        ComparisonError
        """
        for name in self.numeric:
            numeric_column(name, columns[name])

    def missing_columns(self, n_texts: int) -> dict[str, list[Any]]:
        """Columns without a single known value, to try the model with."""
        return {name: [None] * n_texts for name in self.columns}


def open_served(path: str | os.PathLike[str]) -> ServedModel:
    """Load a saved model to serve it.

    Parameters
    ----------
    path : str or path-like
        The folder that `textrep compare --save` made, or whatever else `textrep.load` takes.

    Returns
    -------
    ServedModel

    Raises
    ------
    ServingError
        When there is no such model, it is damaged, was changed while it was read, or cannot be
        asked about texts.
    """
    where = printable(str(path))
    given = Path(path)
    try:
        file = _model_file(given)
        before = _signature(file)
        model = load_model(path) if _is_saved(given) else load(path)
        after = _signature(file)
    except (ComparisonError, PersistError) as error:
        raise ServingError(str(error)) from error
    except OSError as error:
        raise ServingError(f"{where}: cannot be read: {error.strerror or error}") from error
    if before != after:
        raise ServingError(f"{where}: was changed while it was read; start again")
    return serve_model(model, name=given.stem, checksum=after)


def _model_file(path: Path) -> Path | None:
    """The file to take the checksum of; None for a model that comes with textrep."""
    return next((file for file in (path / MODEL_FILE, path) if file.is_file()), None)


def _signature(file: Path | None) -> str:
    """The checksum of a file with the name of its kind; empty where there is no file."""
    return f"sha256:{checksum_of(file)}" if file else ""


def _is_saved(path: Path) -> bool:
    """Whether it is, or should be, the folder of a comparison's model: without a file in it,
    `load_model` knows best what is missing.
    """
    return (path / CARD_FILE).exists() or (path.is_dir() and not (path / MODEL_FILE).is_file())


def serve_model(model: Any, *, name: str | None = None, checksum: str = "") -> ServedModel:
    """Find out what a model can be asked for.

    It is tried on a short text, which also compiles the kernels it needs; one whose predictions
    are questions to another server is not.

    Parameters
    ----------
    model : SavedModel or fitted estimator
        A classifier of texts, or a transformer of them to vectors.
    name : str, optional
        What it is called; that of a `SavedModel` is in its card, that of others is their class.
    checksum : str, default=""
        See `ServedModel`.

    Returns
    -------
    ServedModel

    Raises
    ------
    ServingError
        When it neither classifies texts nor gives vectors of them, or fails on the short text.

    Examples
    --------
    >>> import textrep
    >>> served = serve_model(textrep.CountVectorizer().fit(["so much text"]))
    >>> served.calls["transform"](["much text"], {})
    [{'indices': [0, 2], 'values': [1, 1]}]
    >>> served.lacking["predict"]
    'the model is a CountVectorizer, which does not classify'
    """
    if isinstance(model, SavedModel):
        served = _classifying(model, str(model.card.get("model") or name), checksum)
    elif hasattr(model, "classes_") and hasattr(model, "predict"):
        served = _classifying(model, name or type(model).__name__, checksum)
    elif hasattr(model, "transform"):
        served = _transforming(model, name or type(model).__name__, checksum)
    else:
        raise ServingError(
            f"a {type(model).__name__} cannot be served: it neither classifies texts nor gives "
            "vectors of them"
        )
    if not served.is_hosted:
        _try(served, model)
    return served


def _try(served: ServedModel, model: Any) -> None:
    for what, call in served.calls.items():
        try:
            call([SAMPLE], served.missing_columns(1))
        except Exception as error:
            # Whatever a model for other data makes of a text is the same to whoever starts it.
            raise ServingError(
                f"a {type(model).__name__} cannot be served: {what} of a text fails with "
                f"{type(error).__name__}: {error}"
            ) from error


def _classifying(model: Any, name: str, checksum: str) -> ServedModel:
    saved = isinstance(model, SavedModel)
    is_hosted = saved and model.is_hosted
    calls: dict[str, Call] = {PREDICT: _predicting(model)}
    lacking = {TRANSFORM: "the model is a classifier, which gives no vectors"}
    if is_hosted:
        lacking[EXPLAIN] = (
            "explaining asks the hosted model once for each word of a text, which costs money"
        )
    elif saved or hasattr(model, "predict_proba"):
        calls[EXPLAIN] = _explaining(model)
    else:
        lacking[EXPLAIN] = "the model gives no probabilities, which explaining needs"
    columns = model.column_names if saved else ()
    classes = model.classes_.tolist()
    numeric = model.numeric if saved else ()
    return ServedModel(name, checksum, classes, columns, calls, lacking, numeric, is_hosted)


def _predicting(model: Any) -> Call:
    classes = model.classes_.tolist()
    names = list(map(str, classes))
    probabilities = _probabilities(model)

    def call(texts: list[str], columns: dict[str, list[Any]]) -> list[Any]:
        if probabilities is None:
            return [(label, None) for label in np.asarray(model.predict(texts)).tolist()]
        table = probabilities(texts, columns)
        best = table.argmax(axis=1).tolist()
        rows = table.round(_DIGITS).tolist()
        return [
            (classes[at], dict(zip(names, row, strict=True)))
            for at, row in zip(best, rows, strict=True)
        ]

    return call


def _probabilities(model: Any) -> Callable[[list[str], dict[str, list[Any]]], Any] | None:
    if isinstance(model, SavedModel):
        return lambda texts, columns: model.predict_proba(texts, columns=columns)
    if hasattr(model, "predict_proba"):
        return lambda texts, columns: np.asarray(model.predict_proba(texts))
    return None


def _explaining(model: Any) -> Call:
    classes = model.classes_.tolist()
    probabilities = _probabilities(model)
    assert probabilities is not None

    def words(text: str, columns: dict[str, list[Any]]) -> list[tuple[str, float]]:
        if isinstance(model, SavedModel):
            return model.explain([text], MAX_WORDS, columns=columns)[0]
        return explain(model, text, n_words=MAX_WORDS)

    def call(texts: list[str], columns: dict[str, list[Any]]) -> list[Any]:
        best = probabilities(texts, columns).argmax(axis=1).tolist()
        each = [{name: [values[at]] for name, values in columns.items()} for at in range(len(best))]
        return [
            (classes[at], [[word, round(effect, _DIGITS)] for word, effect in words(text, own)])
            for at, text, own in zip(best, texts, each, strict=True)
        ]

    return call


def _transforming(model: Any, name: str, checksum: str) -> ServedModel:
    def call(texts: list[str], columns: dict[str, list[Any]]) -> list[Any]:
        found = model.transform(texts)
        return _sparse_rows(found) if sp.issparse(found) else _dense_rows(found)

    lack = f"the model is a {type(model).__name__}, which does not classify"
    return ServedModel(name, checksum, [], (), {TRANSFORM: call}, {PREDICT: lack, EXPLAIN: lack})


def _dense_rows(found: Any) -> list[Any]:
    table = np.asarray(found)
    if table.ndim != 2 or not np.issubdtype(table.dtype, np.number):
        raise ServingError(f"its vectors are {shown(found)}; expected a table of numbers")
    rows: list[Any] = table.tolist()
    return rows


def _sparse_rows(found: Any) -> list[Any]:
    """Of each row the columns that are not zero, ascending, and their values."""
    table: Any = sp.csr_array(found)
    table.sort_indices()
    cuts = table.indptr.tolist()
    indices, values = table.indices.tolist(), table.data.tolist()
    return [{"indices": indices[a:b], "values": values[a:b]} for a, b in itertools.pairwise(cuts)]
