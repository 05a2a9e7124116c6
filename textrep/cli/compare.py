"""`textrep compare`: every representation on one data set."""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from textrep.cli.llm import LLMOptions
from textrep.cli.output import fail, stderr, stdout, writing
from textrep.cli.target import check_target

if TYPE_CHECKING:
    from rich.console import Console

    from textrep.comparison import ComparisonResult
    from textrep.comparison.arranging import Given
    from textrep.comparison.run import Prepared
    from textrep.data import Corpus

# What a shell reports for a program that Ctrl-C ended.
_EXIT_INTERRUPTED = 130
# In place of a file; a file of that name is ./-.
_STDOUT = "-"
# The one method that learns nothing from texts.
_BASELINE = "majority"


class _Asked(NamedTuple):
    """What is to be tried."""

    methods: str | None
    checkpoint: str | None


class Targets(NamedTuple):
    """What is to be written besides the table; None is nothing."""

    json: Path | None
    report: Path | None
    model: Path | None


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
    numeric: Annotated[
        str | None,
        typer.Option(help="Columns of numbers to learn from too, separated by commas."),
    ] = None,
    categorical: Annotated[
        str | None,
        typer.Option(help="Columns of categories to learn from too, separated by commas."),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of the data, when it is not UTF-8.")
    ] = None,
    methods: Annotated[
        str | None, typer.Option(help="Methods to try, separated by commas; all when left out.")
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Published encoder that frozen-encoder, static-student, bert and distilbert start "
            "from: a folder in the layout of Hugging Face, or a name on its hub. Without it they "
            "learn from the training texts alone.",
        ),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Data to test on, of the same form as DATA."),
    ] = None,
    test_size: Annotated[
        float, typer.Option(help="Share of the texts to test on, when the data have no test part.")
    ] = 0.2,
    folds: Annotated[
        int | None,
        typer.Option(
            metavar="K", help="Cross-validate in K folds of all texts instead of one test part."
        ),
    ] = None,
    metric: Annotated[
        str, typer.Option(help="What decides which method is best: accuracy or macro-f1.")
    ] = "accuracy",
    tune: Annotated[
        bool, typer.Option("--tune", help="Search for settings of each method on training texts.")
    ] = False,
    learning_curve: Annotated[
        bool,
        typer.Option("--learning-curve", help="Also fit on growing parts of the training texts."),
    ] = False,
    time_budget: Annotated[
        float | None,
        typer.Option(metavar="MINUTES", help="For all methods together; each gets a share."),
    ] = None,
    dedupe: Annotated[
        bool,
        typer.Option("--dedupe", help="First take out duplicate, contradictory and empty texts."),
    ] = False,
    label_check: Annotated[
        bool, typer.Option(help="Look for labels that look wrong, with the recommended method.")
    ] = True,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Do not go on where the same command was interrupted."),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Decides the split and whatever is random.")] = 0,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all of it as one HTML page to this file."),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Save the recommended model and its card to this folder; `textrep predict` uses "
            "it.",
        ),
    ] = None,
    json: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write the result as JSON to this file; - is standard output, and the table then "
            "goes to standard error.",
        ),
    ] = None,
    llm_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Also try a hosted language model at this OpenAI-compatible address; the texts "
            "are sent there.",
        ),
    ] = None,
    llm_model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the hosted model.")
    ] = None,
    llm_prompt: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With the prompt for the hosted model.")
    ] = None,
    llm_price_in: Annotated[
        float, typer.Option(help="Of a million tokens of prompts.", min=0)
    ] = 0.0,
    llm_price_out: Annotated[
        float, typer.Option(help="Of a million tokens of answers.", min=0)
    ] = 0.0,
    llm_key_variable: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Environment variable with the key; empty for an endpoint that needs none.",
        ),
    ] = "OPENAI_API_KEY",
    llm_max_cost: Annotated[
        float | None, typer.Option(help="Stop before the hosted model costs more than this.")
    ] = None,
    llm_examples: Annotated[
        int | None, typer.Option(help="Training texts of each class to show in the prompt.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Compare text representations on labelled texts.

    Without DATA: on the docstrings of the installed Python packages, by subsystem.

    The data are examined first. The recommended method is the cheapest one that is not
    significantly worse than the best. An interrupted command is repeated: it goes on where it was.
    """
    from textrep.comparison.workers.pool import start_early

    begun = time.monotonic()
    llm = LLMOptions(
        url=llm_url,
        model=llm_model,
        prompt=llm_prompt,
        price_in=llm_price_in,
        price_out=llm_price_out,
        max_cost=llm_max_cost,
        examples=llm_examples,
        key_variable=llm_key_variable,
    )
    targets = Targets(None if json in (None, _STDOUT) else Path(str(json)), report, save)
    console = stderr if json == _STDOUT else stdout
    metric = metric.replace("-", "_").lower()
    # What can be said at once is not said after the work is done.
    try:
        with _refusing(data):
            asked = _Asked(methods, checkpoint)
            chosen = _look_ahead(data, test, asked, llm, targets, metric, time_budget)
            start_early()
            columns = _Columns(text, label, _names(numeric), _names(categorical), encoding)
            corpus, given, tested = _read(data, test, columns, quiet)
            prepared = _prepare(
                given, tested, chosen, checkpoint, test_size, folds, dedupe, seed, quiet
            )
        read = _show_data(corpus, prepared, console())
        with _refusing(data):
            result = _run(
                prepared,
                metric=metric,
                tune=tune,
                learning_curve=learning_curve,
                time_budget=time_budget,
                label_errors=label_check,
                resume=not fresh,
                verbose=0 if quiet else 1,
                begun=begun,
            )
    except KeyboardInterrupt:
        typer.echo("textrep: stopped before the first method was tried", err=True)
        raise typer.Exit(_EXIT_INTERRUPTED) from None
    # Written before it is shown: whoever reads the output may have gone.
    faults, written = _write(result, targets)
    if not read:
        raise typer.Exit(1)
    with writing():
        if json == _STDOUT:
            # As bytes: JSON is UTF-8 whatever the terminal is.
            typer.echo(_encoded(result), nl=False)
        _show_result(result, written, console())
    if faults:
        fail("; ".join(faults), _EXIT_INTERRUPTED if result.interrupted else 2)
    if result.interrupted:
        raise typer.Exit(_EXIT_INTERRUPTED)
    if complaint := _nothing_learnt(result):
        typer.echo(f"textrep: {complaint}", err=True)
        raise typer.Exit(1)


@contextlib.contextmanager
def _refusing(data: str) -> Iterator[None]:
    """Turn what the user can put right into one line."""
    from textrep.comparison import ComparisonError
    from textrep.comparison.llm import LLMError
    from textrep.core.labels import LabelError
    from textrep.core.messages import printable
    from textrep.core.text import TextInputError
    from textrep.data import DataError

    try:
        yield
    except (ComparisonError, DataError, LabelError, LLMError, TextInputError) as error:
        fail(error)
    except MemoryError:
        fail(f"{printable(data)}: too large for the memory of this machine")
    except OSError as error:
        fail(f"{printable(data)}: {error}")


def _look_ahead(
    data: str,
    test: str | None,
    asked: _Asked,
    llm: LLMOptions,
    targets: Targets,
    metric: str,
    time_budget: float | None,
) -> list[Any]:
    """Check whatever does not need the data, and choose the methods."""
    from textrep.comparison import RUNGS, choose_rungs
    from textrep.comparison.checkpoint import check_checkpoint
    from textrep.comparison.run import check_options
    from textrep.comparison.saving import check_model_target
    from textrep.data.load import find_source

    check_options(metric, time_budget)
    chosen: list[Any] = list(RUNGS) if asked.methods is None else list(_names(asked.methods))
    if (rung := llm.rung()) is not None:
        chosen.append(rung)
    choose_rungs(chosen, asked.checkpoint)
    if asked.checkpoint is not None:
        check_checkpoint(asked.checkpoint)
    source = find_source(data)
    sources = [source, None if test is None else find_source(test)]
    for each in sources:
        for option, path in (("--json", targets.json), ("--report", targets.report)):
            if path is not None:
                check_target(option, path, each)
        if targets.model is not None:
            check_model_target(targets.model, each)
    return chosen


class _Columns(NamedTuple):
    """What is read of a table."""

    text: str | None
    label: str | None
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    encoding: str | None

    @property
    def by_position(self) -> bool:
        """Whether a further column is named by its position."""
        return any(name.isdecimal() for name in (*self.numeric, *self.categorical))


def _names(value: str | None) -> tuple[str, ...]:
    names = () if value is None else (name.strip() for name in value.split(","))
    return tuple(name for name in names if name)


def _read(
    data: str, test: str | None, columns: _Columns, quiet: bool
) -> tuple[Corpus, Given, Given | None]:
    from textrep.comparison.arranging import Given

    corpus = _load(data, columns, quiet)
    given = Given(corpus, None, *_further(corpus, columns))
    if test is None:
        return corpus, given, None
    tested = _load(test, columns, quiet)
    return corpus, given, Given(tested, None, *_further(tested, columns))


def _further(
    corpus: Corpus, columns: _Columns
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """The further columns by the names that they have in a corpus, of numbers and of categories."""
    names = (*columns.numeric, *columns.categorical)
    if columns.by_position:
        # They were read in this order, and are called by their headers.
        names = tuple(corpus.columns)
    at = len(columns.numeric)
    return names[:at] or None, names[at:] or None


def _load(data: str, columns: _Columns, quiet: bool) -> Corpus:
    from rich.console import Console
    from rich.markup import escape

    from textrep.core.messages import printable
    from textrep.data import load_corpus

    # Also those that nobody asked for: whoever adds one later wants to know that it leaks.
    further: Any = True
    if columns.by_position:
        further = [*columns.numeric, *columns.categorical]
    console = Console(stderr=True, quiet=quiet)
    # Elsewhere it would leave an empty line, and fail where that cannot be written.
    status = (
        console.status(f"reading {escape(printable(data))}")
        if console.is_terminal
        else contextlib.nullcontext()
    )
    with status:
        return load_corpus(
            data,
            text=columns.text,
            label=columns.label,
            encoding=columns.encoding,
            columns=further,
        )


def _prepare(
    given: Given,
    test: Given | None,
    methods: list[Any],
    checkpoint: str | None,
    test_size: float,
    folds: int | None,
    dedupe: bool,
    seed: int,
    quiet: bool,
) -> Prepared:
    from textrep.comparison.run import prepare

    return prepare(
        given,
        test,
        methods=methods,
        checkpoint=checkpoint,
        test_size=test_size,
        folds=folds,
        remove_copies=dedupe,
        random_state=seed,
        verbose=0 if quiet else 1,
    )


def _run(prepared: Prepared, **options: Any) -> ComparisonResult:
    from textrep.comparison.run import run

    result = run(prepared, **options)
    command = shlex.join(["textrep", *sys.argv[1:]])
    return dataclasses.replace(result, settings={**result.settings, "command": command})


def _show_data(corpus: Corpus, prepared: Prepared, console: Console) -> bool:
    """Print what is compared on; whether there is somebody to read it."""
    from textrep.cli.leaderboard import show_data

    try:
        show_data(corpus, prepared, console)
        console.file.flush()
    # What rich makes of a reader that has gone. The work is done all the same, for the files.
    except SystemExit:
        return False
    # Said at the end, when nothing can be lost by it.
    except OSError:
        pass
    return True


def _show_result(result: ComparisonResult, written: list[str], console: Console) -> None:
    from textrep.cli.leaderboard import print_line, show_result

    show_result(result, console)
    for line in written:
        print_line(console, line)


def _nothing_learnt(result: ComparisonResult) -> str | None:
    """Why the result says nothing about representations, or None."""
    through = [outcome.name for outcome in result.outcomes if outcome.status == "ok"]
    if not through:
        return "no method got through"
    if through == [_BASELINE] and len(result.outcomes) > 1:
        return f"only {_BASELINE} got through, which looks at no text"
    return None


def _write(result: ComparisonResult, targets: Targets) -> tuple[list[str], list[str]]:
    """Faults and what was written: what cannot be written keeps nothing else from its file."""
    from textrep.comparison import ComparisonError
    from textrep.core.persist import PersistError

    faults, written = [], []
    steps = (
        ("--json", targets.json, _write_json, None),
        ("--report", targets.report, lambda result, path: result.report(path), "Report"),
        ("--save", targets.model, lambda result, path: result.save(path), "Model"),
    )
    for option, path, step, noun in steps:
        if path is None:
            continue
        try:
            step(result, path)
        except OSError as error:
            faults.append(f"{option} {path}: cannot be written: {error.strerror or error}")
        except (ComparisonError, PersistError) as error:
            faults.append(f"{option} {path}: {error}")
        else:
            written += [f"{noun}: {path}"] if noun else []
    return faults, written


def _write_json(result: ComparisonResult, path: Path) -> None:
    from textrep.core.files import atomic_write

    with atomic_write(path) as file:
        file.write(_encoded(result))


def _encoded(result: ComparisonResult) -> bytes:
    # Half a surrogate pair, as in the name of a file, becomes JSON's own escape for it.
    return result.to_json().encode(errors="backslashreplace") + b"\n"
