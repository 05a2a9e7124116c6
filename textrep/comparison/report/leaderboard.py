"""The leaderboard: which columns it has, and what stands in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textrep.comparison.outcome import Outcome
from textrep.comparison.report.scales import Axis
from textrep.comparison.report.scatter import accuracy_axis, interval_of, shown_together
from textrep.comparison.report.wording import data_size, label_text, number, percent

BAR_WIDTH, BAR_HEIGHT = 110.0, 14.0
_BAR_MARGIN = 5.0


@dataclass(frozen=True)
class Column:
    """One quantity of the leaderboard.

    Attributes
    ----------
    title : str
    explanation : str
    value : callable
        The quantity of an outcome, by which its column is sorted; None where it has none.
    show : callable
        How it is written.
    always : bool
        Whether the column is there even when no rung has the quantity.
    """

    title: str
    explanation: str
    value: Callable[[Outcome], float | None]
    show: Callable[[float], str]
    always: bool = True


COLUMNS = (
    Column(
        "macro-F1", "mean of the F1 score over the classes", lambda o: o.macro_f1, "{:.3f}".format
    ),
    Column("fit s", "seconds to learn from the training texts", lambda o: o.fit_seconds, number),
    Column("docs/s", "test texts predicted a second", lambda o: o.documents_per_second, number),
    Column(
        "p50 ms",
        "milliseconds that a text alone takes, the median",
        lambda o: _milliseconds(o.latency_p50),
        number,
        False,
    ),
    Column(
        "p99 ms",
        "milliseconds that a text alone takes, the slowest of a hundred",
        lambda o: _milliseconds(o.latency_p99),
        number,
        False,
    ),
    Column("size", "of the saved model", lambda o: o.model_bytes, data_size, False),
    Column(
        "memory",
        "by which fitting and predicting raised the memory of the process",
        lambda o: o.peak_memory_bytes,
        data_size,
        False,
    ),
    Column(
        "calibration error",
        "mean distance between probabilities and the share that is right",
        lambda o: o.calibration_error,
        percent,
        False,
    ),
    Column("tune s", "seconds of the search for settings", lambda o: o.tune_seconds, number, False),
    Column("cost", "of the predictions, in the prices' currency", lambda o: o.cost, number, False),
)  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """An accuracy with its interval, drawn in a cell; None where it lies below the axis."""

    at: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """One rung with figures.

    Attributes
    ----------
    name, description : str
    marks : tuple of str
        What is special about it, such as "recommended".
    accuracy, interval : str
    accuracy_value : float
    bar : Bar or None
    cells : tuple of (float or None, str)
        Value to sort by and text, one for each column.
    """

    name: str
    description: str
    marks: tuple[str, ...]
    accuracy: str
    interval: str
    accuracy_value: float
    bar: Bar | None
    cells: tuple[tuple[float | None, str], ...]


@dataclass(frozen=True)
class Leaderboard:
    """Rungs with figures, and those without and why."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    others: tuple[tuple[str, str, str], ...]


def leaderboard(
    outcomes: Sequence[Outcome], marks: Callable[[Outcome], tuple[str, ...]]
) -> Leaderboard:
    """Lay out the leaderboard.

    Parameters
    ----------
    outcomes : sequence of Outcome
        The best first.
    marks : callable
        What is special about an outcome.

    Returns
    -------
    Leaderboard
    """
    done = [outcome for outcome in outcomes if outcome.accuracy is not None]
    columns = tuple(c for c in COLUMNS if c.always or any(c.value(o) is not None for o in done))
    drawn = shown_together(done)
    axis = accuracy_axis(drawn, _BAR_MARGIN, BAR_WIDTH - _BAR_MARGIN) if drawn else None
    rows = [_row(o, columns, marks(o), axis if o in drawn else None) for o in done]
    others = [
        (label_text(o.name), o.status, label_text(o.message, limit=600) if o.message else "")
        for o in outcomes
        if o.accuracy is None
    ]
    return Leaderboard(columns, tuple(rows), tuple(others))


def _row(
    outcome: Outcome, columns: Sequence[Column], marks: tuple[str, ...], axis: Axis | None
) -> Row:
    accuracy = outcome.accuracy or 0.0
    low, high = interval_of(outcome)
    values = [column.value(outcome) for column in columns]
    shown = [
        "" if value is None else column.show(value)
        for column, value in zip(columns, values, strict=True)
    ]
    return Row(
        name=label_text(outcome.name),
        description=label_text(outcome.description, limit=120) if outcome.description else "",
        marks=marks,
        accuracy=percent(accuracy),
        interval=f"{100 * low:.1f}–{100 * high:.1f}" if outcome.accuracy_interval else "",
        accuracy_value=accuracy,
        bar=Bar(axis.at(accuracy), axis.at(low), axis.at(high)) if axis else None,
        cells=tuple(zip(values, shown, strict=True)),
    )


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds
