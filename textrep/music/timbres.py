"""How instruments sound: partials and envelopes by the families of General MIDI."""

from __future__ import annotations

from typing import NamedTuple


class Timbre(NamedTuple):
    """One kind of instrument.

    Attributes
    ----------
    partials : tuple of float
        Strength of each multiple of the frequency; they sum to 1.
    attack : float
        Seconds to the full level.
    fall : float
        Seconds from there to the sustained level.
    sustain : float
        Level at which a note is held, of 1.
    release : float
        Seconds in which it fades behind its end.
    decay : float
        How fast a held note dies away, a second: it has 1 / e after 1 / decay.
    upper_fade_faster : bool
        Whether the k-th partial dies away k times as fast, as strings do that are struck or
        plucked.
    """

    partials: tuple[float, ...]
    attack: float
    fall: float
    sustain: float
    release: float
    decay: float = 0.0
    upper_fade_faster: bool = False


class Drum(NamedTuple):
    """One kind of drum.

    Attributes
    ----------
    seconds : float
    noise : float
        Its share; the rest is a falling tone.
    hertz : float
        Of that tone.
    bright : bool
        Whether the noise is of metal.
    """

    seconds: float
    noise: float
    hertz: float = 100.0
    bright: bool = False


def _summing_to_one(*strengths: float) -> tuple[float, ...]:
    total = sum(strengths)
    return tuple(strength / total for strength in strengths)


def _falling(n: int, slope: float) -> tuple[float, ...]:
    """Partials whose strength is a power of their number, as of a saw tooth (slope 1)."""
    return _summing_to_one(*(number**-slope for number in range(1, n + 1)))


TIMBRES = {
    "piano": Timbre(_falling(12, 1.4), 0.004, 0.2, 0.7, 0.08, 0.7, True),
    "bell": Timbre(_summing_to_one(1, 0, 0.2, 0, 0, 0.3, 0, 0, 0.1), 0.002, 0.05, 0.8, 0.1, 2.0),
    # Drawbars of 8', 4', 2 2/3', 2' and 1'.
    "organ": Timbre(_summing_to_one(1, 0.8, 0.5, 0.6, 0, 0.2, 0, 0.4), 0.02, 0.02, 1.0, 0.04),
    "plucked": Timbre(_falling(14, 1.0), 0.002, 0.1, 0.8, 0.05, 2.5, True),
    "bass": Timbre(_falling(8, 1.6), 0.005, 0.2, 0.8, 0.05, 1.2, True),
    "strings": Timbre(_falling(16, 1.1), 0.09, 0.1, 0.9, 0.12),
    "brass": Timbre(_summing_to_one(0.7, 1, 0.9, 0.7, 0.5, 0.35, 0.2, 0.1), 0.04, 0.1, 0.8, 0.06),
    # Of a cylinder that is closed at one end: odd partials.
    "reed": Timbre(_summing_to_one(1, 0.05, 0.7, 0.05, 0.5, 0.05, 0.25, 0.05, 0.15), 0.03, 0.05,
                   0.9, 0.06),
    "pipe": Timbre(_summing_to_one(1, 0.25, 0.08, 0.03), 0.05, 0.05, 0.9, 0.08),
}  # fmt: skip
"""By the name of the kind."""

# Eight programs a family, in General MIDI's order: piano, chromatic percussion, organ, guitar,
# bass, strings, ensemble, brass, reed, pipe, synth lead, synth pad, effects, ethnic, percussive,
# sound effects.
_FAMILIES = (
    "piano", "bell", "organ", "plucked", "bass", "strings", "strings", "brass",
    "reed", "pipe", "reed", "strings", "bell", "plucked", "bell", "pipe",
)  # fmt: skip
_PROGRAMS = 8

DRUMS: dict[int | None, Drum] = {
    35: Drum(0.3, 0.15, 50.0),
    36: Drum(0.3, 0.15, 60.0),
    37: Drum(0.06, 0.7, 400.0),
    38: Drum(0.2, 0.75, 180.0),
    39: Drum(0.12, 1.0),
    40: Drum(0.2, 0.8, 200.0),
    41: Drum(0.35, 0.2, 80.0),
    42: Drum(0.06, 1.0, bright=True),
    43: Drum(0.35, 0.2, 95.0),
    44: Drum(0.06, 1.0, bright=True),
    45: Drum(0.3, 0.2, 115.0),
    46: Drum(0.3, 1.0, bright=True),
    47: Drum(0.3, 0.2, 135.0),
    48: Drum(0.25, 0.2, 160.0),
    49: Drum(0.9, 1.0, bright=True),
    50: Drum(0.25, 0.2, 190.0),
    51: Drum(0.6, 1.0, bright=True),
    None: Drum(0.15, 0.8, 250.0),
}
"""By General MIDI's percussion key; None is all others."""


def timbre_of(program: int) -> Timbre:
    """How a General MIDI instrument sounds.

    Parameters
    ----------
    program : int
        0-127.

    Returns
    -------
    Timbre

    Examples
    --------
    >>> timbre_of(19) is TIMBRES["organ"]  # church organ
    True
    """
    return TIMBRES[_FAMILIES[program // _PROGRAMS]]
