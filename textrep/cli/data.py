"""`textrep data`: which corpora there are, and getting and checking them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from textrep.cli.output import fail, stdout, writing

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from textrep.data.cards import Card
    from textrep.data.errors import DataError
    from textrep.data.verification import Verification

_EXIT_INTERRUPTED = 130
_EXIT_DIFFERS = 1
# Rows of a table of differences after which only their number is told.
_MAX_ROWS = 40
# Wider than any table.
_UNBOUNDED = 10_000

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List, fetch and check the corpora that are known by name.",
)

_Names = Annotated[list[str], typer.Argument(metavar="NAME", help="Names of corpora.")]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


@app.command("list")
def list_() -> None:
    """List the corpora, and where they are on this machine."""
    from textrep.data.cards import load_card, names

    with _refusing():
        rows = [_row(load_card(name)) for name in names()]
    table = _table("name", "documents", "size", "where", "task")
    for row in rows:
        table.add_row(*map(_plain, row))
    with writing():
        _print_table(stdout(), table)


@app.command()
def info(name: Annotated[str, typer.Argument(help="Name of a corpus.")]) -> None:
    """Tell what is known about a corpus."""
    from textrep.data.cards import load_card

    with _refusing():
        lines = list(_described(load_card(name)))
    with writing():
        console = stdout()
        for line in lines:
            _print(console, line)


@app.command()
def fetch(
    names: _Names,
    mirror: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Fetch from here instead of the publishers: a folder on a web server that holds "
            "each file under the name of its host and its path, as `wget -x` lays them out. "
            "Checksums are held to all the same.",
        ),
    ] = None,
    quiet: _Quiet = False,
) -> None:
    """Fetch corpora that are not on this machine.

    What comes is checked against the published length and checksum and kept in the cache
    (TEXTREP_CACHE). An interrupted command is repeated: it goes on where it was.
    """
    from textrep.data.cards import load_card
    from textrep.data.errors import DataError
    from textrep.data.store import fetch as fetch_corpus

    with _refusing():
        for name in names:
            load_card(name)
    faults: list[DataError] = []
    for name in names:
        try:
            with _stopping():
                paths = fetch_corpus(name, mirror=mirror, verbose=0 if quiet else 1)
        except DataError as error:
            # The others are fetched all the same.
            faults.append(error)
            continue
        with writing():
            console = stdout()
            for line in map(str, paths) if paths else ("built when it is loaded",):
                _print(console, f"{name}: {line}")
    if faults:
        fail(_together(faults))


@app.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Names of corpora.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Verify every corpus that is here, at least in part.")
    ] = False,
    quiet: _Quiet = False,
) -> None:
    """Hold corpora to their published checksums and counts.

    The counts are of documents per part and class. Nothing is fetched. The exit
    code is 1 when a corpus is not as its card says.
    """
    from textrep.data.cards import load_card
    from textrep.data.verification import verify as verify_corpus

    with _refusing():
        chosen = _here() if everything else list(names or ())
        for name in chosen:
            load_card(name)
    if not names and not everything:
        fail("name the corpora to verify, or give --all")
    if names and everything:
        fail("--all verifies every corpus that is here; leave the names out")
    if not chosen:
        typer.echo("textrep: no corpus is on this machine, so nothing was verified", err=True)
    right = True
    for name in chosen:
        with _refusing():
            result = verify_corpus(name, verbose=0 if quiet else 1)
        right = right and result.ok
        with writing():
            _report(stdout(), result)
    if not right:
        raise typer.Exit(_EXIT_DIFFERS)


def _together(faults: list[DataError]) -> str:
    others = "" if len(faults) == 1 else f" (and {len(faults) - 1} more corpora could not be had)"
    return f"{faults[0]}{others}"


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Turn what the user can put right into one line."""
    from textrep.data.errors import DataError

    try:
        with _stopping():
            yield
    except (DataError, OSError) as error:
        fail(error)


@contextlib.contextmanager
def _stopping() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("textrep: stopped; the same command goes on from here", err=True)
        raise typer.Exit(_EXIT_INTERRUPTED) from None


def _here() -> list[str]:
    """Corpora that are on this machine, at least in part."""
    from textrep.data.cards import load_card, names

    return [name for name in names() if _where(load_card(name))[0] not in {"", "built"}]


def _row(card: Card) -> tuple[str, str, str, str, str]:
    from textrep.data.counting import expected_documents
    from textrep.data.fetching.faults import amount

    documents = expected_documents(card.expected)
    number = "" if documents is None else f"{documents[0]:,}{'+' if documents[1] else ''}"
    where, size = _where(card)
    return card.name, number, amount(size) if size else "", where, card.task


def _where(card: Card) -> tuple[str, int]:
    """Where the files of a corpus are, in a word, and how many bytes they have together."""
    from textrep.core.paths import DATA_VARIABLE
    from textrep.data.store import find_archive, find_here, is_cached

    if not card.files:
        return "built", 0
    found = [find_here(file) or find_archive(file) for file in card.files]
    paths = {path for path in found if path is not None}
    size = sum(path.stat().st_size for path in paths)
    if not paths:
        return "", 0
    if None in found:
        return f"{sum(path is not None for path in found)} of {len(found)} files", size
    return "cache" if all(map(is_cached, paths)) else DATA_VARIABLE, size


def _described(card: Card) -> Iterator[str]:
    from textrep.data.store import find_archive, find_here

    yield f"{card.name}: {card.title}"
    for name in ("task", "licence", "citation", "homepage", "reader"):
        if value := getattr(card, name):
            yield f"{name}: {value}"
    for name, value in card.options.items():
        if card.reader != "docstrings":
            yield f"  {name} = {value!r}"
    yield from _expectations(card)
    if card.files:
        yield "files:"
    for file in card.files:
        kind = " ".join(filter(None, (file.split, "" if file.role == "texts" else file.role)))
        yield f"  {file.path}{f' ({kind})' if kind else ''}"
        if file.url:
            yield f"    from {file.url}{f', {file.member} in it' if file.member else ''}"
        if file.checksum:
            yield f"    checksum {file.checksum}"
        found = find_here(file) or find_archive(file)
        yield f"    here: {found}" if found else "    not here"


def _expectations(card: Card) -> Iterator[str]:
    from textrep.data.counting import total

    for part, counts in card.expected.get("counts", {}).items():
        classes = ""
        if not isinstance(counts, int):
            classes = f" ({', '.join(f'{label} {count:,}' for label, count in counts.items())})"
        yield f"{part}: {total(counts):,} documents{classes}"
    for name in ("documents", "classes"):
        if least := card.expected.get(f"minimum_{name}"):
            yield f"at least {least:,} {name}"


def _report(console: Console, result: Verification) -> None:
    if result.ok:
        _print(
            console,
            f"{result.name}: as its card says, {result.documents:,} documents{_basis(result)}",
        )
        return
    _print(console, f"{result.name}: not as its card says")
    for check in result.files:
        if check.state == "missing":
            _print(console, f"  {check.path}: not here")
        elif check.state == "wrong":
            _print(
                console,
                f"  {check.found}: its checksum is {check.checksum}, and {check.published} is "
                "published",
            )
    for fault in result.faults:
        _print(console, f"  {fault}")
    if not result.differences:
        if result.counts:
            _print(console, f"  the numbers of documents are those published: {result.documents:,}")
        return
    table = _table("  part", "expected", "found", "class")
    for each in result.differences[:_MAX_ROWS]:
        expected = "" if each.expected is None else f"{each.expected:,}"
        least = "at least " if each.at_least else ""
        found = "" if each.found is None else f"{each.found:,}"
        table.add_row(*map(_plain, (f"  {each.part}", least + expected, found, each.label)))
    _print_table(console, table)
    if (more := len(result.differences) - _MAX_ROWS) > 0:
        _print(console, f"  and {more} more")


def _basis(result: Verification) -> str:
    """How many files have a checksum to go by: numbers alone say less."""
    if not result.files:
        return ""
    right = sum(check.state == "right" for check in result.files)
    if right:
        return f", published checksum of {right} of {len(result.files)} files"
    if any(check.state == "unpacked" for check in result.files):
        return "; the archive that the published checksum is of is not here"
    return "; no checksum is published"


def _table(*headers: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD if stdout().is_terminal else None, pad_edge=False)
    for header in headers:
        number = header in {"documents", "size", "expected", "found"}
        table.add_column(
            header,
            justify="right" if number else "left",
            no_wrap=True,
        )
    return table


def _print_table(console: Console, table: Table) -> None:
    # Where there is too little room, only the last column is cut.
    for column in table.columns[:-1]:
        column.min_width = max(map(len, map(str, (column.header, *column.cells))))
    # A column of which nothing could be read gives its room to the others.
    unbounded = console.options.update(max_width=_UNBOUNDED)
    while (
        len(table.columns) > 1 and console.measure(table, options=unbounded).minimum > console.width
    ):
        table.columns.pop()
    console.print(table)


def _plain(text: str) -> str:
    from rich.markup import escape

    from textrep.core.messages import printable

    return escape(printable(text))


def _print(console: Console, line: str) -> None:
    from textrep.core.messages import printable

    # An address or a checksum that is broken in two cannot be copied.
    console.print(printable(line, limit=1000), markup=False, soft_wrap=True)
