"""How one rung did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Metric: TypeAlias = Literal["accuracy", "macro_f1"]
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

    Examples
    --------
    >>> Outcome("bow-nb", "word counts, naive Bayes", "skipped").accuracy is None
    True
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


FIGURES = (
    *("accuracy", "95 % interval", "macro-F1", "fit s", "docs/s", "calibration", "p50 ms"),
    *("p99 ms", "size", "memory"),
)
"""What `figures` gives, what matters most first."""

_UNKNOWN = "-"


def figures(outcome: Outcome) -> tuple[str, ...] | None:
    """The figures of a rung as text, in the order of `FIGURES`.

    Parameters
    ----------
    outcome : Outcome
        Of one rung.

    Returns
    -------
    tuple of str or None
        A figure that is not known is ``"-"``; None for a rung without figures.

    Examples
    --------
    >>> figures(Outcome("a", "", "ok", 0.91234, 0.9, 1.234, 56789.0))[:5]
    ('0.912', '-', '0.900', '1.23', '56,800')
    """
    if outcome.accuracy is None:
        return None
    interval = outcome.accuracy_interval
    return (
        _known("{:.3f}", outcome.accuracy),
        _UNKNOWN if interval is None else f"{interval[0]:.3f}-{interval[1]:.3f}",
        _known("{:.3f}", outcome.macro_f1),
        seconds_text(outcome.fit_seconds),
        _known("{:,.0f}", _three_digits(outcome.documents_per_second)),
        _known("{:.3f}", outcome.calibration_error),
        _milliseconds(outcome.latency_p50),
        _milliseconds(outcome.latency_p99),
        size_text(outcome.model_bytes),
        size_text(outcome.peak_memory_bytes),
    )


def seconds_text(seconds: float | None) -> str:
    """A time with no more digits than it bears.

    Parameters
    ----------
    seconds : float or None
        Wall-clock time.

    Returns
    -------
    str

    Examples
    --------
    >>> seconds_text(1.234), seconds_text(12.34)
    ('1.23', '12.3')
    """
    if seconds is None:
        return _UNKNOWN
    return f"{seconds:.{2 if seconds < 10 else 1}f}"


def size_text(size: int | None) -> str:
    """A number of bytes, in megabytes from one megabyte on.

    Parameters
    ----------
    size : int or None
        Bytes.

    Returns
    -------
    str

    Examples
    --------
    >>> size_text(123_456_789), size_text(45_678), size_text(None)
    ('123 MB', '46 kB', '-')
    """
    if size is None:
        return _UNKNOWN
    if size < 1_000_000:
        return f"{size / 1000:,.0f} kB"
    return f"{size / 1e6:,.{1 if size < 10_000_000 else 0}f} MB"


def _known(form: str, value: float | None) -> str:
    return _UNKNOWN if value is None else form.format(value)


def _milliseconds(seconds: float | None) -> str:
    return _UNKNOWN if seconds is None else f"{_three_digits(1000 * seconds):g}"


def _three_digits(value: float | None) -> float | None:
    # A fourth is noise in a time taken once.
    return None if value is None else float(f"{value:.3g}")


def ranked(outcomes: Sequence[Outcome], metric: Metric = "accuracy") -> tuple[Outcome, ...]:
    """Sort outcomes, the best first.

    Parameters
    ----------
    outcomes : sequence of Outcome
        In the order they were tried.
    metric : {"accuracy", "macro_f1"}, default="accuracy"
        What the best is best at.

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

    def key(outcome: Outcome) -> tuple[float, float, float]:
        accuracy, macro_f1, seconds = outcome.accuracy, outcome.macro_f1, outcome.fit_seconds
        if accuracy is None or macro_f1 is None or seconds is None:
            return (1.0, 1.0, 0.0)
        if metric == "macro_f1":
            return (-macro_f1, -accuracy, seconds)
        return (-accuracy, -macro_f1, seconds)

    return tuple(sorted(outcomes, key=key))
