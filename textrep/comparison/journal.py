"""Where a comparison keeps what is done, so that a second run can go on from there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from textrep._version import __version__
from textrep.comparison.task import Task
from textrep.core.paths import cache_dir
from textrep.data.fetching.locking import release, try_lock

_FOLDER = "comparisons"
_LOCK = "lock"
# After which nobody comes back to an interrupted comparison.
_KEPT_SECONDS = 14 * 24 * 3600
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "numba")


class Journal:
    """A folder with a folder for each job of a comparison.

    Of two comparisons of the same data with the same settings at the same time, the second gets a
    folder that nobody comes back to. So does one whose cache cannot be written.

    Parameters
    ----------
    key : str or None
        Name of the comparison, from `fingerprint`; None is one that nobody comes back to.
    """

    def __init__(self, key: str | None) -> None:
        self._lock: int | None = None
        self.folder: Path = self._resumable(key) or Path(tempfile.mkdtemp(prefix="textrep-"))

    @property
    def resumes(self) -> bool:
        """Whether a later run finds what is in the folder."""
        return self._lock is not None

    def job(self, name: str, *, keep: bool = False) -> Path:
        """Folder of a job, made if it is not there.

        Parameters
        ----------
        name : str
            Of the job; any text.
        keep : bool, default=False
            Whether what is in it stays.

        Returns
        -------
        Path
        """
        plain = re.sub(r"[^a-zA-Z0-9_-]+", "-", name)[:40]
        digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:16]
        folder = self.folder / f"{plain}-{digest}"
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def close(self, *, finished: bool) -> None:
        """Let the folder go.

        Parameters
        ----------
        finished : bool
            Whether the comparison came to its end, after which nothing is kept.
        """
        if finished or not self.resumes:
            shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            with contextlib.suppress(OSError):
                release(self.folder / _LOCK, self._lock)
            self._lock = None

    def _resumable(self, key: str | None) -> Path | None:
        if key is None:
            return None
        try:
            root = cache_dir() / _FOLDER
            root.mkdir(parents=True, exist_ok=True)
            _forget_old(root)
            folder = root / key
            folder.mkdir(mode=0o700, exist_ok=True)
            # Models of a user's own methods are kept in it as pickles, which run what they hold.
            if not _is_own(folder):
                return None
            self._lock = try_lock(folder / _LOCK)
        # A cache that cannot be used costs the second run its start, and nothing else.
        except (OSError, ValueError):
            return None
        return folder if self._lock is not None else None


def _is_own(folder: Path) -> bool:
    """Whether nobody but this user can have put something into a folder."""
    if os.name != "posix":
        return True
    found = folder.stat()
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _forget_old(root: Path) -> None:
    oldest = time.time() - _KEPT_SECONDS
    for folder in root.iterdir():
        with contextlib.suppress(OSError):
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)


def fingerprint(task: Task, settings: Mapping[str, Any]) -> str:
    """Name of a comparison: the same for the same data, settings, versions and machine.

    Parameters
    ----------
    task : Task
        Documents and splits.
    settings : mapping of str to value
        Whatever changes what is measured.

    Returns
    -------
    str
        Hexadecimal.

    Examples
    --------
    >>> import numpy as np
    >>> from textrep.comparison.split import Split
    >>> splits = (Split(np.array([0]), np.array([1])),)
    >>> task = Task("pets", ["meow", "woof"], np.array(["cat", "dog"]), splits)
    >>> fingerprint(task, {"seed": 0}) == fingerprint(task, {"seed": 1})
    False
    """
    digest = hashlib.sha256()
    for piece in _pieces(task, settings):
        data = piece.encode(errors="surrogatepass")
        # With its length, so that no two lists of pieces give the same bytes.
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:32]


def _pieces(task: Task, settings: Mapping[str, Any]) -> Iterator[str]:
    versions = [__version__, platform.python_version(), *map(version, _LIBRARIES)]
    yield repr([versions, platform.node(), platform.machine(), sorted(settings.items())])
    yield from task.texts
    yield from _columns([("label", task.labels), *task.numeric.items(), *task.categorical.items()])
    for split in task.splits:
        yield split.test.tobytes().hex()
        yield split.train.tobytes().hex()


def _columns(columns: Iterable[tuple[str, Any]]) -> Iterator[str]:
    for name, values in columns:
        yield name
        yield repr(values.tolist())
