"""The rungs of a comparison, one after the other, each in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from textrep.comparison.journal import Journal
from textrep.comparison.outcome import Outcome
from textrep.comparison.rungs import RUNGS, Rung
from textrep.comparison.scoring import outcome_of, predictions_of, without_figures
from textrep.comparison.task import Task
from textrep.comparison.workers.jobs import (
    Answer,
    Kind,
    Request,
    first_line,
    read_answer,
    read_failure,
    write_request,
)
from textrep.comparison.workers.pool import Ending, Worker
from textrep.core.progress import Progress

# For what a worker does at the end of its share: it looks at the clock between two steps only.
_GRACE_SECONDS = 1.0


@dataclass(frozen=True)
class Plan:
    """What is to be tried, and how.

    Attributes
    ----------
    rungs : tuple of Rung
        In the order in which they are tried.
    seeds : mapping of str to int
        By rung.
    tune, learning_curve : bool
        See `Request`.
    end : float or None
        When the time budget ends, by `time.monotonic`; None is without end.
    """

    rungs: tuple[Rung, ...]
    seeds: Mapping[str, int]
    tune: bool = False
    learning_curve: bool = False
    end: float | None = None


@dataclass
class Trials:
    """What became of the rungs.

    Attributes
    ----------
    outcomes : list of Outcome
        In the order of the rungs.
    answers : dict of str to Answer
        Of the rungs that got through.
    folders : dict of str to Path
        Where their models are.
    resumed : list of str
        Rungs that were measured by a run before.
    interrupted : bool
        Whether a Ctrl-C ended it.
    """

    task: Task
    plan: Plan
    journal: Journal
    worker: Worker
    bar: Progress[Any]
    outcomes: list[Outcome] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)
    resumed: list[str] = field(default_factory=list)
    interrupted: bool = False

    def run(self) -> None:
        """Try every rung; a Ctrl-C ends it with what is done."""
        for position, rung in enumerate(self.plan.rungs):
            if self.interrupted:
                outcome = without_figures(rung, "skipped", "stopped before its turn")
            else:
                self.bar.update(0, description=f"{self.task.name}: {rung.name}")
                try:
                    outcome = self._try(rung, len(self.plan.rungs) - position)
                except KeyboardInterrupt:
                    self.interrupted = True
                    self.worker.stop()
                    outcome = without_figures(rung, "interrupted", "stopped during its turn")
                else:
                    self.bar.update(1, description=self.task.name)
            self.outcomes.append(outcome)

    def ask(self, kind: Kind, rung: Rung, seconds: float | None) -> tuple[Answer | None, str]:
        """Run a job.

        Parameters
        ----------
        kind : str
            Of the request.
        rung : Rung
            That it is about.
        seconds : float or None
            After which it is killed; None is without limit.

        Returns
        -------
        tuple of Answer or None and str
            What was measured, and why there is nothing or not all; the latter is empty where all
            went well.
        """
        plan = self.plan
        folder = self.journal.job(self._job(kind, rung))
        curve = plan.learning_curve and kind == "measure"
        request = Request(kind, rung, plan.seeds[rung.name], plan.tune, curve, seconds)
        try:
            write_request(folder, request)
        # What pickling a rung of the user's own raises is of any type.
        except Exception as error:
            return None, f"it cannot be handed to a process of its own: {first_line(error)}"
        limit = None if seconds is None else seconds + _GRACE_SECONDS
        ending = self.worker.run(folder, limit, lambda: self.bar.update(0))
        answer = read_answer(folder)
        if answer is not None and kind != "label errors":
            self.folders[rung.name] = folder
        return answer, _why(ending, folder)

    def _try(self, rung: Rung, n_left: int) -> Outcome:
        """Fit and test one rung; whatever goes wrong in it is its outcome."""
        if advice := rung.advice():
            return without_figures(rung, "skipped", advice)
        if (before := self._before(rung)) is not None:
            return self._scored(rung, before)
        seconds = None
        if self.plan.end is not None:
            # What earlier rungs left of their shares goes to those that are left.
            seconds = (self.plan.end - time.monotonic()) / n_left
            if seconds <= 0:
                return without_figures(rung, "skipped", "the time budget ended before its turn")
        answer, fault = self.ask("measure", rung, seconds)
        if answer is None:
            if fault:
                return without_figures(rung, "failed", fault)
            share = f"{seconds:.3g} s" if seconds is not None else "its time"
            return without_figures(
                rung, "overran", f"its share of the time budget, {share}, was not enough"
            )
        return self._scored(rung, answer)

    def _scored(self, rung: Rung, answer: Answer) -> Outcome:
        outcome = outcome_of(rung, self.task, answer)
        self.answers[rung.name] = answer
        return outcome

    def _before(self, rung: Rung) -> Answer | None:
        """What a run before measured, if nothing can have changed since."""
        if not self.journal.resumes or not _is_registered(rung):
            return None
        folder = self.journal.job(self._job("measure", rung), keep=True)
        answer = read_answer(folder)
        if answer is None or answer.figures.missing or answer.figures.stopped_early:
            return None
        if answer.codes.shape != self.task.tested.shape:
            return None
        self.folders[rung.name] = folder
        self.resumed.append(rung.name)
        return answer

    def _job(self, kind: Kind, rung: Rung) -> str:
        """Name of a job, another one when the rung has other settings than it had."""
        if not _is_registered(rung):
            return f"{kind} {rung.name}"
        settings = rung.factory(self.plan.seeds[rung.name]).get_params()
        return f"{kind} {rung.name} {sorted((name, repr(v)) for name, v in settings.items())}"

    def predictions(self) -> dict[str, NDArray[Any]]:
        """Predicted labels by rung."""
        return {name: predictions_of(self.task, answer) for name, answer in self.answers.items()}


def _is_registered(rung: Rung) -> bool:
    """Whether it is one of ours; what a user's own one does may change between two runs."""
    return any(rung is known for known in RUNGS)


def _why(ending: Ending, folder: Path) -> str:
    """Why a job gave nothing; empty where it did, or where its time ended."""
    if ending.kind == "crashed":
        return ending.reason
    return read_failure(folder) or ""
