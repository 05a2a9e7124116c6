"""One process at a time: a lock that the system takes back from a process that died."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from textrep.core.progress import Progress, progress
from textrep.data.fetching.faults import Refused

_POLL_SECONDS = 0.2
_TAKEN = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}


@contextlib.contextmanager
def locked(path: Path, verbose: int = 1) -> Iterator[None]:
    """Keep other processes and threads out of the block.

    The lock is the system's, on a file that is there only while somebody holds or waits for it:
    whoever is killed gives it back.

    Parameters
    ----------
    path : Path
        Of the lock file, in a folder that exists.
    verbose : int, default=1
        1 says that another process is waited for, 0 waits in silence.

    Yields
    ------
    None

    Raises
    ------
    Refused
        When the file system cannot lock.
    OSError
        When the file cannot be made.
    """
    descriptor = _acquire(path, verbose)
    try:
        yield
    finally:
        release(path, descriptor)


def release(path: Path, descriptor: int) -> None:
    """Give back a lock of `try_lock`.

    Parameters
    ----------
    path : Path
        Of the lock file.
    descriptor : int
        What `try_lock` returned.
    """
    # Removed while it is held; whoever waits sees that the file is another one and comes back.
    with contextlib.suppress(OSError):
        path.unlink()
    os.close(descriptor)


def _acquire(path: Path, verbose: int) -> int:
    if (descriptor := try_lock(path)) is not None:
        return descriptor
    name = path.name.removesuffix(".lock").lstrip(".")
    label = f"waiting for the process that fetches {name}"
    bar: Progress[None]
    with progress(description=label, verbose=verbose, unit="s") as bar:
        while (descriptor := try_lock(path)) is None:
            time.sleep(_POLL_SECONDS)
            bar.update(_POLL_SECONDS)
    return descriptor


def try_lock(path: Path) -> int | None:
    """Take a lock if it is free.

    Parameters
    ----------
    path : Path
        Of the lock file, in a folder that exists.

    Returns
    -------
    int or None
        For `release`; None when another process or thread has the lock.

    Raises
    ------
    Refused
        When the file system cannot lock.
    OSError
        When the file cannot be made.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o666)
    try:
        _lock(descriptor)
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except FileNotFoundError:
        pass  # the one before removed it in the meantime
    except OSError as error:
        if error.errno not in _TAKEN:
            os.close(descriptor)
            raise Refused(
                f"{path.parent} is on a file system without locks ({error.strerror or error})",
                "set TEXTREP_CACHE to a folder on a local disk",
            ) from error
    os.close(descriptor)
    return None


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
