"""`compare`: fit every rung on one part of the data and test it on the other."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import Pipeline

from textrep.comparison.errors import ComparisonError
from textrep.comparison.result import ComparisonResult, Outcome, Status, quality, ranked
from textrep.comparison.rungs import Rung, choose_rungs
from textrep.comparison.split import split_texts
from textrep.core.labels import check_labels
from textrep.core.messages import shown
from textrep.core.progress import Progress, progress
from textrep.core.random import RandomState, streams
from textrep.core.text import check_texts
from textrep.data.corpus import Corpus

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# Enough to compile and load whatever a rung uses, too few to take time.
_WARM_UP_TEXTS = 8


class _Task(NamedTuple):
    """Texts and labels to learn from and to test on."""

    train: list[str]
    train_labels: NDArray[Any]
    test: list[str]
    test_labels: NDArray[Any]


def compare(
    texts: Iterable[str] | Corpus,
    labels: ArrayLike | None = None,
    *,
    methods: Iterable[str | Rung] | None = None,
    test_size: float = 0.2,
    test_texts: Iterable[str] | None = None,
    test_labels: ArrayLike | None = None,
    random_state: RandomState = 0,
    verbose: int = 1,
    name: str | None = None,
) -> ComparisonResult:
    """Compare text representations on labelled texts.

    Parameters
    ----------
    texts : iterable of str, or Corpus
        Documents. A corpus brings its labels and, where it has one, its split into ``train`` and
        ``test``, which is then used.
    labels : array-like of shape (n_samples,), optional
        Class of each document; left out for a corpus.
    methods : iterable of str or Rung, optional
        Rungs to try, by name; None tries all of `textrep.comparison.RUNGS`.
    test_size : float, default=0.2
        Share of the documents to test on, where the test part is not given. It is drawn class by
        class, and identical texts stay on one side.
    test_texts, test_labels : optional
        A test part of your own; then all of `texts` is learnt from.
    random_state : None, int, Generator or RandomState, default=0
        Decides the split and what is random in the rungs.
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
        When there are fewer than two classes, a class has fewer than two different texts, or the
        settings contradict each other.
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
    rungs = choose_rungs(methods)
    if name is not None and not isinstance(name, str):
        raise ComparisonError(f"name is {shown(name)}; expected a str")
    random = streams(random_state, ["split", *(f"rung {rung.name}" for rung in rungs)])
    if isinstance(texts, Corpus):
        name = name or texts.name
        task = _corpus_task(texts, labels, test_texts, test_labels, test_size, random["split"])
    else:
        task = _task(texts, labels, test_texts, test_labels, test_size, random["split"])
    seeds = {rung.name: int(random[f"rung {rung.name}"].integers(2**31)) for rung in rungs}
    return _run(rungs, seeds, task, name or "texts", verbose)


def _corpus_task(
    corpus: Corpus,
    labels: ArrayLike | None,
    test_texts: Iterable[str] | None,
    test_labels: ArrayLike | None,
    test_size: float,
    rng: np.random.Generator,
) -> _Task:
    if labels is not None:
        raise ComparisonError("labels: the corpus has labels of its own; leave them out")
    if corpus.labels is None:
        reasons = "".join(f"; {note}" for note in corpus.notes)
        raise ComparisonError(
            f"corpus {corpus.name!r} has no labels, so there is nothing to learn{reasons}"
        )
    if test_texts is None and {"train", "test"} <= set(corpus.parts):
        train, test = corpus.part("train"), corpus.part("test")
        return _task(train.texts, train.labels, test.texts, test.labels, test_size, rng)
    return _task(corpus.texts, corpus.labels, test_texts, test_labels, test_size, rng)


def _task(
    texts: Iterable[str],
    labels: ArrayLike | None,
    test_texts: Iterable[str] | None,
    test_labels: ArrayLike | None,
    test_size: float,
    rng: np.random.Generator,
) -> _Task:
    if labels is None:
        raise ComparisonError("labels is None; give one for each text")
    if (test_texts is None) != (test_labels is None):
        raise ComparisonError("test_texts and test_labels go together; give both or neither")
    checked = check_texts(texts)
    known = check_labels(labels, len(checked))
    classes = np.unique(known).tolist()
    if len(classes) < 2:
        raise ComparisonError(
            f"labels holds one class only, {shown(classes[0])}; there is nothing to tell apart"
        )
    if test_texts is not None and test_labels is not None:
        test = check_texts(test_texts, name="test_texts")
        test_known = check_labels(test_labels, len(test), name="test_labels")
        if (known.dtype.kind == "b") != (test_known.dtype.kind == "b"):
            # True and 1 are equal to Python, so the check below would let them pass.
            raise ComparisonError(
                f"labels holds {known.dtype} and test_labels {test_known.dtype}; "
                "convert them to one type"
            )
        if not set(classes) & set(test_known.tolist()):
            raise ComparisonError(
                "test_labels and labels have no class in common: test_labels holds "
                f"{shown(test_known.tolist()[0])}, "
                f"labels holds {', '.join(map(shown, classes[:5]))}"
            )
        return _Task(checked, known, test, test_known)
    train, held_out = split_texts(checked, known, test_size, rng)
    return _Task(
        [checked[i] for i in train],
        known[train],
        [checked[i] for i in held_out],
        known[held_out],
    )


def _run(
    rungs: tuple[Rung, ...], seeds: dict[str, int], task: _Task, name: str, verbose: int
) -> ComparisonResult:
    outcomes: list[Outcome] = []
    best: tuple[Outcome, Pipeline] | None = None
    interrupted = False
    bar: Progress[Rung] = progress(
        total=len(rungs), description=name, verbose=verbose, unit="methods"
    )
    with bar:
        for rung in rungs:
            if interrupted:
                outcomes.append(_without_figures(rung, "skipped", "stopped before its turn"))
                continue
            try:
                bar.update(0, description=f"{name}: {rung.name}")
                outcome, pipeline = _try(rung, seeds[rung.name], task)
            except KeyboardInterrupt:
                interrupted = True
                outcomes.append(_without_figures(rung, "interrupted", "stopped during its turn"))
                continue
            outcomes.append(outcome)
            # Only one fitted pipeline is kept: their vocabularies are what takes the memory.
            if pipeline is not None and (best is None or quality(outcome) < quality(best[0])):
                best = outcome, pipeline
            bar.update(1, description=name)
    return ComparisonResult(
        name=name,
        outcomes=ranked(outcomes),
        classes=tuple(np.unique(task.train_labels).tolist()),
        n_train=len(task.train),
        n_test=len(task.test),
        interrupted=interrupted,
        best_pipeline_=best[1] if best else None,
    )


def _try(rung: Rung, seed: int, task: _Task) -> tuple[Outcome, Pipeline | None]:
    """Fit and test one rung; whatever goes wrong in it is its outcome."""
    if advice := rung.advice():
        return _without_figures(rung, "skipped", advice), None
    # What a rung does to its texts is not for the next one to see.
    train, train_labels, test = list(task.train), task.train_labels.copy(), list(task.test)
    try:
        pipeline = rung.factory(seed)
        _warm_up(pipeline, task)
        start = time.perf_counter()
        pipeline.fit(train, train_labels)
        fitted = time.perf_counter()
        predicted = pipeline.predict(test)
        done = time.perf_counter()
        outcome = Outcome(
            rung.name,
            rung.description,
            "ok",
            accuracy=float(accuracy_score(task.test_labels, predicted)),
            macro_f1=float(
                f1_score(task.test_labels, predicted, average="macro", zero_division=0.0)
            ),
            fit_seconds=fitted - start,
            documents_per_second=len(task.test) / max(done - fitted, 1e-9),
        )
    # A library that ends the program must not end the comparison.
    except (Exception, SystemExit) as error:
        return _without_figures(rung, "failed", _first_line(error)), None
    return outcome, pipeline


def _first_line(error: BaseException) -> str:
    kind = type(error).__name__
    try:
        text = str(error)
    except Exception:
        return kind
    return f"{kind}: {next(iter(text.splitlines()), '')}".rstrip(": ")


def _warm_up(pipeline: Pipeline, task: _Task) -> None:
    """Use a copy once, so that compiling and importing do not count as time of the rung."""
    other = int(np.flatnonzero(task.train_labels != task.train_labels[0])[0])
    # Two classes at least, which every classifier asks for.
    chosen = sorted({*range(min(_WARM_UP_TEXTS, len(task.train))), other})
    # A rung may refuse so little text; whether it works is for the real fit to tell.
    with contextlib.suppress(Exception, SystemExit):
        copy = clone(pipeline).fit([task.train[i] for i in chosen], task.train_labels[chosen])
        copy.predict([task.train[i] for i in chosen])


def _without_figures(rung: Rung, status: Status, message: str) -> Outcome:
    return Outcome(rung.name, rung.description, status, message=message)
