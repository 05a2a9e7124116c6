"""Sound in files, and what is no sound."""

from __future__ import annotations

import math
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.core.files import atomic_write, special_kind
from textrep.core.messages import printable, shown, type_name
from textrep.core.swelling import SwellingError, check_growth
from textrep.embeddings.parameters import check_choice, check_count

Wave = NDArray[np.float32]
"""Samples from -1 to 1: (samples,), or (..., samples) of several sounds of one length."""

ENCODINGS = ("PCM_16", "PCM_24", "FLOAT")

_FORMATS = {".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG"}

_MOST_RATE = 768_000
"""Samples a second that a file may say: the most that converters make."""

_BLOCK = 1 << 18  # samples of all channels that are read at once


def check_wave(samples: Any, *, name: str = "samples", batches: bool = False) -> Wave:
    """Samples of a sound, checked.

    Parameters
    ----------
    samples : array-like (samples,) of float
    name : str, default="samples"
        What messages call them.
    batches : bool, default=False
        Whether axes may stand before that of the samples.

    Returns
    -------
    float32 ndarray (samples,) or (..., samples)
        Float64 stays what it is.

    Raises
    ------
    ValueError
        If there are no samples, they are whole numbers, or one is not finite; the message says
        where.

    Examples
    --------
    >>> check_wave(np.zeros(3, np.float16)).dtype
    dtype('float32')
    >>> check_wave([0.0, float("nan")])
    Traceback (most recent call last):
    ...
    ValueError: samples[1] is nan, expected a finite number
    """
    if samples is None or isinstance(samples, str | bytes | dict):
        raise ValueError(f"{name} must be an array of samples, got {shown(samples)}")
    try:
        wave = np.asarray(samples)
    except ValueError:
        raise ValueError(f"{name} must be an array of samples of one length") from None
    if wave.dtype.kind in "iu" and wave.size:
        most = np.iinfo(wave.dtype).max + 1 if wave.dtype.kind == "i" else 1
        hint = f"; divide by {most}" if wave.dtype in (np.int16, np.int32) else ""
        raise ValueError(f"{name} is {wave.dtype}, expected floats from -1 to 1{hint}")
    if wave.size and wave.dtype.kind != "f":
        raise ValueError(f"{name} must be an array of floats, got {_named(samples, wave)}")
    if wave.ndim == 0 or (wave.ndim > 1 and not batches):
        raise ValueError(f"{name} must be (samples,), got {_named(samples, wave)}")
    if not wave.size:
        raise ValueError(f"{name} is empty: there is no sound in it")
    wrong = ~np.isfinite(wave)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        index = ", ".join(map(str, place))
        raise ValueError(f"{name}[{index}] is {wave[place]}, expected a finite number")
    return np.ascontiguousarray(wave if wave.dtype == np.float64 else wave.astype(np.float32))


def read_wave(
    path: str | os.PathLike[str], rate: int | None = None, mono: bool = True
) -> tuple[Wave, int]:
    """A sound from a file: WAV, FLAC, OGG, MP3 and what else libsndfile reads.

    Parameters
    ----------
    path : str or path
    rate : int or None, default=None
        Samples a second that are wanted; None takes the file's.
    mono : bool, default=True
        Whether channels are averaged to one.

    Returns
    -------
    samples : float32 ndarray (samples,), or (channels, samples) if not `mono`
    rate : int

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is broken, empty, no sound, or grows beyond all measure as it is decoded.
    ModuleNotFoundError
        If soundfile is not installed.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/tone.wav"
    >>> write_wave(path, np.sin(np.arange(8000) / 3), 8000)
    >>> samples, rate = read_wave(path, rate=4000)
    >>> samples.shape, rate
    ((4000,), 4000)
    """
    name = printable(os.fspath(path))
    place = Path(path)
    if not place.exists():
        raise FileNotFoundError(f"there is no file {name}")
    if (kind := special_kind(place.stat().st_mode)) is not None:
        raise ValueError(f"{name} is {kind}, expected a file of sound")
    soundfile = _soundfile()
    try:
        samples, own_rate = _decoded(soundfile, place)
    except (soundfile.SoundFileError, SwellingError) as error:
        raise ValueError(f"{name} cannot be read as sound: {error!s:.200}") from None
    if not len(samples):
        raise ValueError(f"{name} is empty: there is no sound in it")
    if not 1 <= own_rate <= _MOST_RATE:
        raise ValueError(
            f"{name} says that it has {own_rate:,} samples a second; expected 1 to {_MOST_RATE:,}"
        )
    channels = samples.mean(axis=1) if mono else samples.T
    channels = check_wave(channels, name=name, batches=True)
    wanted = own_rate if rate is None else rate
    return resample(channels, own_rate, wanted), wanted


def _decoded(soundfile: Any, path: Path) -> tuple[NDArray[np.float32], int]:
    """Samples (samples, channels) and how many a second has.

    They are read by blocks: the length that a header says is not believed.
    """
    packed = path.stat().st_size
    blocks: list[NDArray[np.float32]] = []
    unpacked = 0
    with soundfile.SoundFile(os.fspath(path)) as file:
        most = max(1, _BLOCK // file.channels)
        while len(block := file.read(most, dtype="float32", always_2d=True)):
            unpacked += block.nbytes
            check_growth(packed, unpacked)
            blocks.append(block)
        empty = np.zeros((0, file.channels), np.float32)
        return np.concatenate(blocks) if blocks else empty, int(file.samplerate)


def write_wave(
    path: str | os.PathLike[str], samples: Any, rate: int, encoding: str = "PCM_16"
) -> None:
    """A sound into a file, whole or not at all.

    Parameters
    ----------
    path : str or path
        Its suffix says the format: .wav, .flac or .ogg.
    samples : array-like (samples,) or (channels, samples)
        From -1 to 1. What goes beyond is scaled down as a whole, with a warning, rather than cut
        off.
    rate : int
        Samples a second.
    encoding : {"PCM_16", "PCM_24", "FLOAT"}, default="PCM_16"
        Of a sample; FLAC holds no floats, and OGG has its own encoding.

    Raises
    ------
    ValueError
        If `samples` are none, or the suffix is not known.
    ModuleNotFoundError
        If soundfile is not installed.
    """
    check_choice("encoding", encoding, ENCODINGS)
    check_count("rate", rate, 1)
    wave = check_wave(samples, batches=True)
    if wave.ndim > 2:
        raise ValueError(f"samples must be (samples,) or (channels, samples), got {wave.shape}")
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise ValueError(
            f"path must end in {', '.join(_FORMATS)}, got {printable(os.fspath(path))}"
        )
    if suffix == ".flac" and encoding == "FLOAT":
        raise ValueError("encoding='FLOAT' is none of FLAC's; take 'PCM_24' or a .wav file")
    peak = float(np.abs(wave).max())
    if peak > 1:
        warnings.warn(
            f"samples reach {peak:.3g} and are scaled down to 1; they should be from -1 to 1",
            stacklevel=2,
        )
        wave = wave / peak
    with atomic_write(path) as file:
        _soundfile().write(
            file,
            wave.T,
            rate,
            format=_FORMATS[suffix],
            subtype=None if suffix == ".ogg" else encoding,
        )


def resample(samples: Any, rate: int, wanted: int) -> Wave:
    """A sound with so many samples a second, without those frequencies that they cannot hold.

    Parameters
    ----------
    samples : array-like (..., samples)
    rate, wanted : int
        Samples a second, before and after.

    Returns
    -------
    float32 ndarray (..., samples * wanted / rate), rounded up

    Examples
    --------
    >>> resample(np.zeros(44100), 44100, 16000).shape
    (16000,)
    """
    from scipy.signal import resample_poly

    check_count("rate", rate, 1)
    check_count("wanted", wanted, 1)
    wave = check_wave(samples, batches=True)
    if wanted == rate:
        return wave
    shared = math.gcd(rate, wanted)
    found = resample_poly(wave, wanted // shared, rate // shared, axis=-1)
    return np.ascontiguousarray(found, dtype=wave.dtype)


def _named(given: Any, array: NDArray[Any]) -> str:
    return f"{array.dtype} {array.shape}" if array.ndim else f"a {type_name(given)}"


def _soundfile() -> Any:
    """soundfile.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed; the message says how to.
    """
    try:
        import soundfile
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "files of sound need soundfile: pip install 'textrep[music]'"
        ) from None
    return soundfile
