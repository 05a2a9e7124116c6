"""What a comparison found out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sklearn.pipeline import Pipeline

if TYPE_CHECKING:
    import pandas as pd

Status: TypeAlias = Literal["ok", "failed", "skipped", "interrupted", "overran"]


@dataclass(frozen=True)
class Outcome:
    """How one rung did.

    Attributes
    ----------
    name, description : str
        Of the rung.
    status : {"ok", "failed", "skipped", "interrupted", "overran"}
        Skipped is a rung that needs a package that is not installed, or that was not reached
        before the comparison was interrupted; overran one that was stopped because its share of
        the time budget was used up.
    accuracy : float or None
        Share of the test texts that got their label; None unless the status is "ok".
    macro_f1 : float or None
        Mean over the classes of the F1 score on the test texts.
    fit_seconds : float or None
        Wall-clock time from texts to fitted pipeline; the mean over the folds.
    documents_per_second : float or None
        Test texts divided by the wall-clock time of predicting them.
    message : str
        Why there are no figures; empty where there are.
    accuracy_interval, macro_f1_interval : tuple of float or None
        Lower and upper end of the 95 % confidence interval.
    latency_p50, latency_p99 : float or None
        Median and 99th percentile of the seconds that one document takes alone.
    model_bytes : int or None
        Of the saved pipeline.
    peak_memory_bytes : int or None
        By which fitting and predicting raised the resident memory of the rung's process.
    calibration_error : float or None
        Expected calibration error of the probabilities, in equally filled bins.
    cost : float or None
        Money that the predictions cost, in the currency of the prices given; None where they are
        free.
    tune_seconds : float or None
        Wall-clock time of the search for settings; None without one.
    settings : mapping of str to value
        Parameters that the search chose; empty without one.
    stopped_early : bool
        Whether training ended at the rung's share of the time budget, with the best state so far.
    learning_curve : tuple of (int, float)
        Number of training texts and accuracy on the test texts; empty where it was not asked for.
    notes : tuple of str
        What else there is to say, such as the words of topics.
    """

    name: str
    description: str
    status: Status
    accuracy: float | None = None
    macro_f1: float | None = None
    fit_seconds: float | None = None
    documents_per_second: float | None = None
    message: str = ""
    accuracy_interval: tuple[float, float] | None = None
    macro_f1_interval: tuple[float, float] | None = None
    latency_p50: float | None = None
    latency_p99: float | None = None
    model_bytes: int | None = None
    peak_memory_bytes: int | None = None
    calibration_error: float | None = None
    cost: float | None = None
    tune_seconds: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    stopped_early: bool = False
    learning_curve: tuple[tuple[int, float], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ComparisonResult:
    """Leaderboard of a comparison.

    Attributes
    ----------
    name : str
        Of the data set.
    outcomes : tuple of Outcome
        The best first: by accuracy, then macro-F1, then the shorter fit; after them what gave no
        figures, in the order it was tried.
    classes : tuple
        The labels of the training texts, sorted.
    n_train, n_test : int
        Number of texts learnt from and tested on.
    interrupted : bool
        Whether it was stopped before the last rung.
    best_pipeline_ : sklearn.pipeline.Pipeline or None
        Fitted on the training texts; None when no rung got through.
    """

    name: str
    outcomes: tuple[Outcome, ...]
    classes: tuple[Any, ...]
    n_train: int
    n_test: int
    interrupted: bool = False
    best_pipeline_: Pipeline | None = field(default=None, repr=False)

    @property
    def best_(self) -> Outcome | None:
        """The outcome at the top; None when no rung got through."""
        first = self.outcomes[0]
        return first if first.status == "ok" else None

    @property
    def records(self) -> list[dict[str, Any]]:
        """One dict a rung, the best first."""
        return [asdict(outcome) for outcome in self.outcomes]

    @property
    def frame(self) -> pd.DataFrame:
        """The leaderboard as a data frame with one row a rung.

        Raises
        ------
        ImportError
            When pandas is not installed; `records` holds the same.
        """
        try:
            import pandas as pd
        except ImportError:
            raise ImportError(
                "frame needs pandas (pip install pandas); records holds the same as a list of dicts"
            ) from None
        return pd.DataFrame.from_records(self.records)

    def to_json(self) -> str:
        """The result as a JSON document, without the pipeline.

        Returns
        -------
        str
            Object with ``name``, ``n_train``, ``n_test``, ``classes``, ``interrupted`` and
            ``rungs``, the best first.
        """
        document = {
            "name": self.name,
            "n_train": self.n_train,
            "n_test": self.n_test,
            "classes": list(self.classes),
            "interrupted": self.interrupted,
            "rungs": self.records,
        }
        # Labels may be of any type; what JSON has no notion of is written as text.
        return json.dumps(document, indent=2, ensure_ascii=False, default=str)

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.n_train} texts learnt from, {self.n_test} tested on"]
        header = ("method", "accuracy", "macro-F1", "fit s", "docs/s")
        lines.append("{:<18}{:>9}{:>10}{:>9}{:>11}".format(*header))
        for outcome in self.outcomes:
            cells = figures(outcome)
            line = f"{outcome.name:<18}"
            if cells:
                line += "{:>9}{:>10}{:>9}{:>11}".format(*cells)
            else:
                line += f" {outcome.status}: {outcome.message}"
            lines.append(line)
        return "\n".join(lines)


def figures(outcome: Outcome) -> tuple[str, str, str, str] | None:
    """Accuracy, macro-F1, fit seconds and documents per second as text.

    Parameters
    ----------
    outcome : Outcome
        Of one rung.

    Returns
    -------
    tuple of str or None
        None for a rung without figures.

    Examples
    --------
    >>> figures(Outcome("a", "", "ok", 0.91234, 0.9, 1.234, 56789.0))
    ('0.912', '0.900', '1.23', '56,800')
    """
    if (
        outcome.accuracy is None
        or outcome.macro_f1 is None
        or outcome.fit_seconds is None
        or outcome.documents_per_second is None
    ):
        return None
    return (
        f"{outcome.accuracy:.3f}",
        f"{outcome.macro_f1:.3f}",
        f"{outcome.fit_seconds:.{2 if outcome.fit_seconds < 10 else 1}f}",
        # Three digits: a fourth is noise in a time taken once.
        f"{float(f'{outcome.documents_per_second:.3g}'):,.0f}",
    )


def ranked(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Sort outcomes, the best first.

    Parameters
    ----------
    outcomes : sequence of Outcome
        In the order they were tried.

    Returns
    -------
    tuple of Outcome
        See `ComparisonResult`.

    Examples
    --------
    >>> good = Outcome("b", "", "ok", 0.9, 0.9, 1.0, 10.0)
    >>> [outcome.name for outcome in ranked([Outcome("a", "", "failed"), good])]
    ['b', 'a']
    """
    return tuple(sorted(outcomes, key=quality))


def quality(outcome: Outcome) -> tuple[float, float, float]:
    """Key under which the better of two outcomes sorts first.

    Parameters
    ----------
    outcome : Outcome
        Of one rung.

    Returns
    -------
    tuple of float
    """
    if outcome.accuracy is None or outcome.macro_f1 is None or outcome.fit_seconds is None:
        return (1.0, 1.0, 0.0)
    return (-outcome.accuracy, -outcome.macro_f1, outcome.fit_seconds)
