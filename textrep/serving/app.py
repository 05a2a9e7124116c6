"""`create_app`: the application that answers requests about a model."""

from __future__ import annotations

import importlib.util
import math
import os
from typing import TYPE_CHECKING, Any

from textrep.core.messages import shown
from textrep.serving.asking import Limits, check_positive
from textrep.serving.errors import ServingError
from textrep.serving.metrics import Metrics
from textrep.serving.served import ServedModel, open_served, serve_model

if TYPE_CHECKING:
    from fastapi import FastAPI


def need_packages(*names: str) -> None:
    """Refuse to go on where packages of the extra ``serve`` are not installed.

    Parameters
    ----------
    *names : str
        What they are imported as.

    Raises
    ------
    ModuleNotFoundError
    """
    if missing := [name for name in names if importlib.util.find_spec(name) is None]:
        raise ModuleNotFoundError(
            f"serving needs {' and '.join(missing)}: pip install 'textrep[serve]'"
        )


def create_app(
    model: Any,
    *,
    max_texts: int = 1000,
    max_characters: int = 1_000_000,
    max_bytes: int = 1 << 24,
    max_wait: float = 30.0,
    max_waiting: int = 1000,
    batch: int = 64,
    metrics: Metrics | None = None,
) -> FastAPI:
    """Make the application that answers requests about a model.

    ``POST /predict`` takes ``{"texts": [...]}`` or ``{"text": "..."}`` and gives labels and
    probabilities, ``POST /explain`` the words that decided, ``POST /transform`` vectors.
    ``GET /health``, ``GET /metrics`` and ``GET /docs`` are about the server.

    Parameters
    ----------
    model : SavedModel, fitted estimator, ServedModel, or str or path-like
        A classifier of texts or a transformer of them, or where it is saved.
    max_texts : int, default=1000
        Texts of one request; further ones are answered with status 413.
    max_characters : int, default=1_000_000
        Of one text; status 413.
    max_bytes : int, default=16_777_216
        Of the body of a request; status 413.
    max_wait : float, default=30.0
        Seconds in which a request must have come and, apart from that, must be answered; status
        408 or 503.
    max_waiting : int, default=1000
        Requests that may wait for the model; status 503.
    batch : int, default=64
        Texts that the model is asked about at once at most: of requests that wait, several are
        gathered.
    metrics : Metrics, optional
        Where to count; None makes one.

    Returns
    -------
    fastapi.FastAPI

    Raises
    ------
    ServingError
        When the model cannot be served, or a setting is out of its range.
    ModuleNotFoundError
        When fastapi is not installed.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> app = create_app(DummyClassifier().fit(["a", "b", "c"], ["yes", "no", "yes"]))
    >>> app.title
    'textrep: DummyClassifier'
    """
    need_packages("fastapi")
    from textrep.serving.routes import Answering, build_app

    limits = Limits(max_texts, max_characters, max_bytes)
    check_positive("max_waiting", max_waiting)
    check_positive("batch", batch)
    if isinstance(max_wait, bool) or not isinstance(max_wait, int | float):
        raise ServingError(f"max_wait is {shown(max_wait)}; expected a number of seconds")
    if not 0 < max_wait < math.inf:
        raise ServingError(f"max_wait is {max_wait}; expected a number of seconds above 0")
    answering = Answering(
        _served(model),
        limits,
        max_wait=float(max_wait),
        max_waiting=max_waiting,
        batch=batch,
        metrics=metrics or Metrics(),
    )
    return build_app(answering)


def _served(model: Any) -> ServedModel:
    if isinstance(model, ServedModel):
        return model
    if isinstance(model, str | os.PathLike):
        return open_served(model)
    return serve_model(model)
