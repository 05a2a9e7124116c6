"""Saved models of every public estimator, and of pipelines with scikit-learn's."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import textrep
from tests.estimators import LABELS, PUBLIC_ESTIMATORS, TEXTS, Entry
from tests.hostile.mutations import mutated_model
from tests.hostile.targets.target import Target

_FILE = "model.textrep"


def _saved(estimator: Any, folder: Path) -> bytes:
    path = estimator.save(folder / _FILE) if hasattr(estimator, "save") else None
    path = path or textrep.save(estimator, folder / _FILE)
    data = path.read_bytes()
    path.unlink()
    return data


def _of_entry(entry: Entry, folder: Path) -> bytes:
    return _saved(entry.make().fit(entry.data(), entry.labels), folder)


def _of_pipeline(folder: Path) -> bytes:
    pipeline = make_pipeline(textrep.TfidfVectorizer(), LogisticRegression())
    return _saved(pipeline.fit(TEXTS, LABELS), folder)


def _used(answer: Callable[[Any], object], path: Path) -> None:
    model = textrep.load(path)
    ask(lambda: answer(model))


def ask(question: Callable[[], object]) -> None:
    """Ask what was loaded: whatever error an answer comes to is not that of the file, but a process
    must not end, nor take all memory or for ever.
    """
    try:
        question()
    except MemoryError:
        raise
    except Exception:
        pass


def _answer(entry: Entry, model: Any) -> object:
    return getattr(model, entry.verb)(entry.data())


def _pipeline_answer(model: Any) -> object:
    return model.predict_proba(TEXTS)


MODELS = (
    Target(
        *("model Pipeline", _FILE, _of_pipeline),
        *(functools.partial(_used, _pipeline_answer), mutated_model),
    ),
    *(
        Target(
            *(f"model {entry.estimator.__name__}", _FILE, functools.partial(_of_entry, entry)),
            *(functools.partial(_used, functools.partial(_answer, entry)), mutated_model),
        )
        for entry in PUBLIC_ESTIMATORS
    ),
)
