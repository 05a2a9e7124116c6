"""A melody written as ABC."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from textrep.core.messages import printable, shown
from textrep.music.abc.keys import ACCIDENTALS, LETTERS, Key, key_of
from textrep.music.score import DURATION, REST, START, TEMPO, Notes, Score

_UNIT = Fraction(1, 8)  # of a whole note
_BARS_A_LINE = 4
_OCTAVE, _MIDDLE_C = 12, 60
_SIGNS = {semitones: sign for sign, semitones in ACCIDENTALS.items()}
_MAJOR = "Cb Gb Db Ab Eb Bb F C G D A E B F# C#".split()  # from seven flats to seven sharps
_MINOR = "Abm Ebm Bbm Fm Cm Gm Dm Am Em Bm F#m C#m G#m D#m A#m".split()
_FLATS_MOST = 7


def to_abc(score: Score, *, track: int | None = None, number: int = 1) -> str:
    """Write a melody as ABC.

    `from_abc`, with the ticks of the score, reads the same notes from it; velocities, the
    instrument and what comes after the last note are not in it.

    Parameters
    ----------
    score : Score
    track : int or None, default=None
        Whose notes; None takes the first track that is not of drums and has any.
    number : int, default=1
        What stands after ``X:``.

    Returns
    -------
    str
        Bars as the time signatures have them (4/4 where there are none), a note that goes on
        over a bar line tied to the next.

    Raises
    ------
    ValueError
        If there is no such track, or two of its notes sound together.

    References
    ----------
    Walshaw (2011): The ABC Music Standard 2.1.

    Examples
    --------
    >>> from textrep.music.score import Track
    >>> notes = [(0, 480, 60, 90), (480, 240, 66, 90), (720, 240, 66, 90), (960, 1440, 79, 90)]
    >>> print(to_abc(Score([Track(notes)], name="Leap")))
    X:1
    T:Leap
    M:4/4
    L:1/8
    Q:1/4=120
    K:C
    C2 ^F^F g4-|g2|]
    <BLANKLINE>
    """
    notes = _melody(score, track)
    changes = _changes(score)
    (meter, tempo, key), *_ = changes.values()
    head = [
        f"X:{number}",
        f"T:{printable(score.name).replace('%', chr(92) + '%')}",
        f"M:{meter[0]}/{meter[1]}",
        f"L:{_UNIT}",
        f"Q:1/4={tempo:.10g}",
        f"K:{_key_name(key)}",
    ]
    bars = _bars(notes, changes, score.ticks)
    lines = ["".join(bars[i : i + _BARS_A_LINE]) for i in range(0, len(bars), _BARS_A_LINE)]
    return "\n".join([*head, *lines, ""])


_State = tuple[tuple[int, int], float, tuple[int, int]]  # meter, tempo, sharps and minor


def _melody(score: Score, track: int | None) -> Notes:
    if not isinstance(score, Score):
        raise TypeError(f"score must be a Score, got {shown(score)}")
    if track is None:
        tracks = [i for i, each in enumerate(score.tracks) if len(each.notes) and not each.is_drum]
        if not tracks:
            raise ValueError("score has no track with notes, other than drums")
        track = tracks[0]
    elif not 0 <= track < len(score.tracks):
        raise ValueError(f"track is {track}; the score has {len(score.tracks)}, counted from 0")
    notes = score.tracks[track].notes
    ends = notes[:, START] + notes[:, DURATION]
    for position in range(1, len(notes)):
        if notes[position, START] < ends[position - 1]:
            raise ValueError(
                f"track {track} is no melody: at tick {notes[position, START]} a note begins "
                f"while another one sounds until {ends[position - 1]}"
            )
    return notes


def _changes(score: Score) -> dict[int, _State]:
    """Ticks at which the meter, the tempo or the key changes, and all three from there on."""
    state: _State = ((4, 4), TEMPO, (0, 0))
    events: list[tuple[int, int, object]] = [
        *((tick, 0, (above, below)) for tick, above, below in score.time_signatures),
        *((tick, 1, tempo) for tick, tempo in score.tempos),
        *((tick, 2, (sharps, minor)) for tick, sharps, minor in score.key_signatures),
    ]
    changes = {0: state}
    for tick, place, value in sorted(events, key=lambda event: event[:2]):
        state = (*state[:place], value, *state[place + 1 :])  # type: ignore[assignment]
        changes[tick] = state
    return changes


def _key(state: _State) -> Key:
    return key_of(state[2][0], bool(state[2][1]))


def _key_name(key: tuple[int, int]) -> str:
    return (_MINOR if key[1] else _MAJOR)[key[0] + _FLATS_MOST]


def _bars(notes: Notes, changes: dict[int, _State], ticks: int) -> list[str]:
    """The text of each bar, with its bar line."""
    end = int(notes[-1, START] + notes[-1, DURATION]) if len(notes) else 0
    lines = _bar_lines(changes, ticks, end)
    cuts = sorted({*lines, *map(Fraction, changes)})
    spelling = _Spelling(_key(changes[0]))
    bars: list[str] = []
    text = ""
    previous = changes[0]
    bar_lines = set(lines)
    for start, length, pitch, tied in _pieces(notes, cuts):
        if start in bar_lines and start > 0:
            bars.append(f"{text}|")
            text = ""
            spelling.next_bar()
        if start in changes:
            now = changes[int(start)]
            text += _fields(previous, now)
            if now[2] != previous[2]:
                spelling = _Spelling(_key(now))
            previous = now
        space = (
            " " if text and not text.endswith("]") and not start % _beat(previous, ticks) else ""
        )
        note = "z" if pitch == REST else spelling.write(pitch)
        text += f"{space}{note}{_length(length / (4 * ticks) / _UNIT)}{'-' if tied else ''}"
    return [*bars, f"{text}|]"]


def _beat(state: _State, ticks: int) -> Fraction:
    """Ticks of what is written together: three of the eighths of 6/8, 9/8 and 12/8."""
    above, below = state[0]
    return Fraction(4 * ticks, below) * (3 if below == 8 and above > 3 and above % 3 == 0 else 1)


def _bar_lines(changes: dict[int, _State], ticks: int, end: int) -> list[Fraction]:
    """Where bars begin: a new meter begins one, wherever it is."""
    meters = [(tick, state[0]) for tick, state in changes.items()]
    kept = [meters[0]] + [now for before, now in pairwise(meters) if now[1] != before[1]]
    lines: list[Fraction] = []
    for position, (tick, (above, below)) in enumerate(kept):
        until = kept[position + 1][0] if position + 1 < len(kept) else end
        at, bar = Fraction(tick), Fraction(4 * ticks * above, below)
        while at < min(until, end):
            lines.append(at)
            at += bar
    return lines


def _pieces(notes: Notes, cuts: list[Fraction]) -> Iterator[tuple[Fraction, Fraction, int, bool]]:
    """Notes and the rests between them, cut at bar lines: start, length, pitch, goes on or not."""
    at = 0
    for start, duration, pitch, _ in notes.tolist():
        if start > at:
            yield from _cut(at, start, REST, cuts)
        at = start + duration
        yield from _cut(start, at, pitch, cuts)


def _cut(
    start: int, end: int, pitch: int, cuts: list[Fraction]
) -> Iterator[tuple[Fraction, Fraction, int, bool]]:
    at = Fraction(start)
    while at < end:
        following = bisect_right(cuts, at)
        until = min(cuts[following], Fraction(end)) if following < len(cuts) else Fraction(end)
        yield at, until - at, pitch, pitch != REST and until < end
        at = until


def _fields(before: _State, now: _State) -> str:
    text = ""
    if now[0] != before[0]:
        text += f"[M:{now[0][0]}/{now[0][1]}]"
    if now[1] != before[1]:
        text += f"[Q:1/4={now[1]:.10g}]"
    return text + (f"[K:{_key_name(now[2])}]" if now[2] != before[2] else "")


def _length(times: Fraction) -> str:
    above = "" if times.numerator == 1 else str(times.numerator)
    return above if times.denominator == 1 else f"{above}/{times.denominator}"


class _Spelling:
    """How pitches are written in a key: a sign where the key, or the bar so far, has another one.

    Programs differ in whether a sign holds in all octaves. So a letter that had one in this bar
    gets one again.
    """

    def __init__(self, key: Key) -> None:
        self._key = key
        self._signed: set[str] = set()

    def next_bar(self) -> None:
        self._signed.clear()

    def write(self, pitch: int) -> str:
        letter, semitones = self._spelled(pitch % _OCTAVE)
        sign = ""
        if letter in self._signed or semitones != self._key.accidentals.get(letter, 0):
            self._signed.add(letter)
            sign = _SIGNS[semitones]
        octave = (pitch - semitones - _MIDDLE_C) // _OCTAVE
        if octave > 0:
            return f"{sign}{letter.lower()}{chr(39) * (octave - 1)}"
        return f"{sign}{letter}{',' * -octave}"

    def _spelled(self, pitch_class: int) -> tuple[str, int]:
        """The letter and its sign: as in the key, else without one, else sharp or flat with it."""
        step = 1 if self._key.sharps >= 0 else -1
        for signs in (self._key.accidentals, {}, dict.fromkeys(LETTERS, step)):
            for letter, semitones in LETTERS.items():
                if (semitones + signs.get(letter, 0)) % _OCTAVE == pitch_class:
                    return letter, signs.get(letter, 0)
        raise AssertionError(pitch_class)
