"""A long row of numbers: in memory while it is short, beyond that in a file without a name."""

from __future__ import annotations

import errno
import math
import os
import tempfile
import threading
import weakref
from typing import Any

import numpy as np

MEMORY_BYTES = 1 << 26
"""So much is held in memory; a text of some 80 MB has as many words."""

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def _spool_of(numbers: np.ndarray) -> Spool:
    """A new spool with these numbers."""
    spool = Spool()
    spool.append(numbers)
    return spool


class Spool:
    """int32 numbers, written once behind one another and read by position.

    The file is read with calls that name a position, not mapped: pages of a mapping count as
    memory of the process. Any number of threads may read. A pickle holds the numbers themselves, so
    that a corpus can go to another process, or another machine.

    Parameters
    ----------
    memory_bytes : int, default=64 MiB
        Beyond it the numbers go to a temporary file, in the folder that `tempfile.gettempdir`
        names (``TMPDIR``). It is gone when the spool is closed or forgotten, or when the process
        ends, however it ends.

    Examples
    --------
    >>> with Spool() as spool:
    ...     spool.append(np.array([3, 1, 4], dtype=np.int32))
    ...     spool.read(1, 3)
    array([1, 4], dtype=int32)
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._size = 0
        # Memory that has not been written to is none yet.
        self._memory: np.ndarray | None = np.empty(memory_bytes // 4, dtype=np.int32)
        self._file: Any = None
        self._lock = threading.Lock()
        self._forget: Any = None

    def __len__(self) -> int:
        return self._size

    def __reduce__(self) -> tuple[Any, ...]:
        return _spool_of, (self.read(0, self._size),)

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def in_memory(self) -> bool:
        """Whether there is no file."""
        return self._file is None

    def append(self, numbers: np.ndarray, share: float = 1.0) -> None:
        """Put numbers behind those that are there.

        Parameters
        ----------
        numbers : ndarray of int32, shape (n,)
        share : float, default=1.0
            How much of the input these and the numbers before are made of, 0 where that is not
            known; a message about a full disk goes by it.

        Raises
        ------
        OSError
            When the disk is full; the message says which and how much room it takes.
        """
        end = self._size + len(numbers)
        if self._memory is not None and end > len(self._memory):
            self._move_to_file(end, share)
        self._write(self._size, numbers, share)
        self._size = end

    def overwrite(self, first: int, numbers: np.ndarray) -> None:
        """Put numbers in the place of some that are there, from position ``first`` on."""
        if first < 0 or first + len(numbers) > self._size:
            raise ValueError(f"{len(numbers)} numbers from {first} on are not in {self._size}")
        self._write(first, numbers, 1.0)

    def truncate(self, size: int) -> None:
        """Forget all but the first ``size`` numbers."""
        self._size = min(size, self._size)
        if self._file is not None:
            self._file.truncate(4 * self._size)

    def read(self, first: int, last: int) -> np.ndarray:
        """The numbers at positions ``first`` to ``last``, as an array of the caller's own.

        Raises
        ------
        ValueError
            When the spool is closed or has no such positions.
        """
        if not 0 <= first <= last <= self._size:
            raise ValueError(f"positions {first} to {last} are not in {self._size} numbers")
        if self._memory is not None:
            return self._memory[first:last].copy()
        if self._file is None:
            raise ValueError("the corpus is closed: its words can no longer be read")
        numbers = np.empty(last - first, dtype=np.int32)
        self._fill(numbers.view(np.uint8).data, 4 * first)
        return numbers

    def close(self) -> None:
        """Give memory and file back. May be called again."""
        self._memory = None
        if self._forget is not None:
            self._forget()
        self._file = None

    def _move_to_file(self, end: int, share: float) -> None:
        assert self._memory is not None
        try:
            self._file = tempfile.TemporaryFile(prefix="textrep-", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise self._explained(error, end, share) from error
        self._forget = weakref.finalize(self, self._file.close)
        written, self._memory = self._memory[: self._size], None
        self._write(0, written, share * len(written) / end)

    def _write(self, first: int, numbers: np.ndarray, share: float) -> None:
        if self._memory is not None:
            self._memory[first : first + len(numbers)] = numbers
            return
        if self._file is None:
            raise ValueError("the spool is closed")
        rest = np.ascontiguousarray(numbers, dtype=np.int32).view(np.uint8).data
        try:
            with self._lock:
                self._file.seek(4 * first)
                while rest:
                    rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise self._explained(error, first + len(numbers), share) from error

    def _fill(self, target: memoryview, at: int) -> None:
        """Read so many bytes from a position of the file on."""
        while target:
            if hasattr(os, "preadv"):
                done = os.preadv(self._file.fileno(), [target], at)
            else:  # Windows: one after another
                with self._lock:
                    self._file.seek(at)
                    done = self._file.readinto(target)
            if not done:
                raise OSError(errno.EIO, "the temporary file of the corpus ended too early")
            target, at = target[done:], at + done

    def _explained(self, error: OSError, end: int, share: float) -> OSError:
        try:
            folder = tempfile.gettempdir()
        except FileNotFoundError as none:  # it looks for one that can be written to
            return OSError(none.errno, f"{none.strerror}; name one that has room in TMPDIR")
        if error.errno not in _FULL:
            return OSError(error.errno, f"no temporary file in {folder!r}: {error.strerror}")
        needed = math.ceil(4 * end / (share or 1.0) / 2**20)
        least = "about" if share else "more than"
        return OSError(
            error.errno,
            f"no room in {folder!r}: the numbered words of the corpus take {least} {needed:,} MiB "
            "there. Make room, or name another folder in TMPDIR",
        )
