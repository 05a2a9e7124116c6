"""A sound of magnitudes alone: phases by the algorithm of Griffin and Lim."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.core.random import RandomState, stream
from textrep.embeddings.parameters import check_count, check_number
from textrep.music.sound.fourier import Frames
from textrep.music.sound.waves import Wave

_LEAST = 1e-16  # a magnitude below which there is no phase


def griffin_lim(
    magnitude: Any,
    *,
    hop: int = 256,
    window: int | None = None,
    n_iter: int = 32,
    momentum: float = 0.99,
    length: int | None = None,
    random_state: RandomState = 0,
) -> Wave:
    """A sound whose spectra have nearly these magnitudes.

    Phases are drawn, a sound is made with them, its phases are taken, and so on.

    Parameters
    ----------
    magnitude : array-like (..., n_bins, n_frames)
        Linear in frequency and loudness: of mel bands see `mel_to_linear`; decibels and roots must
        be undone before.
    hop : int, default=256
    window : int or None, default=None
        As the magnitudes were made with.
    n_iter : int, default=32
    momentum : float, default=0.99
        How much further each step goes than the last one led; 0 is the algorithm of 1984, which
        takes several times as many steps.
    length : int or None, default=None
        Samples, at most `hop` for each piece; None for those up to the middle of the last one.
    random_state : None, int, Generator or RandomState, default=0
        Of the first phases, which all sounds of a batch have in common: a sound comes out alone
        as among others.

    Returns
    -------
    float32 ndarray (..., length)

    Raises
    ------
    ValueError
        If a magnitude is negative or not finite, or a parameter out of range.

    References
    ----------
    D. Griffin, J. Lim: Signal estimation from modified short-time Fourier transform, IEEE TASSP
    1984.

    N. Perraudin, P. Balazs, P. Sondergaard: A fast Griffin-Lim algorithm, WASPAA 2013.

    Examples
    --------
    >>> from textrep.music.sound import stft
    >>> tone = np.sin(np.arange(4000) * 0.3)
    >>> magnitude = np.abs(stft(tone))
    >>> found = griffin_lim(magnitude, length=4000)
    >>> bool(spectral_convergence(magnitude, np.abs(stft(found))) < 0.1)
    True
    """
    wanted = check_magnitude("magnitude", magnitude)
    check_count("n_iter", n_iter, 1)
    check_number("momentum", momentum, least=0, most=1)
    frames = Frames(2 * (wanted.shape[-2] - 1), hop, window)
    angles = stream(random_state, "phases").uniform(-math.pi, math.pi, wanted.shape[-2:])
    loud = torch.tensor(wanted)
    phases = torch.polar(torch.ones(angles.shape), torch.tensor(angles, dtype=torch.float32))
    before = torch.zeros((), dtype=torch.complex64)
    size = frames.length_of(wanted.shape[-1], length)
    for _ in range(n_iter):
        found = frames.forward(frames.back(loud * phases, size))
        found = torch.nn.functional.pad(found, (0, wanted.shape[-1] - found.shape[-1]))
        ahead = found + momentum * (found - before)
        phases = ahead / ahead.abs().clamp_min(_LEAST)
        before = found
    wave: Wave = frames.back(loud * phases, size).numpy()
    return wave


def spectral_convergence(reference: Any, found: Any) -> float:
    """How far magnitudes are from those that were wanted: 0 for none, 1 for silence.

    Parameters
    ----------
    reference, found : array-like of one shape
        Magnitudes.

    Returns
    -------
    float
        Norm of the difference over the norm of the reference.

    References
    ----------
    N. Sturmel, L. Daudet: Signal reconstruction from STFT magnitude, DAFx 2011, equation 6.

    Examples
    --------
    >>> spectral_convergence([[3.0, 4.0]], [[3.0, 4.5]])
    0.1
    """
    wanted = np.asarray(reference, dtype=np.float64)
    other = np.asarray(found, dtype=np.float64)
    if wanted.shape != other.shape:
        raise ValueError(
            f"reference and found must be of one shape, got {wanted.shape} and {other.shape}"
        )
    loudness = float(np.linalg.norm(wanted))
    if not loudness:
        raise ValueError("reference is silent: there is nothing to be near to")
    return float(np.linalg.norm(wanted - other)) / loudness


def check_magnitude(name: str, magnitude: Any) -> NDArray[np.float32]:
    """Magnitudes (..., n_bins, n_frames), or a ValueError that says what is wrong."""
    values = np.asarray(magnitude)
    if values.ndim < 2 or not values.size or values.dtype.kind not in "fiu":
        raise ValueError(f"{name} must be (n_bins, n_frames), got {values.dtype} {values.shape}")
    wrong = ~np.isfinite(values) | (values < 0)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        index = ", ".join(map(str, place))
        raise ValueError(f"{name}[{index}] is {values[place]}, expected a finite number, 0 or more")
    return np.ascontiguousarray(values, dtype=np.float32)
