"""`textrep compare`: every representation on one data set."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textrep.cli.output import fail, stderr, stdout, writing
from textrep.cli.target import check_target

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from textrep.comparison import ComparisonResult
    from textrep.data import Corpus

# What a shell reports for a program that Ctrl-C ended.
_EXIT_INTERRUPTED = 130
# Columns of a terminal from which there is room for a line on what each method does.
_DESCRIBED_WIDTH = 105
_FIGURES = ("accuracy", "macro-F1", "fit s", "docs/s")
# In place of a file; a file of that name is ./-.
_STDOUT = "-"
# The one method that learns nothing from texts.
_BASELINE = "majority"
# Wider than any table.
_UNBOUNDED = 10_000


def compare(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A .csv, .tsv, .jsonl or .parquet file, a folder or archive of such files or with "
            "a sub-folder for each class, or the name of a corpus.",
        ),
    ] = "docstrings",
    text: Annotated[
        str | None, typer.Option(help="Column of the texts: header, or position from 0.")
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Column of the labels: header, or position from 0.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of the data, when it is not UTF-8.")
    ] = None,
    methods: Annotated[
        str | None, typer.Option(help="Methods to try, separated by commas; all when left out.")
    ] = None,
    test_size: Annotated[
        float, typer.Option(help="Share of the texts to test on, when the data have no test part.")
    ] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Decides the split and whatever is random.")] = 0,
    json: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write the result as JSON to this file; - is standard output, and the table then "
            "goes to standard error.",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Compare text representations on labelled texts.

    Without DATA: on the docstrings of the installed Python packages, by subsystem.
    """
    # Names of methods are looked up first of all, and so is whether the result can be written:
    # what can be said at once is not said after the work is done.
    names = None if methods is None else [name.strip() for name in methods.split(",")]
    try:
        with _refusing(data):
            target = None if json in (None, _STDOUT) else Path(json)
            _look_ahead(data, names, target)
            corpus = _load(data, text, label, encoding, quiet)
            result = _run(corpus, names, test_size, seed, quiet)
    except KeyboardInterrupt:
        typer.echo("textrep: stopped before the first method was tried", err=True)
        raise typer.Exit(_EXIT_INTERRUPTED) from None
    # Written before it is shown: whoever reads the output may have gone.
    fault = None if target is None else _write(result, target)
    with writing():
        if json == _STDOUT:
            # As bytes: JSON is UTF-8 whatever the terminal is.
            typer.echo(_encoded(result), nl=False)
            _show(corpus, result, stderr())
        else:
            _show(corpus, result, stdout())
    if fault is not None:
        fail(fault)
    if result.interrupted:
        raise typer.Exit(_EXIT_INTERRUPTED)
    if complaint := _nothing_learnt(result):
        typer.echo(f"textrep: {complaint}", err=True)
        raise typer.Exit(1)


@contextlib.contextmanager
def _refusing(data: str) -> Iterator[None]:
    """Turn what the user can put right into one line."""
    from textrep.comparison import ComparisonError
    from textrep.core.labels import LabelError
    from textrep.core.messages import printable
    from textrep.core.text import TextInputError
    from textrep.data import DataError

    try:
        yield
    except (ComparisonError, DataError, LabelError, TextInputError) as error:
        fail(error)
    except MemoryError:
        fail(f"{printable(data)}: too large for the memory of this machine")
    except OSError as error:
        fail(f"{printable(data)}: {error}")


def _look_ahead(data: str, names: list[str] | None, json: Path | None) -> None:
    from textrep.comparison import choose_rungs
    from textrep.data.load import find_source

    choose_rungs(names)
    source = find_source(data)
    if json is not None:
        check_target("--json", json, source)


def _load(
    data: str, text: str | None, label: str | None, encoding: str | None, quiet: bool
) -> Corpus:
    from rich.console import Console
    from rich.markup import escape

    from textrep.core.messages import printable
    from textrep.data import load_corpus

    console = Console(stderr=True, quiet=quiet)
    # Elsewhere it would leave an empty line, and fail where that cannot be written.
    status = (
        console.status(f"reading {escape(printable(data))}")
        if console.is_terminal
        else contextlib.nullcontext()
    )
    with status:
        return load_corpus(data, text=text, label=label, encoding=encoding)


def _run(
    corpus: Corpus, names: list[str] | None, test_size: float, seed: int, quiet: bool
) -> ComparisonResult:
    import textrep

    return textrep.compare(
        corpus, methods=names, test_size=test_size, random_state=seed, verbose=0 if quiet else 1
    )


def _nothing_learnt(result: ComparisonResult) -> str | None:
    """Why the result says nothing about representations, or None."""
    through = [outcome.name for outcome in result.outcomes if outcome.status == "ok"]
    if not through:
        return "no method got through"
    if through == [_BASELINE] and len(result.outcomes) > 1:
        return f"only {_BASELINE} got through, which looks at no text"
    return None


def _show(corpus: Corpus, result: ComparisonResult, console: Console) -> None:
    _print(
        console,
        f"{result.name}: {len(result.classes)} classes, {result.n_train:,} texts to learn from, "
        f"{result.n_test:,} to test on",
    )
    for note in corpus.notes:
        _print(console, note)
    if corpus.versions:
        _print(console, f"made from {corpus.source}")
    console.print(_table(result, console))
    for outcome in result.outcomes:
        if outcome.status != "ok":
            _print(console, f"{outcome.name} {outcome.status}: {outcome.message}")
    if result.best_ is not None:
        _print(console, f"Best: {result.best_.name}, accuracy {result.best_.accuracy:.3f}")


def _print(console: Console, line: str) -> None:
    # The name of a file and the message of another library can hold anything.
    from textrep.core.messages import printable

    console.print(printable(line, limit=1000), markup=False)


def _table(result: ComparisonResult, console: Console) -> Table:
    """The leaderboard with as many columns as the terminal has room for."""
    from rich.measure import Measurement

    unbounded = console.options.update(max_width=_UNBOUNDED)
    described = console.width >= _DESCRIBED_WIDTH
    # A figure that is cut off is worse than none.
    for figures in range(len(_FIGURES), 1, -1):
        table = _columns(result, console.is_terminal, figures, described)
        if Measurement.get(console, unbounded, table).maximum <= console.width:
            return table
        described = False
    return _columns(result, console.is_terminal, 1, described)


def _columns(result: ComparisonResult, boxed: bool, count: int, described: bool) -> Table:
    from rich import box
    from rich.table import Table

    from textrep.comparison.result import figures
    from textrep.core.messages import printable

    table = Table(box=box.SIMPLE_HEAD if boxed else None, pad_edge=False)
    table.add_column("method", no_wrap=True)
    for header in _FIGURES[:count]:
        table.add_column(header, justify="right", no_wrap=True)
    if described:
        table.add_column("", no_wrap=True)
    for outcome in result.outcomes:
        if cells := figures(outcome):
            more = [outcome.description] if described else []
            style = "bold" if outcome is result.best_ else ""
            table.add_row(printable(outcome.name), *cells[:count], *more, style=style)
    return table


def _write(result: ComparisonResult, path: Path) -> str | None:
    """Why it could not be written, or None."""
    from textrep.core.files import atomic_write

    try:
        with atomic_write(path) as file:
            file.write(_encoded(result))
    except OSError as error:
        return f"--json {path}: cannot be written: {error.strerror or error}"
    return None


def _encoded(result: ComparisonResult) -> bytes:
    # Half a surrogate pair, as in the name of a file, becomes JSON's own escape for it.
    return result.to_json().encode(errors="backslashreplace") + b"\n"
