"""What `textrep encoder` writes: predictions and vectors, piece by piece."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from textrep.cli.answers import Answer, AnswerWriter
from textrep.cli.encoder_models import Columns, embedder_of
from textrep.cli.incoming import STDIN, read_pieces
from textrep.cli.output import fail, writing
from textrep.cli.target import check_targets

_Write = Callable[[bytes], object]


def check_files(
    named: dict[str, Path | None],
    data: str,
    other: str | Path | None = None,
    export: Path | None = None,
) -> None:
    """End the program if a file cannot be written, or holds what is read.

    Parameters
    ----------
    named : dict of str to Path or None
        Files to write, by option.
    data : str
    other : str, Path or None
        Another file that is read: of a model, or further texts.
    export : Path or None
        Folder of ``--export``, which may be there if it is empty.
    """
    from textrep.data.load import find_source

    sources = [None if data == STDIN else find_source(data)]
    if other is not None and other != STDIN:
        sources.append(Path(other) if Path(other).exists() else None)
    check_targets(named, *sources)
    out = named.get("--out")
    if out is not None:
        from textrep.cli.vector_files import VectorOutputError, check_suffix

        try:
            check_suffix(out)
        except VectorOutputError as error:
            fail(f"--out {out}: {error}")
    if export is not None and export.exists():
        if not export.is_dir() or any(export.iterdir()):
            fail(f"--export {export}: this is there already; give the name of a new folder")
    elif export is not None and not export.resolve().parent.is_dir():
        fail(f"--export {export}: the folder {export.resolve().parent} does not exist")


def write_predictions(
    model: Any,
    data: str,
    columns: Columns,
    *,
    form: str,
    out: Path | None,
    probabilities: bool,
    inference: str | None,
    quiet: bool,
) -> None:
    """Write what a model says of each text.

    Parameters
    ----------
    model : fitted EncoderClassifier
    data : str
    columns : Columns
    form : str
        One of `answers.FORMATS`.
    out : Path or None
        None is standard output.
    probabilities : bool
        Whether those of all classes are wanted.
    inference : str or None
        Way to compute; None as the model is.
    quiet : bool
        Whether to show no progress.
    """
    from textrep.core.progress import Progress, progress

    answerer = _Answerer(model, form, probabilities)
    bar: Progress[object] = progress(
        description="predicting", verbose=0 if quiet else 1, unit="texts"
    )
    pieces = read_pieces(data, None, columns.wanted(labels=False))
    with _opened(out) as write, bar:
        write(answerer.header())
        for number, piece in enumerate(pieces):
            inputs = columns.inputs(piece)
            if number == 0 and inference is not None:
                _optimise(model, inference, inputs)
            write(answerer.lines(inputs))
            bar.update(len(inputs))


def _optimise(model: Any, kind: str, inputs: list[Any]) -> None:
    if not hasattr(model, "optimise"):
        fail(f"--inference is not for a {type(model).__name__}; distil one by `encoder distill`")
    report = model.optimise(kind, texts=inputs)
    typer.echo(f"textrep: computing in {report.chosen}", err=True)


class _Answerer:
    """Turns texts into lines of answers."""

    def __init__(self, model: Any, form: str, probabilities: bool) -> None:
        self._model = model
        self._probabilities = probabilities
        self._writer: AnswerWriter | None = None
        kind = getattr(model, "problem_", "single-label")
        if kind == "single-label":
            try:
                classes = model.classes_.tolist()
                self._writer = AnswerWriter(form, classes, probabilities, False)
            except ValueError as error:
                fail(error)
        elif probabilities or form != "labels":
            fail(f"this model answers {kind} questions; give --format labels")

    def header(self) -> bytes:
        return b"" if self._writer is None else self._writer.header()

    def lines(self, inputs: list[Any]) -> bytes:
        if self._writer is None:
            return "".join(f"{_plain(value)}\n" for value in self._model.predict(inputs)).encode()
        classes = self._model.classes_.tolist()
        table = self._model.predict_proba(inputs)
        return self._writer.lines(
            Answer(classes[best], row[best], row if self._probabilities else None)
            for best, row in zip(table.argmax(axis=1).tolist(), table.tolist(), strict=True)
        )


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@contextlib.contextmanager
def _opened(out: Path | None) -> Iterator[_Write]:
    """A function that writes bytes to the file, or to standard output at once."""
    from textrep.core.files import atomic_write

    if out is None:
        yield _to_stdout
        return
    with atomic_write(out) as file:
        yield file.write


def _to_stdout(data: bytes) -> None:
    # As bytes: what is written is UTF-8 whatever the terminal is.
    with writing():
        typer.echo(data, nl=False)


def _rows_to_stdout(rows: Any) -> None:
    from textrep.cli.vector_files import table_row

    _to_stdout(b"".join(map(table_row, rows)))


def write_vectors(
    model: Any, data: str, columns: Columns, pooling: str | None, out: Path | None, quiet: bool
) -> list[str]:
    """Write the vectors of texts.

    Parameters
    ----------
    model : fitted estimator with ``encoder_``
    data : str
    columns : Columns
    pooling : str or None
        None is the model's own, or the mean where it has none.
    out : Path or None
        None is standard output.
    quiet : bool

    Returns
    -------
    list of str
        What is to be said of it.
    """
    from textrep.cli.vector_files import writing_vectors
    from textrep.core.progress import Progress, progress

    own = pooling is None and hasattr(model, "transform")
    made = model if own else embedder_of(model, pooling or "mean")
    bar: Progress[object] = progress(
        description="Making vectors", verbose=0 if quiet else 1, unit="texts"
    )
    count = 0
    with contextlib.ExitStack() as stack:
        size = model.encoder_.hidden_size
        write: Callable[[Any], object] = _rows_to_stdout
        if out is not None:
            names = [f"encoder{number}" for number in range(size)]
            write = stack.enter_context(writing_vectors(out, names))
        stack.enter_context(bar)
        for piece in read_pieces(data, None, columns.wanted(labels=False)):
            rows = made.transform(columns.inputs(piece))
            write(rows)
            count += len(rows)
            bar.update(len(rows))
    return [] if out is None else [f"{count:,} vectors of {size:,} numbers: {out}"]
