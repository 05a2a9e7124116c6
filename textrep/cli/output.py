"""What every command prints with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

# Wide enough that no row wraps where there is no terminal to wrap it for.
_PIPE_WIDTH = 200


def fail(message: object) -> NoReturn:
    """End the program with one line on standard error and exit code 2.

    Parameters
    ----------
    message : object
        What is wrong and how to put it right; line ends become spaces.

    Raises
    ------
    typer.Exit
        Always.
    """
    typer.echo(f"textrep: {' '.join(str(message).split())}", err=True)
    raise typer.Exit(2)


def stdout() -> Console:
    """Console on standard output: colours on a terminal, plain text in a pipe or a file.

    Returns
    -------
    rich.console.Console
    """
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPE_WIDTH)
