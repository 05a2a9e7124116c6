"""Chord symbols, such as ``"Am7/g"``, as pitches."""

from __future__ import annotations

import re

from textrep.music.abc.keys import LETTERS

ROOT = 48  # the C below middle C; roots are in the octave above it, other basses in that below
_OCTAVE = 12
_KINDS = {
    "": (0, 4, 7), "maj": (0, 4, 7), "M": (0, 4, 7),
    "m": (0, 3, 7), "min": (0, 3, 7), "-": (0, 3, 7),
    "7": (0, 4, 7, 10), "m7": (0, 3, 7, 10), "min7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11), "M7": (0, 4, 7, 11), "m7b5": (0, 3, 6, 10),
    "dim": (0, 3, 6), "d": (0, 3, 6), "o": (0, 3, 6), "dim7": (0, 3, 6, 9),
    "aug": (0, 4, 8), "+": (0, 4, 8), "a": (0, 4, 8), "aug7": (0, 4, 8, 10), "a7": (0, 4, 8, 10),
    "6": (0, 4, 7, 9), "m6": (0, 3, 7, 9), "5": (0, 7),
    "sus": (0, 5, 7), "sus4": (0, 5, 7), "sus2": (0, 2, 7), "7sus4": (0, 5, 7, 10),
    "9": (0, 4, 7, 10, 14), "m9": (0, 3, 7, 10, 14), "maj9": (0, 4, 7, 11, 14),
    "add9": (0, 4, 7, 14), "7b9": (0, 4, 7, 10, 13), "11": (0, 4, 7, 10, 14, 17),
    "13": (0, 4, 7, 10, 14, 21),
}  # fmt: skip
_SYMBOL = re.compile(r"([A-G])([#b♯♭]?)([^/]*)(?:/([A-Ga-g])([#b♯♭+]?))?")
_SIGNS = {"": 0, "#": 1, "♯": 1, "+": 1, "b": -1, "♭": -1}


def chord_pitches(symbol: str) -> tuple[int, ...] | None:
    """The pitches of a chord symbol, from the lowest.

    Parameters
    ----------
    symbol : str
        A root, what is built on it and, after a slash, another bass. Parentheses around it are
        passed over; a sharp bass may be written ``f+``, as the Nottingham tunes have it.

    Returns
    -------
    tuple of int or None
        None where it is no chord: text above the notes, for instance.

    Examples
    --------
    >>> chord_pitches("Am"), chord_pitches("D7/f+"), chord_pitches("slowly")
    ((57, 60, 64), (42, 50, 54, 57, 60), None)
    """
    found = _SYMBOL.fullmatch(symbol.strip().strip("()"))
    if found is None or found[3].strip() not in _KINDS:
        return None
    root = ROOT + (LETTERS[found[1]] + _SIGNS[found[2]]) % _OCTAVE
    pitches = [root + above for above in _KINDS[found[3].strip()]]
    if found[4]:
        bass = ROOT - _OCTAVE + (LETTERS[found[4].upper()] + _SIGNS[found[5]]) % _OCTAVE
        if (root - bass) % _OCTAVE:
            pitches.insert(0, bass)
    return tuple(pitches)
