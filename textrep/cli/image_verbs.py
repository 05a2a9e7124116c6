"""`textrep image sample`, `transform` and the like: what models do once they are fitted."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

from textrep.cli.estimator_options import taken
from textrep.cli.image_models import (
    NUMBERS,
    PICTURE,
    check_out,
    class_named,
    names_of,
    open_model,
    pictures_for,
    read_set,
    write_pictures,
)
from textrep.cli.language_models import printable_text
from textrep.cli.neural_models import need_torch
from textrep.cli.output import fail, print_lines
from textrep.cli.word_models import refusing

_Model = Annotated[
    Path, typer.Argument(metavar="MODEL", help="File that `textrep image fit --save` made.")
]
_Data = Annotated[
    str, typer.Argument(metavar="PICTURES", help="A set by name, a folder or a file.")
]
_Out = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="A .png with all pictures in a grid, a .npy with their pixels, or a new folder for a "
        "file each.",
    ),
]
_Part = Annotated[str | None, typer.Option(metavar="train|test", help="Of the pictures.")]
_Limit = Annotated[int | None, typer.Option(min=1, help="Pictures to take.")]
_Columns = Annotated[int | None, typer.Option(min=1, help="Of the grid.")]
_Device = Annotated[
    str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where to compute; auto takes the fastest.")
]
_Seed = Annotated[int | None, typer.Option(min=0, help="Draws the same pictures again.")]


def sample(
    model: _Model,
    out: _Out,
    n: Annotated[int, typer.Option("-n", min=1, help="Pictures; of each text, if there are.")] = 16,
    text: Annotated[
        list[str] | None, typer.Option(help="What is to be seen; may be repeated.")
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Class of the pictures, of a model that learnt classes.")
    ] = None,
    prior: Annotated[
        str | None, typer.Option(metavar="normal|mixture", help="Where a vae draws its codes.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Of a diffusion.")] = None,
    guidance: Annotated[
        float | None, typer.Option(help="How closely a diffusion keeps to text or class.")
    ] = None,
    truncation: Annotated[
        float | None, typer.Option(help="How far a gan keeps to what is usual, from 0 to 1.")
    ] = None,
    seed: _Seed = None,
    columns: _Columns = None,
    device: _Device = "auto",
) -> None:
    """Make new pictures."""
    need_torch()
    with refusing(str(model)):
        check_out(out, PICTURE, NUMBERS)
        known = open_model(model, "sample", device)
        options = taken(
            known.sample,
            {
                "prompts": text,
                "labels": None if label is None else class_named(known, label),
                "prior": prior,
                "steps": steps,
                "guidance": guidance,
                "truncation": truncation,
            },
            type(known).__name__,
        )
        line = write_pictures(known.sample(n=n, random_state=seed, **options), out, columns)
    print_lines([line])


def transform(
    model: _Model,
    data: _Data,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Codes go to a .npy, .csv, .tsv or .parquet file; pictures that were changed to a "
            ".png, a .npy or a new folder.",
        ),
    ],
    direction: Annotated[
        str | None, typer.Option(metavar="a2b|b2a", help="Which way a cyclegan goes.")
    ] = None,
    part: _Part = None,
    limit: _Limit = None,
    columns: _Columns = None,
    device: _Device = "auto",
) -> None:
    """Turn pictures into codes, or into other pictures."""
    from textrep.cli.vector_files import SUFFIXES, check_suffix, writing_vectors

    need_torch()
    with refusing(data):
        check_out(out, *SUFFIXES, PICTURE)
        known = open_model(model, "transform", device)
        given = pictures_for(known, data, part, limit).pictures
        options = taken(known.transform, {"direction": direction}, type(known).__name__)
        found: Any = known.transform(given, **options)
        if found.ndim == 4:
            if out.suffix.lower() not in (PICTURE, NUMBERS, ""):
                fail(f"--out {out}: a {type(known).__name__} makes pictures; end it in .png")
            print_lines([write_pictures(found, out, columns)])
            return
        if out.suffix.lower() == PICTURE or not out.suffix:
            fail(f"--out {out}: a {type(known).__name__} makes codes; end it in .npy or .csv")
        check_suffix(out)
        names = [f"code{i}" for i in range(found.shape[1])]
        with writing_vectors(out, names) as write:
            write(found)
    print_lines([f"{len(found):,} codes of {found.shape[1]} numbers: {out}"])


def reconstruct(
    model: _Model,
    data: _Data,
    out: _Out,
    part: _Part = None,
    limit: _Limit = 16,
    device: _Device = "auto",
) -> None:
    """Show what is left of pictures; in a grid, each below its original."""
    import numpy as np

    need_torch()
    with refusing(data):
        check_out(out, PICTURE, NUMBERS)
        known = open_model(model, "reconstruct", device)
        given = pictures_for(known, data, part, limit).pictures
        found = known.reconstruct(given)
        errors = np.square(found - given / np.float32(255)).sum(axis=(1, 2, 3))
        columns = None
        if out.suffix.lower() == PICTURE:
            found, columns = np.concatenate([given / np.float32(255), found]), len(given)
        line = write_pictures(found, out, columns)
    print_lines([f"squared error of a picture: {errors.mean():.4g}", line])


def interpolate(
    model: _Model,
    out: _Out,
    ends: Annotated[
        list[str] | None,
        typer.Argument(metavar="[A B]", help="Files of two pictures; without, two are drawn."),
    ] = None,
    steps: Annotated[int, typer.Option(min=2, help="Pictures, both ends included.")] = 8,
    label: Annotated[
        str | None, typer.Option(help="Class of the pictures, of a model that learnt classes.")
    ] = None,
    seed: _Seed = None,
    device: _Device = "auto",
) -> None:
    """Go from one picture to another."""
    need_torch()
    with refusing(str(model)):
        check_out(out, PICTURE, NUMBERS)
        known = open_model(model, "interpolate", device)
        if ends and len(ends) != 2:
            fail(f"give two pictures, or none; got {len(ends)}")
        if hasattr(known, "encode") and ends:
            first, last = (pictures_for(known, end, None, None).pictures[0] for end in ends)
        elif ends:
            fail(f"a {type(known).__name__} has no code of a picture; leave A and B out")
        else:
            first, last = _drawn(known, seed)
        wanted = {"labels": None if label is None else class_named(known, label)}
        options = taken(known.interpolate, wanted, type(known).__name__)
        line = write_pictures(known.interpolate(first, last, steps, **options), out, steps)
    print_lines([line])


def _drawn(model: Any, seed: int | None) -> Any:
    """Two codes, or two pictures of a model that goes from pictures."""
    if hasattr(model, "codes"):
        return model.codes(2, random_state=seed)
    return model.sample(n=2, random_state=seed)


def grid(
    data: _Data,
    out: _Out,
    part: _Part = None,
    size: Annotated[int | None, typer.Option(min=1, help="Pixels each way.")] = None,
    limit: _Limit = 64,
    columns: _Columns = None,
) -> None:
    """Show pictures side by side."""
    need_torch()
    with refusing(data):
        check_out(out, PICTURE, NUMBERS)
        found = read_set(data, part=part, size=size, limit=limit)
        line = write_pictures(found.pictures, out, columns)
    print_lines([line])


def draw_map(
    model: _Model,
    data: _Data,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="A .png file.")],
    part: _Part = None,
    limit: _Limit = 4000,
    device: _Device = "auto",
) -> None:
    """Draw where pictures lie in the space of a model's codes, in the colours of their classes."""
    need_torch()
    with refusing(data):
        from textrep.image import latent_map

        _check_picture(out)
        known = open_model(model, "transform", device)
        found = pictures_for(known, data, part, limit)
        codes = known.transform(found.pictures)
        if codes.ndim != 2:
            fail(f"a {type(known).__name__} makes pictures, of which there is no map")
        latent_map(out, codes, names_of(found))
    print_lines([f"{len(codes):,} codes of {codes.shape[1]} numbers: {out}"])


def draw_filters(
    models: Annotated[
        list[Path], typer.Argument(metavar="MODEL...", help="Files of autoencoders.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="A .png file.")],
    n: Annotated[int, typer.Option("-n", min=1, help="Filters of each, at most.")] = 100,
    scale: Annotated[int, typer.Option(min=1, help="Screen pixels to a weight, each way.")] = 2,
) -> None:
    """Show the filters of the first layer of autoencoders side by side, below their file's name."""
    need_torch()
    with refusing(str(out)):
        from textrep.image import filters

        _check_picture(out)
        panels = [open_model(path, "filters_", "cpu").filters_[:n] for path in models]
        filters(out, panels, titles=[printable_text(path.stem) for path in models], scale=scale)
    print_lines([f"{sum(map(len, panels)):,} filters: {out}"])


def _check_picture(out: Path) -> None:
    if out.suffix.lower() != PICTURE:
        fail(f"--out {out}: end the name in {PICTURE}")
    check_out(out, PICTURE)


def predict(
    model: _Model,
    data: _Data,
    part: _Part = None,
    limit: _Limit = None,
    device: _Device = "auto",
) -> None:
    """Say the class of each picture, one a line; how many are right goes to standard error."""
    need_torch()
    with refusing(data):
        known = open_model(model, "predict", device)
        found = pictures_for(known, data, part, limit)
        answers = known.predict(found.pictures)
        names = names_of(found)
    print_lines(map(str, answers))
    if names is not None:
        right = _share_right(names, answers)
        typer.echo(f"{right:.2%} of {len(names):,} as their folders say", err=True)


def score(
    model: _Model,
    data: _Data,
    part: _Part = None,
    limit: _Limit = None,
    device: _Device = "auto",
) -> None:
    """Say how good a model is on pictures: greater is better."""
    need_torch()
    with refusing(data):
        known = open_model(model, "score", device)
        found = pictures_for(known, data, part, limit)
        if hasattr(known, "predict"):
            names = names_of(found)
            if names is None:
                fail("the pictures have no classes: put those of each into a sub-folder")
            value = _share_right(names, known.predict(found.pictures))
        else:
            value = known.score(found.pictures)
        lines = [f"score: {value:.6g}"]
        if hasattr(known, "reconstruction_errors"):
            errors = known.reconstruction_errors(found.pictures)
            lines.append(f"squared error of a picture: {errors.mean():.4g}")
    print_lines(lines)


def _share_right(names: list[str], answers: Any) -> float:
    """Share of answers, which may be numbers, that are the names of the classes."""
    import numpy as np

    return float(np.mean(np.asarray(names) == np.asarray(answers).astype(str)))


def measure(
    made: Annotated[
        str,
        typer.Argument(metavar="MADE", help="A model that makes pictures, or pictures it made."),
    ],
    real: Annotated[str, typer.Argument(metavar="REAL", help="Real pictures to compare with.")],
    features: Annotated[
        Path,
        typer.Option(
            metavar="MODEL", help="Classifier whose features pictures are compared by: its file."
        ),
    ],
    floor: Annotated[
        str | None,
        typer.Option(
            metavar="PICTURES",
            help="Other real pictures, which give the floor; without, every second one of REAL.",
        ),
    ] = None,
    n: Annotated[int, typer.Option("-n", min=8, help="Pictures at most of each.")] = 2000,
    part: _Part = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the same pictures again.")] = 0,
    device: _Device = "auto",
) -> None:
    """Compare pictures that were made with real ones, beside other real ones: the floor."""
    need_torch()
    with refusing(real):
        from textrep.image.measures import measure_pictures

        classifier = open_model(features, "predict", device)
        truth = pictures_for(classifier, real, part, 2 * n if floor is None else n).pictures
        if floor is None:
            truth, other = truth[::2], truth[1::2]
        else:
            other = pictures_for(classifier, floor, part, n).pictures
        shown = _made(made, classifier, min(n, len(truth)), seed, device)
        scores = measure_pictures(truth, shown, features=classifier, floor=other, random_state=seed)
    print_lines(str(scores).splitlines())


def _made(made: str, classifier: Any, n: int, seed: int, device: str) -> Any:
    """Pictures of a folder, or of a model."""
    from textrep.image.pixels import SUFFIXES

    path = Path(made)
    if path.is_file() and path.suffix.lower() not in SUFFIXES:
        model = open_model(path, "sample", device)
        if "prompts" in inspect.signature(model.sample).parameters:
            fail(f"{made}: what it makes depends on texts; give a folder of what `sample` made")
        return model.sample(n=n, random_state=seed)
    return pictures_for(classifier, made, None, n).pictures
