"""A line of ABC music in its parts: notes, chords, bars and signs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

_LENGTH = r"\d*/*\d*"
_NOTE = rf"(?:\^\^|\^|__|_|=)?[A-Ga-g][,']*{_LENGTH}"
_PATTERNS = {
    "note": _NOTE,
    "rest": rf"[zx]{_LENGTH}",
    "bars_of_rest": r"Z\d*",
    "field": r"\[[A-Za-z]:[^\]]*\]",
    # An ending may follow a bar at once; after a space it has a bracket.
    "ending": r"\[\s*\d+(?:[,.-]\d+)*|(?<=[|:])\d+(?:[,.-]\d+)*",
    "bar": r":*(?:\[\|+\]?|\|+\]?)(?:\[\|)?:*|:{2,}",
    "chord": rf"\[[^\]|]*\]{_LENGTH}",
    "symbol": r'"[^"]*"',
    "tuplet": r"\(\d(?::\d*){0,2}",
    "tie": r"-",
    "broken": r">+|<+",
    # Slurs, grace notes, decorations of all kinds, what ends or continues a line, and beams.
    "passed": r"[()\[\]]|\{[^}]*\}|![^!\s]*!|\+[^+\s]*\+|[~.\\!$*`+]|[H-Wh-w]|y\d*|\s+",
}
_ANY = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS.items()))
_IN_CHORD = re.compile(rf"({_NOTE})(-?)")
_PARTS = re.compile(r"(\^\^|\^|__|_|=)?([A-Ga-gzx])([,']*)(\d*)(/*)(\d*)")


class Item(NamedTuple):
    """A part of a line: what it is, its text, and its column, counted from 1."""

    kind: str
    text: str
    column: int


class Written(NamedTuple):
    """A note as it is written; `times` is what its length multiplies the unit by."""

    accidental: str
    letter: str
    octaves: str
    times: Fraction
    tied: bool = False


def scan(line: str) -> Iterator[Item]:
    """The parts of a line of music, without those that do not sound.

    Parameters
    ----------
    line : str
        Without a comment.

    Yields
    ------
    Item

    Raises
    ------
    ValueError
        At what belongs to no part.

    Examples
    --------
    >>> [item.text for item in scan('|: "G"(3GAB [GBd]2 >c/ :|2 z')]
    ['|:', '"G"', '(3', 'G', 'A', 'B', '[GBd]2', '>', 'c/', ':|', '2', 'z']
    """
    at = 0
    while at < len(line):
        found = _ANY.match(line, at)
        if found is None:
            raise ValueError(f"column {at + 1}: {line[at : at + 10]!r} is no ABC music")
        if found.lastgroup != "passed":
            yield Item(str(found.lastgroup), found[0], at + 1)
        at = found.end()


def read_note(text: str) -> Written:
    """The parts of a note or rest.

    Examples
    --------
    >>> str(read_note("^c'3/2").times), str(read_note("A//").times)
    ('3/2', '1/4')
    """
    found = _PARTS.fullmatch(text)
    assert found is not None, text  # `scan` gives nothing else
    accidental, letter, octaves, *length = found.groups()
    return Written(accidental or "", letter, octaves, _times(*length))


def read_chord(text: str) -> list[Written]:
    """The notes of a chord in brackets, each with the length of its own times that of the chord.

    Raises
    ------
    ValueError
        If there is something else in it.
    """
    inside, _, length = text[1:].partition("]")
    inside = re.sub(r'"[^"]*"|![^!]*!|[+\s.~()]', "", inside)
    if not inside or _IN_CHORD.sub("", inside):
        raise ValueError(f"the chord {text!r} holds something other than notes")
    outer = read_note(f"z{length}").times
    notes = [(read_note(note), tie) for note, tie in _IN_CHORD.findall(inside)]
    return [note._replace(times=note.times * outer, tied=bool(tie)) for note, tie in notes]


def _times(number: str, slashes: str, below: str) -> Fraction:
    over = int(below) if below else 2 ** len(slashes)
    if over == 0 or (number and int(number) == 0):
        raise ValueError(f"a note has the length {number}{slashes}{below}; expected more than 0")
    return Fraction(int(number or 1), over)
