"""Candidates of a search tried by cross-validation; features that they share are made once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from textrep.comparison.split import Split
from textrep.comparison.workers.jobs import first_line
from textrep.core.progress import Progress, progress

Settings: TypeAlias = dict[str, Any]


class _Features(NamedTuple):
    """What a classifier learns from and what it is scored on."""

    learnt: Any
    held_out: Any


class _OutOfTime(Exception):
    """The deadline has come."""


class Search:
    """Candidates tried so far.

    Parameters
    ----------
    pipeline : Pipeline
        From texts to labels. It is left as it is.
    texts : list of str, length n_samples
        To learn from and to score on, in turns.
    labels : ndarray of shape (n_samples,)
        Their classes.
    folds : sequence of Split
        Which texts are scored by what is learnt from the others.
    deadline : float
        On the clock of `time.monotonic`.
    time_parameter : str or None
        The pipeline's parameter that limits its training time.

    Attributes
    ----------
    right : dict of int to bool (n_samples,)
        Candidate -> which texts got their label.
    seconds : dict of int to float
        Candidate -> wall-clock time.
    notes : list of str
        Candidates that failed.
    out_of_time : bool
        Whether the deadline came before the last candidate.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        texts: list[str],
        labels: NDArray[Any],
        folds: Sequence[Split],
        deadline: float,
        time_parameter: str | None,
    ) -> None:
        self.right: dict[int, NDArray[np.bool_]] = {}
        self.seconds: dict[int, float] = {}
        self.notes: list[str] = []
        self.out_of_time = False
        self._pipeline = pipeline
        self._texts = texts
        self._labels = labels
        self._folds = folds
        self._deadline = deadline
        self._time_parameter = time_parameter

    def run(self, tried: Sequence[Settings], default: int, verbose: int) -> None:
        """Try candidates until the deadline, the default and what shares its features first.

        Parameters
        ----------
        tried : sequence of dict
            Settings of each candidate.
        default : int
            Which of them is the default.
        verbose : int
            1 shows a progress bar.
        """
        bar: Progress[Any] = progress(
            total=len(tried), description="search", verbose=verbose, unit="candidates"
        )
        with bar:
            try:
                for group in self._groups(tried, default):
                    self._run_group(tried, group, bar)
            except _OutOfTime:
                self.out_of_time = True

    def _groups(self, tried: Sequence[Settings], default: int) -> Iterator[list[int]]:
        """Candidates by the settings of their features."""
        last = self._pipeline.steps[-1][0]
        groups: dict[str, list[int]] = {}
        for i in [default, *range(len(tried))]:
            shared = {name: v for name, v in tried[i].items() if name.partition("__")[0] != last}
            members = groups.setdefault(repr(shared), [])
            if i not in members:
                members.append(i)
        yield from groups.values()

    def _run_group(self, tried: Sequence[Settings], group: list[int], bar: Progress[Any]) -> None:
        features: list[_Features] = []
        for i in group:
            start = time.monotonic()
            model = clone(self._pipeline).set_params(**tried[i])
            try:
                features = features or self._features(model)
                self.right[i] = self._right(model, features)
            except _OutOfTime:
                raise
            except Exception as error:
                self.notes.append(f"{_brief(tried[i])} failed: {first_line(error)}")
            self.seconds[i] = time.monotonic() - start
            bar.update()

    def _features(self, model: Pipeline) -> list[_Features]:
        """What the steps before the classifier make of each fold's two parts."""
        found = []
        for fold in self._folds:
            self._look_at_clock(model)
            learnt = [self._texts[i] for i in fold.train]
            held_out = [self._texts[i] for i in fold.test]
            if len(model.steps) > 1:
                front = clone(model[:-1])
                learnt = front.fit_transform(learnt, self._labels[fold.train])
                held_out = front.transform(held_out)
            found.append(_Features(learnt, held_out))
        return found

    def _right(self, model: Pipeline, features: Sequence[_Features]) -> NDArray[np.bool_]:
        """Which texts get their label from a classifier that learnt from the other folds."""
        right = np.zeros(len(self._texts), dtype=bool)
        for fold, (learnt, held_out) in zip(self._folds, features, strict=True):
            self._look_at_clock(model)
            classifier = clone(model[-1]).fit(learnt, self._labels[fold.train])
            right[fold.test] = classifier.predict(held_out) == self._labels[fold.test]
        return right

    def _look_at_clock(self, model: Pipeline) -> None:
        """Raise when time is up; else tell a model that can stop early how much is left."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise _OutOfTime
        if self._time_parameter is not None and left < np.inf:
            model.set_params(**{self._time_parameter: left})


def _brief(settings: Settings) -> str:
    """Settings as short text, such as ``min_df=2 C=10.0``."""
    return " ".join(f"{name.rpartition('__')[2]}={value}" for name, value in settings.items())
