"""`textrep compare`: every representation on one data set."""

from __future__ import annotations

import binascii
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textrep.cli.output import fail, stdout

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from textrep.comparison import ComparisonResult
    from textrep.data import Corpus

# What a shell reports for a program that Ctrl-C ended.
_EXIT_INTERRUPTED = 130
# Columns of a terminal from which there is room for a line on what each method does.
_DESCRIBED_WIDTH = 105


def compare(
    data: Annotated[
        str,
        typer.Argument(
            metavar="[DATA]",
            help="A .csv or .tsv file, a folder with a sub-folder for each class (or an archive "
            "of one), or the name of a corpus.",
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
        Path | None, typer.Option(metavar="FILE", help="Write the result as JSON to this file.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Compare text representations on labelled texts.

    Without DATA: on the docstrings of the installed Python packages, by subsystem.
    """
    from textrep.comparison import ComparisonError
    from textrep.core.labels import LabelError
    from textrep.core.text import TextInputError
    from textrep.data import DataError

    if json is not None and not json.absolute().parent.is_dir():
        # Said now rather than after the work is done.
        fail(f"--json {json}: the folder {json.absolute().parent} does not exist; make it first")
    try:
        corpus = _load(data, text, label, encoding, quiet)
        result = _run(corpus, methods, test_size, seed, quiet)
    except (ComparisonError, DataError, LabelError, TextInputError) as error:
        fail(error)
    except (OSError, UnicodeError, binascii.Error) as error:  # a path or a codec of the system
        fail(f"{data}: {error}")
    _show(corpus, result)
    if json is not None:
        _write(result, json)
    if result.interrupted:
        raise typer.Exit(_EXIT_INTERRUPTED)
    if result.best_ is None:
        raise typer.Exit(1)


def _load(
    data: str, text: str | None, label: str | None, encoding: str | None, quiet: bool
) -> Corpus:
    from rich.console import Console

    from textrep.data import load_corpus

    console = Console(stderr=True, quiet=quiet)
    from rich.markup import escape

    with console.status(f"reading {escape(data)}"):
        return load_corpus(data, text=text, label=label, encoding=encoding)


def _run(
    corpus: Corpus, methods: str | None, test_size: float, seed: int, quiet: bool
) -> ComparisonResult:
    import textrep

    names = None if methods is None else [name.strip() for name in methods.split(",")]
    return textrep.compare(
        corpus, methods=names, test_size=test_size, random_state=seed, verbose=0 if quiet else 1
    )


def _show(corpus: Corpus, result: ComparisonResult) -> None:
    console = stdout()
    console.print(
        f"{result.name}: {len(result.classes)} classes, {result.n_train:,} texts to learn from, "
        f"{result.n_test:,} to test on",
        markup=False,
    )
    for note in corpus.notes:
        console.print(note, markup=False)
    if corpus.versions:
        console.print(f"made from {corpus.source}", markup=False)
    console.print(_table(result, console))
    for outcome in result.outcomes:
        if outcome.status != "ok":
            console.print(f"{outcome.name} {outcome.status}: {outcome.message}", markup=False)
    if result.best_ is not None:
        best = f"Best: {result.best_.name}, accuracy {result.best_.accuracy:.3f}"
        console.print(best, markup=False)


def _table(result: ComparisonResult, console: Console) -> Table:
    from rich import box
    from rich.table import Table

    from textrep.comparison.result import figures

    described = console.width >= _DESCRIBED_WIDTH
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)
    table.add_column("method", no_wrap=True)
    for header in ("accuracy", "macro-F1", "fit s", "docs/s"):
        table.add_column(header, justify="right", no_wrap=True)
    if described:
        table.add_column("", no_wrap=True)
    for outcome in result.outcomes:
        if cells := figures(outcome):
            more = [outcome.description] if described else []
            style = "bold" if outcome is result.best_ else ""
            table.add_row(outcome.name, *cells, *more, style=style)
    return table


def _write(result: ComparisonResult, path: Path) -> None:
    from textrep.core.files import atomic_write

    try:
        with atomic_write(path) as file:
            file.write(result.to_json().encode() + b"\n")
    except OSError as error:
        fail(f"--json {path}: cannot be written: {error.strerror or error}")
