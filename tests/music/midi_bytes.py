"""MIDI files built byte by byte, so that tests know what is in them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

Event = tuple[int, bytes]
END = b"\x00\xff\x2f\x00"


def number(value: int) -> bytes:
    """A number of variable length."""
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(value & 0x7F | 0x80)
    return bytes(reversed(parts))


def chunk(events: Sequence[Event], *, end: bytes = END) -> bytes:
    """A track: events with the ticks before each."""
    body = b"".join(number(delta) + event for delta, event in events) + end
    return b"MTrk" + struct.pack(">I", len(body)) + body


def midi(*tracks: Sequence[Event], form: int = 1, division: int = 480) -> bytes:
    """A whole file."""
    head = b"MThd" + struct.pack(">IHHH", 6, form, len(tracks), division)
    return head + b"".join(chunk(track) for track in tracks)


def on(pitch: int, velocity: int = 90, channel: int = 0) -> bytes:
    return bytes([0x90 | channel, pitch, velocity])


def off(pitch: int, channel: int = 0) -> bytes:
    return bytes([0x80 | channel, pitch, 0])


def meta(kind: int, data: bytes) -> bytes:
    return bytes([0xFF, kind]) + number(len(data)) + data


def tempo(microseconds: int) -> bytes:
    return meta(0x51, microseconds.to_bytes(3, "big"))
