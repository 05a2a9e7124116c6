"""Word vectors that a command is given: a model of textrep, or a file of another program."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from textrep.cli.output import fail

if TYPE_CHECKING:
    from textrep.embeddings import WordEmbedder, WordVectors

DEFAULT_MODEL = "textrep-static-en"

_EXIT_INTERRUPTED = 130


@contextlib.contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn what the user can put right into one line.

    Parameters
    ----------
    what : str
        File that memory is short for.

    Raises
    ------
    typer.Exit
        After that line.
    """
    from textrep.core.messages import printable
    from textrep.embeddings import UnknownWordError

    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning  # type: ignore[assignment]
            yield
    except UnknownWordError as error:
        fail(error)
    except BrokenPipeError:
        raise  # a reader that has gone ends the program without a word
    # Whatever is wrong with parameters, data, models or files of vectors is said by a ValueError,
    # or by an OSError with the name of the file.
    except (FloatingPointError, ValueError, OSError, ModuleNotFoundError) as error:
        fail(error)
    except MemoryError:
        fail(f"{printable(what)}: too large for the memory of this machine")
    except KeyboardInterrupt:
        typer.echo("textrep: stopped", err=True)
        raise typer.Exit(_EXIT_INTERRUPTED) from None


def _show_warning(message: Warning | str, *_: object) -> None:
    from textrep.core.messages import printable

    typer.echo(f"textrep: {printable(str(message), limit=1000)}", err=True)


def open_vectors(model: str | None, vectors: Path | None) -> WordVectors:
    """The word vectors of a model or a file.

    Parameters
    ----------
    model : str or None
        File that textrep saved, or name of a model that comes with it.
    vectors : Path or None
        File of word2vec, GloVe or fastText. Without either: `DEFAULT_MODEL`.

    Returns
    -------
    WordVectors

    Raises
    ------
    typer.Exit
        When both are given, or there is no such file, or it holds something else.
    """
    if vectors is None:
        return open_embedder(model).vectors_
    _refuse_both(model)
    from textrep.core.messages import printable
    from textrep.embeddings.formats import VectorFileError, read_vectors
    from textrep.embeddings.formats.files import detect

    with _naming_file("--vectors", str(vectors)):
        try:
            form = detect(vectors)
            # Of a model of fastText, all words are put together at once, not each at every look.
            return read_vectors(vectors, form, lazy=form != "fasttext-bin")
        except VectorFileError as error:
            hint = "; --model takes models of textrep" if _is_zip(vectors) else ""
            fail(f"--vectors {printable(str(error))}{hint}")


def open_embedder(model: str | None) -> WordEmbedder:
    """A fitted model of word vectors.

    Parameters
    ----------
    model : str or None
        File that textrep saved, or name of a model that comes with it; None is `DEFAULT_MODEL`.

    Returns
    -------
    WordEmbedder

    Raises
    ------
    typer.Exit
        When there is none, or it is of another kind or not fitted.
    """
    import textrep
    from textrep.core.messages import printable
    from textrep.embeddings import WordEmbedder

    name = DEFAULT_MODEL if model is None else model
    if not name:
        fail("--model is empty; give the file of a model")
    with _naming_file("--model", name):
        try:
            found: Any = textrep.load(name)
        except FileNotFoundError as error:
            # Of a name and of a path, the message says different things.
            fail(f"--model {printable(name)}: {error.strerror or error}{_advice(model)}")
        except textrep.PersistError as error:
            hint = "" if _is_zip(Path(name)) else "; --vectors takes files of word2vec and the like"
            fail(f"--model: {error}{hint}")
    if not isinstance(found, WordEmbedder):
        fail(
            f"--model {printable(name)}: this is a {type(found).__name__}, not a model of word "
            "vectors, such as `textrep embed fit --save` makes"
        )
    if not hasattr(found, "vectors_"):
        fail(f"--model {printable(name)}: this {type(found).__name__} is not fitted")
    return found


def _advice(model: str | None) -> str:
    return "" if model is not None else "; give --model or --vectors"


def _refuse_both(model: str | None) -> None:
    if model is not None:
        fail("--model and --vectors: give one of them")


@contextlib.contextmanager
def _naming_file(option: str, name: str) -> Iterator[None]:
    from textrep.core.messages import printable

    try:
        yield
    except OSError as error:
        fail(f"{option} {printable(name)}: cannot be read: {error.strerror or error}")


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(2) == b"PK"
    except OSError:
        return False
