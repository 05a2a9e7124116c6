"""Pieces on one HTML page, to look at and to listen to without a network."""

from __future__ import annotations

import base64
import functools
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from textrep.core.files import atomic_write
from textrep.core.messages import shown
from textrep.embeddings.parameters import check_count
from textrep.music.midi import midi_of
from textrep.music.plots import save_piano_roll
from textrep.music.score import Score
from textrep.music.sound.spectrogram import Spectrogram
from textrep.music.sound.waves import Wave, check_wave, write_wave
from textrep.music.synthesizer import synthesize

if TYPE_CHECKING:
    from jinja2 import Environment

RATE = 22050
"""Samples a second of sounds on pages: speech and most instruments need no more."""

_BANDS = 96  # rows of a spectrogram


class _Shown(NamedTuple):
    """What the template shows of a piece; files are in base64."""

    title: str
    note: str
    sound: str
    picture: str
    shows: str
    midi: str | None


def music_page(
    path: str | os.PathLike[str],
    pieces: Iterable[tuple[Any, ...]],
    *,
    heading: str = "Music",
    rate: int = RATE,
    soundfont: str | os.PathLike[str] | None = None,
) -> Path:
    """Write a page with a player and a picture for each piece, and the MIDI file of each score.

    The page asks nothing of the network: sounds and pictures are in it, some 60 kB for each second.

    Parameters
    ----------
    path : str or path
        File to make or replace, whole or not at all.
    pieces : iterable of (str, Score or ndarray) or (str, Score or ndarray, str)
        Title, music, and a line about it. Scores are synthesised and drawn as piano rolls; arrays
        are sounds (samples,) from -1 to 1, drawn as spectrograms.
    heading : str, default="Music"
    rate : int, default=22050
        Samples a second, those of arrays included.
    soundfont : path or None, default=None
        What plays scores; see `textrep.music.synthesize`.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    ValueError
        If there are no pieces, or one is none; the message says which.
    ModuleNotFoundError
        If matplotlib, soundfile or symusic is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from textrep.music import voices_to_score
    >>> chord = voices_to_score(np.array([[72, 67, 64, 48]] * 8))
    >>> music_page(tempfile.mkdtemp() + "/page.html", [("A chord", chord)], rate=4000).name
    'page.html'
    """
    check_count("rate", rate, 1000)
    views = [
        _view(piece, f"pieces[{i}]", rate, soundfont) for i, piece in enumerate(_listed(pieces))
    ]
    if not views:
        raise ValueError("pieces is empty: there is nothing to show")
    template = _environment().get_template("page.html.j2")
    page = template.render(heading=heading, pieces=views)
    with atomic_write(path) as file:
        # A name of a file may hold half a surrogate pair, which no encoding has.
        file.write(page.encode("utf-8", errors="replace"))
    return Path(path)


@functools.cache
def _environment() -> Environment:
    """The template, which is compiled once."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("textrep.music"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _listed(pieces: Any) -> list[Any]:
    if isinstance(pieces, str | Mapping | Score) or not isinstance(pieces, Iterable):
        raise ValueError(f"pieces must be a list of (title, music), got {shown(pieces)}")
    return list(pieces)


def _view(piece: Any, name: str, rate: int, soundfont: Any) -> _Shown:
    if not isinstance(piece, tuple) or len(piece) not in (2, 3):
        raise ValueError(f"{name} must be (title, music) or (title, music, note)")
    title, music, *note = piece
    if isinstance(music, Score):
        sound = synthesize(music, rate=rate, soundfont=soundfont)
        midi = _in_base64(midi_of(music))
        shows = "piano roll"
    else:
        sound = np.clip(check_wave(music, name=name), -1, 1)
        midi, shows = None, "spectrogram"
    with tempfile.TemporaryDirectory() as folder:
        wave, picture = Path(folder) / "sound.wav", Path(folder) / "picture.png"
        write_wave(wave, sound, rate)
        if isinstance(music, Score):
            save_piano_roll(picture, music, titles=[""])
        else:
            _save_spectrogram(picture, sound, rate)
        heard, seen = map(_in_base64, (wave.read_bytes(), picture.read_bytes()))
    return _Shown(str(title), str(note[0]) if note else "", heard, seen, shows, midi)


def _in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _save_spectrogram(path: Path, sound: Wave, rate: int) -> None:
    """The lowest frequencies at the bottom."""
    from textrep.image.grids import save_grid

    picture = Spectrogram(rate=rate, n_mels=_BANDS).encode(sound)
    save_grid(path, picture[None, :, ::-1], padding=0, scale=2)
