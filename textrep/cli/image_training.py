"""`textrep image fit`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from textrep.cli.estimator_options import losses_told
from textrep.cli.image_models import CLASSIFIERS, KINDS, in_channels, names_of, new_model, read_set
from textrep.cli.neural_models import need_torch
from textrep.cli.output import check_choice, fail, leave_the_rest_to_main, print_lines
from textrep.cli.target import check_targets
from textrep.cli.word_models import refusing

CAPTION = "a picture of {}"


def fit(
    kind: Annotated[str, typer.Argument(metavar="|".join(KINDS), help="What to make.")],
    data: Annotated[
        str,
        typer.Argument(
            metavar="PICTURES",
            help="digits, photos, mnist, fashion_mnist, cifar10_jpg, olivetti, style_images, a "
            "folder with a sub-folder for each class or without, or a file.",
        ),
    ],
    save: Annotated[Path, typer.Option(metavar="MODEL", help="Save the model to this file.")],
    second: Annotated[
        str | None,
        typer.Option(
            "--and", metavar="PICTURES", help="The other kind of pictures, of a cyclegan."
        ),
    ] = None,
    labelled: Annotated[
        bool,
        typer.Option("--labelled", help="Teach a gan or diffusion the classes too."),
    ] = False,
    caption: Annotated[
        str, typer.Option(help="Text of a picture, for text-to-image; {} is its class.")
    ] = CAPTION,
    part: Annotated[
        str | None,
        typer.Option(metavar="train|test", help="Of the pictures; train where there are parts."),
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=1, help="Bring pictures to so many pixels each way.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=2, help="Pictures to learn from.")] = None,
    code_size: Annotated[int | None, typer.Option(help="Numbers of a code.")] = None,
    noise: Annotated[float | None, typer.Option(help="Noise that an autoencoder removes.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Times to learn from each picture.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Pictures in a batch.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Time for training.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other parameter of the class, such as hidden=conv or channels=[16,32]; may "
            "be repeated.",
        ),
    ] = None,
    progress: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Draw pictures here after each epoch."),
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
    """Learn from pictures: to make, to change or to tell them apart."""
    check_choice("KIND", kind, tuple(KINDS))
    need_torch()
    with refusing(data):
        sources = [Path(each) for each in (data, second) if each is not None]
        check_targets({"--save": save, "--resume": resume}, *filter(Path.exists, sources))
        wanted: dict[str, Any] = {
            "code_size": code_size,
            "noise": noise,
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "max_seconds": max_seconds,
            "progress_folder": progress,
            "checkpoint": resume,
            "conditional": True if labelled and kind == "gan" else None,
            "precision": precision,
            "device": device,
            "random_state": seed,
            "verbose": 0 if quiet else 1,
        }
        model = new_model(kind, wanted, settings or [])
        found = read_set(data, part=part or _train_of(data), size=size, limit=limit)
        beside = _beside(kind, found, second, size, limit, labelled, caption)
        begun = time.monotonic()
        model.fit(found.pictures, *beside)
        leave_the_rest_to_main()
        spent = time.monotonic() - begun
        model.save(save)
    n, channels, height, width = found.pictures.shape
    line = (
        f"{type(model).__name__}: {n:,} pictures of {channels} x {height} x {width}, {spent:.1f} s"
    )
    print_lines([line, *losses_told(model), f"Model: {save}"])


def _train_of(data: str) -> str | None:
    """The part to learn from, of sets that have parts."""
    named = {"digits", "mnist", "fashion_mnist", "cifar10_jpg"}
    return "train" if data in named or (Path(data) / "train").is_dir() else None


def _beside(
    kind: str,
    found: Any,
    second: str | None,
    size: int | None,
    limit: int | None,
    labelled: bool,
    caption: str,
) -> tuple[Any, ...]:
    """What a model is fitted to beside pictures."""
    if labelled and kind not in ("gan", "diffusion", *CLASSIFIERS):
        fail(f"--labelled is for gan and diffusion; a {kind} learns no classes")
    if (kind == "cyclegan") != (second is not None):
        fail("--and is for cyclegan, which needs it: the pictures of the other kind")
    if second is not None:
        edges = size or found.pictures.shape[2:]
        other = read_set(second, part=_train_of(second), size=edges, limit=limit)
        return (in_channels(other.pictures, found.pictures.shape[1]),)
    names = names_of(found)
    if names is None and (kind in (*CLASSIFIERS, "text-to-image") or labelled):
        fail("the pictures have no classes: put those of each into a sub-folder")
    if kind in CLASSIFIERS or labelled:
        return (names,)
    if kind == "text-to-image":
        return ([caption.replace("{}", name) for name in names or ()],)
    return ()
