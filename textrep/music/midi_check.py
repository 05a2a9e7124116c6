"""Whether bytes are a whole MIDI file, told before a parser that trusts them reads them.

symusic reads past the end of a file whose events are broken, which ends the process, takes a file
that was cut off for a short one, and lets ticks overflow. So the events are walked first, by a
kernel, and what it finds wrong is said.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from textrep.sparse.kernels.memory import kernel

MOST_TICKS = 2**31 - 1
"""Ticks from the start of a file to its last event: symusic has 32 bits for them."""

_HEADER, _CHUNK = 14, 8  # bytes of the header, and of the name and length of a chunk
_SMPTE = 0x8000
_FAULTS = (
    "",
    "is cut off within an event",
    "has data where an event must begin",
    "has an event that no MIDI file may hold",
    "has an event with data above 127",
    "goes on for more ticks than 32 bits hold",
    "has a tempo, time signature or key signature of a wrong length",
)
_CUT, _NO_STATUS, _NO_EVENT, _HIGH, _LONG, _META = range(1, 7)


def check_midi(data: bytes) -> None:
    """Refuse bytes that are no whole MIDI file of format 0 or 1 with ticks of a quarter note.

    Parameters
    ----------
    data : bytes
        Of the file.

    Raises
    ------
    ValueError
        With what is wrong, and the track and the byte where there is one.

    Examples
    --------
    >>> check_midi(b"hello")
    Traceback (most recent call last):
    ...
    ValueError: is no MIDI file: it does not begin with 'MThd'
    """
    if not data:
        raise ValueError("is empty")
    if data[:4] != b"MThd":
        raise ValueError("is no MIDI file: it does not begin with 'MThd'")
    if len(data) < _HEADER:
        raise ValueError("is cut off within its header")
    length, form, n_tracks, division = (
        int.from_bytes(data[begin:end], "big")
        for begin, end in ((4, 8), (8, 10), (10, 12), (12, 14))
    )
    if length != _HEADER - _CHUNK:
        raise ValueError(f"has a header of {length} bytes; expected {_HEADER - _CHUNK}")
    if form > 1:
        raise ValueError(f"is of MIDI format {form}; expected 0 or 1, whose tracks sound together")
    if division & _SMPTE:
        raise ValueError("counts frames of film (SMPTE); expected ticks of a quarter note")
    if not division:
        raise ValueError("has 0 ticks in a quarter note; expected at least 1")
    found = _check_tracks(data)
    if found < n_tracks:
        raise ValueError(f"is cut off: it holds {found} of its {n_tracks} tracks")


def _check_tracks(data: bytes) -> int:
    """The number of the tracks in a file, each of which is whole."""
    levels = np.frombuffer(data, np.uint8)
    at, found = _HEADER, 0
    # A few bytes after the last track are none of the file's; some programs leave them.
    while at + _CHUNK <= len(data):
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + _CHUNK], "big")
        at += _CHUNK
        if name == b"MTrk":
            found += 1
            if at + length > len(data):
                raise ValueError(f"is cut off within track {found}")
            fault, where = walk_events(levels, at, at + length, MOST_TICKS)
            if fault:
                raise ValueError(f"is broken: track {found} {_FAULTS[fault]}, at byte {where}")
        at += length
    return found


@kernel
def walk_events(data: NDArray[np.uint8], begin: int, end: int, most_ticks: int) -> tuple[int, int]:
    """The first fault of the events of one track, and the byte that it is at; 0 where all is well.

    Parameters
    ----------
    data : uint8 (n_bytes,), the file
    begin, end : bytes of the track
    most_ticks : of all deltas together
    """
    at, status, ticks = begin, 0, 0
    while at < end:
        event = at
        delta, at = _number(data, at, end)
        ticks += delta
        if at < 0 or at >= end:
            return _CUT, event
        if ticks > most_ticks:
            return _LONG, event
        if data[at] >= 0x80:
            status = int(data[at])
            at += 1
        elif status == 0:
            return _NO_STATUS, event
        if status < 0xF0:
            size = 1 if 0xC0 <= status < 0xE0 else 2
            if at + size > end:
                return _CUT, event
            for i in range(at, at + size):
                if data[i] >= 0x80:
                    return _HIGH, event
            at += size
            continue
        kind = 0
        if status == 0xFF:
            if at >= end:
                return _CUT, event
            kind = int(data[at])
            at += 1
        elif status != 0xF0 and status != 0xF7:
            return _NO_EVENT, event
        size, at = _number(data, at, end)
        if at < 0 or at + size > end:
            return _CUT, event
        if status == 0xFF:
            if (
                (kind == 0x51 and size != 3)
                or (kind == 0x58 and size != 4)
                or (kind == 0x59 and size != 2)
            ):
                return _META, event
            if kind == 0x2F:
                return 0, at  # the end of the track
        at += size
        status = 0  # neither kind of event may be followed by data alone
    return 0, at


@kernel
def _number(data: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """A number of at most four bytes, seven bits in each, and what is after it; -1 if it is cut."""
    value = 0
    for i in range(at, min(at + 4, end)):
        value = (value << 7) | (int(data[i]) & 0x7F)
        if data[i] < 0x80:
            return value, i + 1
    return value, -1
