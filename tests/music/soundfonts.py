"""The smallest soundfont: one instrument that is a sine."""

from __future__ import annotations

import struct

import numpy as np

RATE, HERTZ, KEY = 22050, 440.0, 69
_PERIODS = 44
_SILENCE = 46  # samples behind each one, which the format asks for
_INSTRUMENT, _SAMPLE, _LOOP = 41, 53, 54  # generators


def sine_soundfont() -> bytes:
    """A .sf2 file whose only instrument, program 0, plays sines: A4 has 440 Hz."""
    n = round(_PERIODS * RATE / HERTZ)
    wave = 20000 * np.sin(2 * np.pi * _PERIODS * np.arange(n) / n)
    samples = np.concatenate([wave, np.zeros(_SILENCE)]).astype("<i2").tobytes()
    info = _list(
        b"INFO",
        _chunk(b"ifil", struct.pack("<HH", 2, 1)),
        _chunk(b"isng", b"EMU8000\0"),
        _chunk(b"INAM", b"sine\0\0"),
    )
    presets = [
        _chunk(
            b"phdr",
            _name("sine") + struct.pack("<HHHIII", 0, 0, 0, 0, 0, 0)
            + _name("EOP") + struct.pack("<HHHIII", 0, 0, 1, 0, 0, 0),
        ),
        _chunk(b"pbag", struct.pack("<HHHH", 0, 0, 1, 0)),
        _chunk(b"pmod", bytes(10)),
        _chunk(b"pgen", struct.pack("<HHHH", _INSTRUMENT, 0, 0, 0)),
    ]  # fmt: skip
    instruments = [
        _chunk(b"inst", _name("sine") + struct.pack("<H", 0) + _name("EOI") + struct.pack("<H", 1)),
        _chunk(b"ibag", struct.pack("<HHHH", 0, 0, 2, 0)),
        _chunk(b"imod", bytes(10)),
        _chunk(b"igen", struct.pack("<HHHHHH", _LOOP, 1, _SAMPLE, 0, 0, 0)),
        _chunk(
            b"shdr",
            _name("sine") + struct.pack("<IIIIIBbHH", 0, n, 0, n, RATE, KEY, 0, 0, 1)
            + _name("EOS") + bytes(26),
        ),
    ]  # fmt: skip
    body = b"sfbk" + info + _list(b"sdta", _chunk(b"smpl", samples))
    body += _list(b"pdta", *presets, *instruments)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunk(tag: bytes, data: bytes) -> bytes:
    return tag + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def _list(tag: bytes, *chunks: bytes) -> bytes:
    return _chunk(b"LIST", tag + b"".join(chunks))


def _name(text: str) -> bytes:
    return text.encode().ljust(20, b"\0")
