"""Epochs over chunks in threads: progress, losses, early stop, time limit, interruption and resume.

What a chunk is and how it is trained on is the caller's; whoever derives the learning rate and the
random numbers of a chunk from its place alone gets the same model from one thread, however often
the training was interrupted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from textrep.core.progress import Progress, progress
from textrep.embeddings.checkpoint import Checkpoint, Place

Work = Callable[[int, int], tuple[float, float]]

_WAKE_SECONDS = 0.1  # how late the bar, the time limit and an interruption may be noticed


@dataclass
class Outcome:
    """What training came to.

    Attributes
    ----------
    losses : list of float
        Mean loss of each epoch, float64; the last may be of a part of its epoch.
    n_epochs : int
        Epochs begun.
    stopped_early : bool
        Whether `tol` or `max_seconds` ended it.
    seconds : float
        Wall time of this call, without what a checkpoint had behind it.
    """

    losses: list[float] = field(default_factory=list)
    n_epochs: int = 0
    stopped_early: bool = False
    seconds: float = 0.0


def divergence(symptom: str) -> FloatingPointError:
    """The error for training whose numbers have grown out of bounds.

    >>> divergence("the loss is inf")
    FloatingPointError('the loss is inf: the learning rate alpha is too high for these texts; \
try a tenth of it')
    """
    return FloatingPointError(
        f"{symptom}: the learning rate alpha is too high for these texts; try a tenth of it"
    )


def mean_loss(loss: float, n_terms: float, epoch: int) -> float:
    """The mean loss of an epoch, counted from 0.

    Raises
    ------
    FloatingPointError
        When it is not finite: the learning rate is too high.
    """
    mean = loss / n_terms
    if not np.isfinite(mean):
        raise divergence(f"the loss of epoch {epoch + 1} is {mean}")
    return mean


def has_stalled(losses: Sequence[float], tol: float | None) -> bool:
    """Whether the loss of the last epoch is not below that of the one before by a share `tol`.

    >>> has_stalled([2.0, 1.99], 0.01), has_stalled([2.0, 1.9], 0.01), has_stalled([2.0, 2.1], None)
    (True, False, False)
    """
    return tol is not None and len(losses) > 1 and losses[-1] > losses[-2] * (1.0 - tol)


def train_epochs(
    work: Work,
    sizes: Sequence[int] | np.ndarray,
    *,
    epochs: int,
    threads: int,
    verbose: int,
    description: str,
    unit: str = "words",
    tol: float | None = None,
    max_seconds: float | None = None,
    checkpoint: Checkpoint | None = None,
) -> Outcome:
    """Train on every chunk in every epoch.

    Parameters
    ----------
    work : callable
        ``work(epoch, chunk)`` trains on a chunk and returns the sum of its losses and the number of
        terms in the sum. It is called for the chunks of an epoch in order; from several threads, so
        it must release the GIL to gain from them.
    sizes : sequence of int (n_chunks,)
        Words, or another unit, of each chunk.
    epochs : int
    threads : int
        At least 1.
    verbose : int
        0 shows no bar.
    description, unit : str
        What the bar says.
    tol : float or None, default=None
        Stop after the first epoch whose mean loss is not below that of the epoch before it by at
        least this share of it; None trains all epochs.
    max_seconds : float or None, default=None
        Stop at the first chunk that begins later than this.
    checkpoint : Checkpoint or None, default=None
        Where to take up interrupted training from, and to save it to: after each epoch, once a
        while, and on an interruption.

    Returns
    -------
    Outcome

    Raises
    ------
    KeyboardInterrupt
        Passed on once the chunks at work are finished and the checkpoint is written.
    FloatingPointError
        When the loss is not finite: the learning rate is too high.
    """
    place = checkpoint.resume() if checkpoint is not None else None
    run = _Run(work, sizes, threads, max_seconds, checkpoint, place or Place())
    started = time.monotonic()
    done_before = run.done(sizes)
    bar: Progress[None] = progress(
        total=float(sum(sizes)) * epochs, description=description, verbose=verbose, unit=unit
    )
    with bar:
        bar.update(done_before)
        stopped = run.epochs(epochs, tol, bar, description)
    if checkpoint is not None:
        checkpoint.remove()
    return Outcome(run.place.losses, len(run.place.losses), stopped, time.monotonic() - started)


class _Run:
    """Training under way: the place in it, and the threads of the current epoch."""

    def __init__(
        self,
        work: Work,
        sizes: Sequence[int] | np.ndarray,
        threads: int,
        max_seconds: float | None,
        checkpoint: Checkpoint | None,
        place: Place,
    ) -> None:
        self._work = work
        self._sizes = [int(size) for size in sizes]
        self._threads = min(threads, len(self._sizes))
        self._checkpoint = checkpoint
        self._deadline = np.inf if max_seconds is None else time.monotonic() + max_seconds
        self._lock = threading.Lock()
        self._hold = False
        self._failure: BaseException | None = None
        self._finished = 0
        self.place = place

    def done(self, sizes: Sequence[int] | np.ndarray) -> float:
        return float(self.place.epoch * sum(sizes) + sum(sizes[: self.place.chunk]))

    def epochs(self, epochs: int, tol: float | None, bar: Progress[None], description: str) -> bool:
        """Train, and say whether it ended before its time."""
        losses = self.place.losses
        while self.place.epoch < epochs:
            label = f"{description}, epoch {self.place.epoch + 1}/{epochs}"
            if losses:
                label += f", loss {losses[-1]:.4f}"
            bar.update(0, description=label)
            complete = self._epoch(bar)
            if self.place.n_terms:
                losses.append(mean_loss(self.place.loss, self.place.n_terms, self.place.epoch))
            if not complete:
                return True
            self.place.next_epoch()
            if self._checkpoint is not None and self.place.epoch < epochs:
                self._checkpoint.save(self.place)
            if has_stalled(losses, tol):
                return self.place.epoch < epochs
        return False

    def _epoch(self, bar: Progress[None]) -> bool:
        """The rest of an epoch; False when the time was up before its end."""
        n_chunks = len(self._sizes)
        while self.place.chunk < n_chunks:
            if time.monotonic() > self._deadline:
                return False
            self._until_held(bar)
            if self._failure is not None:
                raise self._failure
            unfinished = self.place.chunk < n_chunks and time.monotonic() <= self._deadline
            if unfinished and self._checkpoint is not None:
                self._checkpoint.save(self.place)
        return True

    def _until_held(self, bar: Progress[None]) -> None:
        """Work in threads until the epoch ends or something has to be done between chunks."""
        self._hold = False
        # In threads even if it is one: an interruption then meets this thread between chunks, never
        # between a chunk and the note that it is done.
        workers = [threading.Thread(target=self._take_chunks) for _ in range(self._threads)]
        try:
            for worker in workers:
                worker.start()
            for worker in workers:
                while worker.is_alive():
                    worker.join(_WAKE_SECONDS)
                    self._report(bar)
                    due = self._checkpoint is not None and self._checkpoint.is_due()
                    if due or time.monotonic() > self._deadline:
                        self._hold = True
        except BaseException:
            self._hold = True
            for worker in workers:
                if worker.ident is not None:
                    worker.join()
            if self._checkpoint is not None and self._failure is None:
                self._checkpoint.save(self.place)
            raise
        self._report(bar)

    def _report(self, bar: Progress[None]) -> None:
        with self._lock:
            finished, self._finished = self._finished, 0
        if finished:
            bar.update(finished)

    def _take_chunks(self) -> None:
        while True:
            with self._lock:
                chunk = self.place.chunk
                if self._hold or chunk == len(self._sizes):
                    return
                self.place.chunk += 1
            try:
                loss, n_terms = self._work(self.place.epoch, chunk)
            except BaseException as error:
                with self._lock:
                    self._hold = True
                    self._failure = error
                return
            with self._lock:
                self.place.loss += loss
                self.place.n_terms += n_terms
                self._finished += self._sizes[chunk]
