"""What `textrep compare` prints: the data, their health, the leaderboard, the recommendation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.table import Table

    from textrep.comparison import ComparisonResult, Outcome
    from textrep.comparison.run import Prepared
    from textrep.data import Corpus

# Columns of a terminal from which there is room for a line on what each method does.
_DESCRIBED_WIDTH = 130
# Wider than any table.
_UNBOUNDED = 10_000
# Longer than any sentence that is meant to be read.
_MAX_LINE = 1500
# Of what a method says of itself; a topic model has a line for each topic.
_MAX_NOTES = 3
_COST = "cost"


def show_data(corpus: Corpus, prepared: Prepared, console: Console) -> None:
    """Print what is compared on, and whether it is fit for that.

    Parameters
    ----------
    corpus : Corpus
        As it was read.
    prepared : Prepared
        What became of it.
    console : rich.console.Console
        Where to print.
    """
    task = prepared.task
    learnt = round(sum(len(split.train) for split in task.splits) / len(task.splits))
    tested = f"{len(task.tested):,} to test on"
    if task.folds:
        tested += f" in {task.folds} folds"
    print_line(
        console,
        f"{task.name}: {len(task.classes)} classes, {learnt:,} texts to learn from, {tested}",
    )
    for note in (*corpus.notes, *prepared.notes):
        print_line(console, note)
    if corpus.versions:
        print_line(console, f"made from {corpus.source}")
    for finding in prepared.health.findings:
        print_line(console, str(finding))


def show_result(result: ComparisonResult, console: Console) -> None:
    """Print the leaderboard and what follows from it.

    Parameters
    ----------
    result : ComparisonResult
        Of the comparison.
    console : rich.console.Console
        Where to print.
    """
    console.print(leaderboard(result, console))
    for remark, names in _remarks(result.outcomes).items():
        print_line(console, f"{', '.join(names)}{remark}")
    for note in result.notes:
        print_line(console, note)
    if result.label_errors is not None:
        print_line(console, result.label_errors.message)
    if result.recommendation is not None:
        print_line(console, result.recommendation.sentence)


def _remarks(outcomes: Iterable[Outcome]) -> dict[str, list[str]]:
    """What is said of methods besides their figures, each once, and the names of the methods."""
    remarks: dict[str, list[str]] = {}
    for outcome in outcomes:
        said = [f": {note}" for note in outcome.notes[:_MAX_NOTES]]
        if outcome.status != "ok":
            said.insert(0, f" {outcome.status}: {outcome.message}")
        if outcome.stopped_early:
            said.append(": training was stopped when its share of the time was used up")
        if (more := len(outcome.notes) - _MAX_NOTES) > 0:
            said.append(f": and {more} more, all of them in the report")
        for remark in said:
            remarks.setdefault(remark, []).append(outcome.name)
    return remarks


def print_line(console: Console, line: str) -> None:
    """Print one line, whatever is in it.

    Parameters
    ----------
    console : rich.console.Console
        Where to print.
    line : str
        The name of a file and the message of another library can hold anything.
    """
    from textrep.core.messages import printable

    # Where there is no terminal, a sentence is a line: whoever searches for it finds it whole.
    console.print(printable(line, limit=_MAX_LINE), markup=False, soft_wrap=not console.is_terminal)


def leaderboard(result: ComparisonResult, console: Console) -> Table:
    """The leaderboard with as many columns as the terminal has room for.

    Parameters
    ----------
    result : ComparisonResult
        Of the comparison.
    console : rich.console.Console
        Knows how much room there is.

    Returns
    -------
    rich.table.Table
    """
    from rich.measure import Measurement

    from textrep.comparison.outcome import FIGURES

    unbounded = console.options.update(max_width=_UNBOUNDED)
    described = console.width >= _DESCRIBED_WIDTH
    # A figure that is cut off is worse than none.
    for figures in range(len(FIGURES), 1, -1):
        table = _columns(result, console.is_terminal, figures, described)
        if Measurement.get(console, unbounded, table).maximum <= console.width:
            return table
        described = False
    return _columns(result, console.is_terminal, 1, described)


def _columns(result: ComparisonResult, boxed: bool, count: int, described: bool) -> Table:
    from rich import box
    from rich.table import Table

    from textrep.comparison.outcome import FIGURES, figures
    from textrep.core.messages import printable

    table = Table(box=box.SIMPLE_HEAD if boxed else None, pad_edge=False)
    table.add_column("method", no_wrap=True)
    headers = FIGURES[:count]
    priced = any(outcome.cost is not None for outcome in result.outcomes)
    for header in (*headers[:1], *([_COST] if priced else []), *headers[1:]):
        table.add_column(header, justify="right", no_wrap=True)
    if described:
        table.add_column("", no_wrap=True)
    chosen = result.recommended_ or result.best_
    for outcome in result.outcomes:
        if cells := figures(outcome):
            cost = [f"{outcome.cost or 0:.4g}"] if priced else []
            more = [outcome.description] if described else []
            style = "bold" if outcome is chosen else ""
            name = printable(outcome.name)
            table.add_row(name, *cells[:1], *cost, *cells[1:count], *more, style=style)
    return table
