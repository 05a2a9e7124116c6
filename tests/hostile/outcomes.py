"""What reading a hostile file comes to, and whether that is well."""

from __future__ import annotations

import contextlib
import linecache
import signal
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import textrep
from tests.hostile.mutations import CANARY
from tests.hostile.targets import Target

GOOD = ("accepted", "refused")
BAD = ("unclear", "litter", "ran", "memory", "hang", "crash")
KINDS = (*GOOD, *BAD)
"""
accepted : it was read; what was changed makes no difference, or is as good as what was there.
refused : one error that says what is wrong and with which file.
unclear : an error that a library or Python made of it, or one that does not name the file.
litter : something was left beside the file.
ran : code in it was run.
memory : more memory was asked for than any file of that size needs.
hang : it was not done in time.
crash : the process ended.
"""

_PACKAGE = str(Path(textrep.__file__).parent)


@dataclass(frozen=True)
class Outcome:
    """One of `KINDS`, and the error where there was one."""

    kind: str
    error: str = ""


class Overdue(BaseException):
    """The time for a case is over; not an Exception, which code may catch."""


def outcome_of(target: Target, path: Path, seconds: float) -> Outcome:
    """Read a file as a target does.

    Parameters
    ----------
    target : Target
    path : Path
        In a folder of its own.
    seconds : float
        After which reading it is a hang.

    Returns
    -------
    Outcome
    """
    before = _names(path.parent)
    found = _read(target, path, seconds)
    if Path(CANARY).exists():
        Path(CANARY).rmdir()
        return Outcome("ran", found.error)
    if found.kind in GOOD and not target.leaves and _names(path.parent) != before:
        return Outcome("litter", f"{sorted(_names(path.parent) ^ before)}")
    return found


def _read(target: Target, path: Path, seconds: float) -> Outcome:
    try:
        with _time_limit(seconds), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target.read(path)
    except Overdue as error:
        return Outcome("hang", _described(error))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # pyo3's panics are no Exceptions
        if _of_memory(error):
            return Outcome("memory", _described(error))
        clear = _is_clear(error) and (not target.named or path.name in str(error))
        return Outcome("refused" if clear else "unclear", _described(error))
    return Outcome("accepted")


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def over(signum: int, frame: FrameType | None) -> NoReturn:
        raise Overdue

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def _of_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
            return True
        error = error.__cause__
    return False


def _is_clear(error: BaseException) -> bool:
    """Whether an error was raised on purpose: by the system, or by a `raise` of textrep's."""
    if isinstance(error, OSError) and error.errno is not None:
        return True
    if not isinstance(error, ValueError | OSError | ModuleNotFoundError):
        return False
    last = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(last.filename, last.lineno or 0)
    return last.filename.startswith(_PACKAGE) and line.strip().startswith("raise ")


def _described(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {error!s:.300}"
