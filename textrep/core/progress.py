"""One progress bar for the whole house: rate and time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from textrep.core.messages import printable

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import Task, TaskID

Item = TypeVar("Item")

_LINE_SECONDS = 10.0  # between two lines where a bar cannot be drawn


def progress(
    iterable: Iterable[Item] | None = None,
    *,
    total: float | None = None,
    description: str = "",
    verbose: int = 1,
    unit: str = "it",
) -> Progress[Item]:
    """Show how far a job has come.

    On a terminal the bar is drawn in place on standard error; bars inside each other share
    the space. Where standard error is a file or a pipe, a plain line is written every ten
    seconds and one at the end.

    Parameters
    ----------
    iterable : iterable, optional
        What to iterate over; without it the job calls ``update``.
    total : float, optional
        Units of work; the length of `iterable` where it has one. Without a total only the
        count and the rate are shown.
    description : str, default=""
        What the job is, in a few words.
    verbose : int, default=1
        0 shows nothing and costs nothing.
    unit : str, default="it"
        What is counted, for the rate.

    Returns
    -------
    Progress
        To iterate over, or to enter with ``with``.

    Examples
    --------
    >>> [number * 2 for number in progress([1, 2, 3], description="doubling", verbose=0)]
    [2, 4, 6]
    >>> with progress(total=10, verbose=0) as bar:
    ...     bar.update(4)
    ...     bar.update(6)
    >>> bar.count
    10
    """
    sized: Any = iterable
    if total is None and hasattr(sized, "__len__"):
        total = len(sized)
    return Progress(iterable, total, description, verbose, unit)


class Progress(Generic[Item]):
    """A job in progress; made by `progress`.

    Attributes
    ----------
    count : float
        Units done.
    """

    def __init__(
        self,
        iterable: Iterable[Item] | None,
        total: float | None,
        description: str,
        verbose: int,
        unit: str,
    ) -> None:
        self.count: float = 0
        self._iterable = iterable
        self._total = total
        self._description = description
        self._unit = unit
        self._verbose = verbose
        self._view: _Bar | _Lines | None = None

    def __enter__(self) -> Progress[Item]:
        if self._verbose and self._view is None:
            view = _Bar if sys.stderr is not None and sys.stderr.isatty() else _Lines
            self._view = view(self._description, self._total, self._unit)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._view is not None:
            self._view.close(self.count)
            self._view = None

    def __iter__(self) -> Iterator[Item]:
        if self._iterable is None:
            raise TypeError("progress() was given no iterable; use it with `with` and update()")
        with self:
            for item in self._iterable:
                yield item
                self.update()

    def update(self, amount: float = 1, *, description: str | None = None) -> None:
        """Count work as done.

        Parameters
        ----------
        amount : float, default=1
            Units done since the last call; 0 to change the description alone.
        description : str, optional
            What the job does now.
        """
        self.count += amount
        if description is not None:
            self._description = description
        if self._view is not None:
            self._view.show(self.count, self._description)


class _Lines:
    """Plain lines, for files, pipes and logs."""

    def __init__(self, description: str, total: float | None, unit: str) -> None:
        self._description = description
        self._total = total
        self._unit = unit
        self._started = self._written = time.monotonic()

    def show(self, count: float, description: str) -> None:
        self._description = description
        # The line about the end is left to `close`.
        if count != self._total and time.monotonic() - self._written >= _LINE_SECONDS:
            self._write(count)

    def close(self, count: float) -> None:
        self._write(count)

    def _write(self, count: float) -> None:
        if sys.stderr is None:
            return
        self._written = time.monotonic()
        seconds = self._written - self._started
        done = f"{count:g}" if self._total is None else f"{count:g}/{self._total:g}"
        label = f"{printable(self._description)}: " if self._description else ""
        # A reader that has gone or a full disk must not end the job that is only reported on.
        with contextlib.suppress(OSError, ValueError):
            print(f"{label}{done} {self._unit} in {seconds:.1f} s", file=sys.stderr, flush=True)


class _Bar:
    """One line of the shared display on a terminal."""

    def __init__(self, description: str, total: float | None, unit: str) -> None:
        self._display, self._task = _Display.open(description, total, unit)

    def show(self, count: float, description: str) -> None:
        self._display.update(self._task, completed=count, description=_literal(description))

    def close(self, count: float) -> None:
        self._display.update(self._task, completed=count)
        _Display.release(self._task)


class _Display:
    """The one live display of the process; a terminal has room for one."""

    _lock = threading.Lock()
    _shown: RichProgress | None = None
    _running: ClassVar[set[TaskID]] = set()

    @classmethod
    def open(cls, description: str, total: float | None, unit: str) -> tuple[RichProgress, TaskID]:
        with cls._lock:
            if cls._shown is None:
                cls._shown = _rich_progress()
                cls._shown.start()
            display = cls._shown
            task = display.add_task(_literal(description), total=total, unit=unit)
            cls._running.add(task)
            return display, task

    @classmethod
    def release(cls, task: TaskID) -> None:
        with cls._lock:
            cls._running.discard(task)
            if cls._shown is None:
                return
            cls._shown.stop_task(task)
            if cls._running:
                # An inner job that ended makes room for the next one.
                cls._shown.remove_task(task)
            else:
                cls._shown.stop()
                cls._shown = None


def _literal(description: str) -> str:
    from rich.markup import escape

    return escape(printable(description))


def _rich_progress() -> RichProgress:
    # Here and not above: rich takes a tenth of a second that silent jobs need not pay.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class RateColumn(ProgressColumn):
        def render(self, task: Task) -> Text:
            if not task.elapsed:
                return Text("")
            return Text(f"{_rate(task.completed / task.elapsed)} {task.fields['unit']}/s")

    columns: list[Any] = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ]
    return Progress(*columns, console=Console(stderr=True))


def _rate(speed: float) -> str:
    if speed >= 1000:
        return f"{speed:,.0f}"
    return f"{speed:.3g}"
