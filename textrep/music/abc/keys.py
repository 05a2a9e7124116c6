"""Keys of ABC, with their modes and accidentals of their own, and the pitches of its notes."""

from __future__ import annotations

import re
from typing import NamedTuple

LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
"""Semitones above C."""

SHARPS, FLATS = "FCGDAEB", "BEADGCF"  # in the order in which keys take them
ACCIDENTALS = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
_MIDDLE_C = 60
_OCTAVE = 12

# Fifths above C of the major keys, and what a mode takes from them.
_FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
_MODES = {
    "": 0, "maj": 0, "ion": 0, "mix": -1, "dor": -2, "m": -3, "min": -3, "aeo": -3,
    "phr": -4, "loc": -5, "lyd": 1,
}  # fmt: skip
_MINOR = ("m", "min", "aeo", "dor", "phr", "loc")  # their third is minor
_KEY = re.compile(r"([A-G])([#b]?)\s*(maj|ion|mix|dor|min|aeo|phr|loc|lyd|m(?![a-z]))?", re.I)
_OWN = re.compile(r"(\^\^|\^|__|_|=)([A-Ga-g])")
_PIPES = {
    "HP": {},
    "Hp": {"F": 1, "C": 1},
}  # of the highland bagpipe: sharps are not written, or are


class Key(NamedTuple):
    """What a key does to the letters.

    Attributes
    ----------
    sharps : int
        Negative: flats. Of the key without accidentals of its own.
    minor : bool
        Whether its third is minor: as in the minor, Dorian, Phrygian and Locrian modes.
    accidentals : dict of str to int
        Semitones by letter (upper case), where there are any.
    """

    sharps: int
    minor: bool
    accidentals: dict[str, int]


def key_of(sharps: int, minor: bool = False) -> Key:
    """The key with so many sharps, or flats where the number is negative."""
    order, step = (SHARPS, 1) if sharps > 0 else (FLATS, -1)
    return Key(sharps, minor, dict.fromkeys(order[: abs(sharps)], step))


def read_key(text: str) -> Key:
    """The key that a ``K:`` field names.

    Parameters
    ----------
    text : str
        A note, a mode by its first three letters (major where there is none) and accidentals of its
        own; ``none``, ``HP`` and ``Hp``. Clefs and the like are passed over.

    Returns
    -------
    Key

    Raises
    ------
    ValueError
        If it names none.

    Examples
    --------
    >>> read_key("Ador").accidentals, read_key("D mix ^g").accidentals
    ({'F': 1}, {'F': 1, 'G': 1})
    """
    text = text.strip()
    first = text.split(None, 1)[0] if text else ""
    if first in _PIPES:
        return Key(0, False, dict(_PIPES[first]))
    if not first or first.lower() == "none" or "=" in first:
        return _with_own(key_of(0), text)
    found = _KEY.match(text)
    if found is None:
        raise ValueError(f"no key {text!r}; expected a note and a mode, such as 'G' or 'A dor'")
    letter, sign, mode = found[1].upper(), found[2], (found[3] or "").lower()
    # Seven fifths make the same letter a semitone higher.
    fifths = _FIFTHS[letter] + {"": 0, "#": 7, "b": -7}[sign] + _MODES[mode]
    if abs(fifths) > len(SHARPS):
        raise ValueError(f"the key {text!r} has {abs(fifths)} sharps or flats; there are at most 7")
    own = text[found.end() :]
    base = key_of(0) if re.search(r"\bexp\b", own) else key_of(fifths, mode in _MINOR)
    return _with_own(base, own)


def _with_own(key: Key, text: str) -> Key:
    own = {letter.upper(): ACCIDENTALS[sign] for sign, letter in _OWN.findall(text)}
    return key._replace(accidentals={**key.accidentals, **own})


def pitch_of(letter: str, octaves: str, semitones: int) -> int:
    """The MIDI number of a note: small letters are an octave above the middle one.

    Examples
    --------
    >>> pitch_of("C", "", 0), pitch_of("c", "'", 1), pitch_of("B", ",", -1)
    (60, 85, 58)
    """
    octave = octaves.count("'") - octaves.count(",") + letter.islower()
    return _MIDDLE_C + LETTERS[letter.upper()] + _OCTAVE * octave + semitones
