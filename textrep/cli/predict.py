"""`textrep predict`: the answers of a saved model, text by text."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textrep.cli import answers, incoming
from textrep.cli.answers import Answer, AnswerWriter
from textrep.cli.incoming import STDIN, Wanted, read_pieces
from textrep.cli.output import fail, writing
from textrep.cli.target import check_target

if TYPE_CHECKING:
    from textrep.comparison.saved_model import SavedModel
    from textrep.core.progress import Progress
    from textrep.data import Corpus

# What a shell reports for a program that Ctrl-C ended.
_EXIT_INTERRUPTED = 130

_Write = Callable[[bytes], object]


@dataclass
class _Asking:
    """What is wanted of each text."""

    probabilities: bool
    words: int
    abstain: float


@dataclass
class _Tally:
    """How many texts were answered, and how many of them rightly."""

    texts: int = 0
    answered: int = 0
    right: int = 0
    known: set[str] = field(default_factory=set)

    def add(self, piece: Corpus, told: list[Answer]) -> None:
        self.texts += len(told)
        self.answered += sum(answer.prediction is not None for answer in told)
        if piece.labels is not None:
            pairs = zip(told, piece.labels, strict=True)
            self.right += sum(
                answer.prediction is not None and str(answer.prediction) == label
                for answer, label in pairs
            )
            self.known.update(piece.labels)


def predict(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Folder that `textrep compare --save` made.")
    ],
    data: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A table, a file with a text on each line, whatever else `textrep compare` reads, "
            "or - for standard input.",
        ),
    ],
    text: Annotated[
        str | None, typer.Option(help="Column of the texts: header, or position from 0.")
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Column of the labels, for --score: header, or position.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of the data, when it is not UTF-8.")
    ] = None,
    input_format: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(incoming.FORMATS),
            help="Of FILE, when its suffix does not tell; standard input is a text on each line.",
        ),
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="|".join(answers.FORMATS),
            help="Of the output, which has a line for each text, in their order.",
        ),
    ] = "jsonl",
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write to this file, whole or not at all.")
    ] = None,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Give the probability of each class.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Give the words that decided.")
    ] = False,
    words: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many of them to give at most.")
    ] = 5,
    abstain: Annotated[
        float,
        typer.Option(
            metavar="P", help="Leave the prediction blank where its probability is below P."
        ),
    ] = 0.0,
    score: Annotated[
        bool, typer.Option("--score", help="Compare with the labels that the data have.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Predict the classes of texts with a saved model."""
    for option, value, known in (
        ("--input-format", input_format, incoming.FORMATS),
        ("--format", form, answers.FORMATS),
    ):
        if value is not None and value not in known:
            fail(f"{option} is {value!r}; expected one of {', '.join(known)}")
    if not 0 <= abstain <= 1:
        fail(f"--abstain is {abstain}; expected a probability from 0 to 1")
    asking = _Asking(probabilities, words if explain else 0, abstain)
    try:
        with _refusing(data):
            saved = _load(model, data, output)
            if explain and saved.is_hosted:
                fail(
                    "--explain asks the hosted model once for each word of a text, which costs "
                    "money; leave it out"
                )
            writer = _writer(form, saved, asking)
            wanted = Wanted(text, label or (None if score else False), saved.column_names, encoding)
            pieces = read_pieces(data, input_format, wanted)
            tally = _write_answers(saved, pieces, asking, writer, output, quiet)
    except KeyboardInterrupt:
        typer.echo("textrep: stopped", err=True)
        raise typer.Exit(_EXIT_INTERRUPTED) from None
    _report(saved, tally, abstain, score)


@contextlib.contextmanager
def _refusing(data: str) -> Iterator[None]:
    """Turn what the user can put right into one line."""
    from textrep.comparison import ComparisonError, LLMError
    from textrep.core.messages import printable
    from textrep.core.persist import PersistError
    from textrep.core.text import TextInputError
    from textrep.data import DataError

    try:
        yield
    except (ComparisonError, DataError, LLMError, PersistError, TextInputError) as error:
        fail(error)
    except MemoryError:
        fail(f"{printable(data)}: too large for the memory of this machine")


def _load(folder: Path, data: str, output: Path | None) -> SavedModel:
    """The model, once it is known that the output can be written."""
    from textrep.comparison.saved_model import load_model
    from textrep.core.messages import printable
    from textrep.data.load import find_source

    if output is not None:
        if output.resolve().is_relative_to(folder.resolve()):
            fail(f"--output {printable(str(output))}: this is inside the folder of the model")
        check_target("--output", output, None if data == STDIN else find_source(data))
    try:
        return load_model(folder)
    except OSError as error:
        fail(f"{printable(str(folder))}: cannot be read: {error.strerror or error}")


def _writer(form: str, model: SavedModel, asking: _Asking) -> AnswerWriter:
    try:
        return AnswerWriter(form, model.classes_.tolist(), asking.probabilities, asking.words > 0)
    except ValueError as error:
        fail(error)


def _write_answers(
    model: SavedModel,
    pieces: Iterator[Corpus],
    asking: _Asking,
    writer: AnswerWriter,
    output: Path | None,
    quiet: bool,
) -> _Tally:
    from textrep.core.progress import progress

    tally = _Tally()
    bar: Progress[object] = progress(
        description="predicting", verbose=0 if quiet else 1, unit="texts"
    )
    with _opened(output) as write, bar:
        write(writer.header())
        for piece in pieces:
            told = _answers(model, piece, asking, tally.texts)
            write(writer.lines(told))
            tally.add(piece, told)
            bar.update(len(told))
    return tally


@contextlib.contextmanager
def _opened(output: Path | None) -> Iterator[_Write]:
    """A function that writes bytes to the file, or to standard output at once."""
    from textrep.core.files import atomic_write

    if output is None:
        yield _to_stdout
        return
    try:
        with atomic_write(output) as file:
            yield file.write
    except OSError as error:
        fail(f"--output {output}: cannot be written: {error.strerror or error}")


def _to_stdout(data: bytes) -> None:
    # As bytes: what is written is UTF-8 whatever the terminal is.
    with writing():
        typer.echo(data, nl=False)


def _answers(model: SavedModel, piece: Corpus, asking: _Asking, before: int) -> list[Answer]:
    """What the model says of each text of a piece; `before` texts came before it."""
    from textrep.comparison import ComparisonError

    try:
        table = model.predict_proba(piece.texts, columns=piece.columns)
        explained: Any = [None] * len(piece)
        if asking.words:
            explained = model.explain(piece.texts, asking.words, columns=piece.columns)
    except ComparisonError as error:
        raise ComparisonError(
            f"texts {before + 1:,} to {before + len(piece):,}, counted from the first of them: "
            f"{error}"
        ) from None
    classes = model.classes_.tolist()
    return [
        Answer(
            classes[best] if row[best] >= asking.abstain else None,
            row[best],
            row if asking.probabilities else None,
            words,
        )
        for best, row, words in zip(table.argmax(axis=1), table.tolist(), explained, strict=True)
    ]


def _report(model: SavedModel, tally: _Tally, abstain: float, score: bool) -> None:
    """What was left blank, and how many answers were right, on standard error."""
    if abstain:
        blank = tally.texts - tally.answered
        typer.echo(f"{tally.texts:,} texts, {blank:,} left blank", err=True)
    if not score or not tally.texts:
        return
    if not tally.known:
        fail("--score: the data have no labels; name their column with --label")
    if not tally.known & set(map(str, model.classes_.tolist())):
        fail("--score: none of the labels in the data is a class of the model; see --label")
    if not tally.answered:
        typer.echo("accuracy: no text was answered", err=True)
        return
    typer.echo(
        f"accuracy {tally.right / tally.answered:.3f} of the {tally.answered:,} answered "
        f"({tally.answered / tally.texts:.1%} of all)",
        err=True,
    )
