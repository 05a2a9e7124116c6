"""Collections of dask, known without importing dask: their parts as columns of texts or as blocks.

Whatever takes them works on one part at a time and puts the answers together in the order of the
parts, so that they equal those for all rows at once.
"""

from __future__ import annotations

import contextlib
import math
import pickle
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from textrep.core.column import is_missing
from textrep.core.messages import shown, type_name
from textrep.core.text import TextInputError

MERGED_AT_ONCE = 8
"""Neighbouring results that one task merges: a tree of few levels, whose tasks hold few results."""

_KEPT_OBJECTS = 4  # that a process keeps of those sent to it

_CHOICES = "a bag, a series, a data frame of one column, or an array of one dimension"


class Parts(NamedTuple):
    """The parts of a collection, in their order.

    Attributes
    ----------
    delayed : list of dask.delayed.Delayed
    heights : list of int or float
        Rows of each part; NaN where that is known only when it is computed.
    """

    delayed: list[Any]
    heights: list[float]


def is_partitioned(X: Any) -> bool:
    """Whether something is of dask: a collection in parts that are computed later.

    Parameters
    ----------
    X : object

    Returns
    -------
    bool

    Examples
    --------
    >>> is_partitioned(["so much text"])
    False
    """
    return type(X).__module__.startswith("dask.")


def text_parts(X: Any) -> Parts:
    """Parts of a collection of documents.

    Parameters
    ----------
    X : dask bag, series, data frame of one column, or array of one dimension

    Returns
    -------
    Parts
        What a part becomes when it is computed, `part_texts` reads.

    Raises
    ------
    TextInputError
        For anything else of dask.
    """
    # a Delayed answers to any name, so its type is asked
    if not (hasattr(type(X), "to_delayed") and hasattr(X, "npartitions")):
        raise TextInputError(f"expected documents in {_CHOICES}; got a {type_name(X)}")
    if hasattr(type(X), "chunks"):
        if X.ndim != 1:
            raise TextInputError(
                f"expected one column of texts, got a dask array of shape {X.shape}; "
                "choose the column, for example table[:, 0]"
            )
        return Parts(X.to_delayed().tolist(), list(X.chunks[0]))
    if getattr(X, "ndim", 1) == 2 and len(X.columns) != 1:
        raise TextInputError(
            f"a dask data frame with the columns {shown(list(map(str, X.columns)))}; choose the "
            "one that holds the texts, for example frame['text']"
        )
    delayed = X.to_delayed()
    return Parts(list(delayed), [math.nan] * len(delayed))


def block_parts(X: Any) -> Parts:
    """Parts of a matrix: blocks of rows with all of its columns.

    Parameters
    ----------
    X : dask array (n_samples, n_features), of blocks of any kind

    Returns
    -------
    Parts

    Raises
    ------
    ValueError
        When it is no such array.
    """
    if not hasattr(type(X), "chunks") or X.ndim != 2:
        raise ValueError(
            f"expected a dask array of two dimensions, such as a vectoriser's transform gives; got "
            f"a {type_name(X)} (of a data frame of numbers, give frame.to_dask_array())"
        )
    if X.numblocks[1] > 1:
        X = X.rechunk({1: -1})
    return Parts(X.to_delayed()[:, 0].tolist(), list(X.chunks[0]))


def part_texts(part: Any) -> Any:
    """The documents of a part that has been computed.

    Parameters
    ----------
    part : list, iterator, numpy array, pandas Series or DataFrame of one column

    Returns
    -------
    list, numpy array or pandas Series
    """
    if getattr(part, "ndim", 1) == 2 and hasattr(part, "iloc"):
        return part.iloc[:, 0]
    return part if hasattr(part, "__len__") else list(part)


@contextlib.contextmanager
def naming_part(number: int, texts: Any) -> Iterator[None]:
    """Let errors say in which part of a collection something is wrong, and where in it.

    Parameters
    ----------
    number : int
        Of the part, from 0.
    texts : sequence
        What `part_texts` has read.

    Raises
    ------
    TextInputError
        In place of any ValueError; of texts that are missing it says the row in the part.
    """
    try:
        yield
    except ValueError as error:
        # Only now: looking at each text would cost more than many a transform.
        missing = next((row for row, text in enumerate(texts) if is_missing(text)), None)
        if missing is None:
            raise TextInputError(f"partition {number}: {error}") from error
        raise TextInputError(
            f"row {missing} of partition {number} is a missing value; expected a str. Drop such "
            "rows (dropna) or put '' in their place (fillna)."
        ) from error


class Sent:
    """An object that many tasks use: a process unpickles it once, however often it comes.

    Parameters
    ----------
    value : object

    Attributes
    ----------
    value : object
    """

    def __init__(self, value: Any) -> None:
        self.value = value
        self._name = uuid.uuid4().hex
        self._pickled: bytes | None = None

    def __reduce__(self) -> tuple[Callable[..., Sent], tuple[str, bytes]]:
        if self._pickled is None:
            import cloudpickle

            self._pickled = cloudpickle.dumps(self.value)
        return _received, (self._name, self._pickled)


_here: dict[str, Sent] = {}
_receiving = threading.Lock()


def _received(name: str, pickled: bytes) -> Sent:
    with _receiving:
        if name not in _here:
            while len(_here) >= _KEPT_OBJECTS:
                del _here[next(iter(_here))]
            _here[name] = Sent(pickle.loads(pickled))
            _here[name]._name = name
        return _here[name]


def send(value: Any) -> Any:
    """One node of a graph that many tasks take an object from.

    Parameters
    ----------
    value : object

    Returns
    -------
    dask.delayed.Delayed
        Of a `Sent`; dask.distributed moves it once to each worker.
    """
    from dask import delayed

    return delayed(Sent(value), traverse=False)


def merged_in_order(results: Sequence[Any], merge: Callable[[list[Any]], Any]) -> Any:
    """Merge results as a tree of tasks, each of neighbours.

    Parameters
    ----------
    results : sequence of dask.delayed.Delayed
        At least one, in the order of the parts.
    merge : callable
        Takes a list of results and gives one of the same kind.

    Returns
    -------
    dask.delayed.Delayed
    """
    from dask import delayed

    merging = delayed(merge, pure=False)
    level = list(results)
    while True:
        groups = (level[at : at + MERGED_AT_ONCE] for at in range(0, len(level), MERGED_AT_ONCE))
        level = [merging(group) for group in groups]
        if len(level) == 1:
            return level[0]
