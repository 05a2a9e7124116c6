"""The leaderboard: which columns it has, and what stands in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    interval : callable or None
        The 95 % interval of the quantity; None where it has none.
    """

    title: str
    explanation: str
    value: Callable[[Outcome], float | None]
    show: Callable[[float], str]
    always: bool = True
    interval: Callable[[Outcome], tuple[float, float] | None] | None = None


_COLUMNS = (
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
class Cell:
    """A value to sort by, how it is written, and its interval where it has one."""

    value: float | None
    text: str
    interval: str = ""


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
    cells : tuple of Cell
        One for each column.
    """

    name: str
    description: str
    marks: tuple[str, ...]
    accuracy: str
    interval: str
    accuracy_value: float
    bar: Bar | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Leaderboard:
    """Rungs with figures, and those without and why."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    others: tuple[tuple[str, str, str], ...]


def leaderboard(
    outcomes: Sequence[Outcome],
    marks: Callable[[Outcome], tuple[str, ...]],
    p_values: Mapping[str, float],
) -> Leaderboard:
    """Lay out the leaderboard.

    Parameters
    ----------
    outcomes : sequence of Outcome
        The best first.
    marks : callable
        What is special about an outcome.
    p_values : mapping of str to float
        Of the differences from the best rung, by the name of the other.

    Returns
    -------
    Leaderboard
    """
    done = [outcome for outcome in outcomes if outcome.accuracy is not None]
    known = (_macro_f1(), _p_value(p_values), *_COLUMNS)
    columns = tuple(c for c in known if c.always or any(c.value(o) is not None for o in done))
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
    return Row(
        name=label_text(outcome.name),
        description=label_text(outcome.description, limit=120) if outcome.description else "",
        marks=marks,
        accuracy=percent(accuracy),
        interval=f"{100 * low:.1f}–{100 * high:.1f}" if outcome.accuracy_interval else "",
        accuracy_value=accuracy,
        bar=Bar(axis.at(accuracy), axis.at(low), axis.at(high)) if axis else None,
        cells=tuple(_cell(column, outcome) for column in columns),
    )


def _cell(column: Column, outcome: Outcome) -> Cell:
    value = column.value(outcome)
    if value is None:
        return Cell(None, "")
    interval = column.interval(outcome) if column.interval else None
    ends = "" if interval is None else "–".join(column.show(end) for end in interval)
    return Cell(value, column.show(value), ends)


def _macro_f1() -> Column:
    return Column(
        "macro-F1",
        "mean of the F1 score over the classes",
        lambda outcome: outcome.macro_f1,
        "{:.3f}".format,
        interval=lambda outcome: outcome.macro_f1_interval,
    )


def _p_value(p_values: Mapping[str, float]) -> Column:
    return Column(
        "p",
        "of the difference from the best, corrected for the number of comparisons",
        lambda outcome: p_values.get(outcome.name),
        lambda p: "<0.001" if p < 0.001 else f"{p:.3f}",
        always=False,
    )


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds
