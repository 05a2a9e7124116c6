"""`textrep music fit`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from textrep.cli.estimator_options import losses_told
from textrep.cli.music_files import read_music
from textrep.cli.music_models import (
    CLIPS,
    KINDS,
    PROGRAMS,
    holds_sounds,
    new_model,
    pieces_for,
    sounds_for,
)
from textrep.cli.neural_models import need_torch
from textrep.cli.output import check_choice, fail, leave_the_rest_to_main, print_lines
from textrep.cli.target import check_targets
from textrep.cli.word_models import refusing

TUNES = "tunes"


def fit(
    kind: Annotated[str, typer.Argument(metavar="|".join(KINDS), help="What to make.")],
    save: Annotated[Path, typer.Option(metavar="MODEL", help="Save the model to this file.")],
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[MUSIC]",
            help="tunes, tunes_voices (these come with textrep), jsb, jsb_chorales, nottingham, "
            "nottingham_rolls, piano_midi, a folder of .mid or .abc files or such a file; for a "
            "spectrogram also a folder of sounds, with a sub-folder for each class or without. "
            "By default tunes, or tunes_voices for what has voices.",
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            metavar="train|valid|test", help="Of the pieces; train where there are parts."
        ),
    ] = None,
    resolution: Annotated[
        int | None,
        typer.Option(min=1, help="Steps of a quarter note, where music can be had in several."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=2, help="Pieces to learn from.")] = None,
    instrument: Annotated[
        list[int] | None,
        typer.Option(
            min=0,
            max=127,
            help="Play notes with this instrument of General MIDI, for a spectrogram; each of "
            "several is a class. By default an organ and a guitar.",
        ),
    ] = None,
    clips: Annotated[int, typer.Option(min=2, help="Sounds that each instrument plays.")] = CLIPS,
    epochs: Annotated[int | None, typer.Option(help="Times to learn from each piece.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Pieces in a batch.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Time for training.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other parameter of the class, such as hidden_size=64 or outputs=independent; "
            "may be repeated.",
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep interrupted training here; the same command then goes on with it.",
        ),
    ] = None,
    device: Annotated[
        str,
        typer.Option(metavar="auto|cpu|cuda|mps", help="Where to compute; auto takes the fastest."),
    ] = "auto",
    precision: Annotated[
        str | None,
        typer.Option(metavar="auto|fp32|bf16", help="bf16 is faster where there is such."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides whatever is random.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Learn to write music, or to make sounds."""
    check_choice("KIND", kind, tuple(KINDS))
    need_torch()
    if instrument and kind != "spectrogram":
        fail(f"--instrument is for a spectrogram; a {kind} learns notes")
    source = data or ("tunes_voices" if kind in ("chorale", "musegan") else TUNES)
    with refusing(source):
        check_targets({"--save": save, "--resume": resume}, *filter(Path.exists, [Path(source)]))
        wanted: dict[str, Any] = {
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "max_seconds": max_seconds,
            "checkpoint": resume,
            "precision": precision,
            "device": device,
            "random_state": seed,
            "verbose": 0 if quiet else 1,
        }
        heard = kind == "spectrogram" and holds_sounds(source)
        found = None if heard else read_music(
            source, part=part or train_of(source), resolution=resolution, limit=limit
        )  # fmt: skip
        model = new_model(kind, wanted, settings or [], found)
        if kind == "spectrogram":
            programs = instrument or list(PROGRAMS)
            given = sounds_for(model, source, found, programs, clips, seed)
        else:
            given = pieces_for(model, found), None
        begun = time.monotonic()
        model.fit(*given)
        leave_the_rest_to_main()
        spent = time.monotonic() - begun
        model.save(save)
    noun = {"spectrogram": "sounds", "musegan": "phrases"}.get(kind, "pieces")
    line = f"{type(model).__name__}: {len(given[0]):,} {noun}, {spent:.1f} s"
    print_lines([line, *losses_told(model), f"Model: {save}"])


def train_of(data: str) -> str | None:
    """The part to learn from, of sets that have parts."""
    from textrep.music.datasets import NAMES

    return "train" if data in NAMES or (Path(data) / "train").is_dir() else None
