"""ABC read into scores: fields, voices and time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

import numpy as np

from textrep.core.messages import printable, shown
from textrep.embeddings.parameters import check_count
from textrep.music.abc.chords import chord_pitches
from textrep.music.abc.unrolling import Sound, unroll
from textrep.music.abc.voice import Voice
from textrep.music.score import TICKS, Notes, Score, Track
from textrep.music.symusic_notes import MOST_TIME

VELOCITY, CHORD_VELOCITY = 90, 64
_Value = TypeVar("_Value")
_QUARTERS = 4  # of a whole note
# A line of music may begin with a letter before a repeat sign: "E:|" is no field.
_FIELD = re.compile(r"([A-Za-z]):(?![|:])(.*)")
_VOICE = re.compile(r"\[V:\s*([^\s\]]+)[^\]]*\]")
_SOUNDING = "KLMQP"
_ORDER = "PY"  # the cleaned Nottingham tunes give the order of their parts as Y:


@dataclass
class _Tune:
    """A tune that is being read: its name, its voices and the order of its parts."""

    number: str = ""
    title: str = ""
    order: str = ""
    header: Voice = field(default_factory=Voice)
    voices: dict[str, Voice] = field(default_factory=dict)
    current: str = ""
    in_header: bool = True

    def voice(self) -> Voice:
        """The one that the next line is for; it starts with what the header says."""
        if self.current not in self.voices:
            self.voices[self.current] = deepcopy(self.header)
        return self.voices[self.current]


def from_abc(text: str, *, ticks: int = TICKS) -> list[Score]:
    """Read the tunes of an ABC text.

    Repeats, endings and parts (``P:``) are played. Notes sound at one velocity; each voice (``V:``)
    is a track, and chord symbols are one more, each held until the next. An accidental holds for
    its letter, in all octaves, to the end of the bar. Grace notes, decorations, slurs, words and
    the fields of stylesheets are passed over. A blank line ends a tune.

    Parameters
    ----------
    text : str
        Tunes, each from its ``X:`` on; a single one may do without.
    ticks : int, default=480
        Of a quarter note; what does not come to a whole tick is rounded, without adding up.

    Returns
    -------
    list of Score
        Named by their titles.

    Raises
    ------
    ValueError
        If it is no ABC; the message names the tune and the line.

    References
    ----------
    Walshaw (2011): The ABC Music Standard 2.1.

    Examples
    --------
    >>> tune, = from_abc('X:1\\nT:Steps\\nM:4/4\\nL:1/4\\nK:D\\n"D"D F A>d|')
    >>> tune.name, tune.tracks[0].notes[:, 2].tolist(), tune.tracks[0].notes[:, 1].tolist()
    ('Steps', [62, 66, 69, 74], [480, 480, 720, 240])
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string of ABC, got {shown(text)}")
    check_count("ticks", ticks, 1)
    scores: list[Score] = []
    for tune in _tunes(text):
        scores.append(_score(tune, ticks))
    if not scores:
        raise ValueError("there is no tune in the text; each begins with X: and its music after K:")
    return scores


def _tunes(text: str) -> list[_Tune]:
    """The tunes of a text, read but not yet played."""
    tunes: list[_Tune] = []
    file_header = Voice()
    tune: _Tune | None = None
    alone = not re.search(r"^X:", text, re.M)
    if alone:
        tune = _Tune(header=file_header)
        tunes.append(tune)
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        if line.startswith("X:"):
            tune = _Tune(_content(line[2:]), header=deepcopy(file_header))
            tunes.append(tune)
        elif not line.strip() and not (alone and tune is not None and tune.in_header):
            tune = None
        elif not line.startswith("%"):
            try:
                _take(tune, file_header if not tunes else None, line)
            except ValueError as error:
                which = f"tune X:{tune.number}, " if tune and tune.number else ""
                raise ValueError(f"{printable(which)}line {number}: {error}") from None
    if alone and tune is not None and tune.in_header:
        return []
    if unfinished := [tune for tune in tunes if tune.in_header]:
        if alone:
            return []
        raise ValueError(f"tune X:{printable(unfinished[0].number)} has no K:, where music begins")
    return tunes


def _content(text: str) -> str:
    """What a line or field says, without the comment after it."""
    return re.split(r"(?<!\\)%", text, maxsplit=1)[0].replace("\\%", "%").strip()


def _take(tune: _Tune | None, file_header: Voice | None, line: str) -> None:
    """One line of a tune, or of what stands before the first one."""
    found = _FIELD.match(line)
    if tune is None:
        if file_header is not None and found and found[1] in "LMQ":
            file_header.field(found[1], _content(found[2]))
        return
    if found is None:
        if tune.in_header:
            raise ValueError(f"{shown(line.strip())} is no field; music begins after K:")
        _music(tune, _content(line))
        return
    letter, content = found[1], _content(found[2])
    if letter == "T" and not tune.title:
        tune.title = content
    elif letter == "V":
        tune.current = content.split(None, 1)[0] if content else ""
    elif letter in _ORDER and tune.in_header:
        tune.order = content
    elif letter in _SOUNDING and (tune.in_header or letter in "P"):
        for voice in [tune.header, *tune.voices.values()]:
            voice.field(letter, content)
    elif letter in _SOUNDING:
        tune.voice().field(letter, content)
    if letter == "K":
        tune.in_header = False


def _music(tune: _Tune, line: str) -> None:
    """A line of music, which may change the voice within it."""
    at = 0
    for found in _VOICE.finditer(line):
        _play(tune, line[at : found.start()])
        tune.current = found[1]
        at = found.end()
    _play(tune, line[at:])


def _play(tune: _Tune, line: str) -> None:
    if "&" in re.sub(r'"[^"]*"', "", line):
        raise ValueError("voices laid over each other (&) are not read; give each a V:")
    if line.strip():
        tune.voice().line(line)


# ---- time


def _score(tune: _Tune, ticks: int) -> Score:
    try:
        played = [unroll(voice.events, tune.order) for voice in tune.voices.values()]
        _check_time(played, ticks)
    except ValueError as error:
        raise ValueError(f"tune X:{printable(tune.number)}: {error}") from None
    per_whole = ticks * _QUARTERS
    tracks = [
        Track(_notes(sounds, per_whole), name=f"voice {name}" if name else "melody")
        for name, sounds in zip(tune.voices, played, strict=True)
        if any(sound.pitches for sound in sounds)
    ]
    found = [chords for sounds in played if len(chords := _chords(sounds, per_whole))]
    tracks += [Track(chords, name="chords") for chords in found]
    longest = max(played, key=len, default=[])
    keys = _changes(longest, lambda sound: (sound.key.sharps, int(sound.key.minor)), per_whole)
    return Score(
        tuple(tracks),
        ticks,
        tuple(_changes(longest, lambda sound: sound.tempo, per_whole)),
        tuple((at, *meter) for at, meter in _changes(longest, lambda s: s.meter, per_whole)),
        tuple((at, *key) for at, key in keys),
        tune.title,
    )


def _check_time(played: Sequence[Sequence[Sound]], ticks: int) -> None:
    """Refuse a tune that goes on for longer than notes can tell, which lengths of any size make."""
    for sounds in played:
        if sum(sound.length for sound in sounds) * ticks * _QUARTERS > MOST_TIME:
            raise ValueError(f"it goes on after tick {MOST_TIME:,}, the last that there is")


def _notes(sounds: Sequence[Sound], per_whole: int) -> Notes:
    """Notes of the sounds of a voice; tied ones are one note."""
    notes: list[tuple[int, int, int, int]] = []
    held: dict[int, Fraction] = {}  # when what a tie holds began, by pitch
    at = Fraction(0)
    for position, sound in enumerate(sounds):
        end = at + sound.length
        follows = sounds[position + 1].pitches if position + 1 < len(sounds) else ()
        for pitch in sound.pitches:
            begun = held.pop(pitch, at)
            if pitch in sound.tied and pitch in follows:
                held[pitch] = begun
            else:
                start = round(begun * per_whole)
                notes.append((start, max(round(end * per_whole) - start, 1), pitch, VELOCITY))
        at = end
    return np.array(notes, np.int64).reshape(-1, 4)


def _chords(sounds: Sequence[Sound], per_whole: int) -> Notes:
    """Notes of the chord symbols, each of which sounds until the next."""
    starts: list[tuple[int, str]] = []
    at = Fraction(0)
    for sound in sounds:
        if sound.chord is not None:
            starts.append((round(at * per_whole), sound.chord))
        at += sound.length
    ends = [*(start for start, _ in starts), round(at * per_whole)][1:]
    notes = [
        (start, end - start, pitch, CHORD_VELOCITY)
        for (start, symbol), end in zip(starts, ends, strict=True)
        for pitch in chord_pitches(symbol) or ()
        if end > start
    ]
    return np.array(notes, np.int64).reshape(-1, 4)


def _changes(
    sounds: Sequence[Sound], value_of: Callable[[Sound], _Value | None], per_whole: int
) -> list[tuple[int, _Value]]:
    """Ticks at which the key, meter or tempo changes, and what it is from there on."""
    changes: list[tuple[int, _Value]] = []
    at = Fraction(0)
    for sound in sounds:
        value = value_of(sound)
        if value is not None and (not changes or changes[-1][1] != value):
            changes.append((round(at * per_whole), value))
        at += sound.length
    return changes
