"""What every command prints with."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

# Wide enough that no row wraps where there is no terminal to wrap it for.
_PIPE_WIDTH = 200
# No terminal that a table can be read on is narrower.
_MIN_WIDTH = 20
_USUAL_WIDTH = 80
# Longer than any message that is meant to be read.
_MAX_LINE = 2000


def fail(message: object, code: int = 2) -> NoReturn:
    """End the program with one line on standard error.

    Parameters
    ----------
    message : object
        What is wrong and how to put it right; line ends become spaces.
    code : int, default=2
        Exit code.

    Raises
    ------
    typer.Exit
        Always.
    """
    from textrep.core.messages import printable

    line = printable(" ".join(str(message).split()), limit=_MAX_LINE)
    # Where standard error cannot be written to, the exit code has to do.
    with contextlib.suppress(OSError, ValueError):
        typer.echo(f"textrep: {line}", err=True)
    raise typer.Exit(code)


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """Tell in one line that standard output cannot be written to, as on a full disk.

    Raises
    ------
    typer.Exit
        When the block raises OSError; a reader that has gone ends the program without a word.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is still buffered would fail once more when Python ends.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        fail(f"standard output: {error.strerror or error}")


def check_choice(option: str, value: str | None, known: tuple[str, ...]) -> None:
    """End the program if the value of an option is none of those known.

    Parameters
    ----------
    option : str
        How the user names it, such as ``"--level"``.
    value : str or None
        None where it was not given.
    known : tuple of str

    Raises
    ------
    typer.Exit
    """
    if value is not None and value not in known:
        fail(f"{option} is {value!r}; expected one of {', '.join(known)}")


def print_lines(lines: Iterable[str]) -> None:
    """Print lines on standard output, without what a terminal would obey.

    Parameters
    ----------
    lines : iterable of str
    """
    from textrep.core.messages import printable

    console = stdout()
    with writing():
        for line in lines:
            console.print(printable(line, limit=1000), markup=False, soft_wrap=True)


def leave_the_rest_to_main() -> None:
    """End a process that has trained with others, unless it is the one that writes and prints.

    Raises
    ------
    typer.Exit
        In all processes but the first of those that a launcher has started.
    """
    from textrep.core.launching import is_main

    if not is_main():
        raise typer.Exit


def tolerate_any_text() -> None:
    """Let both streams write what their encoding lacks as an escape.

    Names and labels hold any character, the name of a file even half a surrogate pair; a result
    must not be lost because one of them cannot be printed.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def stdout() -> Console:
    """Console on standard output: colours on a terminal, plain text in a pipe or a file.

    Returns
    -------
    rich.console.Console
    """
    return _console(error=False)


def stderr() -> Console:
    """Console on standard error, as `stdout` is one on standard output.

    Returns
    -------
    rich.console.Console
    """
    return _console(error=True)


def _console(error: bool) -> Console:
    from rich.console import Console

    console = Console(stderr=error, highlight=False)
    width = None if console.is_terminal else _PIPE_WIDTH
    # Some terminals say that they have no columns at all, and would be sent nothing.
    if console.is_terminal and console.width < _MIN_WIDTH:
        width = _USUAL_WIDTH
    return console if width is None else Console(stderr=error, highlight=False, width=width)
