"""Piano rolls as pictures: time to the right, pitch upwards, a colour for each track."""

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
from textrep.engine.history_plot import check_picture_name
from textrep.music.measures.pieces import (
    BEATS_PER_BAR,
    BEHIND,
    FIRST,
    PITCH,
    PITCH_CLASSES,
    TRACK,
    Piece,
    pieces_of,
)
from textrep.music.score import Score

_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_PANEL = (8.0, 2.6)  # inches
_DOTS_PER_INCH = 120
_ROOM = 2  # semitones above and below the notes
_FEWEST = 12  # semitones that a panel shows: an octave
_HEIGHT = 0.8  # of a note; of the row of its pitch
_COLOURS = "tab10"
_MOST_LINES = 64  # bar lines that can still be told apart


def pitch_name(pitch: int) -> str:
    """What a pitch is called, of which 60 is middle C, C4.

    Examples
    --------
    >>> pitch_name(60), pitch_name(69), pitch_name(21)
    ('C4', 'A4', 'A0')
    """
    octave, pitch_class = divmod(pitch, PITCH_CLASSES)
    return f"{_CLASSES[pitch_class]}{octave - 1}"


def save_piano_roll(
    path: str | os.PathLike[str],
    music: Any,
    *,
    titles: Sequence[str] | None = None,
    columns: int = 1,
    resolution: int | None = None,
    beats_per_bar: int = BEATS_PER_BAR,
) -> Path:
    """Draw one piece or several as piano rolls; no display is needed.

    Parameters
    ----------
    path : str or path
        File to make or replace; its suffix is the format, such as .png or .svg.
    music : scores, rolls or voices
        One piece or several; see `textrep.music.measures.pieces.pieces_of`.
    titles : sequence of str or None, default=None
        Above the pieces; None takes the names of scores.
    columns : int, default=1
        Pieces side by side.
    resolution : int or None, default=None
        Steps of a quarter note: 4 for arrays, 24 for scores where nothing is said.
    beats_per_bar : int, default=4
        Quarter notes of a bar of arrays.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    ValueError
        If `music` is none, or the suffix that of no picture.
    ModuleNotFoundError
        If matplotlib is not installed.

    Examples
    --------
    >>> import tempfile
    >>> save_piano_roll(tempfile.mkdtemp() + "/chord.png", np.array([[72, 67, 64, 48]] * 8)).name
    'chord.png'
    """
    figure_type = _figure_type()
    form = check_picture_name(path)
    pieces = pieces_of(music, resolution=resolution, beats_per_bar=beats_per_bar)
    check_count("columns", columns, 1)
    if titles is None:
        titles = _names(music, len(pieces))
    if len(titles) != len(pieces):
        raise ValueError(f"there are {len(titles)} titles for {len(pieces)} pieces")
    columns = min(columns, len(pieces))
    rows = math.ceil(len(pieces) / columns)
    size = (_PANEL[0] * columns**0.5, _PANEL[1] * rows)
    figure = figure_type(figsize=size, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, piece, title in zip(panels, pieces, titles, strict=False):
        _draw(axes, piece)
        axes.set_title(title, fontsize="medium", parse_math=False)
    for axes in panels[len(pieces) :]:
        axes.remove()
    with atomic_write(path) as file:
        figure.savefig(file, format=form, dpi=_DOTS_PER_INCH)
    return Path(path)


def _names(music: Any, n: int) -> list[str]:
    scores = [music] if isinstance(music, Score) else getattr(music, "pieces", music)
    names = [each.name if isinstance(each, Score) else "" for each in scores]
    return names if len(names) == n else [""] * n


def _draw(axes: Any, piece: Piece) -> None:
    from matplotlib import colormaps

    colours = colormaps[_COLOURS]
    for track in np.unique(piece.notes[:, TRACK]):
        notes = piece.notes[piece.notes[:, TRACK] == track]
        axes.add_collection(_boxes(notes, piece.resolution, colours(int(track) % colours.N)))
    low, high = _range(piece)
    axes.set_ylim(low, high)
    axes.set_xlim(0, max(1, int(piece.bars[-1])) / piece.resolution)
    octaves = [pitch for pitch in range(math.ceil(low), high) if pitch % PITCH_CLASSES == 0]
    axes.set_yticks(octaves, [pitch_name(pitch) for pitch in octaves])
    axes.set_axisbelow(True)
    axes.grid(axis="y", alpha=0.3)
    axes.set_xlabel("quarter notes", fontsize="small")
    axes.tick_params(labelsize="small")
    if piece.n_bars <= _MOST_LINES:
        axes.vlines(piece.bars / piece.resolution, low, high, color="0.8", linewidth=0.7, zorder=0)


def _boxes(notes: NDArray[np.int64], resolution: int, colour: Any) -> Any:
    from matplotlib.collections import PolyCollection

    left, right = notes[:, FIRST] / resolution, notes[:, BEHIND] / resolution
    below, above = notes[:, PITCH] - _HEIGHT / 2, notes[:, PITCH] + _HEIGHT / 2
    corners = [(left, below), (left, above), (right, above), (right, below)]
    boxes = np.stack([np.column_stack(corner) for corner in corners], axis=1)  # (n, 4, 2)
    return PolyCollection(list(boxes), facecolor=colour, edgecolor="white", linewidth=0.3)


def _range(piece: Piece) -> tuple[int, int]:
    """Pitches that a panel reaches from and to."""
    pitches = piece.notes[:, PITCH]
    low, high = (int(pitches.min()), int(pitches.max())) if len(pitches) else (60, 60)
    missing = max(0, _FEWEST - (high - low + 2 * _ROOM))
    return low - _ROOM - missing // 2, high + _ROOM + -(-missing // 2)


def _figure_type() -> Any:
    """A figure that no window shows."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "pictures of music need matplotlib: pip install 'textrep[music]'"
        ) from None
    return Figure
