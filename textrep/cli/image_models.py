"""What the commands of `textrep image` do besides calling a model: kinds, sets and files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from textrep.cli.estimator_options import new_estimator, open_estimator
from textrep.cli.output import fail

if TYPE_CHECKING:
    from textrep.image import PictureSet

# What a user calls a kind of model -> its class.
KINDS = {
    "autoencoder": "Autoencoder",
    "vae": "VAE",
    "gan": "GAN",
    "cyclegan": "CycleGAN",
    "style": "StyleTransfer",
    "resnet": "ResNetClassifier",
    "vit": "VisionTransformerClassifier",
    "diffusion": "Diffusion",
    "text-to-image": "TextToImage",
}
CLASSIFIERS = ("resnet", "vit")
PICTURE = ".png"
NUMBERS = ".npy"


def new_model(kind: str, wanted: dict[str, Any], further: list[str]) -> Any:
    """A model that is not fitted.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    wanted : dict of str to object
        Parameters by name; None where they were not given.
    further : list of str
        Others, as ``NAME=VALUE`` with a value in JSON or else a str.

    Returns
    -------
    estimator

    Raises
    ------
    typer.Exit
        When the kind has no such parameter.
    """
    import textrep.image

    return new_estimator(getattr(textrep.image, KINDS[kind]), wanted, further)


def read_set(
    data: str, *, part: str | None = None, size: int | None = None, limit: int | None = None
) -> PictureSet:
    """Pictures of a set that has a name, of a folder, or of a file.

    Parameters
    ----------
    data : str
    part : str or None
    size : int, (int, int) or None
        To bring them to; what sticks out on the longer side is cut off.
    limit : int or None
        So many of the pictures, from all over the set.

    Returns
    -------
    PictureSet

    Raises
    ------
    ValueError
        When it cannot be read.
    """
    import numpy as np

    from textrep.image import PictureSet, check_pictures, load_pictures
    from textrep.image.datasets import fitted_pictures
    from textrep.image.pixels import check_size, to_levels

    path = Path(data)
    if path.is_file():
        levels = to_levels(check_pictures([path], name=data))
        edges = None if size is None else check_size("size", size)
        return PictureSet(fitted_pictures(levels, edges))
    found = load_pictures(data, part=part, size=size)
    if limit is None:
        return found
    # From all over the set: classes often come one after another.
    rows = np.linspace(0, len(found.pictures) - 1, min(limit, len(found.pictures))).astype(int)
    labels = None if found.labels is None else found.labels[rows]
    return PictureSet(found.pictures[rows], labels, found.names)


def pictures_for(model: Any, data: str, part: str | None, limit: int | None) -> Any:
    """Pictures in the channels of those that a model was fitted to, and in their size.

    A style is laid on pictures of any size, and takes them as they are.

    Parameters
    ----------
    model : estimator
    data : str
    part : str or None
    limit : int or None

    Returns
    -------
    PictureSet
    """
    from textrep.image import StyleTransfer

    size = None if isinstance(model, StyleTransfer) else getattr(model, "image_size_", None)
    found = read_set(data, part=part, size=size, limit=limit)
    return found._replace(pictures=in_channels(found.pictures, getattr(model, "n_channels_", None)))


def in_channels(levels: Any, channels: int | None) -> Any:
    """Pictures of uint8 with grey made of colours, or three channels of grey."""
    import numpy as np

    if channels == 3 and levels.shape[1] == 1:
        return levels.repeat(3, axis=1)
    if channels == 1 and levels.shape[1] == 3:
        # The brightness of colours, as Pillow has it (ITU-R 601).
        grey = np.einsum("c,nchw->nhw", [0.299, 0.587, 0.114], levels)
        return np.rint(grey).astype(np.uint8)[:, None]
    return levels


def names_of(found: PictureSet) -> list[str] | None:
    """The class of each picture, by name."""
    if found.labels is None or found.names is None:
        return None
    return [found.names[label] for label in found.labels]


def class_named(model: Any, text: str) -> Any:
    """The class of a model that is written so, which may be a number; the text if there is none."""
    classes = getattr(model, "classes_", None)
    named = {} if classes is None else {str(label): label for label in classes.tolist()}
    return named.get(text, text)


def open_model(path: Path, verb: str, device: str) -> Any:
    """A fitted model of pictures that can do something.

    Parameters
    ----------
    path : Path
        File that textrep saved.
    verb : str
        What it must be able to do.
    device : str
        Where it is to compute.

    Returns
    -------
    estimator

    Raises
    ------
    typer.Exit
        When there is no such model, or it cannot.
    """
    from textrep.image.estimator import PictureEstimator

    return open_estimator(
        path, verb, device, kinds=PictureEstimator, what="a model of pictures", noun="image fit"
    )


def check_out(out: Path, *suffixes: str) -> None:
    """End the program if pictures cannot be written there: a file of a kind, or a new folder."""
    from textrep.cli.target import check_target

    if out.suffix.lower() in suffixes:
        check_target("--out", out, None)
    elif out.suffix:
        fail(f"--out {out}: end the name in {' or '.join(suffixes)}, or give a new folder")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        fail(f"--out {out}: this is there already; give the name of a new folder")


def write_pictures(pictures: Any, out: Path, columns: int | None = None) -> str:
    """Write a grid as PNG, an array, or a folder with a file for each picture.

    Parameters
    ----------
    pictures : ndarray (n, channels, height, width)
    out : Path
        Of which `check_out` thought well.
    columns : int or None
        Of the grid.

    Returns
    -------
    str
        A line that says what was written.
    """
    import numpy as np

    from textrep.core.files import atomic_write
    from textrep.core.folders import atomic_folder
    from textrep.image import save_grid, to_pil

    if out.suffix.lower() == PICTURE:
        save_grid(out, pictures, columns=columns)
    elif out.suffix.lower() == NUMBERS:
        with atomic_write(out) as file:
            np.save(file, pictures)
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        digits = len(str(len(pictures) - 1))
        with atomic_folder(out) as folder:
            for number, image in enumerate(to_pil(pictures)):
                image.save(folder / f"{number:0{digits}d}.png")
    n = len(pictures)
    return f"{n:,} picture{'s' if n > 1 else ''}: {out}"
