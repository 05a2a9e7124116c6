"""A stream that is answered while it is still coming in."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from textrep.cli.arriving import ArrivingBytes, batches_as_they_come


def test_bytes_are_given_out_before_the_block_is_full():
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as file:
        os.write(writing, b"first")
        stream = ArrivingBytes(file)
        assert stream.read(1 << 18) == b"first"
        os.write(writing, b"second")
        assert stream.read(1 << 18) == b"second"
        os.close(writing)
        assert stream.read(1 << 18) == b""
    assert not stream.is_empty()


def test_a_stream_that_ends_at_once_is_empty():
    with Path(os.devnull).open("rb") as file:
        assert ArrivingBytes(file).is_empty()


def test_no_item_waits_for_the_next_one():
    asked = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        assert asked.wait(60)
        yield 2

    batches = batches_as_they_come(items(), 10)
    assert next(batches) == [1]
    asked.set()
    assert list(batches) == [[2]]


def test_batches_hold_every_item_in_order_and_never_too_many():
    batches = list(batches_as_they_come(iter(range(1000)), 7))
    assert [item for batch in batches for item in batch] == list(range(1000))
    assert max(map(len, batches)) <= 7


def test_no_more_is_read_ahead_than_a_batch():
    read: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            read.append(number)
            yield number

    batches = batches_as_they_come(items(), 5)
    next(batches)
    # Those given out, those that wait, and the one that is being handed over.
    assert len(read) <= 5 + 5 + 1


def test_an_error_comes_after_the_items_before_it():
    def items() -> Iterator[int]:
        yield from (1, 2)
        raise ValueError("line 3")

    batches = batches_as_they_come(items(), 1)
    assert [next(batches), next(batches)] == [[1], [2]]
    with pytest.raises(ValueError, match="line 3"):
        next(batches)
