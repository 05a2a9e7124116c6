"""Pictures to look at: grids, maps of codes, filters of a layer, as PNG."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.core.files import atomic_write
from textrep.embeddings.parameters import check_count
from textrep.image.pictures import pillow
from textrep.image.pixels import Pixels, check_pictures, to_levels

_WHITE = 255
_MAP_INCHES = (7.0, 6.0)
_DOTS_PER_INCH = 150
_TITLE_PIXELS = 14
_COLOURS = "tab10", "tab20"  # of matplotlib, for up to ten classes and for more


def grid(
    pictures: Any, *, columns: int | None = None, padding: int = 2, scale: int = 1
) -> NDArray[np.uint8]:
    """Pictures side by side, row by row, on white.

    Parameters
    ----------
    pictures : pictures
        As for `textrep.image.check_pictures`, with 1 or 3 channels.
    columns : int or None, default=None
        None makes as many as there are rows, or one more.
    padding : int, default=2
        White pixels around each.
    scale : int, default=1
        Screen pixels to a pixel, each way.

    Returns
    -------
    uint8 ndarray (height, width, 3)

    Examples
    --------
    >>> grid(np.zeros((5, 1, 8, 8)), padding=1).shape
    (19, 28, 3)
    """
    pixels = check_pictures(pictures, name="pictures")
    if pixels.shape[1] not in (1, 3):
        raise ValueError(f"pictures have {pixels.shape[1]} channels; 1 and 3 can be shown")
    check_count("padding", padding, 0)
    check_count("scale", scale, 1)
    columns = math.ceil(math.sqrt(len(pixels))) if columns is None else columns
    check_count("columns", columns, 1)
    levels = to_levels(pixels).transpose(0, 2, 3, 1).repeat(scale, axis=1).repeat(scale, axis=2)
    if levels.shape[3] == 1:
        levels = levels.repeat(3, axis=3)
    height, width = levels.shape[1] + padding, levels.shape[2] + padding
    rows = -(-len(levels) // columns)
    canvas = np.full((rows * height + padding, columns * width + padding, 3), _WHITE, np.uint8)
    for i, picture in enumerate(levels):
        top, left = padding + i // columns * height, padding + i % columns * width
        canvas[top : top + levels.shape[1], left : left + levels.shape[2]] = picture
    return canvas


def save_grid(
    path: str | os.PathLike[str],
    pictures: Any,
    *,
    columns: int | None = None,
    padding: int = 2,
    scale: int = 1,
) -> Path:
    """Write a `grid` as PNG.

    Parameters
    ----------
    path : str or path
        File to make or replace.
    pictures, columns, padding, scale
        See `grid`.

    Returns
    -------
    Path
        Where it is.

    Examples
    --------
    >>> import tempfile
    >>> save_grid(tempfile.mkdtemp() + "/grid.png", np.zeros((4, 8, 8))).name
    'grid.png'
    """
    return _save(path, grid(pictures, columns=columns, padding=padding, scale=scale))


def filters(
    path: str | os.PathLike[str],
    weights: Any,
    *,
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    scale: int = 1,
) -> Path:
    """Write the filters of one or several layers side by side as PNG.

    Each filter is stretched over all levels of grey by itself, so that zero has no fixed shade.

    Parameters
    ----------
    path : str or path
    weights : ndarray (n, channels, height, width) or (n, height, width), or a list of them
        Each of the list is a panel; `filters_` of an `Autoencoder` is one.
    titles : sequence of str or None, default=None
        Above the panels.
    columns : int or None, default=None
        Of each panel; see `grid`.
    scale : int, default=1

    Returns
    -------
    Path

    Examples
    --------
    >>> import tempfile
    >>> weights = np.random.default_rng(0).normal(size=(6, 8, 8))
    >>> filters(tempfile.mkdtemp() + "/both.png", [weights, -weights], titles=["a", "b"]).name
    'both.png'
    """
    panels = [np.asarray(weights)] if isinstance(weights, np.ndarray) else list(weights)
    if not panels:
        raise ValueError("weights is empty: there is no filter to show")
    if titles is not None and len(titles) != len(panels):
        raise ValueError(f"there are {len(titles)} titles for {len(panels)} panels")
    drawn = [
        grid(_stretched(np.asarray(panel, np.float32)), columns=columns, padding=1, scale=scale)
        for panel in panels
    ]
    height = max(panel.shape[0] for panel in drawn)
    gap = np.full((height, 3 * scale + 3, 3), _WHITE, np.uint8)
    top = 0 if titles is None else _TITLE_PIXELS
    joined: list[NDArray[np.uint8]] = []
    places = []
    for panel in drawn:
        places.append(sum(part.shape[1] for part in joined))
        below = np.full((height - panel.shape[0], panel.shape[1], 3), _WHITE, np.uint8)
        joined += [np.concatenate([panel, below]), gap]
    canvas = np.concatenate(joined[:-1], axis=1)
    canvas = np.concatenate([np.full((top, canvas.shape[1], 3), _WHITE, np.uint8), canvas])
    if titles is not None:
        canvas = _titled(canvas, places, titles)
    return _save(path, canvas)


def latent_map(
    path: str | os.PathLike[str],
    codes: Any,
    labels: Any = None,
    *,
    names: Sequence[str] | None = None,
) -> Path:
    """Write where pictures lie in the space of codes, coloured by class, as PNG.

    Parameters
    ----------
    path : str or path
    codes : ndarray (n, d)
        Of more than two numbers, the two directions in which they vary most are shown.
    labels : array-like (n,) or None, default=None
        Class of each.
    names : sequence of str or None, default=None
        Of classes that are numbered.

    Returns
    -------
    Path

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.

    Examples
    --------
    >>> import tempfile
    >>> latent_map(tempfile.mkdtemp() + "/map.png", np.eye(3, 2), [0, 1, 1]).name
    'map.png'
    """
    codes = np.asarray(codes, np.float64)
    if codes.ndim != 2 or not len(codes) or not codes.shape[1]:
        raise ValueError(f"codes must be (n, d), got {codes.shape}")
    if not np.isfinite(codes).all():
        row = int((~np.isfinite(codes)).any(axis=1).argmax())
        raise ValueError(f"codes[{row}] holds a number that is not finite")
    marks = np.zeros(len(codes), int) if labels is None else np.asarray(labels)
    if len(marks) != len(codes):
        raise ValueError(f"there are {len(marks)} labels for {len(codes)} codes")
    figure, axes = _figure()
    plane = _two_of(codes)
    kinds = np.unique(marks)
    from matplotlib import colormaps

    colours = colormaps[_COLOURS[len(kinds) > 10]]
    for number, kind in enumerate(kinds):
        here = plane[marks == kind]
        name = str(kind) if names is None else str(names[int(kind)])
        axes.scatter(*here.T, s=4, alpha=0.6, color=colours(number % colours.N), label=name)
    if labels is not None:
        axes.legend(frameon=False, markerscale=3, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.set_aspect("equal", adjustable="datalim")
    with atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=_DOTS_PER_INCH, bbox_inches="tight")
    return Path(path)


def _two_of(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    if codes.shape[1] == 1:
        return np.column_stack([codes[:, 0], np.zeros(len(codes))])
    if codes.shape[1] == 2:
        return codes
    centred = codes - codes.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    return centred @ directions[:, :-3:-1]


def _figure() -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise ModuleNotFoundError("maps need matplotlib: pip install 'textrep[image]'") from None
    figure = Figure(figsize=_MAP_INCHES)
    return figure, figure.subplots()


def _stretched(weights: Pixels) -> Pixels:
    if weights.ndim not in (3, 4) or 0 in weights.shape:
        raise ValueError(
            f"weights must be (n, channels, height, width) or (n, height, width), got "
            f"{weights.shape}"
        )
    flat = weights.reshape(len(weights), -1)
    low, high = flat.min(axis=1, keepdims=True), flat.max(axis=1, keepdims=True)
    span = np.where(high > low, high - low, 1.0)
    return ((flat - low) / span).reshape(weights.shape)


def _titled(
    canvas: NDArray[np.uint8], places: Sequence[int], titles: Sequence[str]
) -> NDArray[np.uint8]:
    from PIL import ImageDraw

    image = pillow().Image.fromarray(canvas)
    draw = ImageDraw.Draw(image)
    for place, title in zip(places, titles, strict=True):
        draw.text((place + 1, 1), title, fill="black")
    return np.asarray(image)


def _save(path: str | os.PathLike[str], canvas: NDArray[np.uint8]) -> Path:
    with atomic_write(path) as file:
        pillow().Image.fromarray(canvas).save(file, format="PNG")
    return Path(path)
