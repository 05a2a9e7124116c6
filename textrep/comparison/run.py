"""`compare`: fit every rung on one part of the data and test it on the other."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from textrep._version import __version__
from textrep.comparison.arranging import Division, Given, arrange, tested_part
from textrep.comparison.concluding import conclude
from textrep.comparison.errors import ComparisonError
from textrep.comparison.health import Health, dedupe, examine
from textrep.comparison.journal import Journal, fingerprint
from textrep.comparison.models import Models
from textrep.comparison.outcome import Metric
from textrep.comparison.result import ComparisonResult
from textrep.comparison.rungs import Rung, choose_rungs
from textrep.comparison.task import Task
from textrep.comparison.trials import Plan, Trials
from textrep.comparison.workers.pool import Worker, start_early
from textrep.core.launching import is_launched
from textrep.core.messages import shown
from textrep.core.progress import Progress, progress
from textrep.core.random import RandomState, streams
from textrep.data.corpus import Corpus
from textrep.sparse.threads import available_cores

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_METRICS = ("accuracy", "macro_f1")
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "numba", "nltk")


def compare(
    texts: Iterable[str] | Corpus,
    labels: ArrayLike | None = None,
    *,
    methods: Iterable[str | Rung] | None = None,
    checkpoint: str | None = None,
    numeric: Any = None,
    categorical: Any = None,
    test_size: float = 0.2,
    test_texts: Iterable[str] | Corpus | None = None,
    test_labels: ArrayLike | None = None,
    test_numeric: Any = None,
    test_categorical: Any = None,
    folds: int | None = None,
    metric: Metric = "accuracy",
    tune: bool = False,
    learning_curve: bool = False,
    time_budget: float | None = None,
    dedupe: bool = False,
    label_errors: bool = True,
    resume: bool = True,
    random_state: RandomState = 0,
    verbose: int = 1,
    name: str | None = None,
) -> ComparisonResult:
    """Compare text representations on labelled texts.

    The data are examined first (`ComparisonResult.health`). Then each rung is fitted and tested in
    a process of its own, so that its time and memory are its own and its crash costs nothing else.
    Recommended is the cheapest rung that is not significantly worse than the best.

    Parameters
    ----------
    texts : iterable of str, or Corpus
        Documents. A corpus brings its labels and, where it has one, its split into ``train`` and
        ``test`` (or ``validation``), which is then used.
    labels : array-like of shape (n_samples,), optional
        Class of each document; left out for a corpus.
    methods : iterable of str or Rung, optional
        Rungs to try, by name; None tries all of `textrep.comparison.RUNGS`.
    checkpoint : str, optional
        A published encoder that the rungs frozen-encoder, static-student, bert and distilbert start
        from, in place of a small one of the training texts: a folder in the layout of Hugging Face,
        or a name on its hub.
    numeric, categorical : optional
        Further columns to learn from. Of a corpus the names of some of its ``columns``, else
        mappings of names to columns of length n_samples, or data frames.
    test_size : float, default=0.2
        Share of the documents to test on, where the test part is not given. It is drawn class by
        class, and identical texts stay on one side.
    test_texts, test_labels, test_numeric, test_categorical : optional
        A test part of your own, or a corpus as the first of them; then all of `texts` is learnt
        from.
    folds : int, optional
        Cross-validation in so many folds on all documents, instead of one test part.
    metric : {"accuracy", "macro_f1"}, default="accuracy"
        What decides which rung is the best.
    tune : bool, default=False
        Whether to search for settings of each rung, on its training texts only.
    learning_curve : bool, default=False
        Whether to fit each rung on growing parts of the training texts too, which about doubles the
        time.
    time_budget : float, optional
        Minutes for all rungs together. Each gets an equal share of what is left; a rung that
        trains iteratively stops at its share with its best state, any other is stopped.
    dedupe : bool, default=False
        Whether to take duplicate, near-duplicate, contradictory and empty texts out first.
    label_errors : bool, default=True
        Whether to look for labels that look wrong, once it is known which rung to ask.
    resume : bool, default=True
        Whether to go on where an interrupted comparison of the same data with the same settings
        stopped; it also decides whether this one can be gone on with.
    random_state : None, int, Generator or RandomState, default=0
        Decides the split and what is random in the rungs. Only with an int can a comparison be
        resumed.
    verbose : int, default=1
        1 shows a progress bar, 0 nothing.
    name : str, optional
        Of the data set, for tables; None takes that of the corpus, or ``"texts"``.

    Returns
    -------
    ComparisonResult
        A rung that fails, or needs a package that is not installed, is in it with its message.
        Interrupting (Ctrl-C) ends the comparison with what is done.

    Raises
    ------
    ComparisonError
        When there are fewer than two classes, a class has fewer than two different texts, the
        settings contradict each other, or a launcher has started several processes.
    TextInputError, LabelError
        When an item is not a text or a label, or their numbers differ.

    Examples
    --------
    >>> texts = [f"{noun} {i}" for noun in ("apple", "pear") for i in "abcdefgh"]
    >>> labels = ["A"] * 8 + ["P"] * 8
    >>> result = compare(texts, labels, methods=["majority", "bow-nb"], verbose=0)
    >>> result.best_.name, result.best_.accuracy
    ('bow-nb', 1.0)
    >>> result.best_pipeline_.predict(["pear pie"]).item()
    'P'
    """
    begun = time.monotonic()
    prepared = prepare(
        Given(texts, labels, numeric, categorical),
        _test_part(test_texts, test_labels, test_numeric, test_categorical),
        methods=methods,
        checkpoint=checkpoint,
        test_size=test_size,
        folds=folds,
        remove_copies=dedupe,
        random_state=random_state,
        name=name,
        verbose=verbose,
    )
    return run(
        prepared,
        metric=metric,
        tune=tune,
        learning_curve=learning_curve,
        time_budget=time_budget,
        label_errors=label_errors,
        resume=resume,
        verbose=verbose,
        begun=begun,
    )


@dataclass(frozen=True)
class Prepared:
    """A comparison that can begin.

    Attributes
    ----------
    task : Task
        Documents and splits.
    rungs : tuple of Rung
        What is tried.
    seeds : mapping of str to int
        By rung.
    health : Health
        What was found in the data.
    settings : mapping of str to value
        What decided all that.
    notes : tuple of str
        What was decided on the way.
    """

    task: Task
    rungs: tuple[Rung, ...]
    seeds: Mapping[str, int]
    health: Health
    settings: Mapping[str, Any]
    notes: tuple[str, ...] = field(default=())


def prepare(
    given: Given,
    test: Given | None = None,
    *,
    methods: Iterable[str | Rung] | None = None,
    checkpoint: str | None = None,
    test_size: float = 0.2,
    folds: int | None = None,
    remove_copies: bool = False,
    random_state: RandomState = 0,
    name: str | None = None,
    verbose: int = 1,
) -> Prepared:
    """Check and divide the data of a comparison, and examine their health.

    Parameters
    ----------
    given, test : Given
        Documents to learn from, and of a test part or None.
    remove_copies : bool, default=False
        The `dedupe` of `compare`.
    methods, checkpoint, test_size, folds, random_state, name, verbose
        See `compare`.

    Returns
    -------
    Prepared

    Raises
    ------
    ComparisonError, TextInputError, LabelError
        See `compare`.
    """
    if is_launched():
        raise ComparisonError(
            "a comparison is one process, which starts others itself; start it without torchrun or "
            "accelerate launch (WORLD_SIZE says that this is one of several processes)"
        )
    rungs = choose_rungs(methods, checkpoint)
    if name is not None and not isinstance(name, str):
        raise ComparisonError(f"name is {shown(name)}; expected a str")
    random = streams(random_state, ["split", *(f"rung {rung.name}" for rung in rungs)])
    task = arrange(given, test, Division(test_size, folds, random["split"]), name)
    start_early()
    health = examine(task, verbose=verbose)
    notes: tuple[str, ...] = ()
    if remove_copies:
        task, sentence = dedupe(task, health, given_test=_has_own_test_part(given, test, folds))
        notes = (sentence,)
        health = examine(task, verbose=verbose)
    settings = {
        "methods": [rung.name for rung in rungs],
        "checkpoint": checkpoint,
        "test_size": None if test is not None or folds else test_size,
        "folds": folds,
        "dedupe": remove_copies,
        # A generator has no value that could be written down.
        "random_state": random_state if isinstance(random_state, int) else None,
        "numeric": list(task.numeric),
        "categorical": list(task.categorical),
    }
    seeds = {rung.name: int(random[f"rung {rung.name}"].integers(2**31)) for rung in rungs}
    return Prepared(task, rungs, seeds, health, settings, notes)


def run(
    prepared: Prepared,
    *,
    metric: Metric = "accuracy",
    tune: bool = False,
    learning_curve: bool = False,
    time_budget: float | None = None,
    label_errors: bool = True,
    resume: bool = True,
    verbose: int = 1,
    begun: float | None = None,
) -> ComparisonResult:
    """Try the rungs of a prepared comparison.

    Parameters
    ----------
    prepared : Prepared
        From `prepare`.
    begun : float, optional
        When the comparison began, by `time.monotonic`; None is now.
    metric, tune, learning_curve, time_budget, label_errors, resume, verbose
        See `compare`.

    Returns
    -------
    ComparisonResult

    Raises
    ------
    ComparisonError
        When a setting is none.
    """
    begun = time.monotonic() if begun is None else begun
    check_options(metric, time_budget)
    task = prepared.task
    options = {"metric": metric, "tune": tune, "learning_curve": learning_curve}
    settings = {**prepared.settings, **options, "time_budget": time_budget}
    settings["label_errors"] = label_errors
    end = None if time_budget is None else time.monotonic() + 60 * time_budget
    plan = Plan(prepared.rungs, prepared.seeds, tune, learning_curve, end)
    journal, worker = _begin(task, _key(task, settings) if resume else None)
    finished = False
    try:
        bar: Progress[Rung] = progress(
            total=len(plan.rungs), description=task.name, verbose=verbose, unit="methods"
        )
        with worker, bar:
            trials = Trials(task, plan, journal, worker, bar)
            trials.run()
            conclusion = conclude(trials, metric, label_errors=label_errors)
        models = Models(trials.folders, journal)
        finished = True
    finally:
        if not finished:
            journal.close(finished=False)
    if conclusion.interrupted:
        wanted = [each.name for each in (conclusion.best, conclusion.recommended) if each]
        models.leave(wanted, journal)
    return ComparisonResult(
        name=task.name,
        outcomes=conclusion.outcomes,
        classes=task.classes,
        n_train=round(np.mean([len(split.train) for split in task.splits])),
        n_test=len(task.tested),
        interrupted=conclusion.interrupted,
        task=task,
        predictions_=trials.predictions(),
        probabilities_=conclusion.probabilities,
        health=prepared.health,
        recommendation=conclusion.recommendation,
        label_errors=conclusion.label_errors,
        settings=settings,
        versions=_versions(),
        seconds=time.monotonic() - begun,
        notes=(*prepared.notes, *conclusion.notes),
        models=models,
    )


def check_options(metric: Any = "accuracy", time_budget: Any = None) -> None:
    """Refuse settings of a comparison that are none, before any work.

    Parameters
    ----------
    metric, time_budget : object
        Of `compare`.

    Raises
    ------
    ComparisonError
        Names the setting.

    Examples
    --------
    >>> check_options("accuracy", 5)
    """
    if metric not in _METRICS:
        raise ComparisonError(f"metric is {shown(metric)}; expected one of {', '.join(_METRICS)}")
    if time_budget is None:
        return
    number = isinstance(time_budget, int | float | np.number) and not isinstance(time_budget, bool)
    if not number or not 0 < time_budget < math.inf:
        raise ComparisonError(
            f"time_budget is {shown(time_budget)}; expected a number of minutes above 0"
        )


def _has_own_test_part(given: Given, test: Given | None, folds: int | None) -> bool:
    """Whether the data say what is tested on, rather than chance."""
    return test is not None or (not folds and tested_part(given.texts) is not None)


def _test_part(
    texts: Iterable[str] | Corpus | None,
    labels: ArrayLike | None,
    numeric: Any,
    categorical: Any,
) -> Given | None:
    if isinstance(texts, Corpus):
        return Given(texts, labels, numeric, categorical)
    if (texts is None) != (labels is None):
        raise ComparisonError("test_texts and test_labels go together; give both or neither")
    return None if texts is None else Given(texts, labels, numeric, categorical)


def _begin(task: Task, key: str | None) -> tuple[Journal, Worker]:
    """A journal that holds the task, and the worker that reads it there."""
    for each in (key, None):
        journal = Journal(each)
        try:
            # What is not learnt from stays here.
            return journal, Worker(replace(task, unused={}), journal.folder)
        except BaseException as error:
            journal.close(finished=True)
            if not isinstance(error, OSError):
                raise
            # Where the cache has no room, this comparison cannot be gone on with, and no more.
            fault = f"{journal.folder}: {error.strerror or error}"
    raise ComparisonError(
        f"the texts cannot be written for the processes of the methods: {fault}; make room there, "
        "or name another folder in TMPDIR"
    )


def _key(task: Task, settings: Mapping[str, Any]) -> str | None:
    """Name under which a comparison can be resumed; None where it would be another one."""
    if settings["random_state"] is None:
        return None
    # The time budget decides which rungs get through, not what they get.
    fixed = ("folds", "random_state", "metric", "tune", "learning_curve")
    return fingerprint(task, {name: settings[name] for name in fixed})


def _versions() -> dict[str, str]:
    libraries = {name: version(name) for name in _LIBRARIES}
    machine = f"{platform.system()} {platform.machine()}, {available_cores()} cores"
    return {
        "textrep": __version__,
        "Python": platform.python_version(),
        **libraries,
        "machine": machine,
    }
