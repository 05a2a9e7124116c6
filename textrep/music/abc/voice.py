"""One voice of a tune: what is written, made into sounds with pitches and lengths."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from textrep.core.messages import shown
from textrep.music.abc.chords import chord_pitches
from textrep.music.abc.keys import ACCIDENTALS, Key, key_of, pitch_of, read_key
from textrep.music.abc.scanning import Item, Written, read_chord, read_note, scan
from textrep.music.abc.unrolling import Bar, Event, Part, Sound, read_bar
from textrep.music.score import PITCHES
from textrep.music.symusic_notes import MICROSECONDS

_TUPLETS = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # p in the time of q; of others, 3 in compound time or 2
_METERS = {"C": (4, 4), "C|": (2, 2)}
_ANNOTATIONS = ("^", "_", "<", ">", "@")  # text is placed by its first letter
_SHORT_METER = Fraction(3, 4)  # below it the unit is a sixteenth where no L: names one


class Voice:
    """What is known at a place of a voice, and what it has played so far.

    Attributes
    ----------
    events : list of Sound, Bar and Part
        As written, repeats not yet played.
    key : Key
    meter : (int, int) or None
    tempo : float or None
        Quarter notes a minute.
    unit : Fraction or None
        Length of a note without a number, of a whole note; None until the meter tells.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.key: Key = key_of(0)
        self.meter: tuple[int, int] | None = None
        self.tempo: float | None = None
        self.unit: Fraction | None = None
        self._in_bar: dict[str, int] = {}  # accidentals since the last bar line, by letter
        self._symbol: str | None = None
        self._tuplet: tuple[Fraction, int] = (
            Fraction(1),
            0,
        )  # factor, and sounds that it holds for
        self._broken = Fraction(1)  # what a broken rhythm makes of the next sound
        self._sounded: Sound | None = None  # the last one
        self._last: list[tuple[str, str, int]] = []  # letters, octaves and pitches just played
        self._tied: dict[tuple[str, str], int] = {}  # pitches of tied notes by letter and octave

    def field(self, letter: str, text: str) -> None:
        """Take a field to heart: ``K``, ``L``, ``M``, ``P`` or ``Q``; others say nothing to play.

        Raises
        ------
        ValueError
            If it does not say what such a field must.
        """
        if letter == "K":
            self.key = read_key(text)
            self._in_bar.clear()
        elif letter == "L":
            self.unit = _fraction(text, "L")
        elif letter == "M":
            self.meter = read_meter(text)
        elif letter == "Q":
            self.tempo = read_tempo(text, self._unit()) or self.tempo
        elif letter == "P":
            self.events.append(Part(text.strip()[:1]))

    def line(self, text: str) -> None:
        """Play a line of music.

        Raises
        ------
        ValueError
            With the column of what is wrong.
        """
        for item in scan(text):
            try:
                self._item(item)
            except ValueError as error:
                raise ValueError(f"column {item.column}: {error}") from None

    def _item(self, item: Item) -> None:
        text = item.text
        if item.kind in ("note", "rest"):
            self._sound([read_note(text)])
        elif item.kind == "chord":
            self._sound(read_chord(text))
        elif item.kind == "bars_of_rest":
            bar = Fraction(*(self.meter or _METERS["C"]))
            self._rest(bar * int(text[1:] or 1))
        elif item.kind == "bar":
            self.events.append(read_bar(text))
            self._in_bar.clear()
        elif item.kind == "ending":
            self._ending(text)
        elif item.kind == "symbol":
            inside = text[1:-1]
            known = not inside.startswith(_ANNOTATIONS) and chord_pitches(inside) is not None
            self._symbol = inside if known else self._symbol
        elif item.kind == "tuplet":
            self._tuplet = _read_tuplet(text, self.meter)
        elif item.kind == "tie":
            self._tie_last()
        elif item.kind == "broken":
            self._break(text)
        elif item.kind == "field":
            self.field(text[1], text[3:-1])

    def _sound(self, notes: Sequence[Written]) -> None:
        length = notes[0].times * self._unit()
        sounding = [note for note in notes if note.letter not in "zx"]
        pitches = [self._pitch(note) for note in sounding]
        tied = [pitch for pitch, note in zip(pitches, sounding, strict=True) if note.tied]
        self._tied = {}
        self._add(tuple(dict.fromkeys(pitches)), length)
        self._last = [
            (note.letter, note.octaves, pitch)
            for note, pitch in zip(sounding, pitches, strict=True)
        ]
        if tied:
            self._tie(frozenset(tied))

    def _rest(self, length: Fraction) -> None:
        self._tied = {}
        self._last = []
        self._add((), length)

    def _add(self, pitches: tuple[int, ...], length: Fraction) -> None:
        factor, left = self._tuplet
        if left:
            length *= factor
            self._tuplet = (factor, left - 1)
        length *= self._broken
        self._broken = Fraction(1)
        self._sounded = Sound(pitches, length, self.key, self.meter, self.tempo, chord=self._symbol)
        self.events.append(self._sounded)
        self._symbol = None

    def _pitch(self, note: Written) -> int:
        letter = note.letter.upper()
        if note.accidental:
            self._in_bar[letter] = ACCIDENTALS[note.accidental]
        elif (note.letter, note.octaves) in self._tied:
            return self._tied[note.letter, note.octaves]  # a tie carries it over the bar line
        semitones = self._in_bar.get(letter, self.key.accidentals.get(letter, 0))
        pitch = pitch_of(note.letter, note.octaves, semitones)
        if not 0 <= pitch < PITCHES:
            raise ValueError(f"the note {note.letter}{note.octaves} is outside of MIDI's pitches")
        return pitch

    def _tie_last(self) -> None:
        last = self._sounded
        if last is not None and last.pitches:
            self._tie(frozenset(last.pitches))

    def _tie(self, pitches: frozenset[int]) -> None:
        last = self._sounded
        assert last is not None
        last.tied = last.tied | pitches
        self._tied = {(letter, octaves): p for letter, octaves, p in self._last if p in last.tied}

    def _break(self, signs: str) -> None:
        last = self._sounded
        if last is None:
            raise ValueError(f"{signs!r} stands before the first note")
        short = Fraction(1, 2 ** len(signs))
        before, after = (2 - short, short) if signs[0] == ">" else (short, 2 - short)
        last.length *= before
        self._broken = after

    def _ending(self, text: str) -> None:
        endings = _read_endings(text)
        if self.events and isinstance(self.events[-1], Bar):
            self.events[-1].endings = endings
        else:
            self.events.append(Bar(endings=endings))

    def _unit(self) -> Fraction:
        if self.unit is None:
            short = self.meter is not None and Fraction(*self.meter) < _SHORT_METER
            self.unit = Fraction(1, 16) if short else Fraction(1, 8)
        return self.unit


def read_meter(text: str) -> tuple[int, int] | None:
    """The meter of an ``M:`` field; None is free.

    Raises
    ------
    ValueError
        If it names none.

    Examples
    --------
    >>> read_meter("6/8"), read_meter("C|"), read_meter("(2+3)/8"), read_meter("none")
    ((6, 8), (2, 2), (5, 8), None)
    """
    text = text.strip()
    if text in _METERS:
        return _METERS[text]
    if text.lower() in ("none", ""):
        return None
    found = re.fullmatch(r"\(?(\d+(?:\s*\+\s*\d+)*)\)?\s*/\s*(\d+)", text)
    above = sum(map(int, re.findall(r"\d+", found[1]))) if found else 0
    if not found or not above or not int(found[2]):
        raise ValueError(f"no meter {text!r}; expected one such as '6/8', 'C' or 'none'")
    return above, int(found[2])


def read_tempo(text: str, unit: Fraction) -> float | None:
    """Quarter notes a minute of a ``Q:`` field; None where it holds only words.

    Parameters
    ----------
    text : str
        ``1/4=120``, ``3/8=90``, or a number of units.
    unit : Fraction
        Of the notes.

    Returns
    -------
    float or None

    Raises
    ------
    ValueError
        If it is 0, or more than MIDI can say.

    Examples
    --------
    >>> read_tempo('"Allegro" 1/4=120', Fraction(1, 8)), read_tempo("3/8=80", Fraction(1, 8))
    (120.0, 120.0)
    """
    plain = re.sub(r'"[^"]*"', "", text).strip()
    beat, _, number = plain.rpartition("=")
    if not re.fullmatch(r"\d+(\.\d+)?", number.strip()):
        return None
    lengths = [Fraction(length) for length in re.findall(r"\d+/[1-9]\d*", beat)]
    whole = sum(lengths, Fraction(0)) or unit
    tempo = Fraction(number) * whole * 4
    if not 0 < tempo <= MICROSECONDS:
        raise ValueError(
            f"the tempo {shown(text.strip())} must be more than 0 and at most {MICROSECONDS:,} "
            "quarter notes a minute"
        )
    return float(tempo)


def _fraction(text: str, field: str) -> Fraction:
    found = re.fullmatch(r"\s*(\d+)\s*(?:/\s*(\d+)\s*)?", text)
    above, below = (int(found[1]), int(found[2] or 1)) if found else (0, 0)
    if not above or not below:
        raise ValueError(f"{field}: is {shown(text.strip())}; expected a length such as '1/8'")
    return Fraction(above, below)


def _read_tuplet(text: str, meter: tuple[int, int] | None) -> tuple[Fraction, int]:
    """The factor of each length, and how many sounds it holds for, of ``(p:q:r``."""
    p, q, r = ([*(int(each or 0) for each in text[1:].split(":")), 0, 0])[:3]
    if not p:
        raise ValueError(f"the tuplet {text!r} holds no notes")
    compound = meter is not None and meter[1] == 8 and meter[0] % 3 == 0 and meter[0] > 3
    q = q or _TUPLETS.get(p, 3 if compound else 2)
    return Fraction(q, p), r or p


def _read_endings(text: str) -> tuple[int, ...]:
    """The turns of an ending such as ``[1``, ``2`` or ``[1-3,5``."""
    turns: list[int] = []
    for each in re.findall(r"\d+(?:-\d+)?", text):
        first, _, last = each.partition("-")
        turns += range(int(first), min(int(last or first), int(first) + 99) + 1)
    return tuple(turns)
