"""Files that grow beyond all measure as they are decompressed are told before they do harm."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma

import pytest

from textrep.core import swelling
from textrep.core.swelling import MAX_GROWTH, SwellingError, Unpacking, check_growth

PIECE = 1 << 12
OPENERS = {"gz": (gzip, gzip.open), "bz2": (bz2, bz2.open), "xz": (lzma, lzma.open)}


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(swelling, "FREE_BYTES", 4 * PIECE)
    monkeypatch.setattr(swelling, "_PIECE", PIECE)


def unpacking(data):
    packed = io.BytesIO(gzip.compress(data))
    return Unpacking(gzip.open(packed), packed)


def test_what_stays_below_the_bound_is_fine():
    check_growth(0, 4 * PIECE)
    check_growth(PIECE, MAX_GROWTH * PIECE)
    with pytest.raises(SwellingError, match="if you trust the file, unpack it first"):
        check_growth(PIECE, MAX_GROWTH * PIECE + 1)


@pytest.mark.parametrize("size", [-1, None, 0, 1, PIECE - 1, PIECE, 3 * PIECE, 10 * PIECE])
def test_as_many_bytes_are_read_as_were_asked_for(size):
    data = bytes(range(256)) * 30
    expected = io.BytesIO(data).read(size)
    assert unpacking(data).read(size) == expected


def test_a_file_is_read_on_from_where_one_was():
    file = unpacking(b"so\nmuch text")
    assert file.readline(100) == b"so\n"
    assert file.seek(5) == file.tell() == 5
    assert file.read(3) == b"ch "
    assert file.read() == b"text"


@pytest.mark.parametrize("kind", OPENERS)
def test_a_bomb_is_given_up_long_before_its_end(kind):
    module, opener = OPENERS[kind]
    packed = io.BytesIO(module.compress(bytes(1 << 25)))
    file = Unpacking(opener(packed), packed)
    with pytest.raises(SwellingError):
        file.read()
    assert file.tell() <= max(4 * PIECE, MAX_GROWTH * packed.tell()) + PIECE


def test_a_length_that_nobody_has_takes_no_memory():
    # io.BufferedReader would make room for all of it.
    raw = io.BufferedReader(io.BytesIO(b"short"))
    assert Unpacking(raw, raw).read(1 << 60) == b"short"
