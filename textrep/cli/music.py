"""`textrep music`: models that write music, and music as files, sound and pictures."""

from __future__ import annotations

import typer

from textrep.cli.music_training import fit
from textrep.cli.music_verbs import harmonise, measure, render, sample, score, transform

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Write, harmonise, convert, play and measure music.",
)
app.command()(fit)
app.command()(sample)
app.command()(harmonise)
app.command()(transform)
app.command()(render)
app.command()(score)
app.command()(measure)
