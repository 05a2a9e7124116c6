"""`textrep image`: models that make, change, tell apart and describe pictures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from textrep.cli.image_training import fit
from textrep.cli.image_verbs import (
    draw_filters,
    draw_map,
    grid,
    interpolate,
    measure,
    predict,
    reconstruct,
    sample,
    score,
    transform,
)
from textrep.cli.language_models import printable_text
from textrep.cli.neural_models import need_torch
from textrep.cli.output import writing
from textrep.cli.word_models import refusing

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make, change, tell apart and describe pictures.",
)
app.command()(fit)
app.command()(sample)
app.command()(transform)
app.command()(reconstruct)
app.command()(interpolate)
app.command()(predict)
app.command()(score)
app.command()(grid)
app.command("map")(draw_map)
app.command("filters")(draw_filters)
app.command()(measure)


@app.command()
def describe(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Files of images.")],
    checkpoint: Annotated[
        str,
        typer.Option(
            metavar="DIR",
            help="A vision-language model in the layout of Hugging Face: a folder, or a name of "
            "the hub.",
        ),
    ],
    prompt: Annotated[
        str, typer.Option(help="What the model is asked about each image.")
    ] = "Describe this image.",
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Tokens of an answer at most.")] = 100,
    temperature: Annotated[
        float, typer.Option(min=0, help="0 writes what is likeliest; 1 draws.")
    ] = 0.0,
    top_p: Annotated[
        float | None, typer.Option(help="Draw from the likeliest tokens with this share only.")
    ] = None,
    device: Annotated[
        str,
        typer.Option(metavar="auto|cpu|cuda|mps", help="Where to compute; auto takes the fastest."),
    ] = "auto",
    seed: Annotated[int | None, typer.Option(min=0, help="Draws the same texts again.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Answer a question about each image, one a line; of several with the file in front."""
    need_torch()
    with refusing(checkpoint):
        from textrep.image import VisionLanguageModel, check_images

        check_images(images)  # opening a model can take minutes
        model = VisionLanguageModel(checkpoint, device=device, verbose=0 if quiet else 1)
        answers = model.generate(
            images,
            [prompt] * len(images),
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            top_p=top_p,
            random_state=seed,
        )
    with writing():
        for image, answer in zip(images, answers, strict=True):
            line = printable_text(" ".join(answer.split()))
            name = f"{printable_text(str(Path(image)))}\t" if len(images) > 1 else ""
            sys.stdout.write(f"{name}{line}\n")
        sys.stdout.flush()
