"""What a server counts, in the text format of Prometheus; several workers count as one."""

from __future__ import annotations

import bisect
import mmap
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of the text that `Metrics.exposition` gives."""

PATHS = ("/predict", "/explain", "/transform", "/health", "/metrics", "other")
"""Paths that are counted by name; a client may ask for any number of others."""

STATUSES = ("200", "400", "404", "405", "408", "413", "422", "500", "501", "502", "503", "other")

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the times of requests; from 5 ms on those of Prometheus' own clients."""

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""Upper bounds of the number of texts that the model is asked about at once."""

_DOUBLE = 8  # bytes
_SUFFIX = ".counts"

# The order of the numbers in a sheet.
_LATENCY_WIDTH = len(SECONDS) + 2  # one above the last bound, and the sum
_BATCH_WIDTH = len(BATCHES) + 2
_IN_FLIGHT = 0
_REQUESTS = 1
_LATENCIES = _REQUESTS + len(PATHS) * len(STATUSES)
_TEXTS = _LATENCIES + len(PATHS) * _LATENCY_WIDTH
_BATCHES = _TEXTS + len(PATHS)
_SIZE = _BATCHES + _BATCH_WIDTH
_PATH_POSITIONS = {path: at for at, path in enumerate(PATHS)}
_STATUS_POSITIONS = {int(status): at for at, status in enumerate(STATUSES[:-1])}


class Metrics:
    """Counters of one process, and the sum of those of all that share a folder.

    Parameters
    ----------
    folder : Path, optional
        Of several workers: each keeps its counters in a file of its own there, which stays when it
        ends, so that sums never fall. None counts in memory.

    Examples
    --------
    >>> metrics = Metrics()
    >>> metrics.begin()
    >>> metrics.end("/predict", 200, 0.004)
    >>> [line for line in metrics.exposition({}).splitlines() if line.endswith('status="200"} 1')]
    ['textrep_requests_total{path="/predict",status="200"} 1']
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._own = _sheet(folder)

    def begin(self) -> None:
        """Count a request that has come."""
        self._own[_IN_FLIGHT] += 1

    def end(self, path: str, status: int, seconds: float) -> None:
        """Count a request that was answered.

        Parameters
        ----------
        path : str
            One that is not in `PATHS` is counted with the others.
        status : int
            Of HTTP.
        seconds : float
            From when it came.
        """
        own = self._own
        own[_IN_FLIGHT] -= 1
        at = _PATH_POSITIONS.get(path, len(PATHS) - 1)
        own[_REQUESTS + at * len(STATUSES) + _STATUS_POSITIONS.get(status, len(STATUSES) - 1)] += 1
        first = _LATENCIES + at * _LATENCY_WIDTH
        own[first + bisect.bisect_left(SECONDS, seconds)] += 1
        own[first + _LATENCY_WIDTH - 1] += seconds

    def count_texts(self, path: str, n_texts: int) -> None:
        """Count texts that were asked about.

        Parameters
        ----------
        path : str
            One of `PATHS`.
        n_texts : int
        """
        self._own[_TEXTS + _PATH_POSITIONS[path]] += n_texts

    def count_batch(self, n_texts: int) -> None:
        """Count a call of the model.

        Parameters
        ----------
        n_texts : int
            Texts that it was asked about at once.
        """
        self._own[_BATCHES + bisect.bisect_left(BATCHES, n_texts)] += 1
        self._own[_BATCHES + _BATCH_WIDTH - 1] += n_texts

    def exposition(self, about: Mapping[str, str]) -> str:
        """All counters as text.

        Parameters
        ----------
        about : mapping of str to str
            What is known of the model, as labels of a metric that is always 1.

        Returns
        -------
        str
            Of content type `CONTENT_TYPE`.
        """
        return "".join(f"{line}\n" for line in _lines(self._sums(), about))

    def _sums(self) -> list[float]:
        if self._folder is None:
            return list(self._own)
        sums = [0.0] * _SIZE
        for path in self._folder.glob(f"*{_SUFFIX}"):
            numbers = list(memoryview(path.read_bytes()).cast("d"))
            if len(numbers) != _SIZE:
                continue  # of a worker that is just starting
            if not _is_running(int(path.stem)):
                numbers[_IN_FLIGHT] = 0.0  # what it was doing ended with it
            sums = [a + b for a, b in zip(sums, numbers, strict=True)]
        return sums


def _sheet(folder: Path | None) -> memoryview[float]:
    """Numbers of one process, all zero, in memory or in a file that others can read."""
    if folder is None:
        return memoryview(bytearray(_DOUBLE * _SIZE)).cast("d")
    with (folder / f"{os.getpid()}{_SUFFIX}").open("w+b") as file:
        file.truncate(_DOUBLE * _SIZE)
        return memoryview(mmap.mmap(file.fileno(), _DOUBLE * _SIZE)).cast("d")


def _is_running(process: int) -> bool:
    if os.name == "nt":
        return True  # where signal 0 would not ask, but interrupt
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _lines(sums: Sequence[float], about: Mapping[str, str]) -> Iterator[str]:
    yield from _head("textrep_model_info", "gauge", "The model that is served.")
    yield f"textrep_model_info{_labels(about)} 1"
    yield from _head("textrep_requests_in_flight", "gauge", "Requests that are being answered.")
    yield f"textrep_requests_in_flight {_number(sums[_IN_FLIGHT])}"
    yield from _head("textrep_requests_total", "counter", "Requests answered.")
    for at, path in enumerate(PATHS):
        for number, status in enumerate(STATUSES, _REQUESTS + at * len(STATUSES)):
            if sums[number]:
                labels = _labels({"path": path, "status": status})
                yield f"textrep_requests_total{labels} {_number(sums[number])}"
    name = "textrep_request_seconds"
    yield from _head(name, "histogram", "Seconds from a request to its answer.")
    for at, path in enumerate(PATHS):
        first = _LATENCIES + at * _LATENCY_WIDTH
        values = sums[first : first + _LATENCY_WIDTH]
        yield from _histogram(name, {"path": path}, SECONDS, values)
    yield from _head("textrep_texts_total", "counter", "Texts that were asked about.")
    for at, path in enumerate(PATHS[:3]):
        yield f"textrep_texts_total{_labels({'path': path})} {_number(sums[_TEXTS + at])}"
    name = "textrep_batch_texts"
    yield from _head(name, "histogram", "Texts that the model was asked about at once.")
    yield from _histogram(name, {}, BATCHES, sums[_BATCHES:_SIZE])


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _histogram(
    name: str, labels: Mapping[str, str], bounds: Iterable[float], values: Sequence[float]
) -> Iterator[str]:
    """Lines of a histogram; `values` are the counts between the bounds, and the sum."""
    *counts, total = values
    below = 0.0
    for bound, count in zip([*map(_number, bounds), "+Inf"], counts, strict=True):
        below += count
        yield f"{name}_bucket{_labels({**labels, 'le': bound})} {_number(below)}"
    yield f"{name}_sum{_labels(labels)} {_number(total)}"
    yield f"{name}_count{_labels(labels)} {_number(below)}"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    text = value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    # Half a surrogate pair, as in the name of a folder, has no place in UTF-8.
    return text.encode("utf-8", "replace").decode("utf-8")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
