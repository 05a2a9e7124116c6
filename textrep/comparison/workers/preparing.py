"""In the process of a rung: its pipeline, with chosen settings and ready to be timed."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from textrep.comparison.features import inner_name, with_columns
from textrep.comparison.task import Task
from textrep.comparison.tuning import tune
from textrep.comparison.workers.deadline import Deadline
from textrep.comparison.workers.jobs import Figures, Request

# Enough to compile and load whatever a rung uses, too few to take time.
_WARM_UP_TEXTS = 8


def prepare(
    request: Request,
    task: Task,
    positions: NDArray[np.intp],
    figures: Figures,
    deadline: Deadline,
    n_fits: int = 1,
) -> Pipeline:
    """Make the pipeline of a rung for some documents, not yet fitted.

    Parameters
    ----------
    request : Request
        Names the rung, and says whether settings are searched for.
    task : Task
        Documents.
    positions : ndarray of shape (n,)
        Of the documents to learn from; a search sees no others.
    figures : Figures
        Takes the time and the result of the search.
    deadline : Deadline
        Of the rung.
    n_fits : int, default=1
        For how many fits the time has to do.

    Returns
    -------
    Pipeline
    """
    pipeline = request.rung.factory(request.seed)
    if request.tune and request.rung.grid:
        found = tune(
            pipeline,
            request.rung.grid,
            [task.texts[i] for i in positions],
            task.labels[positions],
            max_seconds=deadline.training(n_fits),
            time_parameter=request.rung.max_seconds,
            random_state=request.seed,
            verbose=0,
        )
        figures.tune_seconds = (figures.tune_seconds or 0.0) + found.seconds
        figures.settings = figures.settings or dict(found.settings)
        figures.notes += [note for note in found.notes if note not in figures.notes]
        if not found.complete and "search" not in figures.missing:
            figures.missing.append("a part of the search for settings")
        pipeline = found.pipeline
    limit = request.rung.max_seconds
    if task.has_columns:
        limit = inner_name(limit, pipeline.steps[-1][0]) if limit else None
        pipeline = with_columns(pipeline, len(task.numeric), len(task.categorical))
    if limit and (seconds := deadline.training(n_fits)) is not None:
        pipeline.set_params(**{limit: seconds})
    return pipeline


def warm_up(pipeline: Pipeline, task: Task, positions: NDArray[np.intp]) -> None:
    """Use a copy once, so that compiling and importing do not count as time of the rung.

    Parameters
    ----------
    pipeline : Pipeline
        It is left as it is.
    task : Task
        Documents.
    positions : ndarray of shape (n,)
        Of those that may be used.
    """
    labels = task.labels[positions]
    other = int(np.flatnonzero(labels != labels[0])[0])
    # Two classes at least, which every classifier asks for.
    chosen = positions[sorted({*range(min(_WARM_UP_TEXTS, len(positions))), other})]
    # A rung may refuse so little text; whether it works is for the real fit to tell.
    with contextlib.suppress(Exception, SystemExit):
        copy: Any = clone(pipeline)
        copy.fit(task.inputs(chosen), task.labels[chosen]).predict(task.inputs(chosen))
