"""The program `textrep` and its options."""

from __future__ import annotations

from typing import Annotated

import typer

from textrep._version import __version__
from textrep.cli.compare import compare
from textrep.cli.compile import compile_
from textrep.cli.data import app as data
from textrep.cli.embed import app as embed
from textrep.cli.encoder import app as encoder
from textrep.cli.image import app as image
from textrep.cli.lm import app as lm
from textrep.cli.music import app as music
from textrep.cli.output import tolerate_any_text
from textrep.cli.predict import predict
from textrep.cli.seq2seq import app as seq2seq
from textrep.cli.serve import serve
from textrep.cli.vectorize import app as vectorize

# Plain help and errors: they are read in logs and by scripts too.
app = typer.Typer(
    name="textrep",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"textrep {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Text as vectors, by every method: which is worth its price on your data?"""


app.command("compare")(compare)
app.command("compile")(compile_)
app.command("predict")(predict)
app.command("serve")(serve)
app.add_typer(data, name="data")
app.add_typer(embed, name="embed")
app.add_typer(encoder, name="encoder")
app.add_typer(image, name="image")
app.add_typer(lm, name="lm")
app.add_typer(music, name="music")
app.add_typer(seq2seq, name="seq2seq")
app.add_typer(vectorize, name="vectorize")


def main() -> None:
    """Run the program on the arguments it was called with.

    Examples
    --------
    >>> from typer.testing import CliRunner
    >>> from textrep.cli.app import app
    >>> CliRunner().invoke(app, ["--version"]).stdout.split()[0]
    'textrep'
    """
    tolerate_any_text()
    app()
