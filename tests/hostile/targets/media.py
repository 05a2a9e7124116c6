"""Pictures, sounds, notes and matrices."""

from __future__ import annotations

import functools
import io
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image
from scipy.io import savemat

from tests.hostile.targets.target import Target
from textrep.data.readers.matlab import read_matlab
from textrep.image.pictures import read_image
from textrep.music import Score, Track, load_music, read_midi, read_wave
from textrep.music.midi import midi_of

_PIXELS = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
_ABC = (
    b"X:1\nT:Steps\nM:6/8\nL:1/8\nQ:1/4=120\nP:A2B\nK:D\nP:A\n"
    b'|:"D"D2 F {g}A>d (3efg|1 [DFA]2- :|2 z4 |]\n'
    b"P:B\nV:2\nd,3/2 ^c _B=A|!trill!A4-A2|]\n"
)


def _picture(format_: str, folder: Path) -> bytes:
    made = io.BytesIO()
    image = Image.fromarray(_PIXELS)
    if format_ == "GIF":
        image = image.quantize(16)
    image.save(made, format_)
    return made.getvalue()


def _sound(format_: str, folder: Path) -> bytes:
    made = io.BytesIO()
    wave = np.sin(np.arange(2000) / 9)[:, None] * [0.5, -0.25]
    soundfile.write(made, wave, 8000, format=format_)
    return made.getvalue()


def _midi(folder: Path) -> bytes:
    notes = [(0, 480, 60, 90), (480, 240, 64, 80), (480, 960, 67, 70)]
    return midi_of(Score([Track(notes), Track(notes, is_drum=True)], tempos=[(0, 100.0)]))


def _matlab(compressed: bool, folder: Path) -> bytes:
    made = io.BytesIO()
    values = {"faces": np.arange(40.0).reshape(8, 5), "names": np.array(["a", "b"], dtype=object)}
    savemat(made, values, do_compression=compressed)
    return made.getvalue()


def _wave(path: Path) -> object:
    return read_wave(path, rate=4000)


_PICTURES = {
    **{"png": "PNG", "jpg": "JPEG", "gif": "GIF", "tif": "TIFF", "bmp": "BMP"},
    **{"webp": "WEBP", "ppm": "PPM", "ico": "ICO", "tga": "TGA", "pcx": "PCX"},
}

MEDIA = (
    *(
        Target(suffix, f"picture.{suffix}", functools.partial(_picture, format_), read_image)
        for suffix, format_ in _PICTURES.items()
    ),
    *(
        Target(suffix, f"tone.{suffix}", functools.partial(_sound, suffix.upper()), _wave)
        for suffix in ("wav", "flac", "ogg")
    ),
    Target("midi", "tune.mid", _midi, read_midi),
    Target("abc", "tune.abc", lambda folder: _ABC, load_music),
    Target("matlab", "faces.mat", functools.partial(_matlab, False), read_matlab),
    Target("matlab, packed", "faces.mat", functools.partial(_matlab, True), read_matlab),
)
