"""Repeats, endings and parts of a tune, written out as it is played."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from textrep.music.abc.keys import Key

MOST_SOUNDS = 1_000_000
"""That a tune may come to: repeats within parts of parts grow beyond all bounds."""
MOST_TURNS = 99  # of a repeat


@dataclass
class Sound:
    """Notes that begin together, or a rest; its length is in whole notes.

    `tied` holds the pitches that go on into the next sound. `chord` is the symbol above it, and the
    key, meter and tempo are those that it stands in.
    """

    pitches: tuple[int, ...]
    length: Fraction
    key: Key
    meter: tuple[int, int] | None
    tempo: float | None
    chord: str | None = None
    tied: frozenset[int] = frozenset()


@dataclass
class Bar:
    """A bar line: how often what it ends is played, and what begins at it."""

    times: int = 1
    starts: bool = False
    closes: bool = False
    endings: tuple[int, ...] = ()


@dataclass
class Part:
    """The begin of a part, by its letter."""

    label: str


Event = Sound | Bar | Part


def read_bar(text: str) -> Bar:
    """What a bar line says.

    Examples
    --------
    >>> read_bar(":|").times, read_bar("::").starts, read_bar("||").closes
    (2, True, True)
    """
    if "|" not in text and "]" not in text:  # "::", where one repeat ends and another one starts
        return Bar(times=2, starts=True)
    before = len(text) - len(text.lstrip(":"))
    starts = text.endswith(":")
    return Bar(before + 1, starts, len(text.strip(":[")) > 1 or "[" in text)


def unroll(events: Sequence[Event], order: str = "") -> list[Sound]:
    """The sounds of a tune in the order in which they are played.

    A repeat without a sign where it starts goes back to the last repeat that ended, or to the begin
    of the part. An ending is left out in all turns but its own.

    Parameters
    ----------
    events : sequence of Sound, Bar and Part
        As written.
    order : str, default=""
        Of the parts, such as ``"A2(BC)2"``; as written where it is empty or no part has a letter.

    Returns
    -------
    list of Sound

    Raises
    ------
    ValueError
        If a part is missing, or the whole grows beyond `MOST_SOUNDS`.
    """
    parts: dict[str, list[Event]] = {"": []}
    played = [""]
    current = ""
    for event in events:
        if isinstance(event, Part):
            current = event.label
            if current not in parts:
                parts[current] = []
                played.append(current)
            else:
                current = _another(current, parts, played)
        else:
            parts[current].append(event)
    if order and len(parts) > 1:
        played = ["", *_expanded(order)]
    sounds: list[Sound] = []
    for label in played:
        if label not in parts:
            raise ValueError(f"the order of parts {order!r} names {label!r}, which no P: begins")
        sounds += _repeated(parts[label])
        if len(sounds) > MOST_SOUNDS:
            raise ValueError(f"with all repeats it has more than {MOST_SOUNDS:,} notes")
    return sounds


def _another(label: str, parts: dict[str, list[Event]], played: list[str]) -> str:
    """A name for a part whose letter was there before: it is another one."""
    name = f"{label}{len(parts)}"
    parts[name] = []
    played.append(name)
    return name


def _expanded(order: str) -> list[str]:
    """The letters of an order of parts, with its brackets and numbers written out."""
    levels: list[list[str]] = [[]]
    last: list[str] = []
    for token in re.findall(r"\d+|[A-Za-z()]", order):
        if token == "(":
            levels.append([])
        elif token.isdigit():
            times = int(token) - 1
            # Before it is written out: the number may have any size.
            if len(last) * times > MOST_SOUNDS:
                raise ValueError(f"the order of parts {order!r} is too long")
            levels[-1] += last * times
        else:
            last = levels.pop() if token == ")" and len(levels) > 1 else [token]
            if last != [")"]:
                levels[-1] += last
        if len(levels[-1]) > MOST_SOUNDS:
            raise ValueError(f"the order of parts {order!r} is too long")
    return [label for level in levels for label in level]


def _repeated(events: Sequence[Event]) -> list[Sound]:
    """The sounds of a part with its repeats."""
    sounds: list[Sound] = []
    start, turn, at, in_ending = 0, 1, 0, False
    turns = _turns(events)
    while at < len(events):
        event = events[at]
        at += 1
        if isinstance(event, Sound):
            sounds.append(event)
            if len(sounds) > MOST_SOUNDS:
                raise ValueError(f"with all repeats it has more than {MOST_SOUNDS:,} notes")
        if not isinstance(event, Bar):
            continue
        most = max(event.times, turns[start]) if event.times > 1 else 1
        if most > MOST_TURNS:
            raise ValueError(f"a repeat is played {most:,} times; expected at most {MOST_TURNS}")
        if turn < most:
            turn, at, in_ending = turn + 1, start, False
            continue
        ended = event.times > 1 and not event.endings
        if ended or event.starts or (event.closes and in_ending and not event.endings):
            start, turn, in_ending = at, 1, False
        if event.endings:
            in_ending = turn in event.endings
            if not in_ending:
                at = _own_ending(events, at, turn)
    return sounds


def _turns(events: Sequence[Event]) -> list[int]:
    """How often what begins at each event is played, as far as the endings of its repeat say."""
    turns = [1] * (len(events) + 1)
    for at in reversed(range(len(events))):
        event = events[at]
        if not isinstance(event, Bar):
            turns[at] = turns[at + 1]
        elif not event.starts and (event.times <= 1 or event.endings):
            turns[at] = max([turns[at + 1], *event.endings])
    return turns


def _own_ending(events: Sequence[Event], at: int, turn: int) -> int:
    """Where to go on in place of an ending of another turn."""
    for position in range(at, len(events)):
        event = events[position]
        if isinstance(event, Bar):
            over = event.times > 1 or event.closes or event.starts
            if turn in event.endings or (over and not event.endings):
                return position
    return len(events)
