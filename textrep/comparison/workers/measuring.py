"""In the process of a rung: fit it, test it, and measure what it takes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.utils import get_tags

from textrep.comparison.calibration import (
    TemperatureScaledClassifier,
    find_temperature,
    scores_of,
    soften,
)
from textrep.comparison.errors import ComparisonError
from textrep.comparison.features import text_steps
from textrep.comparison.split import Split
from textrep.comparison.task import Task
from textrep.comparison.workers.deadline import Deadline
from textrep.comparison.workers.jobs import (
    MODEL,
    PICKLED_MODEL,
    Answer,
    Figures,
    Request,
    write_answer,
)
from textrep.comparison.workers.memory import PeakMemory
from textrep.comparison.workers.preparing import prepare, warm_up
from textrep.core.messages import shown
from textrep.core.persist import PersistError, save
from textrep.core.random import stream

# Single documents that are timed: so many that a 99th percentile means something, within a time.
_LATENCY_DOCUMENTS = 300
_LATENCY_SECONDS = 0.5
# Parts of the training texts on which the learning curve stands, next to all of them.
_CURVE_PARTS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
_MIN_CURVE_TEXTS = 10
# For label errors: each costs a fit, and two thirds of the texts tell nearly as much as all.
_CHECK_FOLDS = 3

_CALIBRATION = "probabilities"
_MODEL = "the fitted model"
_LATENCY = "the time of single documents"
_CURVE = "the learning curve"


def measure(request: Request, task: Task, folder: Path) -> None:
    """Fit a rung on each split, test it, and write the answer.

    The answer is written as soon as there is a score, and again after each further figure: when
    the time ends in between, what there is counts.

    Parameters
    ----------
    request : Request
        What is asked for.
    task : Task
        Documents and splits.
    folder : Path
        For the answer.
    """
    _Measurement(request, task, folder).run()


def refit(request: Request, task: Task, folder: Path) -> None:
    """Fit a rung on all that may be learnt from, and keep the model.

    Parameters
    ----------
    request, task, folder
        As for `measure`.
    """
    figures = Figures()
    deadline = Deadline(request.seconds)
    pipeline = prepare(request, task, task.learnt, figures, deadline, n_fits=2)
    pipeline.fit(task.inputs(task.learnt), task.labels[task.learnt])
    temperature = None
    if request.rung.warm_up:
        temperature = _temperature(pipeline, request, task, task.learnt, figures)
    _keep(pipeline, temperature, figures, folder)
    write_answer(folder, Answer(figures, np.empty(0, dtype=np.int32), None))


def cross_predict(request: Request, task: Task, folder: Path) -> None:
    """Probabilities of every document by models that have not seen it.

    Parameters
    ----------
    request, task, folder
        As for `measure`.
    """
    from textrep.comparison.health import out_of_fold

    pipeline = prepare(request, task, task.learnt, Figures(), Deadline(None))
    probabilities = out_of_fold(pipeline, task, n_folds=_CHECK_FOLDS, random_state=request.seed)
    answer = Answer(
        Figures(), np.empty(0, dtype=np.int32), np.asarray(probabilities, dtype=np.float32)
    )
    write_answer(folder, answer)


class _Measurement:
    """One rung on its way through the splits."""

    def __init__(self, request: Request, task: Task, folder: Path) -> None:
        self._request = request
        self._task = task
        self._folder = folder
        self._deadline = Deadline(request.seconds)
        self._classes = np.array(task.classes, dtype=task.labels.dtype)
        self._figures = Figures()
        self._codes = np.full(len(task.tested), -1, dtype=np.int32)
        self._scores: NDArray[np.float64] | None = np.full(
            (len(task.tested), len(self._classes)), -np.inf
        )

    def run(self) -> None:
        """Measure everything there is time for, what matters most first."""
        figures, request, task = self._figures, self._request, self._task
        model = self._fit_splits()
        # What costs money is asked for the test texts and nothing more.
        free = request.rung.warm_up
        wanted = [_CALIBRATION, _LATENCY] if free else []
        wanted += [] if task.folds else [_MODEL]
        wanted += [_CURVE] if request.learning_curve and free else []
        figures.missing += wanted
        self._write()
        if _CALIBRATION in wanted and self._deadline.allows(figures.fit_seconds):
            figures.temperature = _temperature(model, request, task, task.splits[0].train, figures)
            self._done(_CALIBRATION)
        if _MODEL in wanted:
            try:
                _keep(model, figures.temperature, figures, self._folder)
                self._done(_MODEL)
            except OSError as error:
                figures.notes.append(f"the model is not kept: {error.strerror or error}")
        if _LATENCY in wanted and self._deadline.allows(_LATENCY_SECONDS):
            figures.latencies = _latencies(model, task)
            self._done(_LATENCY)
        if _CURVE in wanted and self._draw_curve(model):
            self._done(_CURVE)

    def _fit_splits(self) -> Any:
        """Fit and test on every split; the pipeline of the first."""
        first: Any = None
        splits = self._task.splits
        for number, split in enumerate(splits):
            fits_to_come = len(splits) - number + 1  # and one to calibrate with
            pipeline = prepare(
                self._request, self._task, split.train, self._figures, self._deadline, fits_to_come
            )
            if self._request.rung.warm_up:
                warm_up(pipeline, self._task, split.train)
            self._fit_and_predict(pipeline, split)
            # Vocabularies are what takes the memory: only one is kept.
            first = pipeline if number == 0 else first
        self._figures.fit_seconds /= len(splits)
        self._describe(first)
        return first

    def _fit_and_predict(self, pipeline: Any, split: Split) -> None:
        figures, task = self._figures, self._task
        # What a rung does to its texts is not for what comes after to see.
        learnt, labels = task.inputs(split.train), task.labels[split.train]
        tested = task.inputs(split.test)
        memory = PeakMemory()
        start = time.perf_counter()
        pipeline.fit(learnt, labels)
        fitted = time.perf_counter()
        predicted = pipeline.predict(tested)
        done = time.perf_counter()
        rise = memory.rise()
        if rise is not None:
            figures.peak_memory_bytes = max(rise, figures.peak_memory_bytes or 0)
        figures.fit_seconds += fitted - start
        figures.predict_seconds += self._waited(pipeline) or done - fitted
        rows = np.searchsorted(task.tested, split.test)
        self._codes[rows] = _coded(predicted, self._classes, len(rows))
        self._score(pipeline, split, rows)

    def _waited(self, pipeline: Any) -> float | None:
        """Seconds that the answers of a hosted model took, also where a cache had them by now."""
        last = pipeline[-1] if hasattr(pipeline, "steps") else pipeline
        waits = getattr(last, "waits_", None)
        if waits is None or not len(waits):
            return None
        self._figures.latencies += [float(wait) for wait in waits]
        return float(np.sum(waits)) / max(1, last.n_jobs)

    def _score(self, pipeline: Any, split: Split, rows: NDArray[np.intp]) -> None:
        """Keep what probabilities are made of, unless it would be paid for a second time."""
        if self._scores is None or not self._request.rung.warm_up:
            self._scores = None
            return
        # A fold need not have all classes.
        columns = np.searchsorted(self._classes, np.asarray(pipeline.classes_))
        scores = scores_of(pipeline, self._task.inputs(split.test))
        self._scores[np.ix_(rows, columns)] = scores

    def _describe(self, model: Any) -> None:
        figures, rung = self._figures, self._request.rung
        texts = text_steps(model) if self._task.has_columns else model
        if rung.notes is not None:
            figures.notes += list(rung.notes(texts))
        steps = [step for _, step in getattr(texts, "steps", ())]
        figures.stopped_early = any(_is_out_of_time(step) for step in steps)
        if rung.cost is not None:
            figures.cost = rung.cost(model)

    def _draw_curve(self, model: Any) -> bool:
        """Accuracy on growing parts of the training texts; whether there was time for all."""
        task, figures, split = self._task, self._figures, self._task.splits[0]
        order = stream(0, "learning curve").permutation(split.train)
        sizes = [round(part * len(order)) for part in _CURVE_PARTS]
        truth = task.labels[split.test]
        # Fitting is assumed to take time in proportion.
        for size in sizes:
            share = np.sort(order[:size])
            if size < _MIN_CURVE_TEXTS or len(np.unique(task.labels[share])) < 2:
                continue
            if not self._deadline.allows(figures.fit_seconds * size / len(order)):
                return False
            copy = clone(model).fit(task.inputs(share), task.labels[share])
            right = np.asarray(copy.predict(task.inputs(split.test))) == truth
            figures.learning_curve.append((size, float(np.mean(right))))
        rows = np.searchsorted(task.tested, split.test)
        right = self._codes[rows] == _coded(truth, self._classes, len(rows), strict=False)
        figures.learning_curve.append((len(order), float(np.mean(right))))
        return True

    def _done(self, what: str) -> None:
        self._figures.missing.remove(what)
        self._write()

    def _write(self) -> None:
        probabilities = None
        if self._scores is not None:
            # Until it is known, as the scores stand.
            found = soften(self._scores, self._figures.temperature or 1.0)
            probabilities = found.astype(np.float32)
        write_answer(self._folder, Answer(self._figures, self._codes, probabilities))


def _temperature(
    model: Any, request: Request, task: Task, positions: NDArray[np.intp], figures: Figures
) -> float:
    """Temperature of a fitted model, measured on a part of what it has learnt from.

    Only what has seen labels is fitted anew on the other part.
    """
    inputs, labels = task.inputs(positions), task.labels[positions]
    if _front_is_blind(model):
        inputs, model = model[:-1].transform(inputs), model[-1]
    texts = [task.texts[i] for i in positions]
    found = find_temperature(model, inputs, labels, groups=texts, random_state=request.seed)
    if found.note:
        figures.notes.append(f"probabilities are not calibrated: {found.note}")
    return found.value


def _front_is_blind(model: Any) -> bool:
    """Whether all but the last step of a pipeline are known to learn without labels."""
    steps = [step for _, step in getattr(model, "steps", ())[:-1]]
    return bool(steps) and all(map(_is_blind, steps))


def _is_blind(step: Any) -> bool:
    if isinstance(step, Normalizer | StandardScaler):
        return True
    # What is not ours may look at labels without saying so.
    return type(step).__module__.startswith("textrep.") and not get_tags(step).target_tags.required


def _is_out_of_time(step: Any) -> bool:
    """Whether its time, and not its own patience, ended the training of a step."""
    return bool(getattr(step, "out_of_time_", getattr(step, "stopped_early_", False)))


def _latencies(model: Any, task: Task) -> list[float]:
    chosen = stream(0, "latency").permutation(task.tested)[:_LATENCY_DOCUMENTS]
    spent: list[float] = []
    # The first call loads what the next ones find loaded; a server meets it once.
    model.predict(task.inputs(chosen[:1]))
    end = time.perf_counter() + _LATENCY_SECONDS
    for position in chosen:
        document = task.inputs(np.array([position]))
        start = time.perf_counter()
        model.predict(document)
        now = time.perf_counter()
        spent.append(now - start)
        if now >= end:
            break
    return spent


def _keep(model: Any, temperature: float | None, figures: Figures, folder: Path) -> None:
    """Write the model to the folder, and its size into the figures."""
    scaled = TemperatureScaledClassifier.around(model, temperature or 1.0)
    path = folder / MODEL
    try:
        save(scaled, path)
    except PersistError:
        # An estimator of the user's own: it goes back to the program that it came from.
        import cloudpickle

        path = folder / PICKLED_MODEL
        with path.open("wb") as file:
            cloudpickle.dump(scaled, file)
    figures.model_bytes = path.stat().st_size


def _coded(
    answers: Any, classes: NDArray[Any], expected: int, *, strict: bool = True
) -> NDArray[np.int32]:
    """Numbers of classes; -1 for what is none, unless that is an error."""
    found = np.asarray(answers)
    if found.shape != (expected,):
        raise ComparisonError(
            f"predict answered with shape {found.shape} to {expected} documents; expected "
            f"({expected},)"
        )
    numbers = {label: number for number, label in enumerate(classes.tolist())}
    codes = np.array([numbers.get(label, -1) for label in found.tolist()], dtype=np.int32)
    if strict and (codes < 0).any():
        odd = found.tolist()[int(np.argmax(codes < 0))]
        raise ComparisonError(f"predict answered {shown(odd)}, which is none of the classes")
    return codes
