"""A stream that is answered while it is still coming in, as from a keyboard or a growing log."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any, Generic, NamedTuple, TypeVar

Item = TypeVar("Item")

# Less than any reader asks for at once.
_FIRST_BYTES = 1 << 12


class ArrivingBytes:
    """A binary stream whose bytes are given out as they come, not only when a block is full.

    It is read past Python's buffer: a thread that waits in there cannot be left when Ctrl-C ends
    the program.

    Parameters
    ----------
    stream : binary file
        Such as ``sys.stdin.buffer``, of which nothing has been read. The first bytes are waited
        for.

    Examples
    --------
    >>> import io
    >>> stream = ArrivingBytes(io.BytesIO(b"so much text"))
    >>> stream.is_empty(), stream.read(100), stream.read(100)
    (False, b'so much text', b'')
    """

    def __init__(self, stream: Any) -> None:
        self._stream = getattr(stream, "raw", stream)
        self._first: bytes = self._stream.read(_FIRST_BYTES)
        self._is_empty = not self._first

    def is_empty(self) -> bool:
        """Whether the stream ended before its first byte."""
        return self._is_empty

    def read(self, size: int = -1) -> bytes:
        """Some bytes, of which a stream that has not ended gives at least one."""
        if self._first:
            first, self._first = self._first, b""
            return first
        data: bytes = self._stream.read(size)
        return data

    def __enter__(self) -> ArrivingBytes:
        return self

    def __exit__(self, *_: object) -> None:
        return


class _End(NamedTuple):
    """After the last item: the error that made it the last one, or None."""

    error: BaseException | None = None


def batches_as_they_come(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    """Batches of the items that are there, however few, so that none waits for the next one.

    Parameters
    ----------
    items : iterator
        Read in a thread of its own, at most `size` items ahead.
    size : int
        Items in a batch at most.

    Returns
    -------
    iterator of list

    Raises
    ------
    Exception
        What `items` raises, once all items before it are given out.

    Examples
    --------
    >>> [item for batch in batches_as_they_come(iter("abc"), 2) for item in batch]
    ['a', 'b', 'c']
    """
    arrivals = _Arrivals[Item](size)
    threading.Thread(target=arrivals.receive, args=(items,), daemon=True).start()
    while arrivals.end is None:
        if batch := arrivals.take():
            yield batch
    if arrivals.end.error is not None:
        raise arrivals.end.error


class _Arrivals(Generic[Item]):
    """Items between the thread that reads them and the one that uses them."""

    def __init__(self, size: int) -> None:
        self.end: _End | None = None
        self._size = size
        # Bounded, so that a fast writer cannot fill the memory.
        self._queue: queue.Queue[Item | _End] = queue.Queue(size)

    def receive(self, items: Iterator[Item]) -> None:
        try:
            for item in items:
                self._queue.put(item)
        except BaseException as error:
            # Raised where the items are used.
            self._queue.put(_End(error))
        else:
            self._queue.put(_End())

    def take(self) -> list[Item]:
        """What is there, after waiting for at least one item or the end."""
        batch: list[Item] = []
        message = self._queue.get()
        while not isinstance(message, _End):
            batch.append(message)
            if len(batch) == self._size:
                return batch
            try:
                message = self._queue.get_nowait()
            except queue.Empty:
                return batch
        self.end = message
        return batch
