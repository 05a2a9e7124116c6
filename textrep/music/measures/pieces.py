"""Pieces of any kind as tables of notes, which is what measures look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.core.messages import shown, type_name
from textrep.embeddings.parameters import check_count
from textrep.music.bars import bar_lines
from textrep.music.rolls import RESOLUTION, check_roll, nearest_step, on_grid, roll_notes
from textrep.music.score import Score
from textrep.music.voices import check_voices, voice_notes

SCORE_RESOLUTION = 24
"""Steps of a quarter note that scores are laid on: 96 a bar of 4/4, as Dong et al. (2018) have it,
which 32nds and triplets fall on."""

BEATS_PER_BAR = 4
"""Quarter notes of a bar where nothing says how many there are."""

FIRST, BEHIND, PITCH, TRACK = range(4)
PITCH_CLASSES = 12


class Piece(NamedTuple):
    """The notes of a piece on a grid.

    Attributes
    ----------
    notes : int64 ndarray (n, 4)
        First step, step behind the last one, pitch, track.
    n_steps : int
    resolution : int
        Steps of a quarter note.
    bars : int64 ndarray (bars + 1,)
        Steps at which bars begin, and one at or behind the end.
    drums : tuple of bool
        Which of the tracks are drums.
    """

    notes: NDArray[np.int64]
    n_steps: int
    resolution: int
    bars: NDArray[np.int64]
    drums: tuple[bool, ...]

    @property
    def n_bars(self) -> int:
        """Bars, of which the last may be short."""
        return len(self.bars) - 1

    def melodic(self) -> NDArray[np.int64]:
        """The notes of all tracks but drums."""
        return self.notes[~np.asarray(self.drums, bool)[self.notes[:, TRACK]]]


def pieces_of(
    music: Any,
    *,
    resolution: int | None = None,
    beats_per_bar: int = BEATS_PER_BAR,
    track: int | None = None,
    lowest_pitch: int | None = None,
    name: str = "music",
) -> list[Piece]:
    """Read pieces of any kind.

    Parameters
    ----------
    music : Score, ndarray, `MusicSet`, or an iterable of scores or arrays
        Arrays of bool or uint8 are rolls: (steps, pitches), (tracks, steps, pitches) or, as
        `MuseGAN` makes them, (tracks, bars, steps, pitches) a piece. Arrays of signed numbers are
        voices (steps, voices).
    resolution : int or None, default=None
        Steps of a quarter note: of arrays, 4 where nothing is said, or what a set says; scores are
        laid on so many, 24 where nothing is said.
    beats_per_bar : int, default=4
        Quarter notes of a bar of arrays; scores have their time signatures, and `MuseGAN`'s rolls
        their bars.
    track : int or None, default=None
        The only track to look at.
    lowest_pitch : int or None, default=None
        Of the first column of rolls; see `textrep.music.from_roll`.
    name : str, default="music"
        What messages call it.

    Returns
    -------
    list of Piece

    Raises
    ------
    ValueError

    Examples
    --------
    >>> piece, = pieces_of(np.array([[60, 48], [60, -1]], np.int16))
    >>> piece.notes.tolist(), piece.bars.tolist()
    ([[0, 2, 60, 0], [0, 1, 48, 1]], [0, 16])
    """
    if resolution is not None:
        check_count("resolution", resolution, 1)
    check_count("beats_per_bar", beats_per_bar, 1)
    if hasattr(music, "pieces"):
        resolution = music.resolution if resolution is None else resolution
        music = music.pieces
    pieces = [
        _piece(item, resolution, beats_per_bar, lowest_pitch, f"{name}[{i}]")
        for i, item in enumerate(_listed(music, name))
    ]
    if not pieces:
        raise ValueError(f"{name} is empty: there is no piece to measure")
    if track is None:
        return pieces
    return [_only(piece, track, f"{name}[{i}]") for i, piece in enumerate(pieces)]


def spread(piece: Piece, lines: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """In which spans between lines notes sound; one that ends on a line does not reach beyond it.

    Parameters
    ----------
    piece : Piece
    lines : int64 ndarray (spans + 1,)
        Steps at which spans begin.

    Returns
    -------
    int64 ndarray (m,)
        Rows of the notes, each as often as there are spans in which it sounds.
    int64 ndarray (m,)
        The spans.
    """
    first = np.searchsorted(lines, piece.notes[:, FIRST], side="right") - 1
    last = np.searchsorted(lines, piece.notes[:, BEHIND] - 1, side="right") - 1
    times = last - first + 1
    rows = np.repeat(np.arange(len(times)), times)
    begins = np.cumsum(times) - times
    return rows, first[rows] + np.arange(len(rows)) - begins[rows]


def _listed(music: Any, name: str) -> list[Any]:
    if isinstance(music, Score) or (isinstance(music, np.ndarray) and _is_piece(music)):
        return [music]
    if isinstance(music, str | bytes | Mapping) or not isinstance(music, Iterable):
        raise ValueError(
            f"{name} must be scores, rolls or voices, got {shown(music)}; "
            "textrep.music.load_music reads a folder or a set by its name"
        )
    return list(music)


def _is_piece(array: NDArray[Any]) -> bool:
    return array.ndim == 2 or (array.ndim in (3, 4) and _is_roll(array))


def _is_roll(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "bu"


def _piece(
    item: Any, resolution: int | None, beats: int, lowest_pitch: int | None, name: str
) -> Piece:
    if isinstance(item, Piece):
        return item
    if isinstance(item, Score):
        return _of_score(item, SCORE_RESOLUTION if resolution is None else resolution)
    resolution = RESOLUTION if resolution is None else resolution
    if not isinstance(item, np.ndarray | list | tuple):
        raise ValueError(f"{name} must be a Score, a roll or voices, got {type_name(item)}")
    array = np.asarray(item)
    bar = beats * resolution
    if not _is_roll(array):
        voices = check_voices(array, name)
        return _joined([voice_notes(voice) for voice in voices.T], len(voices), resolution, bar)
    if array.ndim == 4:
        bar = array.shape[2]
        array = array.reshape(len(array), -1, array.shape[-1])
    rolls, lowest = check_roll(array, lowest_pitch, name)
    tables = [roll_notes(roll) + np.array([0, 0, lowest]) for roll in rolls]
    return _joined(tables, rolls.shape[1], resolution, bar)


def _of_score(score: Score, resolution: int) -> Piece:
    spans = [on_grid(track.notes, score.ticks, resolution) for track in score.tracks]
    tables = [np.column_stack([span, np.full(len(span), i)]) for i, span in enumerate(spans)]
    notes = np.concatenate([np.zeros((0, 4), np.int64), *tables])
    n_steps = int(notes[:, BEHIND].max(initial=0))
    lines = nearest_step(bar_lines(score), score.ticks, resolution)
    drums = tuple(track.is_drum for track in score.tracks)
    return Piece(notes, n_steps, resolution, _until(np.unique(lines), n_steps, resolution), drums)


def _until(lines: NDArray[np.int64], n_steps: int, resolution: int) -> NDArray[np.int64]:
    """Bar lines up to the first at or behind the end, which rounding may have put past a line."""
    if lines[-1] < n_steps:
        lines = np.append(lines, lines[-1] + BEATS_PER_BAR * resolution)
    return lines[: np.searchsorted(lines, n_steps) + 1]


def _joined(tables: list[NDArray[np.int64]], n_steps: int, resolution: int, bar: int) -> Piece:
    rows = []
    for track, table in enumerate(tables):
        first, length, pitch = table.T
        rows.append(np.column_stack([first, first + length, pitch, np.full(len(table), track)]))
    notes = np.concatenate([np.zeros((0, 4), np.int64), *rows])
    bars = np.arange(-(-n_steps // bar) + 1) * bar
    return Piece(notes, n_steps, resolution, bars, (False,) * len(tables))


def _only(piece: Piece, track: int, name: str) -> Piece:
    check_count("track", track, 0)
    if track >= len(piece.drums):
        raise ValueError(f"{name} has {len(piece.drums)} tracks; there is no track {track}")
    notes = piece.notes[piece.notes[:, TRACK] == track].copy()
    notes[:, TRACK] = 0
    return piece._replace(notes=notes, drums=(piece.drums[track],))
